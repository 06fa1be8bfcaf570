import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { MEBI } from '../../../src/base/units.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import type { Run } from '../../../src/engine/run.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { sources } from '../../support/sources.ts';

const SHORT = ['workload.promptTokens=64', 'workload.generatedTokens=4'];

function runOf(text: string, overrides: readonly string[] = []): Run {
  const file = parseSpecFile(
    `version: 1\nsoc: snapdragon-8-gen-3\nworkload: llama-3.2-1b-chat\n${text}\n`,
    'scenario',
  );
  const set = [...SHORT, ...overrides];
  return simulate(buildSimulation(prepare(file, set, sources), set, sources));
}
const phase = (run: Run, name: string) => run.phases.find((p) => p.phase === name)!;
const secondsOf = (run: Run, name: string) => {
  const { startSeconds, endSeconds } = phase(run, name);
  return endSeconds - startSeconds;
};

describe('the system cache of a described SoC', () => {
  const sizes = ['256 KiB', '1 MiB', '4 MiB', '16 MiB'];
  const runs = sizes.map((size) => runOf('unit: gpu', [`systemCache.size=${size}`]));

  it('takes more activations off DRAM the larger it is', () => {
    const bytes = runs.map((run) => phase(run, 'prefill').dramBytes);
    for (const [i, one] of bytes.entries()) if (i > 0) expect(one).toBeLessThan(bytes[i - 1]!);
    const saved = 1 - bytes.at(-1)! / bytes[0]!;
    expect(saved).toBeGreaterThan(0.005);
    expect(saved).toBeLessThan(0.5);
  });

  it('leaves decode alone, whose weights do not fit', () => {
    const times = runs.map((run) => secondsOf(run, 'decode'));
    for (const time of times) expect(Math.abs(time / times[0]! - 1)).toBeLessThan(0.01);
  });

  it('is what the description says', () => {
    const file = parseSpecFile(
      'version: 1\nsoc: snapdragon-8-gen-3\nworkload: llama-3.2-1b-chat',
      's',
    );
    const { machine } = prepare(file, [], sources);
    expect(machine.systemCache).toMatchObject({ size: 6 * MEBI, shares: { cpu: 0.83, gpu: 0.5 } });
  });
});

describe('real-time traffic of a scenario', () => {
  it('joins that of the SoC, slows what streams, and is told', () => {
    const quiet = runOf('');
    const filming = runOf('background: { camera: 10 GB/s }');
    expect(secondsOf(filming, 'decode')).toBeGreaterThan(1.03 * secondsOf(quiet, 'decode'));
    const note = filming.notes.find((text) => text.includes('real-time'));
    expect(note).toContain('display 1 GB/s, camera 10 GB/s');
    expect(note).toContain('16 % of peak');
    const rows = filming.ledger.filter((row) => row.phase === 'background traffic');
    expect(rows.map((row) => row.operator)).toEqual(['display', 'camera']);
    const end = filming.metrics['run_seconds']!;
    expect(rows[1]!.dramBytes / end).toBeCloseTo(10e9, -3);
  });

  it('replaces an entry of the SoC of the same name', () => {
    const dark = runOf('background: { display: 0 GB/s }');
    expect(dark.notes.some((note) => note.includes('real-time'))).toBe(false);
  });
});

describe('a cold start of a described phone', () => {
  it('adds setup and the weights at 4 GB/s to the time to first token', () => {
    const warm = runOf('');
    const cold = runOf('start: cold');
    const weights = cold.memory.owners['weights of llama-3.2-1b-chat']!;
    const difference =
      cold.metrics['time_to_first_token_seconds']! - warm.metrics['time_to_first_token_seconds']!;
    expect(secondsOf(cold, 'load')).toBeCloseTo(0.1 + weights / 4e9, 6);
    expect(difference).toBeGreaterThan(0.99 * secondsOf(cold, 'load'));
    expect(difference).toBeLessThan(1.05 * secondsOf(cold, 'load'));
  });
});

describe('transaction fidelity', () => {
  it('agrees with the fluid model within 5 % on a prompt of 64 and 4 tokens on the NPU', () => {
    const fluid = runOf('');
    const exact = runOf('fidelity: transaction');
    for (const name of ['prefill', 'decode']) {
      expect(Math.abs(secondsOf(exact, name) / secondsOf(fluid, name) - 1)).toBeLessThan(0.05);
      expect(phase(exact, name).dramBytes).toBeCloseTo(phase(fluid, name).dramBytes, 0);
    }
    expect(exact.inputs.fidelity).toBe('transaction');
  });
});
