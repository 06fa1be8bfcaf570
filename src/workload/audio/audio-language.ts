/** Workload files of family `audio-language`: sound and text in, text out. */
import { type CrossFault, quantity, z } from '../../base/schema.ts';
import { prependEncoder } from '../encoder-phase.ts';
import { checkFormatNames, checkName, defineFamily, valueAt } from '../family.ts';
import type { RequestPlan } from '../graph.ts';
import {
  checkContext,
  checkFormats,
  formatShape,
  llmOptions,
  requestShape,
} from '../llm/family.ts';
import { buildLlmRequest } from '../llm.ts';
import { findLlm, type LlmModel } from '../models/llm-model.ts';
import type { ModelTables } from '../models/tables.ts';
import type { WeightFormat } from '../models/weight-format.ts';
import { type Network, type NetworkSettings, openNetwork } from '../network/network-builder.ts';
import type { AudioLanguageModel } from './audio-language-model.ts';
import { WINDOW_SECONDS } from './request.ts';
import type { SpeechModel } from './speech-model.ts';
import { addSpeechEncoder } from './whisper.ts';

/** Encoder of one window of audio, and the product that makes tokens of its positions. */
export function buildAudioTower(
  model: AudioLanguageModel,
  encoder: SpeechModel,
  llm: LlmModel,
  settings: NetworkSettings,
): Network {
  const net = openNetwork(`${model.id}/audio`, settings);
  const { hidden, audioContext } = encoder;
  const heard = addSpeechEncoder(net, encoder);
  const pooled = net.vector('connector.pool', 'AveragePool', heard, audioContext * hidden, 1);
  net.linear('connector.linear', pooled, {
    rows: Math.floor(audioContext / model.pool),
    inputs: hidden,
    outputs: llm.hidden,
  });
  return net.build();
}

const audioLanguageSpec = z.strictObject({
  version: z.literal(1),
  family: z.literal('audio-language'),
  summary: z.string(),
  /** Row of audio-language.csv. */
  model: z.string(),
  ...formatShape,
  /** For the encoder and its product, when it differs. */
  encoderFormat: z.string().optional(),
  /** In the encoder, run sums and activations inside the operators they follow. */
  fuseEncoder: z.boolean().default(true),
  /** Length of the sound; the encoder runs over windows of 30 s, the last one padded. */
  audio: quantity('time'),
  /** Text tokens of the prompt; audio tokens come on top. */
  ...requestShape,
});

export const audioLanguageFamily = defineFamily({
  summary:
    'audio-language model: audio encoder, then prefill of audio and text tokens, then decode',
  schema: audioLanguageSpec,
  check: (data, tables) => [
    ...checkName(data, 'model', Object.keys(tables.audioLanguage), 'audio-language model'),
    ...checkFormatNames(data, tables, { weights: ['encoderFormat'] }),
    ...checkFormats(data, tables),
    ...checkAudioContext(data, tables),
  ],
  build: (spec, tables, name): RequestPlan => {
    const model = tables.audioLanguage[spec.model] as AudioLanguageModel;
    const encoder = tables.speech[model.encoder] as SpeechModel;
    const language = findLlm(tables.llm, model.llm).model;
    const settings: NetworkSettings = {
      weights: tables.formats[spec.encoderFormat ?? spec.weightFormat] as WeightFormat,
      activation: spec.activations,
      batch: 1,
      fuse: spec.fuseEncoder,
    };
    const options = llmOptions(spec, tables);
    const answer = buildLlmRequest({
      name,
      model: language,
      ...options,
      promptTokens: options.promptTokens + audioTokens(model, encoder, spec.audio),
    });
    const tower = buildAudioTower(model, encoder, language, settings);
    const windows = Math.ceil(spec.audio / WINDOW_SECONDS);
    return prependEncoder(answer, 'audio-encoder', tower, windows);
  },
});

function audioTokens({ pool }: AudioLanguageModel, encoder: SpeechModel, seconds: number): number {
  return Math.ceil((seconds / WINDOW_SECONDS) * (encoder.audioContext / pool));
}

/** Length in the file's own words is checked by the schema; here it only has to be a number of seconds or minutes. */
function checkAudioContext(data: unknown, tables: ModelTables): CrossFault[] {
  const name = valueAt(data, 'model');
  if (typeof name !== 'string' || !Object.hasOwn(tables.audioLanguage, name)) return [];
  const model = tables.audioLanguage[name] as AudioLanguageModel;
  const seconds = quantity('time').safeParse(valueAt(data, 'audio'));
  if (!seconds.success) return [];
  const extra = audioTokens(model, tables.speech[model.encoder] as SpeechModel, seconds.data);
  return checkContext(data, tables, model.llm, extra);
}
