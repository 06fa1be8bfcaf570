/** Workload files of family `speech`: a recogniser turns a length of audio into text. */
import { type CrossFault, quantity, z } from '../../base/schema.ts';
import {
  ACTIVATION_DTYPES,
  checkFormatNames,
  checkName,
  defineFamily,
  valueAt,
} from '../family.ts';
import type { ModelTables } from '../models/tables.ts';
import { buildSpeechRequest, PREFIX_TOKENS, WINDOW_SECONDS } from './request.ts';

const speechSpec = z.strictObject({
  version: z.literal(1),
  family: z.literal('speech'),
  summary: z.string(),
  /** Row of asr.csv. */
  model: z.string(),
  /** Row of weight-formats.csv. */
  weightFormat: z.string(),
  activations: z.enum(ACTIVATION_DTYPES).default('fp16'),
  kvCache: z.string().default('fp16'),
  /** Length of the recording; it is cut into windows of 30 s, the last one padded. */
  audio: quantity('time'),
  /** Text tokens per second of audio; about 3 for fluent English. */
  tokensPerSecond: z.number().positive().max(20).default(3),
  /** Run sums and activations inside the operators they follow. */
  fuse: z.boolean().default(true),
});

export const speechFamily = defineFamily({
  summary: 'speech recogniser: per window of audio one encoder run, then text token by token',
  schema: speechSpec,
  check: (data, tables) => [
    ...checkName(data, 'model', Object.keys(tables.speech), 'speech model'),
    ...checkFormatNames(data, tables, { weights: ['weightFormat'], tensors: ['kvCache'] }),
    ...checkTokens(data, tables),
  ],
  build: (spec, tables, name) => {
    const format = (key: string) => tables.formats[key] as (typeof tables.formats)[string];
    const windows = Math.ceil(spec.audio / WINDOW_SECONDS);
    return buildSpeechRequest({
      name,
      model: tables.speech[spec.model] as (typeof tables.speech)[string],
      weightFormat: format(spec.weightFormat),
      kvFormat: format(spec.kvCache),
      activationDType: spec.activations,
      windows,
      fuse: spec.fuse,
      tokensPerWindow: Math.max(1, Math.round((spec.audio * spec.tokensPerSecond) / windows)),
    });
  },
});

function checkTokens(data: unknown, { speech }: ModelTables): CrossFault[] {
  const rate = valueAt(data, 'tokensPerSecond');
  const name = valueAt(data, 'model');
  const model = typeof name === 'string' && Object.hasOwn(speech, name) ? speech[name] : undefined;
  if (typeof rate !== 'number' || !model) return [];
  const room = model.textContext - PREFIX_TOKENS;
  if (rate * WINDOW_SECONDS <= room) return [];
  return [
    {
      path: ['tokensPerSecond'],
      message: `more text than one window of ${model.id} may hold`,
      expected: `at most ${(room / WINDOW_SECONDS).toFixed(1)} (${room} tokens per window)`,
      got: String(rate),
    },
  ];
}
