/** Refreshes that are due and not yet done: one REFab per rank and interval, or one REFpb per interval in turn over the banks. */
import type { ControllerConfig } from './controller.ts';
import { NEVER } from './controller.ts';
import type { DramDevice } from './device.ts';

/** A refresh names a rank (`all-bank`) or the first of its banks (`per-bank`). */
export class RefreshQueue {
  /** Next cycle in which a refresh falls due. */
  due: number;
  /** Targets in order; usually empty. */
  readonly waiting: number[] = [];
  /** Banks that one REFpb takes, as an offset from the first; 0 when it is alone. */
  readonly pairOffset: number;
  private readonly interval: number;
  private readonly targets: readonly number[];
  private readonly atOnce: number;
  private turn = 0;

  constructor(device: DramDevice, config: ControllerConfig) {
    const perBank = config.refresh === 'per-bank';
    const pairs = perBank && config.refreshPairs && device.banks >= 16;
    this.pairOffset = pairs ? device.banks / 2 : 0;
    this.interval = perBank ? device.timing.nREFIpb : device.timing.nREFI;
    const banks = Array.from({ length: device.ranks * device.banks }, (_, bank) => bank);
    this.targets = perBank
      ? banks.filter((bank) => !pairs || bank % device.banks < device.banks / 2)
      : Array.from({ length: device.ranks }, (_, rank) => rank);
    // All ranks at once for REFab; one bank at a time for REFpb, each rank keeping its own pace.
    this.atOnce = perBank ? 1 : this.targets.length;
    this.due = config.refresh === 'none' ? NEVER : this.interval - 1;
  }

  /** Moves what falls due by `now` into `waiting`. */
  advance(now: number): void {
    while (this.due <= now) {
      for (let i = 0; i < this.atOnce; i++) {
        this.waiting.push(this.targets[this.turn] as number);
        this.turn = (this.turn + 1) % this.targets.length;
      }
      this.due += this.interval;
    }
  }
}
