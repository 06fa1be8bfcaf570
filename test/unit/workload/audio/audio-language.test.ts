/** Requests with sound against the public shape of Qwen-Audio. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../../src/base/spec-file.ts';
import { buildAudioTower } from '../../../../src/workload/audio/audio-language.ts';
import { parseAudioLanguageModels } from '../../../../src/workload/audio/audio-language-model.ts';
import { buildWorkload, parseWorkload } from '../../../../src/workload/workload-spec.ts';
import { format, llm, tables } from '../../../support/workload-tables.ts';

const BASE = {
  version: '1',
  family: 'audio-language',
  summary: 'a test',
  model: 'qwen-audio-7b',
  weightFormat: 'int4-g128-fp16scale',
  audio: '45 s',
  promptTokens: '32',
  generatedTokens: '100',
};

function parse(changes: Record<string, string> = {}) {
  const text = Object.entries({ ...BASE, ...changes })
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
  return parseWorkload(parseSpecFile(text, 'mine.yaml'), tables);
}

describe('the audio tower', () => {
  it('is the encoder of Whisper large and one product', () => {
    const model = tables.audioLanguage['qwen-audio-7b'];
    const encoder = tables.speech['whisper-large-v2'];
    if (!model || !encoder) throw new Error('missing rows');
    const settings = { weights: format('fp16'), activation: 'fp16', batch: 1 } as const;
    const tower = buildAudioTower(model, encoder, llm('qwen-7b'), settings);
    expect(tower.parameters).toBe(636_784_640 + 1280 * 4096 + 4096);
  });
});

describe('an audio-language request', () => {
  it('hears window by window and puts 25 tokens per second into the prompt', () => {
    const plan = buildWorkload(parse(), tables, 'mine');
    expect(plan.phases.map(({ name }) => name)).toEqual(['audio-encoder', 'prefill', 'decode']);
    expect(plan.phases[0]?.steps).toBe(2);
    expect(plan.promptTokens).toBe(32 + 1125);
  });

  it.each([
    [{ model: 'qwen-audio' }, /unknown audio-language model.*did you mean "qwen-audio-7b"/],
    [{ audio: '6 min' }, /promptTokens: prompt and answer exceed the context of qwen-7b.*got 9132/],
    [{ audio: '6 kg' }, /audio/],
    [{ audio: '-6 s' }, /audio: must be above zero/],
    [{ encoderFormat: 'int9' }, /encoderFormat: unknown weight format/],
  ])('refuses %j', (changes, message) => {
    expect(() => parse(changes as Record<string, string>)).toThrow(message);
  });
});

describe('the table of audio-language models', () => {
  it('refuses bad cells with their lines', () => {
    const text = 'id,encoder,pool,llm\nmine,e,0,l\nmine,e,1,l\n';
    expect(() => parseAudioLanguageModels(text, 'a.csv')).toThrow(/a\.csv:2: pool/);
    expect(() => parseAudioLanguageModels(text, 'a.csv')).toThrow(/a\.csv:3: id: this name/);
  });
});
