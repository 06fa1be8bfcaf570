/**
 * The last lines of defence of the silicon, around any other thermal governor: a soft trip and an emergency cap.
 *
 * Model    the reading is carried one poll ahead along its slope; above the soft trip and rising: one point slower
 *          for every `perPoint` kelvins over it, at least one; below it by the hysteresis for `release`: one
 *          point faster. At the emergency temperature: slowest point until the junction has fallen by `clear`
 * Ignores  core hotplug (a unit at its slowest point keeps running) and firmware limits on current
 * Source   Snapdragon 8 Gen 3 device trees: GPU passive 95 °C at 10 ms polling, CPU pause at 108 °C with
 *          8–10 K of hysteresis. CPU limits on junction are firmware whose law is not published: looking ahead
 *          stands for it, since a die block warms by tens of kelvins within one poll
 * Checked  test/unit/runtime/governors/junction-guard.test.ts
 */
import { SpecError } from '../../base/errors.ts';
import { quantity, z } from '../../base/schema.ts';
import type { Cap, CoolingDevice, ThermalGovernor, ThermalView } from '../governor.ts';
import { Caps, Poll } from './caps.ts';
import { requireAboveAmbient, type ThermalLimits } from './entry.ts';

export const junctionOptions = z
  .strictObject({
    /** The description's soft and critical junction limits unless given. */
    soft: quantity('temperature').optional(),
    emergency: quantity('temperature').optional(),
    hysteresis: z.number().min(0).max(30).default(2),
    /** Kelvins below the emergency temperature at which the cap is lifted. */
    clear: z.number().min(0).max(50).default(10),
    polling: quantity('time', { min: 0 }).default(0.01),
    /** Kelvins over the soft trip that cost one operating point. */
    perPoint: z.number().positive().default(3),
    /** Time below the trip before one point is given back; keeps clocks from flapping between two points. */
    release: quantity('time', { min: 0 }).default(0.1),
  })
  .prefault({});
export type JunctionOptions = z.output<typeof junctionOptions>;

/** `inner` with the junction guard on top: the lower of the two caps holds. */
export function guarded(
  inner: ThermalGovernor,
  options: JunctionOptions,
  limits: ThermalLimits,
): ThermalGovernor {
  const soft = options.soft ?? limits.junctionSoft;
  const emergency = options.emergency ?? limits.junctionCritical;
  requireAboveAmbient('junction', { 'junction.soft': soft }, limits);
  if (emergency <= soft) {
    throw new SpecError([
      {
        path: 'junction.emergency',
        message: 'not above the soft trip',
        expected: `above ${soft} °C`,
        got: `${emergency} °C`,
      },
    ]);
  }
  return new JunctionGuard(inner, { ...options, soft, emergency });
}

interface GuardSettings extends JunctionOptions {
  readonly soft: number;
  readonly emergency: number;
}

class JunctionGuard implements ThermalGovernor {
  readonly #inner: ThermalGovernor;
  readonly #settings: GuardSettings;
  readonly #caps = new Caps();
  readonly #poll = new Poll();
  readonly #last: number[] = [];
  readonly #tripped: boolean[] = [];
  /** How long each device has been below the trip. */
  readonly #cool: number[] = [];
  #sinceLook = 0;
  readonly #merged: Cap[] = [];
  readonly #softReason: string;
  readonly #emergencyReason: string;

  constructor(inner: ThermalGovernor, settings: GuardSettings) {
    this.#inner = inner;
    this.#settings = settings;
    this.#softReason = `junction trip at ${settings.soft} °C`;
    this.#emergencyReason = `junction emergency at ${settings.emergency} °C`;
  }

  limit(view: ThermalView): readonly Cap[] {
    const inner = this.#inner.limit(view);
    this.#caps.fit(view.devices);
    const due = this.#poll.due(view.period, this.#settings.polling);
    this.#sinceLook += view.period;
    for (let i = 0; i < view.devices.length; i++) {
      const device = view.devices[i] as CoolingDevice;
      if (due) this.#look(i, device, device.temperature ?? view.junction);
      const own = this.#caps.list[i] as Cap;
      const other = inner[i] as Cap;
      this.#merged[i] = own.point < other.point ? own : other;
    }
    if (due) this.#sinceLook = 0;
    return this.#merged;
  }

  #look(i: number, device: CoolingDevice, temperature: number): void {
    const { soft, emergency, hysteresis, clear, perPoint, release } = this.#settings;
    const slope = temperature - (this.#last[i] ?? temperature);
    const ahead = temperature + slope;
    this.#last[i] = temperature;
    const point = this.#caps.point(i);
    const cool = Math.max(temperature, ahead) < soft - hysteresis;
    this.#cool[i] = cool ? (this.#cool[i] ?? 0) + this.#sinceLook : 0;
    if (temperature >= emergency) this.#tripped[i] = true;
    else if (temperature < emergency - clear) this.#tripped[i] = false;
    if (this.#tripped[i] === true) {
      this.#caps.set(i, device, 0, this.#emergencyReason);
    } else if (ahead >= soft && slope >= 0 && (slope > 0 || this.#isOpen(i, device))) {
      // Steps start where the unit is: a cap above the point in force would change nothing.
      const steps = Math.max(1, Math.ceil((ahead - soft) / perPoint));
      this.#caps.set(i, device, Math.min(point, device.current) - steps, this.#softReason);
    } else if (cool && (this.#cool[i] ?? 0) >= release) {
      this.#cool[i] = 0;
      this.#caps.set(i, device, point + 1, this.#softReason);
    }
  }

  /** Whether nothing holds the device yet: then even a steady reading above the trip must act. */
  #isOpen(i: number, device: CoolingDevice): boolean {
    return this.#caps.point(i) === device.powers.length - 1;
  }
}
