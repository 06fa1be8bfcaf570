/** The unbounded queue between the requesters and one channel's controller. */
import type { ChannelController } from './controller.ts';

/** Bursts a controller is offered per cycle, at most. */
const OFFERS = 4;

/** Bursts on their way to one channel, in order; neighbours of one access and row are one entry. */
export class ChannelPort {
  /** Entries. */
  count = 0;
  private burst = new Int32Array(64);
  private bursts = new Int32Array(64);
  private access = new Int32Array(64);
  private bank = new Int32Array(64);
  private row = new Int32Array(64);
  private write = new Uint8Array(64);
  private first = 0;
  /** Bursts of the first entry that have been taken. */
  private taken = 0;
  private cycle = -1;
  private left = 0;
  /** One once the next burst has been refused: it need not be offered again before there is room. */
  private refused = 0;

  push(
    burst: number,
    bursts: number,
    access: number,
    write: boolean,
    bank: number,
    row: number,
  ): void {
    if (this.count === this.burst.length) this.grow();
    const at = (this.first + this.count++) & (this.burst.length - 1);
    this.burst[at] = burst;
    this.bursts[at] = bursts;
    this.access[at] = access;
    this.bank[at] = bank;
    this.row[at] = row;
    this.write[at] = write ? 1 : 0;
  }

  /** Offers a few bursts in a cycle, where one is `ready`; the first refusal ends the turn. */
  offer(controller: ChannelController, now: number): void {
    this.refused = 0;
    if (this.cycle !== now) {
      this.cycle = now;
      this.left = OFFERS;
    }
    while (this.left > 0 && this.count > 0) {
      const at = this.first;
      const taken = controller.accept(
        (this.burst[at] as number) + this.taken,
        this.access[at] as number,
        this.write[at] === 1,
        this.bank[at] as number,
        this.row[at] as number,
        now,
      );
      if (!taken) {
        this.refused = 1;
        return;
      }
      this.left--;
      if (++this.taken < (this.bursts[at] as number)) continue;
      this.taken = 0;
      this.first = (at + 1) & (this.burst.length - 1);
      this.count--;
    }
  }

  /** Whether the next burst may be taken: one not yet refused might need no room. */
  ready(controller: ChannelController): boolean {
    if (this.count === 0) return false;
    return this.refused === 0 || controller.hasRoom(this.write[this.first] === 1);
  }

  private grow(): void {
    const size = this.burst.length;
    const order = Int32Array.from({ length: size }, (_, i) => (this.first + i) & (size - 1));
    const widen = <T extends Int32Array | Uint8Array>(from: T, to: T): T => {
      for (let i = 0; i < size; i++) to[i] = from[order[i] as number] as number;
      return to;
    };
    this.burst = widen(this.burst, new Int32Array(2 * size));
    this.bursts = widen(this.bursts, new Int32Array(2 * size));
    this.access = widen(this.access, new Int32Array(2 * size));
    this.bank = widen(this.bank, new Int32Array(2 * size));
    this.row = widen(this.row, new Int32Array(2 * size));
    this.write = widen(this.write, new Uint8Array(2 * size));
    this.first = 0;
  }
}
