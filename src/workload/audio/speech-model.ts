/** Speech recognisers: one row of `workloads/models/asr.csv` as a typed record. */
import { readTable } from '../models/table-cells.ts';

/** Encoder and decoder of Whisper's build: audio windows of fixed length in, text tokens out. */
export interface SpeechModel {
  readonly id: string;
  readonly hidden: number;
  readonly ffn: number;
  readonly heads: number;
  readonly encoderLayers: number;
  readonly decoderLayers: number;
  /** Frequency bands of the spectrogram, and frames of it per window. */
  readonly bands: number;
  readonly frames: number;
  /** Positions of the encoder's output per window. */
  readonly audioContext: number;
  /** Most text tokens per window. */
  readonly textContext: number;
  readonly vocab: number;
  readonly source: string;
}

const COLUMNS = [
  'id',
  'hidden',
  'ffn_hidden',
  'n_heads',
  'enc_layers',
  'dec_layers',
  'n_mels',
] as const;

export function parseSpeechModels(
  text: string,
  file: string,
): Readonly<Record<string, SpeechModel>> {
  return readTable(text, file, COLUMNS, (cells, id) => ({
    id,
    hidden: cells.count('hidden'),
    ffn: cells.count('ffn_hidden'),
    heads: cells.count('n_heads'),
    encoderLayers: cells.count('enc_layers'),
    decoderLayers: cells.count('dec_layers'),
    bands: cells.count('n_mels'),
    frames: cells.count('audio_frames_in'),
    audioContext: cells.count('audio_ctx'),
    textContext: cells.count('text_ctx'),
    vocab: cells.count('vocab'),
    source: cells.text('source'),
  }));
}
