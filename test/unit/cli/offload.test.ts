/** Numbers of a cloud on the command line, before anything is simulated. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SpecError } from '../../../src/base/errors.ts';
import { offload } from '../../../src/cli/offload.ts';

const ask = (more: Readonly<Record<string, unknown>>) =>
  offload.run({
    soc: 'dimensity-9300',
    workload: 'llama-3.2-1b-chat',
    link: '5g',
    ...more,
  } as never);

afterEach(() => vi.restoreAllMocks());

describe('what the phone draws while a cloud answers', () => {
  const joules = async (limit: number) => {
    const lines: string[] = [];
    vi.spyOn(console, 'log').mockImplementation((text: string) => void lines.push(text));
    await ask({ policies: 'cloud', limit, json: true });
    const [{ answers }] = JSON.parse(lines.join('\n')) as [{ answers: { joules: number }[] }];
    return answers[0]!.joules;
  };

  it('is the same for one request alone as for the first of two', async () => {
    const [one, two] = [await joules(1), await joules(2)];
    expect(one / two).toBeGreaterThan(0.97);
    expect(one / two).toBeLessThan(1.03);
  });
});

describe('a cloud that cannot be', () => {
  it.each([
    [{ queue: '-3 s' }, /--queue: no cloud has that \(expected at least 0 s, got -3\)/],
    [{ 'first-token': '-1 ms' }, /--first-token/],
    [{ 'cloud-rate': 0 }, /--cloud-rate.*above 0/],
    [{ 'cloud-rate': -60 }, /--cloud-rate/],
    [{ longest: -1 }, /--longest.*at least 0 tokens/],
  ])('is refused: %o', async (more, message) => {
    await expect(ask(more)).rejects.toThrow(message);
    await expect(ask(more)).rejects.toBeInstanceOf(SpecError);
  });

  it('is named by every number at once', async () => {
    const all = await ask({ queue: '-3 s', 'cloud-rate': 0, longest: -1 }).catch((e: unknown) => e);
    expect((all as SpecError).faults.map(({ path }) => path)).toEqual([
      '--queue',
      '--cloud-rate',
      '--longest',
    ]);
  });
});
