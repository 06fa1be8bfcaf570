import { beforeEach, describe, expect, it } from 'vitest';
import * as cell from '../../../../src/hardware/dram/channel-cells.ts';
import { RowOwners } from '../../../../src/hardware/dram/row-owners.ts';

const NEVER = 0x7fffffff;
const bits = (...banks: number[]) => banks.reduce((sum, bank) => sum | (1 << bank), 0);

describe('bursts for which a row has been opened', () => {
  let cells: Int32Array;
  let owners: RowOwners;

  beforeEach(() => {
    cells = new Int32Array(cell.ENTRIES + 4 * cell.ENTRY_CELLS);
    owners = new RowOwners(cells);
  });

  /** Writes down an entry as the queues do, and gives the bank's row to it. */
  function own(bank: number, burst: { access: number; order: number; arrival: number }): void {
    const entry = cell.ENTRIES + cell.ENTRY_CELLS;
    cells[entry + cell.ACCESS] = burst.access;
    cells[entry + cell.ORDER] = burst.order;
    cells[entry + cell.ARRIVAL] = burst.arrival;
    owners.note(bank, entry);
    // The entry may stand for the next burst by the time the row is open.
    cells.fill(-1, entry, entry + cell.ENTRY_CELLS);
  }

  it('are none before ACT-2: a row that is being opened serves nobody yet', () => {
    own(3, { access: 7, order: 1, arrival: 10 });
    expect([owners.banks, owners.writers]).toEqual([0, 0]);
    owners.add(3, false);
    expect([owners.banks, owners.writers]).toEqual([0b1000, 0]);
  });

  it('leave with their column command, each from its own bank', () => {
    own(0, { access: 40, order: 1, arrival: 10 });
    owners.add(0, true);
    own(2, { access: 41, order: 2, arrival: 11 });
    owners.add(2, false);
    own(5, { access: 42, order: 3, arrival: 12 });
    owners.add(5, true);
    expect([owners.banks, owners.writers]).toEqual([0b100101, 0b100001]);
    expect(owners.take(5)).toBe(42);
    expect([owners.banks, owners.writers]).toEqual([0b000101, 0b000001]);
    expect(owners.take(2)).toBe(41);
    expect([owners.banks, owners.writers]).toEqual([0b000001, 0b000001]);
    expect(owners.take(0)).toBe(40);
    expect([owners.banks, owners.writers]).toEqual([0, 0]);
  });

  it('write no longer in a bank whose next burst reads', () => {
    own(1, { access: 5, order: 1, arrival: 3 });
    owners.add(1, true);
    owners.take(1);
    own(1, { access: 6, order: 2, arrival: 4 });
    owners.add(1, false);
    expect([owners.banks, owners.writers]).toEqual([0b10, 0]);
    expect(owners.take(1)).toBe(6);
  });

  it('go by the order of arrival, not of banks or cycles, and only those that are asked for', () => {
    own(4, { access: 1, order: 30, arrival: 9 });
    own(9, { access: 2, order: 10, arrival: 9 });
    own(17, { access: 3, order: 20, arrival: 5 });
    expect(owners.first(bits(4, 9, 17))).toBe(9);
    expect(owners.first(bits(4, 17))).toBe(17);
    expect(owners.first(bits(4))).toBe(4);
    expect(owners.first(0)).toBe(-1);
  });

  it('are known by the last of 32 banks too, whose bit is the sign', () => {
    own(31, { access: 8, order: 1, arrival: 100 });
    own(0, { access: 9, order: 2, arrival: 200 });
    owners.add(31, true);
    owners.add(0, false);
    expect(owners.banks).toBe(-0x80000000 + 1);
    expect(owners.first(owners.banks)).toBe(31);
    expect(owners.waitsFrom(101, owners.writers)).toBe(true);
    expect(owners.take(31)).toBe(8);
    expect([owners.banks, owners.writers]).toEqual([1, 0]);
    expect(owners.first(owners.banks)).toBe(0);
  });

  it('have waited from before a cycle if one of those asked for came sooner, not in that cycle', () => {
    own(2, { access: 1, order: 1, arrival: 50 });
    own(6, { access: 2, order: 2, arrival: 60 });
    expect(owners.waitsFrom(50, bits(2, 6))).toBe(false);
    expect(owners.waitsFrom(51, bits(2, 6))).toBe(true);
    expect(owners.waitsFrom(51, bits(6))).toBe(false);
    expect(owners.waitsFrom(61, bits(6))).toBe(true);
    expect(owners.waitsFrom(NEVER, 0)).toBe(false);
  });
});
