/** Requests to a speech recogniser: per window of audio one encoder run, then text token by token. */
import type { DType } from '../../base/work.ts';
import type { Phase, RequestPlan } from '../graph.ts';
import { peakActivationBytes } from '../graph-totals.ts';
import type { WeightFormat } from '../models/weight-format.ts';
import type { SpeechModel } from './speech-model.ts';
import { buildSpeechDecoder, buildSpeechEncoder, cacheBytesPerPosition } from './whisper.ts';

export interface SpeechRequest {
  readonly name: string;
  readonly model: SpeechModel;
  readonly weightFormat: WeightFormat;
  readonly kvFormat: WeightFormat;
  readonly activationDType: DType;
  /** Windows of audio, one after another; each is padded to its full length. */
  readonly windows: number;
  /** Text tokens that one window yields. */
  readonly tokensPerWindow: number;
  /** Run sums and activations inside the operators they follow. */
  readonly fuse: boolean;
}

/** Length of audio that one encoder run covers. */
export const WINDOW_SECONDS = 30; // openai/whisper: whisper/audio.py, CHUNK_LENGTH

/** Tokens that start every window: start of transcript, language, task, no timestamps. */
export const PREFIX_TOKENS = 4; // openai/whisper: whisper/tokenizer.py, sot_sequence_including_notimestamps

export function buildSpeechRequest(request: SpeechRequest): RequestPlan {
  const { model, kvFormat, windows, tokensPerWindow } = request;
  const settings = {
    weights: request.weightFormat,
    activation: request.activationDType,
    batch: 1,
    fuse: request.fuse,
  };
  const encoder = buildSpeechEncoder(model, settings, kvFormat);
  const prefix = buildSpeechDecoder(model, settings, kvFormat, PREFIX_TOKENS);
  const step = buildSpeechDecoder(model, settings, kvFormat, 1);
  const fixed = { contextStride: 0, steps: 1 };
  const window: Phase[] = [
    { ...fixed, name: 'audio-encoder', graph: encoder.graph, contextStart: 0, outputsPerStep: 0 },
    {
      ...fixed,
      name: 'prefill',
      graph: prefix.graph,
      contextStart: PREFIX_TOKENS,
      outputsPerStep: 1,
    },
  ];
  if (tokensPerWindow > 1)
    window.push({
      name: 'decode',
      graph: step.graph,
      steps: tokensPerWindow - 1,
      contextStart: PREFIX_TOKENS + 1,
      contextStride: 1,
      outputsPerStep: 1,
    });
  const positions = model.audioContext + PREFIX_TOKENS + tokensPerWindow;
  return {
    name: request.name,
    phases: Array.from({ length: windows }, () => window).flat(),
    memory: {
      weights: encoder.weightBytes + step.weightBytes,
      kvCache: model.decoderLayers * positions * cacheBytesPerPosition(model, kvFormat),
      activations: Math.max(...window.map((phase) => peakActivationBytes(phase))),
    },
    promptTokens: windows * PREFIX_TOKENS,
    generatedTokens: windows * tokensPerWindow,
  };
}
