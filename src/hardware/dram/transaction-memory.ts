/**
 * Main memory for the engine at transaction fidelity: every mix of open flows is run command by command.
 *
 * Model    efficiency of a mix = bandwidth of the transaction model on that mix ÷ peak, once per distinct mix;
 *          latency, energy and standby as in the fluid model
 * Ignores  the order in which flows open and close inside one mix
 * Valid    short scenarios: a run of one mix takes up to some tenths of a second
 * Source   mix-traffic.ts
 * Checked  test/unit/hardware/dram/transaction-memory.test.ts
 */
import type { MemorySystem, TrafficMix } from '../memory-system.ts';
import { refreshMultiple } from './device.ts';
import { buildFluidMemory, type FluidMemoryOptions } from './fluid-memory.ts';
import { simulateMix } from './mix-traffic.ts';

export interface TransactionMemoryOptions extends FluidMemoryOptions {
  /** Accesses of one mix; more means less scatter. */
  readonly accesses?: number | undefined;
  readonly seed?: number | undefined;
}

/** Mixes are told apart to this share of reads. */
const READ_STEP = 0.01;

/** Builds the memory; it remembers the mixes it has run, nothing else. */
export function buildTransactionMemory(options: TransactionMemoryOptions): MemorySystem {
  const fluid = buildFluidMemory(options);
  const known = new Map<string, number>();
  const efficiency = (mix: TrafficMix): number => {
    const readShare = Math.round(mix.readShare / READ_STEP) * READ_STEP;
    const key = [
      readShare,
      Math.round(mix.streams),
      mix.granularityBytes,
      refreshMultiple(mix.temperature),
    ].join('/');
    const seen = known.get(key);
    if (seen !== undefined) return seen;
    const run = simulateMix(
      options.preset,
      { ...mix, readShare },
      {
        channels: options.channels,
        ranks: options.ranks,
        density: options.density,
        accesses: options.accesses ?? 12_000,
        seed: options.seed ?? 1,
      },
    );
    const share = Math.min(1, run.completed / run.peak);
    known.set(key, share);
    return share;
  };
  return { ...fluid, efficiency };
}
