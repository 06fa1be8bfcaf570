/** The runs of the transaction model that the fluid model is derived from. */
import type { Bytes, Celsius } from '../base/units.ts';
import { simulateMix } from '../hardware/dram/mix-traffic.ts';
import type { LpddrPreset } from '../hardware/dram/preset.ts';
import type { TrafficRun } from '../hardware/dram/simulate.ts';

export const CHANNELS = 4;
/** Cool enough for the nominal refresh rate. */
export const COOL: Celsius = 45;
/** The mix for which the refresh factor and the latency are taken: mostly reads of a few streams. */
export const COMMON = { readShare: 0.75, streams: 4 } as const;

export interface FitOptions {
  /** Accesses of one run; more means less scatter. */
  readonly accesses: number;
  /** Chunks of one run, at least. */
  readonly leastChunks?: number | undefined;
  /** Points between those of the grid on which the table is checked. */
  readonly checks: number;
  readonly seed: number;
  /** Sets of addresses over which each latency is averaged; six by default. */
  readonly addressSets?: number | undefined;
  readonly onRun?: (done: number, total: number) => void;
}

export interface Mix {
  readonly visit: Bytes;
  readonly readShare: number;
  readonly streams: number;
  readonly temperature: Celsius;
}

/** By default one rank. */
export type RunOptions = Pick<FitOptions, 'accesses' | 'leastChunks' | 'seed' | 'addressSets'> & {
  readonly ranks?: number | undefined;
};

/** Runs one mix on the usual four channels; as fast as it goes, or open at a share of peak. */
export function runMix(
  preset: LpddrPreset,
  mix: Mix,
  options: RunOptions,
  openRate?: number,
): TrafficRun {
  const traffic = { ...mix, granularityBytes: mix.visit };
  return simulateMix(preset, traffic, { ...options, channels: CHANNELS, openRate });
}

/** What a run achieved of peak. */
export function share(run: TrafficRun): number {
  return round(Math.min(1, run.completed / run.peak));
}

/** Four digits are more than the runs repeat to. */
export function round(value: number): number {
  return Number(value.toFixed(4));
}
