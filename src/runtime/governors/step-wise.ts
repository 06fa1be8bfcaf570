/** Linux step_wise on one zone of the phone: one cooling state per poll and device, in the kernel's integers. */
import { quantity, z } from '../../base/schema.ts';
import { KILO } from '../../base/units.ts';
import type { Cap, CoolingDevice, ThermalGovernor, ThermalView } from '../governor.ts';
import { Caps, Poll, readingOf, SENSORS, type Sensor } from './caps.ts';
import { requireAboveAmbient, thermalFactory } from './entry.ts';
import { guarded, junctionOptions } from './junction-guard.ts';
import {
  NO_TARGET,
  newStepWiseState,
  type StepWiseState,
  stepWiseTick,
} from './step-wise-arithmetic.ts';

const options = z.strictObject({
  /** The zone: hottest junction, virtual skin, or a thermistor on the board. */
  sensor: z.enum(SENSORS).default('skin'),
  /** Trip temperature; the description's limit of the zone unless given. */
  trip: quantity('temperature').optional(),
  /** Polling while throttling, and otherwise (MediaTek trees: 250 and 1000 ms). */
  passiveDelay: quantity('time').default(0.25),
  idleDelay: quantity('time').default(1),
  junction: junctionOptions,
});

export const stepWise = thermalFactory(
  'step-wise',
  'Linux step_wise: one point per poll around a trip',
  options,
  (given, limits) => {
    const zone = given.sensor === 'junction' ? limits.junctionSoft : limits.skinTarget;
    const trip = given.trip ?? zone;
    requireAboveAmbient('step-wise', { trip }, limits);
    const inner = new StepWise({ ...given, trip });
    return guarded(inner, given.junction, limits);
  },
);

interface StepWiseSettings {
  readonly sensor: Sensor;
  readonly trip: number;
  readonly passiveDelay: number;
  readonly idleDelay: number;
}

class StepWise implements ThermalGovernor {
  readonly holds;
  readonly #settings: StepWiseSettings;
  readonly #reason: string;
  readonly #caps = new Caps();
  readonly #poll = new Poll();
  readonly #states: StepWiseState[] = [];

  constructor(settings: StepWiseSettings) {
    this.#settings = settings;
    this.holds = { skin: settings.sensor === 'skin' ? settings.trip : undefined };
    this.#reason = `${settings.sensor} trip at ${settings.trip} °C`;
  }

  limit(view: ThermalView): readonly Cap[] {
    const { sensor, trip, passiveDelay, idleDelay } = this.#settings;
    this.#caps.fit(view.devices);
    const passive = this.#states.some((state) => state.target !== NO_TARGET);
    if (!this.#poll.due(view.period, passive ? passiveDelay : idleDelay)) return this.#caps.list;
    const reading = Math.round(readingOf(view, sensor) * KILO);
    for (let i = 0; i < view.devices.length; i++) {
      const device = view.devices[i] as CoolingDevice;
      const top = device.powers.length - 1;
      this.#states[i] ??= newStepWiseState();
      const state = this.#states[i] as StepWiseState;
      const target = stepWiseTick(
        state,
        reading,
        Math.round(trip * KILO),
        top - this.#caps.point(i),
        {
          lower: 0,
          upper: top,
        },
      );
      this.#caps.set(i, device, top - Math.max(target, 0), this.#reason);
    }
    return this.#caps.list;
  }
}
