/**
 * Traffic of the transaction model that stands for one mix of the fluid engine.
 *
 * Model    each stream reads and writes chunks that spend one visit in each row they touch: one row per channel and
 *          bank group, as map A lays them out; enough accesses under way to keep every channel busy
 * Ignores  what the streams are for; all are alike
 * Valid    map A; visits from 64 bytes to a whole row
 * Source   definition
 * Checked  test/unit/calibration/dram-efficiency.test.ts
 */
import { type Bytes, GIBI } from '../../base/units.ts';
import type { TrafficMix } from '../memory-system.ts';
import { CONTROLLERS } from './controllers.ts';
import { buildDevice } from './device.ts';
import type { LpddrPreset } from './preset.ts';
import { ACCESS_BYTES, type Requester } from './requester.ts';
import { simulateTraffic, type TrafficRun } from './simulate.ts';

export interface MixOptions {
  readonly channels: number;
  readonly ranks?: number | undefined;
  readonly density?: string | undefined;
  /** At least; long visits need more to average out. */
  readonly accesses: number;
  readonly leastChunks?: number | undefined;
  readonly seed: number;
  /** Open issue at this share of peak instead of as fast as it goes. */
  readonly openRate?: number | undefined;
}

/** Chunks of a run unless told otherwise: which banks they fall into must average out. */
const LEAST_CHUNKS = 160;
/** Accesses under way per channel. */
const WINDOW = 64;
/** Streams beyond this are no worse (bank groups and banks are all in use). */
const MOST_STREAMS = 16;

export function simulateMix(preset: LpddrPreset, mix: TrafficMix, options: MixOptions): TrafficRun {
  const { channels, openRate } = options;
  const requesters = requestersOf(preset, mix, options);
  const perChunk = (requesters[0] as Requester).stride / ACCESS_BYTES;
  return simulateTraffic({
    preset,
    channels,
    ranks: options.ranks,
    density: options.density,
    temperature: mix.temperature,
    map: 'A',
    controller: CONTROLLERS.mobile.config,
    plan: {
      requesters,
      window: openRate === undefined ? WINDOW * channels : undefined,
      openRate,
      accesses: Math.max(options.accesses, (options.leastChunks ?? LEAST_CHUNKS) * perChunk),
    },
  });
}

function requestersOf(preset: LpddrPreset, mix: TrafficMix, options: MixOptions): Requester[] {
  const device = buildDevice(preset, options);
  const rows = options.channels * device.bankGroups;
  const visit: Bytes = Math.min(
    device.pageBytes,
    Math.max(ACCESS_BYTES, Math.floor(mix.granularityBytes / ACCESS_BYTES) * ACCESS_BYTES),
  );
  const stride = visit === ACCESS_BYTES ? ACCESS_BYTES : visit * rows;
  const streams = Math.min(MOST_STREAMS, Math.max(1, Math.round(mix.streams)));
  const memory = Math.min(device.capacity * options.channels, 4 * GIBI);
  const slice = 2 ** Math.floor(Math.log2(memory / streams));
  return Array.from({ length: streams }, (_, index) => ({
    kind: 'chunk',
    base: index * slice,
    region: Math.floor(slice / stride) * stride,
    stride,
    writePercent: Math.round(100 * (1 - mix.readShare)),
    seed: options.seed + 7 * index,
  }));
}
