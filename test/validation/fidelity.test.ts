import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { sharedRates, streamPort } from '../../src/engine/bandwidth.ts';
import { HotMemory } from '../../src/engine/hot-memory.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import { simulate } from '../../src/engine/simulation.ts';
import type { StreamPort } from '../../src/engine/stream.ts';
import { buildStreamModel } from '../../src/engine/transaction.ts';
import { presetAtShare } from '../../src/hardware/dram/device.ts';
import { buildFluidMemory } from '../../src/hardware/dram/fluid-memory.ts';
import { simulateMix } from '../../src/hardware/dram/mix-traffic.ts';
import { parseLpddrPreset } from '../../src/hardware/dram/preset.ts';
import { memoryAtShare } from '../../src/hardware/memory/memory-points.ts';
import { fullWindowsFor, withStreams } from '../../src/hardware/memory/stream-memory.ts';
import { fileSources } from '../../src/load.ts';
import { accuracyLine, recordAccuracy } from '../support/accuracy.ts';
import { toyMachine } from '../support/toy-machine.ts';

const sources = fileSources();
/** A short prompt through every layer, and a few tokens. */
const SHORT = ['workload.promptTokens=32', 'workload.generatedTokens=3'];

/** At top clocks where these look at memory alone: a governor that changes over a hair later shifts all that follows. */
function phaseSeconds(
  soc: string,
  unit: string,
  fidelity: string,
  calibration: string,
  { short = SHORT, governor = 'performance' } = {},
): Record<string, number> {
  const keys = { soc, workload: 'llama-3.2-1b-chat', unit, fidelity, calibration, governor };
  const lines = Object.entries(keys).map(([key, value]) => `${key}: ${value}`);
  const text = ['version: 1', ...lines].join('\n');
  const prepared = prepare(parseSpecFile(text, 'scenario'), short, sources);
  const run = simulate(buildSimulation(prepared, short, sources));
  return Object.fromEntries(
    run.phases.map(({ phase, startSeconds, endSeconds }) => [phase, endSeconds - startSeconds]),
  );
}

const INTERCONNECT = 65e-9;
/**
 * Where the two part further than a twentieth: eight channels, over which a window of reads spreads less evenly than over
 * the four that fluid memory is fitted to, and an LPDDR4X that has to do with the timings of a bin a third faster.
 */
const FURTHER: Readonly<Record<string, number>> = {
  'snapdragon-8cx-gen-3': 0.07,
  'snapdragon-x2-elite': 0.07,
  'apple-a15-bionic': 0.07,
};

/** The rate of a stream of reads that writes a little, as decode has it, of every unit under both models. */
function decodeErrors(soc: string): { readonly unit: string; readonly error: number }[] {
  const keys = { soc, workload: 'llama-3.2-1b-chat', fidelity: 'transaction', calibration: 'none' };
  const lines = Object.entries(keys).map(([key, value]) => `${key}: ${value}`);
  const text = ['version: 1', ...lines].join('\n');
  const { machine } = prepare(parseSpecFile(text, 'scenario'), SHORT, sources);
  const fluid = { ...machine, streamModel: undefined };
  const split = { dramReads: 0.98, dramWrites: 0.02, readHits: 0, writeHits: 0 };
  return machine.units.map((own) => {
    const port = streamPort(own, split);
    const error = sharedRates(fluid, [port])[0]! / sharedRates(machine, [port])[0]! - 1;
    return { unit: own.unit.name, error };
  });
}

/** One speed bin at a share of its rate and a temperature, under both models. */
function bothMemories(bin: string, share: number, temperature: number, ranks: number) {
  const preset = parseLpddrPreset(sources.preset(bin));
  const { fluid } = preset;
  if (!fluid) throw new Error(`${bin} has no fluid section`);
  const device = { channels: 4, density: '16Gb', ranks, interconnectLatency: INTERCONNECT };
  const top = withStreams(buildFluidMemory({ ...device, preset }), {
    interconnect: INTERCONNECT,
    idle: fluid.idleLatency.is,
    waiting: fluid.waiting.is,
    fullWindows: fullWindowsFor(fluid.fullWindows, ranks),
  });
  const memory = memoryAtShare(top, share, device);
  const hot = new HotMemory();
  hot.look(temperature);
  const slower = { ...device, preset: presetAtShare(preset, share) };
  const streamModel = buildStreamModel({ ...slower, background: [], peak: memory.peak });
  return {
    fluid: hot.present({ ...toyMachine(), memory }),
    exact: hot.present({ ...toyMachine(), memory, streamModel }),
  };
}

/** Streams of one unit under both models: error of the fluid one by window and read share. */
function streamErrors(
  bin: string,
  { share = 1, temperature = 25, ranks = 2, mixes = [1, 0.98, 0.75, 0.5] } = {},
): number[] {
  const { fluid, exact } = bothMemories(bin, share, temperature, ranks);
  return mixes.flatMap((reads) =>
    [48, 84, 140].map((lines) => {
      const split = { dramReads: reads, dramWrites: 1 - reads, readHits: 0, writeHits: 0 };
      const port: StreamPort = { bandwidth: 1e12, outstandingBytes: 64 * lines, split };
      return sharedRates(fluid, [port])[0]! / sharedRates(exact, [port])[0]! - 1;
    }),
  );
}

/** Which banks the streams of a run fall into together moves its latency by a tenth: the mean of some. */
const ADDRESS_SETS = [4_321, 54_321, 654_321];

/** Accesses that come by themselves: error of the fluid latency by load, on other addresses than those of the fit. */
function arrivalErrors(bin: string, ranks: number, clock: number, readShare: number): number[] {
  const preset = parseLpddrPreset(sources.preset(bin));
  const device = { channels: 4, ranks, interconnectLatency: 0 };
  const memory = memoryAtShare(buildFluidMemory({ ...device, preset }), clock, device);
  const slower = presetAtShare(preset, clock);
  const mix = { readShare, streams: 4, granularityBytes: 512, temperature: 45 };
  const most = ADDRESS_SETS.map((seed) => {
    const options = { ...device, accesses: 24_000, seed };
    const { completed, peak } = simulateMix(slower, mix, options);
    return { options, share: completed / peak };
  });
  return [0.2, 0.4, 0.6, 0.8].map((load) => {
    const latencies = most.map(({ options, share }) => {
      const run = simulateMix(slower, mix, { ...options, openRate: load * share });
      return run.readLatency.mean;
    });
    const mean = latencies.reduce((sum, latency) => sum + latency, 0) / latencies.length;
    return memory.latency(load) / mean - 1;
  });
}

describe('fluid and transaction fidelity', () => {
  const arrivals: number[] = [];
  const slowArrivals: number[] = [];
  const readArrivals: number[] = [];
  const layers: number[] = [];
  const calibrated: number[] = [];
  const bins = ['lpddr5-5500', 'lpddr5-6400', 'lpddr5x-7500', 'lpddr5x-8533', 'lpddr5t-9600'];
  const streams: number[] = [];
  const slow: number[] = [];
  const hot: number[] = [];
  const decoding: number[] = [];
  const socs = readdirSync('socs')
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length));
  /** One of each: ranks, channels, rates above and below that of the speed bin, slow and fast fabrics. */
  const others = [
    'exynos-2400',
    'tensor-g3',
    'apple-a17-pro',
    'snapdragon-8-elite-gen-5',
    'snapdragon-8cx-gen-3',
    'snapdragon-7-gen-4',
    'snapdragon-x-elite',
  ];

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

  it.each(others)('agree on the layers of a small model, with another memory: %s', (soc) => {
    const fluid = phaseSeconds(soc, 'npu', 'fluid', 'none');
    for (const [phase, seconds] of Object.entries(
      phaseSeconds(soc, 'npu', 'transaction', 'none'),
    )) {
      layers.push(fluid[phase]! / seconds - 1);
      expect(Math.abs(layers.at(-1)!)).toBeLessThan(FURTHER[soc] ?? 0.05);
    }
  });

  it.each(socs)('agree on what each unit streams in decode: %s', (soc) => {
    const errors = decodeErrors(soc);
    decoding.push(...errors.map(({ error }) => error));
    expect(errors.length).toBeGreaterThan(0);
    const limit = FURTHER[soc] ?? 0.05;
    expect(errors.filter(({ error }) => Math.abs(error) > limit)).toEqual([]);
  });

  /**
   * Both models vote for memory clocks by what they see themselves, so that their clocks may part for a look of 10 ms: 2 ms
   * of the time of these tokens, and one in twenty of that of two.
   */
  it('agree as well where a calibrated CPU meets memory that has not sped up yet', () => {
    const [soc, unit] = ['snapdragon-8-gen-3', 'cpu'];
    const tokens = ['workload.promptTokens=32', 'workload.generatedTokens=8'];
    const fluid = phaseSeconds(soc, unit, 'fluid', 'auto', { short: tokens, governor: 'auto' });
    const exact = phaseSeconds(soc, unit, 'transaction', 'auto', {
      short: tokens,
      governor: 'auto',
    });
    for (const [phase, seconds] of Object.entries(exact)) {
      calibrated.push(fluid[phase]! / seconds - 1);
      expect(Math.abs(calibrated.at(-1)!)).toBeLessThan(0.05);
    }
  });

  it.each(bins.flatMap((bin) => [1, 2].map((ranks) => [bin, ranks] as const)))(
    'agree on streams of every mix and window: %s, %s ranks',
    (bin, ranks) => {
      const errors = streamErrors(bin, { ranks });
      streams.push(...errors);
      for (const error of errors) expect(Math.abs(error)).toBeLessThan(0.08);
    },
  );

  it.each(
    [
      ['lpddr5-6400', 2],
      ['lpddr5-6400', 1],
      ['lpddr5x-7500', 1],
      ['lpddr5x-8533', 2],
      ['lpddr5x-8533', 1],
      ['lpddr5t-9600', 1],
    ].flatMap(([bin, ranks]) =>
      [0.75, 0.36, 0.15].map((share) => [bin as string, ranks as number, share] as const),
    ),
  )('agree on streams at lower clocks: %s, %s ranks, at %s of its rate', (bin, ranks, share) => {
    const errors = streamErrors(bin, { share, ranks, mixes: [1, 0.6] });
    slow.push(...errors);
    for (const error of errors) expect(Math.abs(error)).toBeLessThan(0.1);
  });

  it.each([90, 100])('agree on streams of hot memory: %s degC', (temperature) => {
    const errors = streamErrors('lpddr5x-8533', { temperature, mixes: [1, 0.75] });
    hot.push(...errors);
    for (const error of errors) expect(Math.abs(error)).toBeLessThan(0.1);
  });

  it.each(bins.flatMap((bin) => [1, 2].map((ranks) => [bin, ranks] as const)))(
    'agree on the latency of accesses that come by themselves: %s, %s ranks',
    (bin, ranks) => {
      const top = arrivalErrors(bin, ranks, 1, 0.75);
      const slower = [0.6, 0.36, 0.2].flatMap((clock) => arrivalErrors(bin, ranks, clock, 0.75));
      const reads = [1, 0.36].flatMap((clock) => arrivalErrors(bin, ranks, clock, 1));
      arrivals.push(...top);
      slowArrivals.push(...slower);
      readArrivals.push(...reads);
      for (const error of [...top, ...slower]) expect(Math.abs(error)).toBeLessThan(0.12);
    },
  );

  it('is recorded', () => {
    recordAccuracy({
      topic: 'fidelity',
      order: 15,
      title: 'Fluid memory against transactions',
      text: `Llama 3.2 1B, 32 prompt tokens and 3 generated, on every unit of the 8 Gen 3 and the Dimensity 9300 and on the NPU of seven SoCs with other memories: phase times with fluid memory against those with every mix of streams run command by command (\`--fidelity transaction\`). In decode: what each unit of each of the ${socs.length} SoCs draws with its own window, two percent of it writes. Streams: rates of one unit by itself, 48 to 140 lines in flight, half to all of them reads, five speed bins, one rank and two; \`socsim fit dram\` fits the latency of full windows to such rates, speed bin by speed bin. Phases are compared without calibration, and for the Snapdragon’s CPU with it, over eight tokens at the low memory clocks of so short a run. Lower clocks: 15 to 75 % of the rate, array times unchanged. Hot: refreshed twice and four times as often, with derated row times. Latency under load: of accesses that come by themselves, at 20 to 80 % of what they achieve, one rank and two, on other addresses than those of the fit; lower clocks are 20 to 60 % of the rate, between those of the fit.`,
      lines: [
        accuracyLine('time of a phase', layers, { unit: '%', sample: 'in-sample' }),
        accuracyLine('time of a phase, calibrated CPU at low memory clocks', calibrated, {
          unit: '%',
          sample: 'in-sample',
        }),
        accuracyLine('rate of a unit in decode', decoding, { unit: '%', sample: 'no fit' }),
        accuracyLine('rate of a stream', streams, { unit: '%', sample: 'in-sample' }),
        accuracyLine('rate of a stream, lower clocks', slow, { unit: '%', sample: 'in-sample' }),
        accuracyLine('rate of a stream, hot memory', hot, { unit: '%', sample: 'no fit' }),
        accuracyLine('latency under load', arrivals, { unit: '%', sample: 'in-sample' }),
        accuracyLine('latency under load, lower clocks', slowArrivals, {
          unit: '%',
          sample: 'in-sample',
        }),
        accuracyLine('latency under load, reads only', readArrivals, {
          unit: '%',
          sample: 'no fit',
        }),
      ],
    });
    expect(layers).toHaveLength(26);
    expect(decoding.length).toBeGreaterThan(100);
    expect(streams).toHaveLength(120);
  });
});
