/** From a measured row to the scenario that should reproduce it, or the reason why none does. */
import { parseCsv } from '../../base/csv.ts';
import { GIGA } from '../../base/units.ts';
import type { RuntimeSpec } from '../../runtime/runtime-spec.ts';
import { llmParameters } from '../../workload/llm/parameters.ts';
import type { ModelTables } from '../../workload/models/tables.ts';
import { type LlmRow, slug } from './llm-rows.ts';

export interface MappedRow {
  readonly row: LlmRow;
  /** Scenario keys; `workload` is built, not named. */
  readonly scenario: Readonly<Record<string, string>>;
  /** A workload description of family `llm`. */
  readonly workload: Readonly<Record<string, unknown>>;
  /** Where the prediction departs from the row: stand-ins and assumed values. */
  readonly assumptions: readonly string[];
}

export type Mapping = MappedRow | { readonly row: LlmRow; readonly reason: string };

/** What there is to map to. */
export interface MappingTables {
  readonly socs: readonly string[];
  readonly runtimes: Readonly<Record<string, RuntimeSpec>>;
  readonly models: ModelTables;
  readonly aliases: Readonly<Record<string, { readonly model: string; readonly why: string }>>;
}

/** Prompt where a row gives none: a short question, as decode benchmarks use. */
const DEFAULT_PROMPT = 64;
/** Tokens generated to measure the decode rate; the rate changes little over so few. */
const GENERATED = 32;
/** Farthest a model of unknown shape may stand from its stand-in, as a ratio of parameters. */
const STAND_IN_RATIO = 1.35;

/** Reads `workloads/models/aliases.csv`. */
export function parseAliases(text: string, file: string): MappingTables['aliases'] {
  const { rows } = parseCsv(text, file, ['name', 'model', 'why']);
  return Object.fromEntries(
    rows.map(({ values }) => [
      values['name'] as string,
      { model: values['model'] as string, why: values['why'] as string },
    ]),
  );
}

export function mapLlmRow(row: LlmRow, tables: MappingTables): Mapping {
  const soc = slug(row.soc);
  if (!tables.socs.includes(soc)) return { row, reason: `no description of SoC "${row.soc}"` };
  const runtime = Object.values(tables.runtimes).find(({ aliases }) =>
    aliases.includes(row.runtime),
  );
  const placement = placementOf(row);
  if ('reason' in placement) return { row, reason: placement.reason };
  if (!runtime && row.unit !== 'hybrid')
    return { row, reason: `runtime "${row.runtime}" has no class` };
  const model = modelOf(row, tables);
  if ('reason' in model) return { row, reason: model.reason };
  return mapped(
    row,
    soc,
    runtime ?? (tables.runtimes['vendor'] as RuntimeSpec),
    placement,
    model,
    tables,
  );
}

function mapped(
  row: LlmRow,
  soc: string,
  runtime: RuntimeSpec,
  placement: Placement,
  model: FoundModel,
  tables: MappingTables,
): Mapping {
  const assumptions = [...model.assumptions];
  const bits = row.weightBits === '4.5' ? '4' : row.weightBits || '4';
  if (row.weightBits === '') assumptions.push('4-bit weights assumed');
  const format = runtime.models.formats[bits];
  if (format === undefined)
    return { row, reason: `runtime class ${runtime.name} has no ${bits}-bit format` };
  const prompt = row.promptTokens ?? DEFAULT_PROMPT;
  if (row.promptTokens === undefined) assumptions.push(`${DEFAULT_PROMPT} prompt tokens assumed`);
  const context = tables.models.llm.models[model.id]?.maxContext ?? Number.POSITIVE_INFINITY;
  if (prompt + GENERATED > context) assumptions.push(`prompt cut to the context of ${model.id}`);
  const head = format.startsWith('int') ? runtime.models.headFormat : undefined;
  return {
    row,
    scenario: { soc, runtime: runtime.name, ...placement.scenario },
    workload: {
      version: 1,
      family: 'llm',
      summary: `measured row ${row.id}`,
      model: model.id,
      weightFormat: format,
      ...(head === undefined ? {} : { embeddingFormat: head, headFormat: head }),
      activations: runtime.models.activations[placement.kind] ?? 'fp16',
      promptTokens: Math.min(prompt, context - GENERATED),
      generatedTokens: GENERATED,
      ...(runtime.models.prefillChunk === undefined
        ? {}
        : { prefillChunk: runtime.models.prefillChunk }),
    },
    assumptions,
  };
}

interface Placement {
  readonly kind: 'cpu' | 'gpu' | 'npu';
  readonly scenario: Readonly<Record<string, string>>;
}

function placementOf(row: LlmRow): Placement | { readonly reason: string } {
  const { unit } = row;
  if (unit === 'cpu' || unit === 'gpu' || unit === 'npu') return { kind: unit, scenario: { unit } };
  if (unit === 'hybrid' && /NPU prefill, CPU decode/.test(row.runtime)) {
    return { kind: 'npu', scenario: { policy: 'stage-wise', unit: 'npu', decodeUnit: 'cpu' } };
  }
  return {
    reason: `several units at once in one operator ("${row.runtime}") are not modelled yet`,
  };
}

interface FoundModel {
  readonly id: string;
  readonly assumptions: readonly string[];
}

function modelOf(row: LlmRow, tables: MappingTables): FoundModel | { readonly reason: string } {
  const name = slug(row.model);
  const { models } = tables.models.llm;
  if (Object.hasOwn(models, name)) return { id: name, assumptions: [] };
  const alias = tables.aliases[name];
  if (alias)
    return { id: alias.model, assumptions: [`${alias.model} for ${row.model}: ${alias.why}`] };
  const nearest = nearestBySize(row.billions, tables);
  if (nearest)
    return { id: nearest, assumptions: [`${nearest} stands in for ${row.model} by size`] };
  return { reason: `the shape of ${row.model} is not known` };
}

function nearestBySize(
  billions: number | undefined,
  { models }: MappingTables,
): string | undefined {
  if (billions === undefined) return undefined;
  const distance = (parameters: number) => Math.abs(Math.log(parameters / (billions * GIGA)));
  const dense = Object.values(models.llm.models).filter(({ experts }) => experts === undefined);
  const sorted = dense
    .map((model) => ({ id: model.id, away: distance(llmParameters(model)) }))
    .sort((a, b) => a.away - b.away);
  const best = sorted[0];
  return best && best.away <= Math.log(STAND_IN_RATIO) ? best.id : undefined;
}
