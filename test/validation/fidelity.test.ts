import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { type StreamPort, sharedRates } from '../../src/engine/bandwidth.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import { simulate } from '../../src/engine/simulation.ts';
import { buildStreamModel } from '../../src/engine/transaction.ts';
import { buildFluidMemory } from '../../src/hardware/dram/fluid-memory.ts';
import { parseLpddrPreset } from '../../src/hardware/dram/preset.ts';
import { withStreams } from '../../src/hardware/memory/stream-memory.ts';
import { fileSources } from '../../src/load.ts';
import { accuracyLine, recordAccuracy } from '../support/accuracy.ts';
import { toyMachine } from '../support/toy-machine.ts';

const sources = fileSources();
/** A short prompt through every layer, and a few tokens. */
const SHORT = ['workload.promptTokens=32', 'workload.generatedTokens=3'];

function phaseSeconds(
  soc: string,
  unit: string,
  fidelity: string,
  calibration: string,
): Record<string, number> {
  const keys = { soc, workload: 'llama-3.2-1b-chat', unit, fidelity, calibration };
  const lines = Object.entries(keys).map(([key, value]) => `${key}: ${value}`);
  const text = ['version: 1', ...lines].join('\n');
  const prepared = prepare(parseSpecFile(text, 'scenario'), SHORT, sources);
  const run = simulate(buildSimulation(prepared, SHORT, sources));
  return Object.fromEntries(
    run.phases.map(({ phase, startSeconds, endSeconds }) => [phase, endSeconds - startSeconds]),
  );
}

/** Streams of one unit under both models on one speed bin: error of the fluid one by window and read share. */
function streamErrors(bin: string): number[] {
  const preset = parseLpddrPreset(sources.preset(bin));
  const { fluid } = preset;
  if (!fluid) throw new Error(`${bin} has no fluid section`);
  const interconnectLatency = 65e-9;
  const device = { preset, channels: 4, density: '16Gb', ranks: 2, interconnectLatency };
  const plain = buildFluidMemory(device);
  const memory = withStreams(plain, {
    interconnect: interconnectLatency,
    idle: fluid.idleLatency.is,
    waiting: fluid.waiting.is,
    fullWindows: fluid.fullWindows.is,
  });
  const machine = { ...toyMachine(), memory };
  const model = buildStreamModel({ ...device, background: [], peak: plain.peak });
  return [1, 0.98, 0.9, 0.75, 0.5].flatMap((reads) =>
    [48, 84, 140].map((lines) => {
      const split = { dramReads: reads, dramWrites: 1 - reads, readHits: 0, writeHits: 0 };
      const port: StreamPort = { bandwidth: 1e12, outstandingBytes: 64 * lines, split };
      return sharedRates(machine, [port])[0]! / model.rates([port], 0)[0]! - 1;
    }),
  );
}

describe('fluid and transaction fidelity', () => {
  const layers: number[] = [];
  const calibrated: number[] = [];
  const bins = ['lpddr5-5500', 'lpddr5-6400', 'lpddr5x-7500', 'lpddr5x-8533', 'lpddr5t-9600'];
  const streams: number[] = [];

  it.each(
    ['snapdragon-8-gen-3', 'dimensity-9300'].flatMap((soc) =>
      ['npu', 'gpu', 'cpu'].map((unit) => [soc, unit] as const),
    ),
  )('agree on the layers of a small model: %s %s', (soc, unit) => {
    const fluid = phaseSeconds(soc, unit, 'fluid', 'none');
    const exact = phaseSeconds(soc, unit, 'transaction', 'none');
    expect(Object.keys(fluid)).toEqual(['prefill', 'decode']);
    for (const [phase, seconds] of Object.entries(exact)) {
      layers.push(fluid[phase]! / seconds - 1);
      expect(Math.abs(layers.at(-1)!)).toBeLessThan(0.05);
    }
  });

  /** A calibrated port keeps more in flight than the memory takes at the low clocks of so short a run. */
  it('agree less where a calibrated CPU meets memory that has not sped up yet', () => {
    const [soc, unit] = ['snapdragon-8-gen-3', 'cpu'];
    const fluid = phaseSeconds(soc, unit, 'fluid', 'auto');
    const exact = phaseSeconds(soc, unit, 'transaction', 'auto');
    for (const [phase, seconds] of Object.entries(exact)) {
      calibrated.push(fluid[phase]! / seconds - 1);
      expect(Math.abs(calibrated.at(-1)!)).toBeLessThan(0.15);
    }
  });

  it.each(bins)('agree on streams of every mix and window: %s', (bin) => {
    const errors = streamErrors(bin);
    streams.push(...errors);
    for (const error of errors) expect(Math.abs(error)).toBeLessThan(0.08);
  });

  it('is recorded', () => {
    recordAccuracy({
      topic: 'fidelity',
      order: 15,
      title: 'Fluid memory against transactions',
      text: 'Llama 3.2 1B, 32 prompt tokens and 3 generated, on every unit of both SoCs: phase times with fluid memory against those with every mix of streams run command by command (`--fidelity transaction`). Streams: rates of one unit by itself, 48 to 140 lines in flight, half to all of them reads, five speed bins; `socsim fit dram` fits the latency of full windows to such rates, speed bin by speed bin. Phases are compared without calibration, and for the Snapdragon’s CPU with it, where decode at the low memory clock of so short a run is known to come out too fast.',
      lines: [
        accuracyLine('time of a phase', layers, { unit: '%', sample: 'in-sample' }),
        accuracyLine('time of a phase, calibrated CPU at low memory clocks', calibrated, {
          unit: '%',
          sample: 'in-sample',
        }),
        accuracyLine('rate of a stream', streams, { unit: '%', sample: 'in-sample' }),
      ],
    });
    expect(layers).toHaveLength(12);
    expect(streams).toHaveLength(75);
  });
});
