/**
 * Rates of streams from the transaction model of DRAM, for runs at `transaction` fidelity.
 *
 * Model    each unit is a closed loop: of the accesses its port keeps in flight, X·D ÷ 64 are outside the DRAM (fabric,
 *          cache hits) at its rate X, the others in it; X is what the controllers, run command by command, give to so
 *          many; real-time traffic arrives at its own pace beside them
 * Ignores  how the number in the DRAM scatters around its mean; the order in which streams open and close
 * Valid    streams much longer than a window; reads and writes of one operator walk memory alike
 * Source   closed queueing network with a delay station (Denning & Buzen, Computing Surveys 1978)
 * Checked  test/unit/engine/transaction.test.ts, test/validation/fidelity.test.ts
 */
import { type Bytes, type BytesPerSecond, GIBI, type Seconds } from '../base/units.ts';
import { CONTROLLERS } from '../hardware/dram/controllers.ts';
import { buildDevice } from '../hardware/dram/device.ts';
import type { LpddrPreset } from '../hardware/dram/preset.ts';
import { ACCESS_BYTES, type Requester } from '../hardware/dram/requester.ts';
import { simulateTraffic } from '../hardware/dram/simulate.ts';
import type { StreamModel, StreamPort } from './bandwidth.ts';
import type { BackgroundTraffic } from './machine.ts';

export interface TransactionOptions {
  readonly preset: LpddrPreset;
  readonly channels: number;
  readonly density?: string | undefined;
  readonly ranks?: number | undefined;
  readonly interconnectLatency: Seconds;
  /** Real-time traffic beside the units. */
  readonly background: readonly BackgroundTraffic[];
  /** Peak of the memory as described, where it differs from that of the preset. */
  readonly peak: BytesPerSecond;
  /** Accesses of one run; more means less scatter. */
  readonly accesses?: number | undefined;
}

/** One percent of writes is told apart. */
const PERCENT = 100;
const ACCESSES = 12_000;
const SEED = 1;
/** Rounds in which windows and rates of several units settle, each halving what is left of the first guess. */
const ROUNDS = 8;
/** Every stream walks a region of its own. */
const MOST_REGION: Bytes = GIBI / 4;

/** Builds the model; it remembers the mixes it has run. */
export function buildStreamModel(options: TransactionOptions): StreamModel {
  const known = new Map<string, readonly BytesPerSecond[]>();
  /** Bytes per second of each unit with `inside` accesses in the DRAM. */
  const run = (writePercent: number, inside: readonly number[]): readonly BytesPerSecond[] => {
    const key = `${writePercent}/${inside.join('/')}`;
    const seen = known.get(key);
    if (seen) return seen;
    const rates = simulate(options, writePercent, inside);
    known.set(key, rates);
    return rates;
  };
  return {
    interconnectLatency: options.interconnectLatency,
    rates: (readShare, ports, delays) => {
      const writePercent = Math.round(PERCENT * (1 - readShare));
      const solve = ports.length === 1 ? soloWindow : sharedWindows;
      return solve(ports, delays, (inside) => run(writePercent, inside));
    },
  };
}

type Runner = (inside: readonly number[]) => readonly BytesPerSecond[];

/** The window inside the DRAM at which both parts add up to what the port keeps in flight; linear between whole ones. */
function soloWindow(
  ports: readonly StreamPort[],
  delays: readonly Seconds[],
  run: Runner,
): BytesPerSecond[] {
  const window = ports[0]!.outstandingBytes / ACCESS_BYTES;
  const needed = (inside: number) => inside + (run([inside])[0]! * delays[0]!) / ACCESS_BYTES;
  let low = 0;
  let high = Math.max(1, Math.ceil(window));
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (needed(middle) > window) high = middle;
    else low = middle;
  }
  const above = run([high])[0]!;
  const below = low === 0 ? 0 : run([low])[0]!;
  const from = low === 0 ? 0 : needed(low);
  const share = Math.min(1, (window - from) / (needed(high) - from));
  return [Math.min(ports[0]!.bandwidth, below + share * (above - below))];
}

function sharedWindows(
  ports: readonly StreamPort[],
  delays: readonly Seconds[],
  run: Runner,
): BytesPerSecond[] {
  const windows = ports.map(({ outstandingBytes }) => outstandingBytes / ACCESS_BYTES);
  let inside = windows.map((window) => window / 2);
  let rates: readonly BytesPerSecond[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rates = run(inside.map((count) => Math.max(1, Math.round(count))));
    inside = inside.map((count, i) => {
      const wanted = windows[i]! - (rates[i]! * delays[i]!) / ACCESS_BYTES;
      return Math.max(1, (count + wanted) / 2);
    });
  }
  return rates.map((rate, i) => Math.min(rate, ports[i]!.bandwidth));
}

function simulate(
  options: TransactionOptions,
  writePercent: number,
  inside: readonly number[],
): BytesPerSecond[] {
  const { preset, channels, density, ranks, background } = options;
  const device = buildDevice(preset, { density, ranks });
  const scale = options.peak / (device.peak * channels);
  const count = inside.length + background.length;
  const slot = 2 ** Math.floor(Math.log2((device.capacity * channels) / count));
  const region = Math.min(slot, MOST_REGION);
  const stream = (index: number, own: Partial<Requester>): Requester => ({
    kind: 'seq',
    base: index * slot,
    region,
    stride: ACCESS_BYTES,
    writePercent: 0,
    seed: SEED + index,
    ...own,
  });
  const result = simulateTraffic({
    preset,
    channels,
    density,
    ranks,
    map: 'A',
    controller: CONTROLLERS.mobile.config,
    plan: {
      requesters: [
        ...inside.map((window, i) => stream(i, { window, writePercent })),
        ...background.map(({ bytesPerSecond }, i) =>
          stream(inside.length + i, { rate: bytesPerSecond / scale }),
        ),
      ],
      window: inside.reduce((sum, window) => sum + window, 0),
      accesses: options.accesses ?? ACCESSES,
    },
  });
  return inside.map((_, i) => result.bandwidth * result.requesters[i]!.share * scale);
}
