/** What surrounds the compute units in socs/<soc>.yaml: memory, caches, fabric, die, limits. */
import {
  count,
  quantity,
  risingQuantities,
  sourced,
  sourcedValue,
  whole,
  z,
} from '../../base/schema.ts';
import { MEGA } from '../../base/units.ts';

/** From the lowest frequency set points of phones to the highest bin of LPDDR6 (JESD209-6: 14,400 MT/s per pin). */
const RATES = { min: 100 * MEGA, max: 14_400 * MEGA, because: 'LPDDR6 ends at 14,400 MT/s' };

/** Main memory as the SoC sees it; timings and energies come from the preset, its size from the phone. */
export const memorySpec = z.strictObject({
  type: z.enum(['lpddr5', 'lpddr5x', 'lpddr5t', 'lpddr6', 'other']),
  /** Speed bin under socs/lpddr, such as `lpddr5x-8533`. */
  preset: z.string(),
  /** SoC of socs/memory-votes.csv whose CPUs ask for memory clocks so; the description's own name where absent. */
  votes: z.string().optional(),
  /** Data rate per pin; peak = channels × width × rate. */
  rate: sourced('transfer-rate', RATES),
  /** Rates the controller can step down to; `rate` is always the last. */
  rates: sourcedValue(risingQuantities('transfer-rate')).optional(),
  channels: count(),
  channelWidth: sourcedValue(whole('bit-width', { min: 1 })),
  /** Per channel: a key of the preset's densities. */
  density: sourcedValue(z.string()),
  /** One or two: a package has two chip selects per channel (JESD209-5C). */
  ranks: count({ max: 2 }),
  /** Load-to-use time outside the DRAM itself: caches, fabric, controller, PHY. */
  interconnectLatency: sourced('time', { min: 0 }),
});

export const systemCacheSpec = z.strictObject({
  size: sourced('size'),
  bandwidth: sourced('bandwidth'),
  /** Of a byte that hits, on top of the fabric's; its lookup is part of that. */
  energy: sourced('energy-per-byte', { min: 0 }).optional(),
  /** Part of the capacity that a unit may fill, by unit; all of it where absent. */
  shares: z.record(z.string(), sourced('ratio', { min: 0, max: 1 })).optional(),
});

const rectangle = z.strictObject({
  x: quantity('length', { min: 0 }),
  y: quantity('length', { min: 0 }),
  width: quantity('length'),
  height: quantity('length'),
});

/** One block per clock domain, and others such as `memory` and `other` for the rest of the die. */
export const floorplanSpec = z.strictObject({
  width: sourced('length'),
  height: sourced('length'),
  blocks: sourcedValue(z.record(z.string(), rectangle)),
});

export const limitsSpec = z.strictObject({
  junction: z.strictObject({
    /** Clocks are stepped down from here. */
    soft: sourced('temperature'),
    /** Emergency: the slowest point at once. */
    critical: sourced('temperature'),
  }),
  /** DRAM that a workload cannot have. */
  memory: z.strictObject({
    osReserve: sourced('size', { min: 0 }),
    applications: sourced('size', { min: 0 }),
  }),
});

export const fabricSpec = z.strictObject({
  /** Network on chip and system cache, per byte between a unit and memory. */
  energy: sourced('energy-per-byte', { min: 0 }),
  /** Handing a result from one unit to another: cache maintenance and wake-up, then its bytes. */
  handover: sourced('time', { min: 0 }),
  handoverBandwidth: sourced('bandwidth'),
});

/** Real-time traffic that goes on beside any workload, by master. */
export const backgroundSpec = z.record(z.string(), sourced('bandwidth', { min: 0 }));
