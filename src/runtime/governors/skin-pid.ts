/**
 * Vendor skin control: power budgets from virtual skin, a bounded number of points per sample, a severity ladder.
 *
 * Model    every loop turns skin into a budget (`skin-pid-arithmetic.ts`), shared by weighted request among its
 *          devices; one whose power at the target is what the body stands counts all that the phone draws, screen
 *          aside, as rails are measured, units at rest and those it does not name among the rest, one with a vendor's power its devices alone, by load and power table; a device above its share goes up to two points down per sample, one below it one up; loops of one
 *          sensor take turns: the hottest that is awake holds alone, as the Pixel thermal HAL takes target and power of
 *          the severity above the present one
 * Ignores  the weighted sums of thermistors that make virtual skin (the hottest skin node stands for it)
 * Valid    samples of one to ten seconds; with the Pixel 8 Pro values or a description's own
 * Source   governors of public Pixel thermal HAL and configuration
 * Checked  test/unit/runtime/governors/thermal.test.ts; arithmetic in test/validation/governors.test.ts
 */
import { quantity, z } from '../../base/schema.ts';
import { KILO, MILLI } from '../../base/units.ts';
import type { Cap, CoolingDevice, MemoryCap, ThermalGovernor, ThermalView } from '../governor.ts';
import { Caps, loadOf, Poll, readingOf, SENSORS, type Sensor } from './caps.ts';
import { Drawn } from './drawn.ts';
import { requireAboveAmbient, type ThermalLimits, thermalFactory } from './entry.ts';
import { guarded, junctionOptions } from './junction-guard.ts';
import {
  ceilingPoint,
  coresLeft,
  type LadderStep,
  ladderOf,
  ladderOptions,
  memoryCap,
  severityAt,
} from './ladder.ts';
import {
  newSkinLoopState,
  type SkinLoop,
  type SkinLoopState,
  skinBudget,
  wakeSkinLoop,
} from './skin-pid-arithmetic.ts';

const watts = () => quantity('power', { min: 0 });
const loopOptions = z.strictObject({
  /** Goal; the description's skin target unless given. */
  target: quantity('temperature').optional(),
  /** Kelvins below the target at which the loop wakes (Pixel 8 Pro: 2). */
  lead: z.number().min(0).max(20).default(2),
  hysteresis: z.number().min(0).max(20).default(1.9),
  /** Budget per kelvin away from the target, and per kelvin and sample. */
  gain: watts().default(0.4),
  /** The same above the target, where it differs. */
  gainOver: watts().optional(),
  gainIntegral: watts().default(0.005),
  integralMaximum: watts().default(2.2),
  integralCutoff: z.number().default(4),
  /** Budget at the target; the description's sustainable power unless given. */
  base: watts().optional(),
  minimum: watts().optional(),
  maximum: watts().optional(),
  /** Names of the devices the budget is for, with weights; all, equal, unless given. */
  devices: z.record(z.string(), z.number().min(0)).optional(),
  /** How the budget is split: by weighted request, or by the weights alone as the Pixel thermal HAL does. */
  split: z.enum(['request', 'weight']).default('request'),
  /** Points below its fastest that a device may be put to by this loop; down to the slowest unless given. */
  deepest: z.record(z.string(), z.number().int().min(0)).default({}),
});
type LoopOptions = z.output<typeof loopOptions>;

const options = z.strictObject({
  loops: z.array(loopOptions).min(1).prefault([{}]),
  /** Whether every loop that is awake holds, or the one with the highest target alone (severities of one sensor). */
  together: z.boolean().default(true),
  sampling: quantity('time').default(7),
  stepsDown: z.number().int().min(1).default(2),
  stepsUp: z.number().int().min(1).default(1),
  /** What loops and ladder go by: hottest skin, or a thermistor on the board. */
  sensor: z.enum(SENSORS).default('skin'),
  ...ladderOptions,
  junction: junctionOptions,
});

export const skinPid = thermalFactory(
  'skin-pid',
  'vendor skin control: PID power budget plus severity steps',
  options,
  (given, limits) => {
    const loops = given.loops.map((loop) => ({
      loop: loopOf(loop, limits),
      devices: loop.devices,
      byWeight: loop.split === 'weight',
      whole: loop.base === undefined,
      deepest: loop.deepest,
    }));
    const targets = loops.map(({ loop }, i) => [`loops.${i}.target`, loop.target] as const);
    requireAboveAmbient('skin-pid', Object.fromEntries(targets), limits);
    const inner = new SkinPid({
      loops,
      sampling: given.sampling,
      stepsDown: given.stepsDown,
      stepsUp: given.stepsUp,
      together: given.together,
      sensor: given.sensor,
      ladder: ladderOf('skin-pid', given.ladder, limits),
      hysteresis: given.hysteresis,
    });
    return guarded(inner, given.junction, limits);
  },
);

/** Share of the base budget that is left however hot the skin; Pixel 8 Pro keeps 1.0 (CPU) to 0 (others). */
const FLOOR_SHARE = 0.3;
/** Largest budget over base; the Pixel 8 Pro's CPU loop allows 5.75 times. */
const CEILING_SHARE = 4;

function loopOf(given: LoopOptions, limits: ThermalLimits): SkinLoop {
  const target = given.target ?? limits.skinTarget;
  const base = given.base ?? limits.sustainablePower;
  return {
    target,
    trigger: target - given.lead,
    hysteresis: given.hysteresis,
    gainOver: (given.gainOver ?? given.gain) * KILO,
    gainUnder: given.gain * KILO,
    gainIntegral: given.gainIntegral * KILO,
    gainDerivative: 0,
    integralMaximum: given.integralMaximum * KILO,
    integralCutoff: given.integralCutoff,
    basePower: base * KILO,
    minimum: (given.minimum ?? base * FLOOR_SHARE) * KILO,
    maximum: (given.maximum ?? base * CEILING_SHARE) * KILO,
  };
}

interface BoundLoop {
  readonly loop: SkinLoop;
  readonly devices: Readonly<Record<string, number>> | undefined;
  readonly byWeight: boolean;
  /** Whether the budget is what the body of the phone stands, of which its devices have what the rest does not draw. */
  readonly whole: boolean;
  readonly deepest: Readonly<Record<string, number>>;
}

interface Settings {
  readonly loops: readonly BoundLoop[];
  readonly sampling: number;
  readonly stepsDown: number;
  readonly stepsUp: number;
  readonly together: boolean;
  readonly sensor: Sensor;
  readonly ladder: readonly LadderStep[];
  readonly hysteresis: number;
}

class SkinPid implements ThermalGovernor {
  readonly holds;
  memory: MemoryCap | undefined;
  readonly #settings: Settings;
  readonly #caps = new Caps();
  readonly #poll = new Poll();
  readonly #drawn = new Drawn();
  readonly #states: readonly SkinLoopState[];
  readonly #reasons: readonly string[];
  /** Smallest share of any loop, W, and the loop that set it, per device. */
  readonly #share: number[] = [];
  readonly #setBy: number[] = [];
  #severity = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
    const highest = Math.max(...settings.loops.map(({ loop }) => loop.target));
    this.holds = { skin: settings.sensor === 'skin' ? highest : undefined };
    this.#states = settings.loops.map(newSkinLoopState);
    this.#reasons = settings.loops.map(
      ({ loop }) => `${settings.sensor} budget for ${loop.target} °C`,
    );
  }

  limit(view: ThermalView): readonly Cap[] {
    this.#caps.fit(view.devices);
    this.#drawn.add(view);
    if (!this.#poll.due(view.period, this.#settings.sampling)) return this.#caps.list;
    this.#drawn.take(view.devices);
    const { loops, together, ladder, hysteresis } = this.#settings;
    for (let i = 0; i < view.devices.length; i++) {
      this.#share[i] = Number.POSITIVE_INFINITY;
      this.#setBy[i] = 0;
    }
    const reading = readingOf(view, this.#settings.sensor);
    const first = together ? 0 : this.#hottestAwake(reading);
    const last = together ? loops.length - 1 : first;
    for (let l = first; l <= last; l++) this.#shareBudget(l, view, reading);
    this.#severity = severityAt(ladder, hysteresis, reading, this.#severity);
    this.memory = memoryCap(ladder, this.#severity, this.#settings.sensor);
    for (let i = 0; i < view.devices.length; i++) this.#step(i, view.devices[i] as CoolingDevice);
    return this.#caps.list;
  }

  /** The awake loop with the highest target; all are told of the temperature, so that those left out sleep and forget in time. */
  #hottestAwake(reading: number): number {
    let found = 0;
    let highest = Number.NEGATIVE_INFINITY;
    for (const [l, { loop }] of this.#settings.loops.entries()) {
      if (!wakeSkinLoop(this.#states[l] as SkinLoopState, reading, loop)) continue;
      if (loop.target < highest) continue;
      highest = loop.target;
      found = l;
    }
    return found;
  }

  #shareBudget(l: number, view: ThermalView, reading: number): void {
    const { loop, whole } = this.#settings.loops[l] as BoundLoop;
    const all = skinBudget(this.#states[l] as SkinLoopState, reading, loop) * MILLI;
    if (all === Number.POSITIVE_INFINITY) return;
    let total = 0;
    let rest = this.#drawn.others;
    for (let i = 0; i < view.devices.length; i++) {
      const claim = this.#claim(l, i, view);
      total += claim;
      // An idle unit leaks, and one that the loop does not name warms the same body.
      if (claim === 0) rest += this.#drawn.watts[i] as number;
    }
    const budget = whole ? Math.max(all - rest, 0) : all;
    for (let i = 0; i < view.devices.length; i++) {
      const claim = this.#claim(l, i, view);
      if (claim === 0) continue;
      const share = (budget * claim) / total;
      if (share >= (this.#share[i] as number)) continue;
      this.#share[i] = share;
      this.#setBy[i] = l;
    }
  }

  /** What device `i` counts for where budget `l` is divided. */
  #claim(l: number, i: number, { devices }: ThermalView): number {
    const { devices: weights, byWeight, whole } = this.#settings.loops[l] as BoundLoop;
    const device = devices[i] as CoolingDevice;
    const weight = weights ? (weights[device.name] ?? 0) : 1;
    // By weight, too, what a device does not use is left to the others.
    if (byWeight) return weight * Number(device.requested > 0);
    if (!whole) return weight * device.requested;
    // Its load at the point it would have uncapped, the one that `requested` is for.
    const { requested, busyShare, powers } = device;
    const wanted = busyShare > 0 ? requested / busyShare : (powers.at(-1) as number);
    return weight * (this.#drawn.loads[i] as number) * wanted;
  }

  /** Moves one cap towards the device's share, by no more than the allowed steps, and under the ladder. */
  #step(i: number, device: CoolingDevice): void {
    const { ladder, stepsDown, stepsUp } = this.#settings;
    const { whole } = this.#settings.loops[this.#setBy[i] as number] as BoundLoop;
    const load = whole ? (this.#drawn.loads[i] as number) : loadOf(device);
    const share = this.#share[i] as number;
    const fits = (point: number) => (device.powers[point] as number) * load <= share;
    const top = device.powers.length - 1;
    let point = this.#caps.point(i);
    if (fits(point)) {
      for (let s = 0; s < stepsUp && point < top && fits(point + 1); s++) point++;
    } else {
      const floor = Math.min(this.#floor(i, device, top), point);
      for (let s = 0; s < stepsDown && point > floor && !fits(point); s++) point--;
    }
    const ceiling = ceilingPoint(ladder, this.#severity, device);
    const reason =
      ceiling < point
        ? `${this.#settings.sensor} step at ${ladder[this.#severity - 1]?.at} °C`
        : (this.#reasons[this.#setBy[i] as number] as string);
    this.#caps.set(i, device, Math.min(point, ceiling), reason);
    this.#caps.setCores(i, device, coresLeft(ladder, this.#severity, device), reason);
  }

  /** Slowest point that the loop which holds the device may put it to. */
  #floor(i: number, device: CoolingDevice, top: number): number {
    const { deepest } = this.#settings.loops[this.#setBy[i] as number] as BoundLoop;
    return Math.max(top - (deepest[device.name] ?? top), 0);
  }
}
