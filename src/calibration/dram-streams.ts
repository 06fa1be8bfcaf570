/**
 * Fits what ports with full windows see of a speed bin to the transaction model.
 *
 * Model    of the transaction model's rates of one unit, with one rank and with two: what large windows reach gives the
 *          cost of turning; what smaller ones reach gives, by Little's law, their latency, which is linear in the other
 *          six (stream-memory.ts). Least squares of relative errors; the terms that rise evenly only where they pay
 * Ignores  other channel counts and fabrics than the usual: four channels, 65 ns
 * Valid    30 to 150 lines in flight, half of them reads or more
 * Source   engine/transaction.ts
 * Checked  test/unit/calibration/dram-streams.test.ts, test/validation/fidelity.test.ts
 */
import type { BytesPerSecond, Seconds } from '../base/units.ts';
import { streamMix } from '../engine/bandwidth.ts';
import type { StreamPort } from '../engine/stream.ts';
import { buildStreamModel } from '../engine/transaction.ts';
import { buildFluidMemory, loadPressure } from '../hardware/dram/fluid-memory.ts';
import type { FluidTable, FullWindows, LpddrPreset } from '../hardware/dram/preset.ts';
import { ACCESS_BYTES } from '../hardware/dram/requester.ts';
import { withStreams } from '../hardware/memory/stream-memory.ts';
import type { MemorySystem } from '../hardware/memory-system.ts';
import { factorise, solveFactorised } from '../hardware/thermal/cholesky.ts';
import { round } from './dram-mix.ts';
import { quantileOf } from './statistics.ts';

const READ_SHARES = [1, 0.98, 0.9, 0.75, 0.5] as const;
const LINES = [32, 48, 64, 84, 110, 140] as const;
const MOST_WRITES = 1 - Math.min(...READ_SHARES);
/** More than any bin needs to reach what it can. */
const MANY_LINES = 400;
/** Not used for the fit. */
const CHECKED = { readShares: [0.95, 0.6], lines: [40, 75, 120] } as const;
/** Nearer to what the bin can give, its rate says nothing of latency. */
const SATURATED = 0.95;
const DEVICE = { channels: 4, density: '16Gb' } as const;
const INTERCONNECT: Seconds = 65e-9;
/** Two more coefficients have to take a third of the error away. */
const WORTHWHILE = 2 / 3;
/** Keeps the equations solvable where the points say next to nothing of a coefficient. */
const RIDGE = 1e-6;

export interface StreamFit {
  readonly fullWindows: FluidTable['fullWindows']['is'];
  readonly residuals: FluidTable['residuals']['fullWindows'];
}

/** Rate of one unit by the transaction model. */
export type RateOf = (readShare: number, lines: number) => BytesPerSecond;

/** What the latency terms and the cost of turning are made of. */
export interface StreamBasis {
  readonly memory: MemorySystem;
  readonly idle: Seconds;
  readonly waiting: Seconds;
}

/** How many runs one bin takes. */
export const STREAM_RUNS =
  2 *
  (READ_SHARES.length * LINES.length +
    (READ_SHARES.length - 1) +
    CHECKED.readShares.length * CHECKED.lines.length);

interface FitOptions {
  readonly accesses: number;
  readonly onRun: () => void;
}

/** Fits a bin whose table and latency are known. */
export function fitStreams(
  preset: LpddrPreset,
  curve: { readonly idle: Seconds; readonly waiting: Seconds },
  options: FitOptions,
): StreamFit {
  const [one, two] = [1, 2].map((ranks) => fitRanks(preset, ranks, curve, options));
  const errors = [...one!.errors, ...two!.errors];
  return {
    fullWindows: { oneRank: one!.fullWindows, twoRanks: two!.fullWindows },
    residuals: {
      points: errors.length,
      median: round(quantileOf(errors, 0.5)),
      worst: round(Math.max(...errors)),
    },
  };
}

function fitRanks(
  preset: LpddrPreset,
  ranks: number,
  { idle, waiting }: { readonly idle: Seconds; readonly waiting: Seconds },
  options: FitOptions,
) {
  const device = { ...DEVICE, ranks, preset, interconnectLatency: INTERCONNECT };
  const memory = buildFluidMemory(device);
  const model = buildStreamModel({
    ...device,
    background: [],
    peak: memory.peak,
    accesses: options.accesses,
  });
  const rateOf: RateOf = (readShare, lines) => {
    options.onRun();
    return model.rates([portOf(readShare, lines)], 0)[0] as number;
  };
  const basis = { memory, idle, waiting };
  const fullWindows = solveStreams(basis, rateOf);
  const errors = CHECKED.readShares.flatMap((readShare) =>
    CHECKED.lines.map((lines) =>
      Math.abs(predictRate(basis, fullWindows, readShare, lines) / rateOf(readShare, lines) - 1),
    ),
  );
  return { fullWindows, errors };
}

function portOf(readShare: number, lines: number): StreamPort {
  const split = { dramReads: readShare, dramWrites: 1 - readShare, readHits: 0, writeHits: 0 };
  return {
    bandwidth: Number.POSITIVE_INFINITY,
    outstandingBytes: ACCESS_BYTES * lines,
    split,
  };
}

/** The seven coefficients that come nearest to `rateOf`. */
export function solveStreams(basis: StreamBasis, rateOf: RateOf): FullWindows {
  const turning = turningOf(basis, rateOf);
  const { memory, idle, waiting } = basis;
  const rows: number[][] = [];
  const wanted: number[] = [];
  for (const readShare of READ_SHARES) {
    const available = memory.peak * streamEfficiency(memory, readShare, turning);
    for (const lines of LINES) {
      const load = rateOf(readShare, lines) / available;
      if (load > SATURATED) continue;
      const latency = (ACCESS_BYTES * lines) / (readShare * load * available);
      const writes = 1 - readShare;
      const terms = [idle, waiting * loadPressure(load) ** 2, waiting * load];
      rows.push(terms.flatMap((term) => [term / latency, (term * writes) / latency]));
      wanted.push((latency - INTERCONNECT) / latency);
    }
  }
  const [ir, iw, wr, ww, er, ew] = latencyTerms(rows, wanted).map(round) as Six;
  return {
    idleReads: ir,
    idleWrites: iw,
    evenReads: er,
    evenWrites: ew,
    waitingReads: wr,
    waitingWrites: ww,
    turning: round(turning),
  };
}

type Six = [number, number, number, number, number, number];

/**
 * Idle, waiting near the limit, and waiting that rises evenly, each of reads and with the share of writes. The last is
 * left out where it does little for the errors, or would have latency fall with load.
 */
function latencyTerms(rows: readonly number[][], wanted: readonly number[]): readonly number[] {
  const short = rows.map((row) => row.slice(0, 4));
  const plain = leastSquares(short, wanted);
  const full = leastSquares(rows, wanted);
  const [evenReads = 0, evenWrites = 0] = full.slice(4);
  const rises = evenReads >= 0 && evenReads + evenWrites * MOST_WRITES >= 0;
  const better = spread(rows, wanted, full) < WORTHWHILE * spread(short, wanted, plain);
  return rises && better ? full : [...plain, 0, 0];
}

/** Root mean square of the errors that coefficients leave. */
function spread(
  rows: readonly (readonly number[])[],
  wanted: readonly number[],
  found: readonly number[],
): number {
  const errors = rows.map((row, i) => {
    const sum = row.reduce((all, term, j) => all + term * (found[j] as number), 0);
    return (sum - (wanted[i] as number)) ** 2;
  });
  return Math.sqrt(errors.reduce((all, error) => all + error, 0) / errors.length);
}

/** Of what mixing costs at random, the share that streams pay: one linear equation per mix. */
function turningOf({ memory }: StreamBasis, rateOf: RateOf): number {
  const reads = memory.efficiency(streamMix(1, 1));
  let [product, square] = [0, 0];
  for (const readShare of READ_SHARES.filter((share) => share < 1)) {
    const atRandom = reads - memory.efficiency(streamMix(readShare, 1));
    product += atRandom * (reads - rateOf(readShare, MANY_LINES) / memory.peak);
    square += atRandom ** 2;
  }
  return square > 0 ? Math.min(Math.max(product / square, 0), 1) : 0;
}

function streamEfficiency(memory: MemorySystem, readShare: number, turning: number): number {
  const reads = memory.efficiency(streamMix(1, 1));
  return reads - turning * (reads - memory.efficiency(streamMix(readShare, 1)));
}

/** The rate at which the window just covers the latency that the rate causes. */
export function predictRate(
  { memory, idle, waiting }: StreamBasis,
  fullWindows: FullWindows,
  readShare: number,
  lines: number,
): BytesPerSecond {
  const streams = withStreams(memory, { interconnect: INTERCONNECT, idle, waiting, fullWindows });
  const available = memory.peak * streams.efficiency(streamMix(readShare, 1));
  let [low, high] = [0, 1];
  for (let step = 0; step < 40; step++) {
    const load = (low + high) / 2;
    const latency = streams.streamLatency?.(load, readShare) ?? 0;
    if ((ACCESS_BYTES * lines) / (readShare * latency) >= load * available) low = load;
    else high = load;
  }
  return low * available;
}

/** Solves AᵀA·x = Aᵀb. */
function leastSquares(rows: readonly (readonly number[])[], wanted: readonly number[]): number[] {
  const n = rows[0]?.length ?? 0;
  const matrix = new Float64Array(n * n);
  const right = new Float64Array(n);
  for (const [index, row] of rows.entries()) {
    for (let i = 0; i < n; i++) {
      right[i] = (right[i] as number) + (row[i] as number) * (wanted[index] as number);
      for (let j = 0; j < n; j++) {
        matrix[i * n + j] = (matrix[i * n + j] as number) + (row[i] as number) * (row[j] as number);
      }
    }
  }
  for (let i = 0; i < n; i++) matrix[i * n + i] = (matrix[i * n + i] as number) + RIDGE;
  return Array.from(solveFactorised(factorise(matrix, n), n, right));
}
