/**
 * Derives the fluid model of a speed bin from the transaction model.
 *
 * Model    efficiency: one run per point of a grid over visit, read share and streams; two more rows at twice and four
 *          times the refresh rate; latency by dram-arrivals.ts; of one rank at its full rate as idle + waiting · load² /
 *          (1 − load / 2), least squares of the relative error, the scale of streams with full windows (dram-streams.ts)
 * Ignores  channel counts other than the usual four: what a visit meets in its row does not depend on them
 * Valid    the controller and map it was made with; residuals are of points between those of the grid
 * Source   hardware/dram/simulate.ts
 * Checked  test/unit/calibration/dram-efficiency.test.ts, test/validation/dram.test.ts
 */
import { randomStream } from '../base/random.ts';
import type { Bytes, Seconds } from '../base/units.ts';
import { HOT, VERY_HOT } from '../hardware/dram/device.ts';
import { buildFluidMemory, loadPressure } from '../hardware/dram/fluid-memory.ts';
import type { FluidTable, FullWindows, LpddrPreset } from '../hardware/dram/preset.ts';
import { ACCESS_BYTES } from '../hardware/dram/requester.ts';
import type { TrafficRun } from '../hardware/dram/simulate.ts';
import {
  type Arrivals,
  arrivalRuns,
  CLOCKS,
  checkArrivals,
  LOADS,
  latenciesOf,
  measureArrivals,
} from './dram-arrivals.ts';
import {
  CHANNELS,
  COMMON,
  COOL,
  type FitOptions,
  type Mix,
  round,
  runMix,
  share,
} from './dram-mix.ts';
import { fitStreams, STREAM_RUNS, type StreamFit } from './dram-streams.ts';
import { quantileOf } from './statistics.ts';

const VISITS: readonly Bytes[] = [64, 128, 256, 512, 2048];
/** Closer where a few reads among writes cost most. */
const READ_SHARES = [0, 0.05, 0.15, 0.3, 0.5, 0.75, 0.9, 0.97, 1] as const;
const STREAMS = [1, 4, 8] as const;
/** Of one of the twelve rounds in which the windows of streams settle. */
const STREAM_ACCESSES = 12_000;

/** How many runs one bin takes. */
export function runsOf(options: Pick<FitOptions, 'checks' | 'addressSets'>): number {
  const grid = VISITS.length * READ_SHARES.length * STREAMS.length;
  return grid + 2 * VISITS.length + arrivalRuns(options) + options.checks + STREAM_RUNS;
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
  const arrivals = measureArrivals(preset, options, count);
  const top = latenciesOf(preset, options, LOADS, count);
  const { idle, waiting } = fitLatency(LOADS.map((load, i) => ({ load, latency: top[i]! })));
  const parts: Parts = { grid, factor, arrivals, idle, waiting };
  const plain = tableOf(parts);
  const onRun = () => options.onRun?.(++done, runsOf(options));
  const accesses = Math.min(STREAM_ACCESSES, options.accesses);
  const streams = fitStreams({ ...preset, fluid: plain }, { idle, waiting }, { accesses, onRun });
  const table = tableOf(parts, streams);
  const fitted = { ...preset, fluid: table };
  const residuals = {
    efficiency: residualsOf(fitted, options, count),
    latency: checkArrivals(fitted, options, count),
    fullWindows: streams.residuals,
  };
  return { ...table, residuals };
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

interface Parts {
  readonly grid: number[][][];
  readonly factor: number[][];
  readonly arrivals: Arrivals;
  readonly idle: Seconds;
  readonly waiting: Seconds;
}

function tableOf(
  { grid, factor, arrivals, idle, waiting }: Parts,
  streams: StreamFit = UNFITTED,
): FluidTable {
  const fitted = <T>(is: T) => ({ is, from: 'fit', trust: 'fitted' as const });
  return {
    visits: [...VISITS],
    readShares: [...READ_SHARES],
    streams: [...STREAMS],
    efficiency: fitted(grid),
    refreshFactor: fitted(factor),
    clocks: [...CLOCKS],
    loads: [...LOADS],
    latency: fitted(arrivals),
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
  count: (run: TrafficRun) => TrafficRun,
): FluidTable['residuals']['efficiency'] {
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
  return {
    points: errors.length,
    median: round(quantileOf(errors, 0.5)),
    p90: round(quantileOf(errors, 0.9)),
    worst: round(Math.max(...errors)),
  };
}
