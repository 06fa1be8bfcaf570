/**
 * Latency of accesses that come by themselves, of a speed bin by the transaction model.
 *
 * Model    six runs per ranks, clock and load, each on other addresses: four streams in turn, 512 bytes of a row at a time, three quarters of them
 *          reads, open at a share of what the same mix achieves with full windows at those ranks and that clock
 * Ignores  other mixes; how the arrivals of real requesters cluster
 * Valid    array times and voltages of the full rate at every clock (device.ts, presetAtShare)
 * Source   hardware/dram/simulate.ts
 * Checked  test/unit/calibration/dram-arrivals.test.ts, test/validation/fidelity.test.ts
 */
import type { Seconds } from '../base/units.ts';
import { presetAtShare } from '../hardware/dram/device.ts';
import { buildFluidMemory } from '../hardware/dram/fluid-memory.ts';
import type { LpddrPreset } from '../hardware/dram/preset.ts';
import type { TrafficRun } from '../hardware/dram/simulate.ts';
import { CHANNELS, COMMON, COOL, type RunOptions, round, runMix, share } from './dram-mix.ts';
import { quantileOf } from './statistics.ts';

/** An eighth is the least of phones; cycles, which latencies are made of, double from one to the next. */
export const CLOCKS = [0.125, 0.25, 0.5, 1] as const;
export const LOADS = [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9] as const;
const RANKS = [1, 2] as const;
/** Not used for the table. */
const CHECKED = { clocks: [0.18, 0.36, 0.7, 1], loads: [0.1, 0.3, 0.6, 0.85] } as const;
/**
 * Which banks four streams fall into together moves the latency of a whole run by up to a tenth: the mean of some. Far
 * apart, as near seeds of a shift register make streams that walk in step.
 */
const ADDRESS_SETS = 6;
const SEED_STEP = 7919;

/** How many runs one bin takes: of each clock also those with full windows, and the scale of streams. */
export function arrivalRuns({
  addressSets = ADDRESS_SETS,
}: Pick<RunOptions, 'addressSets'>): number {
  const table = CLOCKS.length * (1 + LOADS.length);
  const checks = CHECKED.clocks.length * (1 + CHECKED.loads.length);
  return 1 + LOADS.length + addressSets * RANKS.length * (table + checks);
}

type Count = (run: TrafficRun) => TrafficRun;

/** By clock, then load. */
export interface Arrivals {
  readonly oneRank: Seconds[][];
  readonly twoRanks: Seconds[][];
}

/** The mean of some addresses. */
export function measureArrivals(preset: LpddrPreset, options: RunOptions, count: Count): Arrivals {
  const [oneRank, twoRanks] = RANKS.map((ranks) =>
    CLOCKS.map((clock) => meanLatencies(preset, { ...options, ranks }, clock, LOADS, count)),
  );
  return { oneRank: oneRank!, twoRanks: twoRanks! };
}

function meanLatencies(
  preset: LpddrPreset,
  options: RunOptions,
  clock: number,
  loads: readonly number[],
  count: Count,
): Seconds[] {
  const slower = presetAtShare(preset, clock);
  const { addressSets = ADDRESS_SETS } = options;
  const runs = Array.from({ length: addressSets }, (_, k) =>
    latenciesOf(slower, { ...options, seed: options.seed + SEED_STEP * k }, loads, count),
  );
  return loads.map((_, i) => runs.reduce((sum, run) => sum + run[i]!, 0) / addressSets);
}

/** By load, on the addresses of one seed. */
export function latenciesOf(
  preset: LpddrPreset,
  options: RunOptions,
  loads: readonly number[],
  count: Count,
): Seconds[] {
  const mix = { ...COMMON, visit: 512, temperature: COOL };
  const achievable = share(count(runMix(preset, mix, options)));
  return loads.map(
    (load) => count(runMix(preset, mix, options, load * achievable)).readLatency.mean,
  );
}

/** A bin with its table against runs between its points, on other addresses. */
export function checkArrivals(preset: LpddrPreset, options: RunOptions, count: Count) {
  const errors = RANKS.flatMap((ranks) => {
    const memory = buildFluidMemory({ preset, ranks, channels: CHANNELS, interconnectLatency: 0 });
    const other = { ...options, ranks, seed: options.seed + SEED_STEP * ADDRESS_SETS };
    return CHECKED.clocks.flatMap((clock) =>
      meanLatencies(preset, other, clock, CHECKED.loads, count).map((latency, i) =>
        Math.abs(memory.latency(CHECKED.loads[i] as number, clock) / latency - 1),
      ),
    );
  });
  return {
    points: errors.length,
    median: round(quantileOf(errors, 0.5)),
    worst: round(Math.max(...errors)),
  };
}
