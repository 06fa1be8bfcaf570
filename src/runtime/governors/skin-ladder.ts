/** Severity ladder of virtual skin: each step, once reached, holds the units it names below a ceiling until they cool. */
import { quantity, z } from '../../base/schema.ts';
import type { Cap, CoolingDevice, MemoryCap, ThermalGovernor, ThermalView } from '../governor.ts';
import { Caps, Poll, readingOf, SENSORS, type Sensor } from './caps.ts';
import { thermalFactory } from './entry.ts';
import { guarded, junctionOptions } from './junction-guard.ts';
import {
  ceilingPoint,
  coresLeft,
  isHeld,
  type LadderStep,
  ladderOf,
  ladderOptions,
  memoryCap,
  severityAt,
} from './ladder.ts';
import { skinPid } from './skin-pid.ts';

export const skinLadder = thermalFactory(
  'skin-ladder',
  'vendor severity steps on skin: a cliff; units no step names as skin-pid',
  z.strictObject({
    ...ladderOptions,
    /** What the steps go by: hottest skin, or a thermistor on the board. */
    sensor: z.enum(SENSORS).default('skin'),
    polling: quantity('time').default(1),
    junction: junctionOptions,
  }),
  (given, limits) => {
    const ladder = ladderOf('skin-ladder', given.ladder, limits);
    const others = isHeld(ladder) ? undefined : skinPid.create({}, limits);
    const inner = new SkinLadder({ ...given, ladder, others });
    return guarded(inner, given.junction, limits);
  },
);

interface Settings {
  readonly ladder: readonly LadderStep[];
  readonly hysteresis: number;
  readonly sensor: Sensor;
  readonly polling: number;
  /** Holds devices that no step names: steps fitted to runs of one unit know nothing of the rest. */
  readonly others: ThermalGovernor | undefined;
}

class SkinLadder implements ThermalGovernor {
  readonly holds;
  memory: MemoryCap | undefined;
  readonly #settings: Settings;
  readonly #caps = new Caps();
  readonly #poll = new Poll();
  #severity = 0;
  /** Those of `devices` that no step names, where they are among all, and what is decided of them. */
  #devices: readonly CoolingDevice[] = [];
  #unnamed: readonly CoolingDevice[] = [];
  #places: readonly number[] = [];

  constructor(settings: Settings) {
    this.#settings = settings;
    const { ladder, sensor } = settings;
    // Between two steps it is meant to stand; past the last one nothing more is held back.
    this.holds = { skin: sensor === 'skin' ? ladder.at(-1)?.at : undefined };
  }

  limit(view: ThermalView): readonly Cap[] {
    this.#caps.fit(view.devices);
    this.#holdOthers(view);
    const { ladder, hysteresis, sensor, polling } = this.#settings;
    if (!this.#poll.due(view.period, polling)) return this.#caps.list;
    const reading = readingOf(view, sensor);
    this.#severity = severityAt(ladder, hysteresis, reading, this.#severity);
    this.memory = memoryCap(ladder, this.#severity, sensor);
    const reason = `${sensor} step at ${ladder[this.#severity - 1]?.at} °C`;
    for (const [i, device] of view.devices.entries()) {
      if (this.#places.includes(i)) continue;
      this.#caps.set(i, device, ceilingPoint(ladder, this.#severity, device), reason);
      this.#caps.setCores(i, device, coresLeft(ladder, this.#severity, device), reason);
    }
    return this.#caps.list;
  }

  /** What the phone draws beside those that no step names: those that steps hold are among it. */
  #beside({ devices, others = 0 }: ThermalView): number {
    let watts = others;
    for (let i = 0; i < devices.length; i++) {
      if (!this.#places.includes(i)) watts += devices[i]?.drawn ?? 0;
    }
    return watts;
  }

  #holdOthers(view: ThermalView): void {
    const { devices } = view;
    const { ladder, others } = this.#settings;
    if (!others) return;
    if (devices !== this.#devices) {
      this.#devices = devices;
      this.#places = [...devices.keys()].filter((i) => !isHeld(ladder, devices[i]?.name));
      this.#unnamed = this.#places.map((i) => devices[i] as CoolingDevice);
    }
    const caps = others.limit({ ...view, devices: this.#unnamed, others: this.#beside(view) });
    for (const [n, i] of this.#places.entries()) {
      const { point, reason } = caps[n] as Cap;
      this.#caps.set(i, devices[i] as CoolingDevice, point, reason);
    }
  }
}
