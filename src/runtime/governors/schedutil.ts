/**
 * The CPU governor of Linux: frequency follows the scheduler's utilisation with a quarter of headroom.
 *
 * Model    f = (f_max + f_max>>2) · util / 1024 in integer kHz, slowest point at or above it; util is a
 *          geometric average of frequency-invariant busy time that halves every `halfLife` (PELT)
 * Ignores  input/output wait boost and deadline tasks (the domain view does not carry them), the 1.024 ms
 *          segments of PELT (the average is taken in closed form over the period)
 * Valid    control periods of 0.1 ms to seconds
 * Source   kernel/sched/cpufreq_schedutil.c and pelt.c of Linux 5.x, where this is map_util_freq
 * Checked  test/unit/runtime/governors/frequency.test.ts
 */
import { quantity, z } from '../../base/schema.ts';
import { KILO, type Seconds } from '../../base/units.ts';
import type { DomainView, Governor } from '../governor.ts';
import { factory } from './entry.ts';
import { pointAtLeast } from './fixed.ts';

/** Capacity scale of the scheduler: a CPU that is always busy at its highest frequency. */
const CAPACITY_SCALE = 1024;
/** PELT: y^32 = 0.5 with a period of 1024 µs; kernel/sched/pelt.c. */
const HALF_LIFE: Seconds = 0.032768;
const options = z.strictObject({
  /** Shortest time between two changes; the kernel's is the driver's transition delay, 1–10 ms on phones. */
  rateLimit: quantity('time', { min: 0 }).default(0.002),
  /** Time in which utilisation covers half of a step; mainline's unless given. */
  halfLife: quantity('time').default(HALF_LIFE),
});

export const schedutil = factory(
  'schedutil',
  'Linux: utilisation plus a quarter, rate-limited',
  options,
  (given): Governor => new Schedutil(given),
);

/** Raw frequency in kHz that schedutil asks for; both in the kernel's integers. */
export function schedutilFrequency(
  util: number,
  maximumKilohertz: number,
  capacity: number = CAPACITY_SCALE,
): number {
  const headroom = maximumKilohertz + Math.floor(maximumKilohertz / 4);
  return Math.floor((headroom * util) / capacity);
}

/** Utilisation after `seconds` with `running` (0…1024) of capacity in use: geometric decay. */
export function decayUtilisation(
  util: number,
  running: number,
  seconds: Seconds,
  halfLife: Seconds = HALF_LIFE,
): number {
  return running + (util - running) * Math.exp((-Math.LN2 / halfLife) * seconds);
}

class Schedutil implements Governor {
  readonly #rateLimit: Seconds;
  readonly #halfLife: Seconds;
  #util = 0;
  #next = 0;
  #sinceChange: Seconds = Number.POSITIVE_INFINITY;

  constructor({ rateLimit, halfLife }: z.output<typeof options>) {
    this.#rateLimit = rateLimit;
    this.#halfLife = halfLife;
  }

  choose(view: DomainView): number {
    const { frequencies, current, busyShare, period } = view;
    const fastest = frequencies[frequencies.length - 1] as number;
    const scale = (frequencies[current] as number) / fastest;
    const running = busyShare * scale * CAPACITY_SCALE;
    this.#util = decayUtilisation(this.#util, running, period, this.#halfLife);
    this.#sinceChange += period;
    if (this.#sinceChange < this.#rateLimit) return this.#next;
    const raw = schedutilFrequency(Math.round(this.#util), Math.floor(fastest / KILO));
    const wanted = pointAtLeast(frequencies, raw * KILO);
    // A CPU that never idled is not slowed down: its utilisation may still be catching up.
    const next = busyShare >= 1 ? Math.max(wanted, this.#next) : wanted;
    if (next !== this.#next) this.#sinceChange = 0;
    this.#next = next;
    return next;
  }
}
