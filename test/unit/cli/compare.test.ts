import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SpecError } from '../../../src/base/errors.ts';
import { compare } from '../../../src/cli/compare.ts';

afterEach(() => vi.restoreAllMocks());

async function printed(args: Record<string, unknown>) {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void lines.push(text));
  const code = await compare.run(args);
  return { code, text: lines.join('\n') };
}

const SHORT = ['workload.promptTokens=32', 'workload.generatedTokens=4'];
const phone = { soc: 'dimensity-9300', workload: 'llama-2-7b-chat', set: SHORT };

function scenario(name: string, security: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'compare-')), `${name}.yaml`);
  writeFileSync(
    file,
    `version: 1\nsoc: dimensity-9300\nworkload: llama-2-7b-chat\nset: [promptTokens=32, generatedTokens=4]\nsecurity: ${security}\n`,
  );
  return file;
}

describe('comparing what runs with what does not', () => {
  const fits = () => scenario('fits', '{ preset: weights }');
  const tight = () => scenario('tight', '{ preset: weights, growth: fixed }');
  const leaks = () => scenario('leaks', '{ preset: weights, releases: [] }');

  it('shows the columns that run, and of the other why it does not, as infeasible', async () => {
    const { code, text } = await printed({ items: [fits(), tight(), fits()] });
    expect(code).toBe(3);
    expect(text.match(/decode rate .*/)![0].match(/tok\/s/g)).toHaveLength(2);
    expect(text).toContain('tight.yaml (cannot run)');
    expect(text).toMatch(/cannot run\n.*tight\.yaml: security "weights" keeps 3\.67 GB/);
    expect(text).toContain('what would help');
  });

  it('compares with the first that runs', async () => {
    const { text } = await printed({ items: [tight(), fits(), fits()] });
    const headers = text.split('\n')[0]!;
    expect(headers.match(/vs \S*fits\.yaml/g)).toHaveLength(1);
  });

  it('tells of a security fault in the same way, by its own code', async () => {
    const { code, text } = await printed({ items: [fits(), leaks()] });
    expect(code).toBe(4);
    expect(text).toContain('nothing stopped it');
  });

  it('says why where nothing runs at all', async () => {
    const { code, text } = await printed({ items: [tight(), tight()] });
    expect(code).toBe(3);
    expect(text.match(/may not grow/g)).toHaveLength(2);
  });

  it('gives machines the metrics of the one and the reason of the other', async () => {
    const { code, text } = await printed({ items: [tight(), fits()], json: true });
    const [first, second] = JSON.parse(text) as Record<string, unknown>[];
    expect(code).toBe(3);
    expect(first).toMatchObject({ exitCode: 3 });
    expect(String(first!['error'])).toContain('may not grow');
    expect(first).not.toHaveProperty('metrics');
    expect(second).toHaveProperty('metrics.decode_tokens_per_second');
  });

  it('ends with nothing to say where all run', async () => {
    const { code, text } = await printed({ ...phone, security: 'none,weights' });
    expect(code).toBeUndefined();
    expect(text).not.toContain('cannot run');
  });
});

describe('a cold start', () => {
  const cold = { ...phone, set: [...SHORT, 'scenario.start=cold'] };

  it('in a pipeline beside a plain one is told to overlap, which is no gain of protection', async () => {
    const { text } = await printed({ ...cold, security: 'none,pipelined' });
    expect(text.match(/note: .*no gain of protection/g)).toHaveLength(1);
  });

  it.each([
    [cold, 'none,weights'],
    [phone, 'none,pipelined'],
  ])('has nothing to tell where all wait alike, or nothing starts cold', async (args, security) => {
    expect((await printed({ ...args, security })).text).not.toContain('no gain of protection');
  });
});

describe('names of scenarios', () => {
  it('are known as those of SoCs and workloads are', async () => {
    const { code, text } = await printed({
      items: ['document-summary', 'document-summary'],
      policy: 'single-unit',
      fidelity: 'analytic',
    });
    expect(code).toBeUndefined();
    expect(text).toContain('vs document-summary');
  });

  it('that are none come with the nearest', async () => {
    const wrong = compare.run({ items: ['document-sumary', 'agent-session'] });
    await expect(wrong).rejects.toThrow(SpecError);
    await expect(compare.run({ items: ['document-sumary', 'x'] })).rejects.toThrow(
      'did you mean "document-summary"',
    );
  });
});

describe('what columns are limited by', () => {
  const lines = (text: string) => {
    const all = text.split('\n');
    return all.slice(all.findIndex((line) => line.includes('limited by')) + 1);
  };

  it('names each kind of phase once, and whether memory or the port is short', async () => {
    const args = { ...phone, unit: 'npu', repeat: 3 };
    const { text } = await printed({ ...args, items: ['dimensity-9300', 'dimensity-9400'] });
    const [first = '', second = ''] = lines(text);
    for (const line of [first, second]) {
      expect(line.match(/decode on npu/g)).toHaveLength(1);
      expect(line).toContain('decode on npu: bandwidth (port)');
    }
  });

  it('says what held the clocks of a column back, and nothing of one that stayed cool', async () => {
    const args = { soc: 'snapdragon-8-elite-gen-5', unit: 'cpu', set: SHORT };
    const { text } = await printed({ ...args, items: ['llama-3.2-3b-chat', 'llama-3.2-1b-chat'] });
    const held = lines(text).filter((line) => line.includes('clocks were held back'));
    expect(held.length).toBeGreaterThan(0);
    expect(held[0]).toMatch(/^llama-3\.2-3b-chat: clocks were held back: cpu.*\(junction trip at/);
    const cool = await printed({
      ...args,
      unit: 'npu',
      items: ['llama-3.2-3b-chat', 'llama-3.2-1b-chat'],
    });
    expect(cool.text).not.toContain('held back');
  });
});
