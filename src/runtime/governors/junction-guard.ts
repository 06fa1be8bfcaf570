/**
 * The last lines of defence of the silicon, around any other thermal governor: a soft trip and an emergency cap.
 *
 * Model    the reading is carried one poll ahead along its slope; above the soft trip and rising: one point slower
 *          for every `perPoint` kelvins over it, at least one; below it by the hysteresis for `release`: one
 *          point faster. From `hotplug` on a device loses one core (CPU core, shader core, matrix engine) a poll, and
 *          gets one back a `release` once it has cooled by `hotplugHysteresis`. At the emergency temperature:
 *          slowest point until the junction has fallen by `clear`
 * Ignores  firmware limits on current; which core of a device is the hottest (its block is one node)
 * Source   Snapdragon 8 Gen 3 device trees: GPU passive 95 °C at 10 ms polling, CPU pause at 108 °C with
 *          8–10 K of hysteresis. CPU limits on junction are firmware whose law is not published: looking ahead
 *          stands for it, since a die block warms by tens of kelvins within one poll
 * Checked  test/unit/runtime/governors/thermal.test.ts
 */
import { SpecError } from '../../base/errors.ts';
import { quantity, z } from '../../base/schema.ts';
import type { Cap, CoolingDevice, MemoryCap, ThermalGovernor, ThermalView } from '../governor.ts';
import { Caps, coresOf, Poll, stricter } from './caps.ts';
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
    /** Cores are taken out one by one from here; 2 K below the emergency temperature unless given. */
    hotplug: quantity('temperature').optional(),
    hotplugHysteresis: z.number().min(0).max(50).default(8),
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
  const hotplug = options.hotplug ?? emergency - HOTPLUG_LEAD;
  return new JunctionGuard(inner, { ...options, soft, emergency, hotplug });
}

/** Snapdragon 8 Gen 3 vendor trees: cores pause at 108 °C where the critical trip is 110 °C. */
const HOTPLUG_LEAD = 2;

interface GuardSettings extends JunctionOptions {
  readonly soft: number;
  readonly emergency: number;
  readonly hotplug: number;
}

class JunctionGuard implements ThermalGovernor {
  readonly holds;
  readonly #inner: ThermalGovernor;
  readonly #settings: GuardSettings;
  readonly #caps = new Caps();
  readonly #poll = new Poll();
  readonly #last: number[] = [];
  readonly #tripped: boolean[] = [];
  /** How long each device has been below the trip. */
  readonly #cool: number[] = [];
  /** How long each device has been cool enough to get a core back. */
  readonly #coreCool: number[] = [];
  #sinceLook = 0;
  readonly #merged: Cap[] = [];
  readonly #mergedOwn: Cap[] = [];
  readonly #mergedInner: Cap[] = [];
  readonly #softReason: string;
  readonly #emergencyReason: string;
  readonly #hotplugReason: string;

  constructor(inner: ThermalGovernor, settings: GuardSettings) {
    this.#inner = inner;
    this.#settings = settings;
    this.holds = { ...inner.holds, junction: settings.soft };
    this.#softReason = `junction trip at ${settings.soft} °C`;
    this.#emergencyReason = `junction emergency at ${settings.emergency} °C`;
    this.#hotplugReason = `hotplug at ${settings.hotplug} °C`;
  }

  get memory(): MemoryCap | undefined {
    return this.#inner.memory;
  }

  limit(view: ThermalView): readonly Cap[] {
    const inner = this.#inner.limit(view);
    this.#caps.fit(view.devices);
    const due = this.#poll.due(view.period, this.#settings.polling);
    this.#sinceLook += view.period;
    for (let i = 0; i < view.devices.length; i++) {
      const device = view.devices[i] as CoolingDevice;
      if (due) this.#look(i, device, device.temperature ?? view.junction);
      this.#merge(i, this.#caps.list[i] as Cap, inner[i] as Cap);
    }
    if (due) this.#sinceLook = 0;
    return this.#merged;
  }

  /** Caps are replaced when they change, so most looks find the two that were merged before. */
  #merge(i: number, own: Cap, inner: Cap): void {
    if (this.#mergedOwn[i] === own && this.#mergedInner[i] === inner) return;
    this.#mergedOwn[i] = own;
    this.#mergedInner[i] = inner;
    this.#merged[i] = stricter(own, inner);
  }

  #look(i: number, device: CoolingDevice, temperature: number): void {
    const { soft, emergency, hysteresis, clear, perPoint, release } = this.#settings;
    const slope = temperature - (this.#last[i] ?? temperature);
    const ahead = temperature + slope;
    this.#last[i] = temperature;
    const point = this.#caps.point(i);
    const cool = Math.max(temperature, ahead) < soft - hysteresis;
    this.#cool[i] = cool ? (this.#cool[i] ?? 0) + this.#sinceLook : 0;
    this.#plug(i, device, temperature);
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

  /** Takes a core out, or gives one back; what comes back waits for `release` as a point does. */
  #plug(i: number, device: CoolingDevice, temperature: number): void {
    const { hotplug, hotplugHysteresis, release } = this.#settings;
    const cores = this.#caps.cores(i, device);
    const cool = temperature < hotplug - hotplugHysteresis;
    this.#coreCool[i] = cool ? (this.#coreCool[i] ?? 0) + this.#sinceLook : 0;
    if (temperature >= hotplug) {
      this.#caps.setCores(i, device, Math.max(cores - 1, 0), this.#hotplugReason);
    } else if (cores < coresOf(device) && (this.#coreCool[i] ?? 0) >= release) {
      this.#coreCool[i] = 0;
      this.#caps.setCores(i, device, cores + 1, this.#hotplugReason);
    }
  }

  /** Whether nothing holds the device yet: then even a steady reading above the trip must act. */
  #isOpen(i: number, device: CoolingDevice): boolean {
    return this.#caps.point(i) === device.powers.length - 1;
  }
}
