/** Audio-language models: one row of `workloads/models/audio-language.csv` as a typed record. */
import { parseCsv } from '../../base/csv.ts';
import { type Fault, SpecError } from '../../base/errors.ts';
import { openRow, refuseDuplicate } from '../models/table-cells.ts';

/** One row of `workloads/models/audio-language.csv`. */
export interface AudioLanguageModel {
  readonly id: string;
  /** Row of asr.csv whose encoder listens. */
  readonly encoder: string;
  /** Positions of the encoder that become one token. */
  readonly pool: number;
  /** Row of llm.csv that answers. */
  readonly llm: string;
}

export function parseAudioLanguageModels(
  text: string,
  file: string,
): Readonly<Record<string, AudioLanguageModel>> {
  const faults: Fault[] = [];
  const models: Record<string, AudioLanguageModel> = {};
  for (const row of parseCsv(text, file, ['id', 'encoder', 'pool', 'llm']).rows) {
    const cells = openRow(row, file, faults);
    const id = cells.text('id');
    refuseDuplicate(models, id, cells, 'id');
    models[id] = {
      id,
      encoder: cells.text('encoder'),
      pool: cells.count('pool'),
      llm: cells.text('llm'),
    };
  }
  if (faults.length > 0) throw new SpecError(faults);
  return models;
}
