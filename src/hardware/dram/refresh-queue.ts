/** Refreshes that are due and not yet done: one REFab per rank and interval, or one REFpb per interval in turn over the banks. */
import type { ControllerConfig } from './controller-config.ts';
import { NEVER } from './controller-config.ts';
import type { DramDevice } from './device.ts';
import type { LowPower } from './low-power.ts';

/** A refresh names a rank (`all-bank`) or the first of its banks (`per-bank`). */
export class RefreshQueue {
  /** Next cycle in which a refresh falls due. */
  due: number;
  /** Targets in order; usually empty. */
  readonly waiting: number[] = [];
  /** Banks that one REFpb takes, as an offset from the first; 0 when it is alone. */
  readonly pairOffset: number;
  private readonly banksPerTarget: number;
  private readonly interval: number;
  private readonly targets: readonly number[];
  private readonly atOnce: number;
  private turn = 0;

  constructor(device: DramDevice, config: ControllerConfig) {
    const perBank = config.refresh === 'per-bank';
    const pairs = perBank && config.refreshPairs && device.banks >= 16;
    this.pairOffset = pairs ? device.banks / 2 : 0;
    this.interval = perBank ? device.timing.nREFIpb : device.timing.nREFI;
    const ranks = Array.from({ length: device.ranks }, (_, rank) => rank);
    const banks = Array.from({ length: pairs ? this.pairOffset : device.banks }, (_, bank) => bank);
    this.targets = perBank
      ? banks.flatMap((bank) => ranks.map((rank) => rank * device.banks + bank))
      : ranks;
    this.banksPerTarget = perBank ? device.banks : 1;
    // Every rank needs its own refresh in each interval, of all its banks or of the next.
    this.atOnce = device.ranks;
    this.due = config.refresh === 'none' ? NEVER : this.interval - 1;
  }

  /** Moves what falls due by `now` into `waiting`, but for ranks that refresh themselves. */
  advance(now: number, power?: LowPower): void {
    while (this.due <= now) {
      for (let i = 0; i < this.atOnce; i++) {
        const target = this.targets[this.turn] as number;
        const rank = this.rankOf(target);
        if (power?.refreshesItself(rank) !== true) {
          this.waiting.push(target);
          power?.wake(rank, now);
        }
        this.turn = (this.turn + 1) % this.targets.length;
      }
      this.due += this.interval;
    }
  }

  /** Ranks for which a refresh waits, as bits. */
  wanted(): number {
    let ranks = 0;
    for (const target of this.waiting) ranks |= 1 << this.rankOf(target);
    return ranks;
  }

  private rankOf(target: number): number {
    return Math.floor(target / this.banksPerTarget);
  }
}
