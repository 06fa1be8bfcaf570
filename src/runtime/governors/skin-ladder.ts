/** Severity ladder of virtual skin: each step, once reached, holds every unit below a ceiling until it cools. */
import { quantity, z } from '../../base/schema.ts';
import type { Cap, CoolingDevice, ThermalGovernor, ThermalView } from '../governor.ts';
import { Caps, Poll } from './caps.ts';
import { requireAboveAmbient, type ThermalLimits, thermalFactory } from './entry.ts';
import { guarded, junctionOptions } from './junction-guard.ts';

const step = z.strictObject({
  /** Virtual skin at which the step is taken. */
  at: quantity('temperature'),
  /** Highest operating point allowed, as a share of the table: 0 is the slowest point, 1 the fastest. */
  ceiling: z.number().min(0).max(1),
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
  const steps = given ?? [
    { at: limits.skinHard, ceiling: 0.5 },
    { at: limits.skinEmergency, ceiling: 0 },
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
  const share = severity === 0 ? 1 : (ladder[severity - 1] as LadderStep).ceiling;
  return Math.floor(share * top);
}

export const skinLadder = thermalFactory(
  'skin-ladder',
  'vendor severity steps on skin: a cliff, not a slope',
  z.strictObject({
    ...ladderOptions,
    polling: quantity('time').default(1),
    junction: junctionOptions,
  }),
  (given, limits) => {
    const inner = new SkinLadder(
      ladderOf('skin-ladder', given.ladder, limits),
      given.hysteresis,
      given.polling,
    );
    return guarded(inner, given.junction, limits);
  },
);

class SkinLadder implements ThermalGovernor {
  readonly #ladder: readonly LadderStep[];
  readonly #hysteresis: number;
  readonly #polling: number;
  readonly #caps = new Caps();
  readonly #poll = new Poll();
  #severity = 0;

  constructor(ladder: readonly LadderStep[], hysteresis: number, polling: number) {
    this.#ladder = ladder;
    this.#hysteresis = hysteresis;
    this.#polling = polling;
  }

  limit(view: ThermalView): readonly Cap[] {
    this.#caps.fit(view.devices);
    if (!this.#poll.due(view.period, this.#polling)) return this.#caps.list;
    this.#severity = severityAt(this.#ladder, this.#hysteresis, view.skin, this.#severity);
    const at = this.#ladder[this.#severity - 1]?.at;
    for (const [i, device] of view.devices.entries()) {
      const point = ceilingPoint(this.#ladder, this.#severity, device);
      this.#caps.set(i, device, point, `skin step at ${at} °C`);
    }
    return this.#caps.list;
  }
}
