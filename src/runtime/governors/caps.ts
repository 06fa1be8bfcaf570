/** The caps a thermal governor hands out: kept between calls, replaced only where a cap changes. */
import type { Cap, CoolingDevice } from '../governor.ts';

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

  /** Sets the cap of device `index`; a cap at the fastest point has no reason. */
  set(index: number, device: CoolingDevice, point: number, reason: string): void {
    const top = device.powers.length - 1;
    const next = Math.min(Math.max(point, 0), top);
    const why = next === top ? FREE : reason;
    const old = this.list[index] as Cap;
    if (old.point !== next || old.reason !== why) this.list[index] = { point: next, reason: why };
  }
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
