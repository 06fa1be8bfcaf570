/** Audio-language models: one row of `workloads/models/audio-language.csv` as a typed record. */
import { readTable } from '../models/table-cells.ts';

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
  return readTable(text, file, ['id', 'encoder', 'pool', 'llm'], (cells, id) => ({
    id,
    encoder: cells.text('encoder'),
    pool: cells.count('pool'),
    llm: cells.text('llm'),
  }));
}
