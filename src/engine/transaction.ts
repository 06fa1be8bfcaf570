/**
 * Rates of streams from the transaction model of DRAM, for runs at `transaction` fidelity.
 *
 * Model    each unit is a closed loop of reads: of those its port keeps in flight, X·D ÷ 64 are outside the DRAM (fabric,
 *          cache hits) at its rate X, the others in it; X is what the controllers, run command by command, give to so
 *          many; its writes are posted at the pace of its reads, and real-time traffic arrives at its own beside them
 * Ignores  how the number in the DRAM scatters around its mean; the order in which streams open and close
 * Valid    streams much longer than a window, several of a unit at once, each walking 32 KiB at a time
 * Source   closed queueing network with a delay station (Denning & Buzen, Computing Surveys 1978)
 * Checked  test/unit/engine/transaction.test.ts, test/validation/fidelity.test.ts
 */
import {
  type Bytes,
  type BytesPerSecond,
  type Celsius,
  GIBI,
  KIBI,
  type Seconds,
} from '../base/units.ts';
import { CONTROLLERS } from '../hardware/dram/controllers.ts';
import { buildDevice } from '../hardware/dram/device.ts';
import type { LpddrPreset } from '../hardware/dram/preset.ts';
import { ACCESS_BYTES, type Requester } from '../hardware/dram/requester.ts';
import { simulateTraffic } from '../hardware/dram/simulate.ts';
import { guarded, readShareOf, STREAMS_PER_UNIT } from './bandwidth.ts';
import type { BackgroundTraffic } from './machine.ts';
import type { StreamModel, StreamPort, StreamSplit } from './stream.ts';

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
  /** Of the DRAM: hot rows are refreshed more often; by default it is cool. */
  readonly temperature?: Celsius | undefined;
  /** Accesses of one run; more means less scatter. */
  readonly accesses?: number | undefined;
}

const ACCESSES = 12_000;
/** Of one stream: the largest whose random choice of chunks stays even. */
const MOST_REGION: Bytes = GIBI;
/** Far apart: near seeds of a shift register make streams that walk in step. */
const SEED = 12_345;
const SEED_STEP = 7919;
/** Rounds in which windows and rates settle, each on other addresses: the first halve the error, later ones average. */
const ROUNDS = 12;
const COARSE_ROUNDS = 4;
/** Contiguous bytes of the streams of one unit: unlike, so that they do not walk the channels in step. */
const CHUNKS: readonly Bytes[] = [29 * KIBI, 31 * KIBI, 37 * KIBI, 41 * KIBI];
/** Mixes are told apart to this share, and to this much time outside the DRAM. */
const STEP = 0.01;
const DELAY_STEP: Seconds = 1e-9;
/** Writes that a controller may hold back per channel without holding up anybody: its queue, twice for those on the way. */
const POSTED: Bytes = 2 * 64 * ACCESS_BYTES;
/** With fewer reads than this, a unit is bound by its writes, which then fill the window. */
const FEW_READS = 0.05;

/** One unit, in terms of DRAM. */
interface Loop {
  /** Accesses that may be on their way, and seconds that each read spends outside the DRAM. */
  readonly window: number;
  readonly delay: Seconds;
  readonly readShare: number;
}

/** Builds the model; it remembers the mixes it has run. */
export function buildStreamModel(options: TransactionOptions): StreamModel {
  const known = new Map<string, readonly BytesPerSecond[]>();
  const settled = (loops: readonly Loop[]): readonly BytesPerSecond[] => {
    const key = loops.map((loop) => Object.values(loop).join('/')).join(' ');
    const rates = known.get(key) ?? settle(options, loops);
    known.set(key, rates);
    return rates;
  };
  return {
    at: (temperature) => buildStreamModel({ ...options, temperature }),
    rates: (ports, hitLatency) => {
      const splits = ports.map(({ split }) => rounded(split));
      const inDram = splits.flatMap((split, i) =>
        split.dramReads + split.dramWrites > 0 ? [i] : [],
      );
      const loops = inDram.map((i) => loopOf(options, ports[i]!, splits[i]!, hitLatency));
      const rates = loops.length > 0 ? settled(loops) : [];
      return ports.map((port, i) => {
        const { dramReads, dramWrites, readHits } = splits[i]!;
        const at = inDram.indexOf(i);
        const bound =
          at >= 0
            ? rates[at]! / (dramReads + dramWrites)
            : port.outstandingBytes / (readHits * hitLatency);
        const rate = Math.min(port.bandwidth, bound);
        const guard = port.split?.guard;
        return guard ? guarded(rate, guard) : rate;
      });
    },
  };
}

function rounded(split: StreamSplit | undefined): StreamSplit {
  if (!split) return { dramReads: 1, dramWrites: 0, readHits: 0, writeHits: 0 };
  const step = (share: number) => Math.round(share / STEP) * STEP;
  const readHits = step(split.readHits);
  const writeHits = step(split.writeHits);
  const dramWrites = step(split.dramWrites);
  return {
    readHits,
    writeHits,
    dramWrites,
    dramReads: step(1 - readHits - writeHits - dramWrites),
  };
}

function loopOf(
  { interconnectLatency }: TransactionOptions,
  port: StreamPort,
  split: StreamSplit,
  hitLatency: Seconds,
): Loop {
  const hits = split.dramReads > 0 ? split.readHits / split.dramReads : 0;
  const own = port.split;
  const held = own?.guard && own.dramReads > 0 ? own.guard.held / own.dramReads : 0;
  return {
    window: port.outstandingBytes / ACCESS_BYTES,
    delay: interconnectLatency + hits * hitLatency + Math.round(held / DELAY_STEP) * DELAY_STEP,
    readShare: readShareOf(split),
  };
}

/** DRAM bytes per second of every loop, when what is inside the DRAM and what is outside add up to its window. */
function settle(options: TransactionOptions, loops: readonly Loop[]): BytesPerSecond[] {
  let rates = loops.map(() => options.peak / (2 * loops.length));
  for (let round = 0; round < ROUNDS; round++) {
    const found = simulate(options, loops, rates, round);
    const gain = 1 / Math.max(2, round - COARSE_ROUNDS);
    rates = rates.map((rate, i) => rate + gain * (found[i]! - rate));
  }
  return rates;
}

function simulate(
  options: TransactionOptions,
  loops: readonly Loop[],
  rates: readonly BytesPerSecond[],
  round: number,
): BytesPerSecond[] {
  const { preset, density, ranks, background, temperature } = options;
  const device = buildDevice(preset, { density, ranks });
  // An address map needs a power of two of channels: of twelve, eight are run with their part of the traffic.
  const channels = 2 ** Math.floor(Math.log2(options.channels));
  const scale = options.peak / (device.peak * channels);
  const part = channels / options.channels;
  const masters: Partial<Requester>[][] = [
    ...loops.map((loop, i) => streamsOf(loop, rates[i]!, scale, part)),
    background.map(({ bytesPerSecond }) => ({ rate: bytesPerSecond / scale })),
  ];
  const all = masters.flat();
  const slot = 2 ** Math.floor(Math.log2((device.capacity * channels) / all.length));
  const result = simulateTraffic({
    preset,
    channels,
    density,
    ranks,
    temperature,
    map: 'A',
    controller: CONTROLLERS.mobile.config,
    plan: {
      requesters: all.map((own, index) => ({
        kind: 'chunk',
        base: index * slot,
        region: Math.min(slot, MOST_REGION),
        stride: CHUNKS[index % CHUNKS.length]!,
        writePercent: 0,
        seed: SEED + SEED_STEP * (index + round * all.length) ** 2,
        ...own,
      })),
      window: all.reduce((sum, { window }) => sum + (window ?? 0), 0),
      accesses: options.accesses ?? ACCESSES,
    },
  });
  let first = 0;
  return loops.map((loop, i) => {
    const streams = masters[i]!.map(
      (_, j) => result.requesters[first + j]!.share * result.completed * scale,
    );
    first += streams.length;
    const posted = (POSTED * options.channels) / result.seconds;
    return rateOf(loop, rates[i]!, streams, posted);
  });
}

/** Streams of one unit: readers share what of the window is inside the DRAM; posted writes come at their own pace. */
function streamsOf(
  { window, delay, readShare }: Loop,
  rate: BytesPerSecond,
  scale: number,
  part: number,
): Partial<Requester>[] {
  const writesOnly = readShare < FEW_READS;
  const outside = writesOnly ? 0 : (rate * readShare * delay) / ACCESS_BYTES;
  const inside = Math.max(STREAMS_PER_UNIT, Math.round(part * (window - outside)));
  const readers = Array.from({ length: STREAMS_PER_UNIT }, (_, j) => ({
    window: Math.floor((inside + j) / STREAMS_PER_UNIT),
    writePercent: writesOnly ? 100 : 0,
  }));
  if (readShare >= 1 || writesOnly) return readers;
  return [...readers, { writePercent: 100, rate: (rate * (1 - readShare)) / scale }];
}

/** What a unit gets: its reads set the pace, or its writes where more of them wait than may be `posted` per second. */
function rateOf(
  { readShare }: Loop,
  asked: BytesPerSecond,
  streams: readonly BytesPerSecond[],
  posted: BytesPerSecond,
): BytesPerSecond {
  const windowed = streams.slice(0, STREAMS_PER_UNIT).reduce((sum, rate) => sum + rate, 0);
  const written = streams[STREAMS_PER_UNIT];
  if (written === undefined) return windowed;
  const late = asked * (1 - readShare) - written;
  const paced = windowed / readShare;
  return late > posted ? Math.min(paced, written / (1 - readShare)) : paced;
}
