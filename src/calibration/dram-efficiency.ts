/**
 * Derives the fluid model of a speed bin from the transaction model.
 *
 * Model    efficiency: one run per point of a grid over visit, read share and streams; two more rows at twice and four
 *          times the refresh rate; latency: idle + waiting · load² / (1 − load / 2), least squares of the relative error;
 *          streams with full windows by dram-streams.ts
 * Ignores  channel counts other than the usual four: what a visit meets in its row does not depend on them
 * Valid    the controller and map it was made with; residuals are of points between those of the grid
 * Source   hardware/dram/simulate.ts
 * Checked  test/unit/calibration/dram-efficiency.test.ts, test/validation/dram.test.ts
 */
import { randomStream } from '../base/random.ts';
import type { Bytes, Celsius, Seconds } from '../base/units.ts';
import { HOT, VERY_HOT } from '../hardware/dram/device.ts';
import { buildFluidMemory, loadPressure } from '../hardware/dram/fluid-memory.ts';
import { simulateMix } from '../hardware/dram/mix-traffic.ts';
import type { FluidTable, FullWindows, LpddrPreset } from '../hardware/dram/preset.ts';
import { ACCESS_BYTES } from '../hardware/dram/requester.ts';
import type { TrafficRun } from '../hardware/dram/simulate.ts';
import { fitStreams, STREAM_RUNS, type StreamFit } from './dram-streams.ts';
import { quantileOf } from './statistics.ts';

const VISITS: readonly Bytes[] = [64, 128, 256, 512, 2048];
/** Closer where a few reads among writes cost most. */
const READ_SHARES = [0, 0.05, 0.15, 0.3, 0.5, 0.75, 0.9, 0.97, 1] as const;
const STREAMS = [1, 4, 8] as const;
const CHANNELS = 4;
/** Cool enough for the nominal refresh rate. */
const COOL: Celsius = 45;
/** The mix for which the refresh factor and the latency are taken: mostly reads of a few streams. */
const COMMON = { readShare: 0.75, streams: 4 } as const;
const LOADS = [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9] as const;
/** Of one of the twelve rounds in which the windows of streams settle. */
const STREAM_ACCESSES = 12_000;
const CHECKED_LOADS = [0.1, 0.3, 0.6, 0.85] as const;

export interface FitOptions {
  /** Accesses of one run; more means less scatter. */
  readonly accesses: number;
  /** Chunks of one run, at least. */
  readonly leastChunks?: number | undefined;
  /** Points between those of the grid on which the table is checked. */
  readonly checks: number;
  readonly seed: number;
  readonly onRun?: (done: number, total: number) => void;
}

export interface Mix {
  readonly visit: Bytes;
  readonly readShare: number;
  readonly streams: number;
  readonly temperature: Celsius;
}

/** How many runs one bin takes. */
export function runsOf(options: Pick<FitOptions, 'checks'>): number {
  const grid = VISITS.length * READ_SHARES.length * STREAMS.length;
  return (
    grid + 2 * VISITS.length + LOADS.length + CHECKED_LOADS.length + options.checks + STREAM_RUNS
  );
}

/** Fits one bin; the same options give the same table. */
export function fitFluid(preset: LpddrPreset, options: FitOptions): FluidTable {
  let done = 0;
  const count = (run: TrafficRun) => {
    options.onRun?.(++done, runsOf(options));
    return run;
  };
  const achieved = (mix: Mix) => share(count(runMix(preset, mix, options)));
  const grid = STREAMS.map((streams) =>
    READ_SHARES.map((readShare) =>
      VISITS.map((visit) => achieved({ visit, readShare, streams, temperature: COOL })),
    ),
  );
  const common = grid[STREAMS.indexOf(COMMON.streams)]?.[READ_SHARES.indexOf(COMMON.readShare)];
  const factor = [HOT + 5, VERY_HOT + 5].map((temperature) =>
    VISITS.map((visit, index) => {
      const hot = achieved({ ...COMMON, visit, temperature });
      return round(Math.min(1, hot / ((common?.[index] as number) || 1)));
    }),
  );
  const achievable = (common?.[VISITS.indexOf(512)] as number) || 1;
  const curve = LOADS.map((load) => ({
    load,
    latency: count(
      runMix(preset, { ...COMMON, visit: 512, temperature: COOL }, options, load * achievable),
    ).readLatency.mean,
  }));
  const { idle, waiting } = fitLatency(curve);
  const plain = tableOf(grid, factor, idle, waiting);
  const onRun = () => options.onRun?.(++done, runsOf(options));
  const accesses = Math.min(STREAM_ACCESSES, options.accesses);
  const streams = fitStreams({ ...preset, fluid: plain }, { idle, waiting }, { accesses, onRun });
  const table = tableOf(grid, factor, idle, waiting, streams);
  const residuals = residualsOf({ ...preset, fluid: table }, options, achievable, count);
  return { ...table, residuals: { ...residuals, fullWindows: streams.residuals } };
}

/** Runs one mix on the usual four channels; as fast as it goes, or open at a share of peak. */
export function runMix(
  preset: LpddrPreset,
  mix: Mix,
  options: Pick<FitOptions, 'accesses' | 'leastChunks' | 'seed'>,
  openRate?: number,
): TrafficRun {
  const traffic = { ...mix, granularityBytes: mix.visit };
  return simulateMix(preset, traffic, { ...options, channels: CHANNELS, openRate });
}

function share(run: TrafficRun): number {
  return round(Math.min(1, run.completed / run.peak));
}

/** Four digits are more than the runs repeat to. */
function round(value: number): number {
  return Number(value.toFixed(4));
}

interface CurvePoint {
  readonly load: number;
  readonly latency: Seconds;
}

/** Least squares of the relative error: two normal equations. */
export function fitLatency(points: readonly CurvePoint[]): { idle: Seconds; waiting: Seconds } {
  let [aa, ab, bb, ya, yb] = [0, 0, 0, 0, 0];
  for (const { load, latency } of points) {
    const a = 1 / latency;
    const b = loadPressure(load) / latency;
    aa += a * a;
    ab += a * b;
    bb += b * b;
    ya += a;
    yb += b;
  }
  const determinant = aa * bb - ab * ab;
  return { idle: (ya * bb - yb * ab) / determinant, waiting: (yb * aa - ya * ab) / determinant };
}

/** As random arrivals see it, until streams have been fitted. */
const AT_RANDOM: FullWindows = {
  idleReads: 1,
  idleWrites: 0,
  evenReads: 0,
  evenWrites: 0,
  waitingReads: 1,
  waitingWrites: 0,
  turning: 1,
};
const UNFITTED: StreamFit = {
  fullWindows: { oneRank: AT_RANDOM, twoRanks: AT_RANDOM },
  residuals: { points: 0, median: 0, worst: 0 },
};

function tableOf(
  grid: number[][][],
  factor: number[][],
  idle: Seconds,
  waiting: Seconds,
  streams: StreamFit = UNFITTED,
): FluidTable {
  const fitted = <T>(is: T) => ({ is, from: 'fit', trust: 'fitted' as const });
  return {
    visits: [...VISITS],
    readShares: [...READ_SHARES],
    streams: [...STREAMS],
    efficiency: fitted(grid),
    refreshFactor: fitted(factor),
    idleLatency: fitted(idle),
    waiting: fitted(waiting),
    fullWindows: fitted(streams.fullWindows),
    residuals: {
      efficiency: { points: 0, median: 0, p90: 0, worst: 0 },
      latency: { points: 0, median: 0, worst: 0 },
      fullWindows: streams.residuals,
    },
  };
}

/** The table against runs it has not seen. */
function residualsOf(
  preset: LpddrPreset,
  options: FitOptions,
  achievable: number,
  count: (run: TrafficRun) => TrafficRun,
): Omit<FluidTable['residuals'], 'fullWindows'> {
  const memory = buildFluidMemory({ preset, channels: CHANNELS, interconnectLatency: 0 });
  const draw = randomStream(options.seed, 'efficiency-checks');
  const errors = Array.from({ length: options.checks }, () => {
    const mix: Mix = {
      visit: ACCESS_BYTES * 2 ** Math.floor(draw() * 6),
      readShare: Math.round(100 * draw()) / 100,
      streams: 1 + Math.floor(draw() * 8),
      temperature: COOL,
    };
    const run = count(runMix(preset, mix, { ...options, seed: options.seed + 100 }));
    const predicted = memory.efficiency({ ...mix, granularityBytes: mix.visit });
    return Math.abs(predicted / share(run) - 1);
  });
  const waits = CHECKED_LOADS.map((load) => {
    const mix = { ...COMMON, visit: 512, temperature: COOL };
    const run = count(runMix(preset, mix, options, load * achievable));
    return Math.abs(memory.latency(load) / run.readLatency.mean - 1);
  });
  return {
    efficiency: {
      points: errors.length,
      median: round(quantileOf(errors, 0.5)),
      p90: round(quantileOf(errors, 0.9)),
      worst: round(Math.max(...errors)),
    },
    latency: {
      points: waits.length,
      median: round(quantileOf(waits, 0.5)),
      worst: round(Math.max(...waits)),
    },
  };
}
