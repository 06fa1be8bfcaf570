/** Speech recognisers against Whisper's published shapes. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../../src/base/spec-file.ts';
import { parseSpeechModels } from '../../../../src/workload/audio/speech-model.ts';
import {
  addSpeechEncoder,
  buildSpeechDecoder,
  buildSpeechEncoder,
} from '../../../../src/workload/audio/whisper.ts';
import { sumGraph } from '../../../../src/workload/graph-totals.ts';
import { openNetwork } from '../../../../src/workload/network/network-builder.ts';
import { buildWorkload, parseWorkload } from '../../../../src/workload/workload-spec.ts';
import { format, tables } from '../../../support/workload-tables.ts';

const fp16 = format('fp16');
const settings = { weights: fp16, activation: 'fp16', batch: 1 } as const;

function whisper(id: string) {
  const model = tables.speech[id];
  if (!model) throw new Error(id);
  return model;
}

describe('the encoder', () => {
  it.each([
    ['whisper-tiny', 8_208_384, 11.557, 6.912, 1.769],
    ['whisper-base', 20_590_592, 29.86, 13.824, 4.719],
    ['whisper-small', 88_154_112, 130.609, 41.472, 21.234],
    ['whisper-large-v3-turbo', 636_968_960, 952.566, 184.32, 19.661],
  ])('of %s', (id, parameters, layers, attention, cross) => {
    const model = whisper(id);
    const net = openNetwork(id, settings);
    addSpeechEncoder(net, model);
    const alone = net.build();
    const { macs, macsByOperator } = sumGraph(alone.graph, 0);
    const scores = macsByOperator['MultiHeadAttention'] ?? 0;
    expect(alone.parameters).toBe(parameters);
    expect((macs - scores) / 1e9).toBeCloseTo(layers, 2);
    expect(scores / 1e9).toBeCloseTo(attention, 2);
    const whole = sumGraph(buildSpeechEncoder(model, settings, fp16).graph, 0);
    expect((whole.macs - macs) / 1e9).toBeCloseTo(cross, 2);
  });

  it('leaves the keys and values of the window in the cache', () => {
    const { kvWriteBytes } = sumGraph(
      buildSpeechEncoder(whisper('whisper-tiny'), settings, fp16).graph,
      0,
    );
    expect(kvWriteBytes).toBe(9_216_000);
  });
});

describe('the decoder', () => {
  it.each([
    ['whisper-tiny', 32.782, 6144, 9_216_000],
    ['whisper-small', 166.571, 36_864, 55_296_000],
    ['whisper-large-v2', 923.27, 163_840, 245_760_000],
  ])('of %s', (id, megaMacs, selfBytes, crossBytes) => {
    const model = whisper(id);
    const step = buildSpeechDecoder(model, settings, fp16, 1);
    // At a context of one token its own score is all that self-attention adds.
    const { macs, kvReadBytes, kvWriteBytes } = sumGraph(step.graph, 1);
    const self = 2 * model.decoderLayers * model.hidden;
    expect((macs - self) / 1e6).toBeCloseTo(megaMacs, 2);
    expect(kvWriteBytes).toBe(selfBytes);
    expect(kvReadBytes).toBe(crossBytes);
    expect(sumGraph(step.graph, 11).kvReadBytes).toBe(crossBytes + 10 * selfBytes);
  });

  it('stores the embedding table once, and reads it whole for the logits', () => {
    const model = whisper('whisper-tiny');
    const step = buildSpeechDecoder(model, settings, fp16, 1);
    const lookedUp = 2 * model.hidden;
    const tables16 = model.textContext * model.hidden;
    const read = sumGraph(step.graph, 1).weightBytes / 2;
    expect(step.parameters - tables16 + lookedUp).toBe(read);
  });
});

const DICTATION = {
  version: '1',
  family: 'speech',
  summary: 'a test',
  model: 'whisper-small',
  weightFormat: 'fp16',
  audio: '75 s',
  tokensPerSecond: '2',
};

function parse(changes: Record<string, string> = {}) {
  const text = Object.entries({ ...DICTATION, ...changes })
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
  return parseWorkload(parseSpecFile(text, 'mine.yaml'), tables);
}

describe('a speech request', () => {
  it('runs window after window, sharing the graphs', () => {
    const plan = buildWorkload(parse(), tables, 'mine');
    expect(plan.phases.map(({ name }) => name)).toEqual(
      Array.from({ length: 3 }, () => ['audio-encoder', 'prefill', 'decode']).flat(),
    );
    expect(plan.phases[0]?.graph).toBe(plan.phases[3]?.graph);
    expect(plan.generatedTokens).toBe(150);
  });

  it.each([
    [{ model: 'whisper-smal' }, /unknown speech model.*did you mean "whisper-small"/],
    [{ audio: '75 kg' }, /audio/],
    [{ audio: '0 s' }, /audio: must be above zero/],
    [{ tokensPerSecond: '15' }, /tokensPerSecond: more text than one window.*444 tokens/],
    [{ tokensPerSecond: '-1' }, /tokensPerSecond/],
  ])('refuses %j', (changes, message) => {
    expect(() => parse(changes as Record<string, string>)).toThrow(message);
  });
});

describe('the table of speech models', () => {
  it('refuses bad cells with their lines', () => {
    const text = 'id,hidden,ffn_hidden,n_heads,enc_layers,dec_layers,n_mels\nmine,0,8,1,1,1,80\n';
    expect(() => parseSpeechModels(text, 's.csv')).toThrow(/s\.csv:2: hidden/);
  });
});
