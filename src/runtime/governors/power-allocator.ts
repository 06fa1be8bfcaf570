/** Linux power_allocator (IPA) on one zone: a power budget shared among the units, in the kernel's integers. */
import { quantity, z } from '../../base/schema.ts';
import { KILO } from '../../base/units.ts';
import type { Cap, CoolingDevice, ThermalGovernor, ThermalView } from '../governor.ts';
import { Caps, loadOf, Poll, readingOf, SENSORS, type Sensor } from './caps.ts';
import { requireAboveAmbient, thermalFactory } from './entry.ts';
import { guarded, junctionOptions } from './junction-guard.ts';
import {
  divideBudget,
  estimateGains,
  type PidState,
  type PowerAllocatorParameters,
  pidBudget,
  resetPid,
} from './power-allocator-arithmetic.ts';

const options = z.strictObject({
  sensor: z.enum(SENSORS).default('skin'),
  /** Control temperature; the description's limit of the zone unless given. */
  control: quantity('temperature').optional(),
  /** Kelvins below control at which the governor switches on; 0 for a zone with one passive trip. */
  range: z.number().min(0).max(60).optional(),
  /** Budget at the control temperature; the description's unless given. */
  sustainablePower: quantity('power').optional(),
  /** Weight per device name, 1024 is one; equal unless given. */
  weights: z.record(z.string(), z.number().int().min(0)).default({}),
  passiveDelay: quantity('time').default(0.1),
  idleDelay: quantity('time').default(1),
  junction: junctionOptions,
});

export const powerAllocator = thermalFactory(
  'power-allocator',
  'Linux power_allocator: a PID power budget shared by request',
  options,
  (given, limits) => {
    const skin = given.sensor !== 'junction';
    const control = given.control ?? (skin ? limits.skinTarget : limits.junctionSoft);
    // Skin zones move over a few kelvins, junction zones over ten to fifteen (MT8183 12, hi3660 10).
    const range = given.range ?? (skin ? 4 : 12);
    requireAboveAmbient('power-allocator', { control }, limits);
    const inner = new PowerAllocator({
      sensor: given.sensor,
      control,
      switchOn: range > 0 ? control - range : undefined,
      sustainablePower: given.sustainablePower ?? limits.sustainablePower,
      weights: given.weights,
      passiveDelay: given.passiveDelay,
      idleDelay: given.idleDelay,
    });
    return guarded(inner, given.junction, limits);
  },
);

interface Settings {
  readonly sensor: Sensor;
  readonly control: number;
  readonly switchOn: number | undefined;
  readonly sustainablePower: number;
  readonly weights: Readonly<Record<string, number>>;
  readonly passiveDelay: number;
  readonly idleDelay: number;
}

class PowerAllocator implements ThermalGovernor {
  readonly holds;
  readonly #settings: Settings;
  readonly #parameters: PowerAllocatorParameters;
  readonly #reason: string;
  readonly #caps = new Caps();
  readonly #poll = new Poll();
  readonly #pid: PidState = { integral: 0, previousError: 0 };
  #on = false;
  #requests: number[] = [];
  #maxima: number[] = [];
  #weights: number[] = [];
  readonly #granted: number[] = [];

  constructor(settings: Settings) {
    this.#settings = settings;
    this.holds = { skin: settings.sensor === 'skin' ? settings.control : undefined };
    const milli = (value: number) => Math.round(value * KILO);
    const control = milli(settings.control);
    const switchOn = settings.switchOn === undefined ? undefined : milli(settings.switchOn);
    const sustainablePower = milli(settings.sustainablePower);
    this.#parameters = {
      sustainablePower,
      switchOn,
      control,
      gains: estimateGains(sustainablePower, switchOn, control),
      passiveDelayMilliseconds: milli(settings.passiveDelay),
    };
    this.#reason = `power budget for ${settings.control} °C of ${settings.sensor}`;
  }

  limit(view: ThermalView): readonly Cap[] {
    const { sensor, passiveDelay, idleDelay } = this.#settings;
    this.#caps.fit(view.devices);
    if (!this.#poll.due(view.period, this.#on ? passiveDelay : idleDelay)) return this.#caps.list;
    const reading = Math.round(readingOf(view, sensor) * KILO);
    const { switchOn } = this.#parameters;
    this.#on = switchOn === undefined || reading >= switchOn;
    if (this.#on) this.#allocate(view.devices, reading);
    else this.#release(view.devices);
    return this.#caps.list;
  }

  #release(devices: readonly CoolingDevice[]): void {
    resetPid(this.#pid);
    for (const [i, device] of devices.entries()) {
      this.#caps.set(i, device, device.powers.length - 1, this.#reason);
    }
  }

  #allocate(devices: readonly CoolingDevice[], reading: number): void {
    this.#requests = devices.map((device) => Math.round(device.requested * KILO));
    this.#maxima = devices.map((device) => Math.round((device.powers.at(-1) ?? 0) * KILO));
    this.#weights = devices.map((device) => this.#settings.weights[device.name] ?? 0);
    const maximum = this.#maxima.reduce((sum, value) => sum + value, 0);
    const budget = pidBudget(this.#pid, reading, maximum, this.#parameters);
    divideBudget(this.#requests, this.#weights, this.#maxima, budget, this.#granted);
    for (const [i, device] of devices.entries()) {
      const point = pointWithin(device, (this.#granted[i] as number) / KILO);
      this.#caps.set(i, device, point, this.#reason);
    }
  }
}

/** Fastest point at which the device, as loaded as it is, stays within `watts`; the slowest where none does. */
function pointWithin(device: CoolingDevice, watts: number): number {
  const load = loadOf(device);
  for (let point = device.powers.length - 1; point > 0; point--) {
    if ((device.powers[point] as number) * load <= watts) return point;
  }
  return 0;
}
