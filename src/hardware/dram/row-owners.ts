/** Bursts that have left their queue because a row has been opened for them: they come first once its time has come. */
import * as cell from './channel-cells.ts';
import { NEVER } from './controller-config.ts';

// A constant of the same file is a number in the machine's code, an imported one is read anew at every use.
const { ACCESS, ARRIVAL, ORDER, OWNER_ACCESS, OWNER_ARRIVAL, OWNER_ORDER } = cell;

export class RowOwners {
  /** Banks whose row is open for one burst, as bits. */
  banks = 0;
  /** Those of them that write. */
  writers = 0;
  private readonly cells: Int32Array;

  constructor(cells: Int32Array) {
    this.cells = cells;
  }

  /** Notes the first burst of an entry, for which the bank's row is being opened. */
  note(bank: number, entry: number): void {
    const { cells } = this;
    cells[OWNER_ACCESS + bank] = cells[entry + ACCESS] as number;
    cells[OWNER_ORDER + bank] = cells[entry + ORDER] as number;
    cells[OWNER_ARRIVAL + bank] = cells[entry + ARRIVAL] as number;
  }

  /** The row is open. */
  add(bank: number, write: boolean): void {
    this.banks |= 1 << bank;
    if (write) this.writers |= 1 << bank;
  }

  /** The burst gets its column command; @returns its access. */
  take(bank: number): number {
    this.banks &= ~(1 << bank);
    this.writers &= ~(1 << bank);
    return this.cells[OWNER_ACCESS + bank] as number;
  }

  /** The bank whose burst came first, of some of them as bits, or -1. */
  first(of: number): number {
    const { cells } = this;
    let best = -1;
    let oldest = NEVER;
    for (let left = of; left !== 0; left &= left - 1) {
      const bank = 31 - Math.clz32(left & -left);
      const order = cells[OWNER_ORDER + bank] as number;
      if (order < oldest) {
        oldest = order;
        best = bank;
      }
    }
    return best;
  }

  /** Whether one of some banks' bursts has come before a cycle. */
  waitsFrom(before: number, of: number): boolean {
    for (let left = of; left !== 0; left &= left - 1) {
      const bank = 31 - Math.clz32(left & -left);
      if ((this.cells[OWNER_ARRIVAL + bank] as number) < before) return true;
    }
    return false;
  }
}
