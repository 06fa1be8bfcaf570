/** Format of embedding and head: what the row says, else the engine's usual one unless the stored size tells otherwise. */
import { GIGA } from '../../base/units.ts';
import { llmWeightBytes } from '../../workload/llm/parameters.ts';
import type { WeightFormat } from '../../workload/models/weight-format.ts';
import type { MappingTables } from './llm-names.ts';
import type { LlmRow } from './llm-rows.ts';

/** A file this much off, as a ratio, is not the model and format that were taken for it; files may hold encoders as well. */
const NEAR = 1.2;
/** Published sizes are rounded: below this ratio two formats of the head cannot be told apart by them. */
const DISTINCT = 1.05;

interface Names {
  readonly model: string;
  /** Format of the layers. */
  readonly layers: string;
  /** The engine's usual format of the head, where it is another one. */
  readonly usual: string | undefined;
}
interface Head {
  /** Undefined: as the layers. */
  readonly format: string | undefined;
  readonly assumption?: string;
}

export function headFormatOf(
  row: Pick<LlmRow, 'weightGigabytes' | 'remarks'>,
  { model, layers, usual }: Names,
  { models }: Pick<MappingTables, 'models'>,
): Head {
  if (/\bfp16 head\b/.test(row.remarks)) return { format: 'fp16' };
  const away = (head: WeightFormat | undefined) =>
    distance(row.weightGigabytes, models.llm.models[model], models.formats[layers], head);
  const plain = away(models.formats[layers]);
  const nearer = usual !== undefined && away(models.formats[usual]) - plain > Math.log(DISTINCT);
  if (!nearer || plain > Math.log(NEAR)) return { format: usual };
  return {
    format: undefined,
    assumption: 'head and embedding as the layers, by the size of the file',
  };
}

/** How far the stored size is from what the formats give, as a logarithm. */
function distance(
  gigabytes: number | undefined,
  model: Parameters<typeof llmWeightBytes>[0] | undefined,
  weights: WeightFormat | undefined,
  head: WeightFormat | undefined,
): number {
  if (gigabytes === undefined || !model || !weights || !head) return Number.POSITIVE_INFINITY;
  const bytes = llmWeightBytes(model, { weights, embedding: head, head });
  return Math.abs(Math.log((gigabytes * GIGA) / bytes));
}
