/** The caps a thermal governor hands out: kept between calls, replaced only where a cap changes. */
import type { Cap, CoolingDevice, ThermalView } from '../governor.ts';

const FREE = '';

export class Caps {
  readonly list: Cap[] = [];

  /** One cap per device, all open at first. */
  fit(devices: readonly CoolingDevice[]): void {
    while (this.list.length < devices.length) {
      const device = devices[this.list.length] as CoolingDevice;
      this.list.push({ point: device.powers.length - 1, reason: FREE });
    }
  }

  point(index: number): number {
    return (this.list[index] as Cap).point;
  }

  /** Lets `cores` of device `index` run; all of them need no reason. */
  setCores(index: number, device: CoolingDevice, cores: number, reason: string): void {
    const all = coresOf(device);
    const { cores: held, coresReason, ...cap } = this.list[index] as Cap;
    if ((held ?? all) === cores && (cores === all || coresReason === reason)) return;
    this.list[index] = cores < all ? { ...cap, cores, coresReason: reason } : cap;
  }

  /** Cores that run now. */
  cores(index: number, device: CoolingDevice): number {
    return (this.list[index] as Cap).cores ?? coresOf(device);
  }

  /** Sets the cap of device `index`; a cap at the fastest point has no reason. */
  set(index: number, device: CoolingDevice, point: number, reason: string): void {
    const top = device.powers.length - 1;
    const next = Math.min(Math.max(point, 0), top);
    const why = next === top ? FREE : reason;
    const old = this.list[index] as Cap;
    if (old.point === next && old.reason === why) return;
    this.list[index] = { ...old, point: next, reason: why };
  }
}

export function coresOf(device: CoolingDevice): number {
  return device.cores ?? 1;
}

/** The stricter of two caps of one device, points and cores apart. */
export function stricter(a: Cap, b: Cap): Cap {
  const lower = a.point < b.point ? a : b;
  const fewer =
    (a.cores ?? Number.POSITIVE_INFINITY) < (b.cores ?? Number.POSITIVE_INFINITY) ? a : b;
  if (lower.cores === fewer.cores) return lower;
  const { cores, coresReason } = fewer;
  return {
    point: lower.point,
    reason: lower.reason,
    ...(cores !== undefined && { cores, coresReason: coresReason ?? '' }),
  };
}

/** The reading that a governor goes by. */
export type Sensor = 'junction' | 'skin' | 'board';
export const SENSORS = ['junction', 'skin', 'board'] as const;

export function readingOf(view: ThermalView, sensor: Sensor): number {
  if (sensor === 'board') return view.board ?? view.skin;
  return sensor === 'skin' ? view.skin : view.junction;
}

/** Share of its full-load power that a device asks for, whatever its clock: what scales its power table. */
export function loadOf(device: CoolingDevice): number {
  const full = device.powers[device.powers.length - 1] as number;
  return full > 0 ? Math.min(Math.max(device.requested / full, 0), 1) : 0;
}

/** Accumulates periods and says when a polling interval is over. */
export class Poll {
  #elapsed = Number.POSITIVE_INFINITY;

  /** @returns whether to look now; the first call always does. */
  due(period: number, interval: number): boolean {
    this.#elapsed += period;
    if (this.#elapsed < interval * (1 - 1e-9)) return false;
    this.#elapsed = 0;
    return true;
  }
}
