/** Steps of severity on virtual skin: what governors with a ladder share. */
import { quantity, z } from '../../base/schema.ts';
import type { CoolingDevice, MemoryCap } from '../governor.ts';
import { coresOf } from './caps.ts';
import { requireAboveAmbient, type ThermalLimits } from './entry.ts';

const step = z.strictObject({
  /** Virtual skin at which the step is taken. */
  at: quantity('temperature'),
  /** Highest operating point allowed, as a share of the table: 0 is the slowest point, 1 the fastest. */
  ceiling: z.number().min(0).max(1).default(1),
  /** Of single devices, instead of `ceiling`. */
  ceilings: z.record(z.string(), z.number().min(0).max(1)).default({}),
  /** Share of the cores of each device that stays on (Snapdragon overlays take out the prime cluster first). */
  cores: z.number().min(0).max(1).default(1),
  /** Highest clock of main memory allowed while single devices work, as a share of its table. */
  memory: z.record(z.string(), z.number().min(0).max(1)).default({}),
});
export type LadderStep = z.output<typeof step>;

export const ladderOptions = {
  /** Rising steps. Without: half the table at the hard limit, the slowest point at the emergency limit. */
  ladder: z.array(step).min(1).optional(),
  /** Kelvins below a step at which it is left again (Pixel 8 Pro: 1.9). */
  hysteresis: z.number().min(0).max(20).default(1.9),
};

export function ladderOf(
  governor: string,
  given: readonly LadderStep[] | undefined,
  limits: ThermalLimits,
): readonly LadderStep[] {
  const all = { ceilings: {}, cores: 1, memory: {} };
  const steps = given ?? [
    { at: limits.skinHard, ceiling: 0.5, ...all },
    { at: limits.skinEmergency, ceiling: 0, ...all },
  ];
  const trips = Object.fromEntries(steps.map(({ at }, i) => [`ladder.${i}.at`, at]));
  requireAboveAmbient(governor, trips, limits);
  return [...steps].sort((a, b) => a.at - b.at);
}

/** Number of steps of the ladder that hold at `skin`, given how many held before. */
export function severityAt(
  ladder: readonly LadderStep[],
  hysteresis: number,
  skin: number,
  before: number,
): number {
  let severity = 0;
  for (const [i, { at }] of ladder.entries()) {
    if (skin >= (i < before ? at - hysteresis : at)) severity = i + 1;
  }
  return severity;
}

/** Highest point of a device that `severity` steps allow. */
export function ceilingPoint(
  ladder: readonly LadderStep[],
  severity: number,
  device: CoolingDevice,
): number {
  const top = device.powers.length - 1;
  const held = ladder[severity - 1];
  const share = held ? (held.ceilings[device.name] ?? held.ceiling) : 1;
  // Shares are written as decimals of a table length; a hair below a point is that point.
  return Math.floor(share * top + 1e-9);
}

/** Cores of a device that `severity` steps leave on; a part of a core is a core. */
export function coresLeft(
  ladder: readonly LadderStep[],
  severity: number,
  device: CoolingDevice,
): number {
  return Math.ceil((ladder[severity - 1]?.cores ?? 1) * coresOf(device) - 1e-9);
}

/** What `severity` steps allow main memory; undefined where they leave it all. */
export function memoryCap(
  ladder: readonly LadderStep[],
  severity: number,
  sensor: string,
): MemoryCap | undefined {
  const held = ladder[severity - 1];
  if (!held || Object.keys(held.memory).length === 0) return undefined;
  return { shares: held.memory, reason: `${sensor} step at ${held.at} °C` };
}

/** Whether any step ever holds a device of that name back; without one, whether any holds all. */
export function isHeld(ladder: readonly LadderStep[], name?: string): boolean {
  return ladder.some(
    ({ ceiling, ceilings, cores }) => (ceilings[name ?? ''] ?? ceiling) < 1 || cores < 1,
  );
}
