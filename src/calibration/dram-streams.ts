/**
 * Fits what ports with full windows see of a speed bin to the transaction model.
 *
 * Model    of the transaction model's rates of one unit: what large windows reach gives the cost of turning; what smaller
 *          ones reach gives, by Little's law, their latency, which is linear in the other four (stream-memory.ts).
 *          Least squares of relative errors
 * Ignores  other channel counts, ranks and fabrics than the usual: four channels, two ranks, 65 ns
 * Valid    30 to 150 lines in flight, half of them reads or more
 * Source   engine/transaction.ts
 * Checked  test/unit/calibration/dram-streams.test.ts, test/validation/fidelity.test.ts
 */
import type { BytesPerSecond, Seconds } from '../base/units.ts';
import { streamMix } from '../engine/bandwidth.ts';
import type { StreamPort } from '../engine/stream.ts';
import { buildStreamModel } from '../engine/transaction.ts';
import { buildFluidMemory, loadPressure } from '../hardware/dram/fluid-memory.ts';
import type { FullWindows, LpddrPreset } from '../hardware/dram/preset.ts';
import { ACCESS_BYTES } from '../hardware/dram/requester.ts';
import { withStreams } from '../hardware/memory/stream-memory.ts';
import type { MemorySystem } from '../hardware/memory-system.ts';
import { factorise, solveFactorised } from '../hardware/thermal/cholesky.ts';
import { quantileOf } from './statistics.ts';

const READ_SHARES = [1, 0.98, 0.9, 0.75, 0.5] as const;
const LINES = [32, 48, 64, 84, 110, 140] as const;
/** More than any bin needs to reach what it can. */
const MANY_LINES = 400;
/** Not used for the fit. */
const CHECKED = { readShares: [0.95, 0.6], lines: [40, 75, 120] } as const;
/** Nearer to what the bin can give, its rate says nothing of latency. */
const SATURATED = 0.95;
const DEVICE = { channels: 4, ranks: 2, density: '16Gb' } as const;
const INTERCONNECT: Seconds = 65e-9;
/** Keeps the equations solvable where the points say next to nothing of a coefficient. */
const RIDGE = 1e-6;

export interface StreamFit {
  readonly fullWindows: FullWindows;
  readonly residuals: { readonly points: number; readonly median: number; readonly worst: number };
}

/** Rate of one unit by the transaction model. */
export type RateOf = (readShare: number, lines: number) => BytesPerSecond;

/** What the four latency terms and the cost of turning are made of. */
export interface StreamBasis {
  readonly memory: MemorySystem;
  readonly idle: Seconds;
  readonly waiting: Seconds;
}

/** How many runs one bin takes. */
export const STREAM_RUNS =
  READ_SHARES.length * LINES.length +
  (READ_SHARES.length - 1) +
  CHECKED.readShares.length * CHECKED.lines.length;

/** Fits a bin whose table and latency are known. */
export function fitStreams(
  preset: LpddrPreset,
  { idle, waiting }: { readonly idle: Seconds; readonly waiting: Seconds },
  options: { readonly accesses: number; readonly onRun: () => void },
): StreamFit {
  const device = { ...DEVICE, preset, interconnectLatency: INTERCONNECT };
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
  return {
    fullWindows,
    residuals: {
      points: errors.length,
      median: digits(quantileOf(errors, 0.5)),
      worst: digits(Math.max(...errors)),
    },
  };
}

function portOf(readShare: number, lines: number): StreamPort {
  const split = { dramReads: readShare, dramWrites: 1 - readShare, readHits: 0, writeHits: 0 };
  return {
    bandwidth: Number.POSITIVE_INFINITY,
    outstandingBytes: ACCESS_BYTES * lines,
    split,
  };
}

/** The five coefficients that come nearest to `rateOf`. */
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
      const pressed = waiting * loadPressure(load) ** 2;
      rows.push([idle, idle * writes, pressed, pressed * writes].map((term) => term / latency));
      wanted.push((latency - INTERCONNECT) / latency);
    }
  }
  const [idleReads, idleWrites, waitingReads, waitingWrites] = leastSquares(rows, wanted);
  return {
    idleReads: digits(idleReads as number),
    idleWrites: digits(idleWrites as number),
    waitingReads: digits(waitingReads as number),
    waitingWrites: digits(waitingWrites as number),
    turning: digits(turning),
  };
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

function digits(value: number): number {
  return Number(value.toFixed(4));
}
