/** Hybrid models in a run: time over tokens, and what is said where nothing tells how an engine runs recurrent layers. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { runInClosedForm } from '../../../src/engine/analytic.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import { fileSources } from '../../../src/load.ts';

const sources = fileSources();
/** A run with one hybrid model, as a user writes it. */
function ran(engine: string, set: readonly string[] = [], soc = 'snapdragon-8-elite') {
  const text = `version: 1\nsoc: ${soc}\nworkload: llama-3.2-1b-chat\nfidelity: analytic\n${engine}\n`;
  const formats = ['weightFormat', 'headFormat', 'embeddingFormat'].map(
    (key) => `workload.${key}=int4-g32-fp16scale`,
  );
  const all = ['workload.model=qwen3.5-2b', ...formats, 'workload.generatedTokens=2', ...set];
  const ready = prepare(parseSpecFile(text, 's.yaml'), all, sources);
  const { metrics, notes } = runInClosedForm(buildSimulation(ready, all, sources));
  return { first: Number(metrics['time_to_first_token_seconds']), notes };
}

describe('prompts of a hybrid model', () => {
  it.each([
    'runtime: llama-cpp-app\nunit: gpu',
    'runtime: llama-cpp\nunit: gpu',
    'runtime: llama-cpp\nunit: cpu',
    'runtime: llama-cpp-hexagon-2026-04\nunit: npu',
  ])('take longer the longer they are: %j', (engine) => {
    const times = [1, 2, 3, 8, 64].map((n) => ran(engine, [`workload.promptTokens=${n}`]).first);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)).toBeGreaterThan(times[0]!);
    // The weights are read once: 64 tokens are no 64 times one.
    expect(times.at(-1)).toBeLessThan(32 * times[0]!);
  });
});

describe('what a run says of recurrent layers', () => {
  const toldOf = (engine: string, set: readonly string[] = [], soc?: string) =>
    ran(engine, set, soc).notes.filter((note) => note.includes('recurrent'));

  it.each([
    ['mlc-llm', 'gpu', 'snapdragon-8-elite'],
    ['vendor', 'npu', 'snapdragon-8-elite'],
    ['qnn', 'npu', 'snapdragon-8-elite'],
    ['mlx', 'gpu', 'apple-a19-pro'],
  ])('is once that nothing tells how %s runs them on the %s', (runtime, unit, soc) => {
    expect(toldOf(`runtime: ${runtime}\nunit: ${unit}`, [], soc)).toEqual([
      `nothing tells whether runtime ${runtime} has kernels for recurrent layers on ${unit}, or how fast they are: 0.1 of the vector lanes is taken (kernels.recurrenceShare of its class)`,
    ]);
  });

  it('is nothing where the class says so, or where no layer is recurrent', () => {
    expect(toldOf('runtime: llama-cpp\nunit: gpu')).toEqual([]);
    expect(toldOf('runtime: mnn\nunit: cpu')).toEqual([]);
    expect(toldOf('runtime: vendor\nunit: npu', ['workload.model=qwen3-0.6b'])).toEqual([]);
  });

  it('is of the unit that runs them, not of others', () => {
    // An old build leaves them to the CPU, whose kernels are known.
    expect(toldOf('runtime: llama-cpp-opencl-2025\nunit: gpu', Q8)).toEqual([]);
    const [note] = toldOf('runtime: vendor\npolicy: stage-wise\nunit: npu\ndecodeUnit: cpu');
    expect(note).toMatch(/on (cpu, npu|npu, cpu), or/);
  });
});

const Q8 = ['weightFormat', 'headFormat', 'embeddingFormat'].map((key) => `workload.${key}=q8_0`);
