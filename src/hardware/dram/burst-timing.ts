/**
 * Bank and bus times for a controller that places whole bursts instead of arbitrating commands.
 *
 * Model    a burst's precharge, activate and column command get the earliest times their bank allows and their
 *          window of the command bus has room for; the column command then moves every bank's next times
 * Ignores  ranks other than the first; the exact cycle of a command inside its window
 * Valid    as the device side of a bus-centred controller (gem5)
 * Source   rules as documented for and observed in gem5 24.0 (gem5/gem5, DRAMInterface)
 * Checked  test/validation/dram.test.ts
 */
import { NANO, PICO, type Seconds } from '../../base/units.ts';
import type { DramDevice } from './device.ts';

/** Commands are counted in windows of this length (gem5 24.0, MemCtrl.command_window). */
const COMMAND_WINDOW: Seconds = 10 * NANO;

export const NO_ROW = -1;

export class BurstTiming {
  readonly openRow: Int32Array;
  readonly rowAccesses: Int32Array;
  readonly readAt: Float64Array;
  readonly writeAt: Float64Array;
  readonly precharge: Float64Array;
  readonly activate: Float64Array;
  /** When the last precharge and the last data end: a refresh waits for both. */
  busyUntil = 0;
  openBanks = 0;
  /** Cycles with at least one row open. */
  openCycles = 0;
  private openedAt = 0;
  private readonly device: DramDevice;
  private readonly windowCycles: number;
  private readonly perWindow: number;
  private readonly commands = new Map<number, number>();
  private lastBurst = 0;
  private readonly lastActivates = [-Infinity, -Infinity, -Infinity, -Infinity];

  constructor(device: DramDevice) {
    this.device = device;
    const banks = device.banks;
    this.openRow = new Int32Array(banks).fill(NO_ROW);
    this.rowAccesses = new Int32Array(banks);
    this.readAt = new Float64Array(banks);
    this.writeAt = new Float64Array(banks);
    this.precharge = new Float64Array(banks);
    this.activate = new Float64Array(banks);
    this.windowCycles = COMMAND_WINDOW / device.tCK;
    this.perWindow = Math.floor(this.windowCycles + 1e-6);
  }

  columnAt(bank: number, write: boolean): number {
    return (write ? this.writeAt : this.readAt)[bank] as number;
  }

  /** Forgets command windows that lie wholly in the past. */
  prune(now: number): void {
    for (const window of this.commands.keys()) {
      if (window * this.windowCycles < now) this.commands.delete(window);
    }
  }

  closeRow(bank: number, at: number, explicit: boolean): void {
    const { timing } = this.device;
    const when = explicit ? this.placeOne(at) : at;
    this.openRow[bank] = NO_ROW;
    if (--this.openBanks === 0) this.openCycles += Math.max(0, when - this.openedAt);
    if (explicit) {
      for (let i = 0; i < this.precharge.length; i++) lift(this.precharge, i, when + timing.nPPD);
    } else this.precharge[bank] = when;
    lift(this.activate, bank, when + timing.nRPpb);
    this.busyUntil = Math.max(this.busyUntil, when + timing.nRPpb);
  }

  openFor(bank: number, row: number, from: number): void {
    const { timing } = this.device;
    const at = this.placeTwo(from, timing.nAAD);
    this.openRow[bank] = row;
    this.rowAccesses[bank] = 0;
    if (this.openBanks++ === 0) this.openedAt = at;
    this.precharge[bank] = at + timing.nRAS;
    lift(this.readAt, bank, at + timing.nRCD);
    lift(this.writeAt, bank, at + timing.nRCD);
    this.lastActivates.pop();
    this.lastActivates.unshift(at);
    const window = (this.lastActivates[3] as number) + timing.nFAW;
    for (let i = 0; i < this.activate.length; i++) {
      lift(this.activate, i, Math.max(at + timing.nRRD, window));
    }
  }

  /** Places the column command; returns its cycle and the gap to the next one. */
  column(
    bank: number,
    write: boolean,
    from: number,
  ): { readonly at: number; readonly gap: number } {
    const { timing } = this.device;
    const latency = write ? timing.nWL : timing.nRL;
    const stopped = from - this.lastBurst > timing.nBLmax + latency;
    let at = stopped ? this.placeTwo(from, 1) : this.placeOne(from);
    let gap = timing.nCCDS;
    if (timing.nBLmin !== timing.nCCDS) {
      // A long burst leaves a hole that one other burst may fill.
      if (at === this.lastBurst + timing.nCCDS) gap = timing.nBLmin;
      else if (at < this.lastBurst + timing.nBLmin) at = this.lastBurst + timing.nBLmin;
    }
    this.lastBurst = at;
    this.spread(bank, write, at, gap);
    const end = at + latency + timing.nBLmin;
    lift(this.precharge, bank, at + (write ? timing.nWTP : timing.nRTP));
    this.busyUntil = Math.max(this.busyUntil, end);
    this.rowAccesses[bank] = (this.rowAccesses[bank] as number) + 1;
    return { at, gap };
  }

  private spread(bank: number, write: boolean, at: number, gap: number): void {
    const { timing, banksPerGroup } = this.device;
    const group = Math.floor(bank / banksPerGroup);
    const sameRead = write ? Math.max(timing.nCCDL, timing.nWTRL) : timing.nCCDL;
    // The turnaround counts from the longer occupancy inside a bank group.
    const sameTurn = timing.nRTW - timing.nBLmin + timing.nBLmax;
    const sameWrite = write ? timing.nCCDL : Math.max(timing.nCCDL, sameTurn);
    const otherRead = write ? timing.nWTRS : gap;
    const otherWrite = write ? gap : timing.nRTW;
    for (let i = 0; i < this.readAt.length; i++) {
      const same = Math.floor(i / banksPerGroup) === group;
      lift(this.readAt, i, at + (same ? sameRead : otherRead));
      lift(this.writeAt, i, at + (same ? sameWrite : otherWrite));
    }
  }

  private load(window: number): number {
    return this.commands.get(window) ?? 0;
  }

  private count(window: number): void {
    this.commands.set(window, this.load(window) + 1);
  }

  /** Earliest time from `at` on whose window has room for one command. */
  private placeOne(at: number): number {
    let window = Math.floor(at / this.windowCycles + 1e-9);
    let when = at;
    while (this.load(window) >= this.perWindow) when = ++window * this.windowCycles;
    this.count(window);
    return when;
  }

  /** The second of two commands at or after `at`, the first at most `split` before it. */
  private placeTwo(at: number, split: number): number {
    const { windowCycles, perWindow } = this;
    let second = Math.floor(at / windowCycles + 1e-9);
    let when = at;
    const inside = at - second * windowCycles;
    let first = Math.max(
      0,
      second - Math.max(0, Math.ceil((split - inside) / windowCycles - 1e-9)),
    );
    for (;;) {
      const together = first === second;
      const firstFits = this.load(first) < perWindow;
      const secondFits = this.load(second) + (together ? 1 : 0) < perWindow;
      if (firstFits && secondFits) break;
      if (!secondFits) when = ++second * windowCycles;
      const apart = !together && (second - first) * windowCycles > split;
      if (!firstFits || (!secondFits && apart)) first++;
    }
    this.count(second);
    this.count(first);
    return when;
  }
}

/**
 * The same device with every time rounded to a whole picosecond, the grain of that controller's clock.
 * It matters where two short bursts are a picosecond shorter than the same-group time they should fill.
 */
export function onPicoseconds(device: DramDevice): DramDevice {
  // Data sheets give CK to four digits; so do the peer's configurations.
  const cycle = Math.round(device.tCK / (PICO / 10)) / 10;
  const round = (cycles: number) => Math.round(cycles * cycle) / cycle;
  const entries = Object.entries(device.timing).map(([name, cycles]) => [name, round(cycles)]);
  return { ...device, timing: Object.fromEntries(entries) as DramDevice['timing'] };
}

function lift(times: Float64Array, index: number, at: number): void {
  if ((times[index] as number) < at) times[index] = at;
}
