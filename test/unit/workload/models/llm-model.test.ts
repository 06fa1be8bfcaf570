/** The table of language models: what a row may say, and what is refused. */
import { describe, expect, it } from 'vitest';
import { readBundled } from '../../../../src/load.ts';
import { findLlm, parseLlmTable } from '../../../../src/workload/models/llm-model.ts';
import { llm, tables } from '../../../support/workload-tables.ts';

const { text } = readBundled('workloads/models/llm.csv');
const lines = text.split('\n');
const columns = (lines[0] as string).split(',');
const llama = lines.find((line) => line.startsWith('llama-2-7b,')) as string;

/** The Llama 2 7B row with cells replaced. */
function row(changes: Record<string, string>): string {
  const cells = llama.split(',').slice(0, columns.indexOf('source'));
  for (const [column, value] of Object.entries(changes)) cells[columns.indexOf(column)] = value;
  return [...cells, 'me', 'A', ''].join(',');
}

function parse(...changes: Record<string, string>[]) {
  return parseLlmTable([lines[0], ...changes.map(row), ''].join('\n'), 'llm.csv');
}

describe('the table of language models', () => {
  it('reads the shape of Llama 2 7B', () => {
    expect(llm('llama-2-7b')).toMatchObject({
      layers: 32,
      hidden: 4096,
      heads: 32,
      kvHeads: 32,
      headDim: 128,
      valueDim: 128,
      ffn: 11_008,
      gated: true,
      vocab: 32_000,
      tied: false,
      norm: 'rms',
      normsPerLayer: 2,
      rotaryShare: 1,
      maxContext: 4096,
      window: undefined,
      experts: undefined,
      latent: undefined,
    });
  });

  it('reads windows and their patterns', () => {
    expect(llm('mistral-7b').window).toEqual({ tokens: 4096, local: 1, global: 0 });
    expect(llm('gemma-2-2b').window).toEqual({ tokens: 4096, local: 1, global: 1 });
    expect(llm('gemma-3-1b').window).toEqual({ tokens: 512, local: 5, global: 1 });
  });

  it('reads what hybrids have beside attention', () => {
    expect(llm('llama-2-7b')).toMatchObject({ recurrent: undefined, attentionGate: false });
    expect(llm('lfm2-350m')).toMatchObject({
      attentionGate: false,
      recurrent: { attending: [2, 5, 8, 10, 12, 14], mixer: { kind: 'short-conv', taps: 3 } },
    });
    expect(llm('qwen3.5-4b')).toMatchObject({
      attentionGate: true,
      recurrent: {
        attending: [3, 7, 11, 15, 19, 23, 27, 31],
        mixer: { kind: 'gated-delta', keyHeads: 16, valueHeads: 32, keyDim: 128, valueDim: 128 },
      },
    });
  });

  const mixer = { mixer: 'gated-delta', attention_layers: '3', mixer_taps: '4' };
  const heads = { mixer_key_heads: '4', mixer_key_dim: '64', mixer_value_dim: '64' };
  it.each([
    [{ mixer: 'delta' }, /mixer: not one of the allowed values.*gated-delta, short-conv/],
    [
      { ...mixer, ...heads, mixer_value_heads: '4', attention_layers: '3 40' },
      /attention_layers: not a list of layers.*numbers below 32/,
    ],
    [
      { ...mixer, ...heads, mixer_value_heads: '6' },
      /mixer_key_heads: does not divide the value heads.*a divisor of 6/,
    ],
    [{ ...mixer, ...heads }, /mixer_value_heads: not a usable number/],
    [{ mixer: 'short-conv' }, /mixer_taps: not a usable number/],
    [{ attention_gate: 'maybe' }, /attention_gate: not one of the allowed values/],
  ])('refuses %j', (changes, message) => {
    expect(() => parse({ id: 'mine', ...changes })).toThrow(message);
  });

  it('gives every model whose shape is unpublished a stand-in that has one', () => {
    expect(Object.keys(tables.llm.standIns).length).toBeGreaterThan(8);
    for (const [name, standIn] of Object.entries(tables.llm.standIns)) {
      expect(tables.llm.models[standIn]).toBeDefined();
      expect(findLlm(tables.llm, name)).toMatchObject({ standsInFor: name });
    }
  });

  it('takes a row that a user adds', () => {
    const table = parse({ id: 'mine', n_layers: '12' });
    expect(findLlm(table, 'mine').model.layers).toBe(12);
  });

  it('names the nearest model', () => {
    expect(() => findLlm(tables.llm, 'llama-2-7c')).toThrow(/did you mean "llama-2-7b"/);
  });

  it.each([
    [{ n_kv_heads: '5' }, /n_kv_heads: does not divide the query heads.*a divisor of 32/],
    [{ hidden: '-4' }, /hidden: not a usable number/],
    [{ n_layers: '' }, /n_layers: not a usable number/],
    [{ ffn_gated: 'maybe' }, /ffn_gated: not a flag/],
    [{ norm: 'rsm' }, /norm: not one of the allowed values.*did you mean "rms"/],
    [{ sliding_window: '128', local_layers: '5-1' }, /local_layers: not a pattern of layers/],
    [{ kind: 'unpublished', stand_in: 'nobody' }, /stand_in: no such model/],
    [{ kind: 'moe', moe_experts: '8', moe_topk: '9' }, /moe_topk: more than there are experts/],
  ])('refuses %j', (changes, message) => {
    expect(() => parse({ id: 'mine', ...changes })).toThrow(message);
  });

  it('refuses a name twice', () => {
    expect(() => parse({}, {})).toThrow(/llm\.csv:3: id: this name is given twice/);
  });
});
