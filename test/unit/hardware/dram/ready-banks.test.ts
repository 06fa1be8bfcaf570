import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReadyBanks } from '../../../../src/hardware/dram/ready-banks.ts';
import { deviceOf } from '../../../support/dram.ts';

const { timing } = deviceOf('lpddr5-6400');
const BANKS = 16;
const NEVER = 0x7fffffff;
const bitsOf = (cycles: readonly number[], now: number) =>
  cycles.reduce((bits, cycle, bank) => (cycle <= now ? bits | (1 << bank) : bits), 0);

describe('banks that have come to their time', () => {
  it('are those whose cycles have passed, whatever is put off and however far one advances', () => {
    const step = fc.record({
      kind: fc.constantFrom('rows', 'columns', 'reads', 'writes'),
      bank: fc.nat(BANKS - 1),
      // No limit of a bank lies further ahead: 120 ns of tRFCpb are 96 cycles.
      ahead: fc.integer({ min: 1, max: 96 }),
      jump: fc.oneof(fc.nat(3), fc.nat(60), fc.constantFrom(500, 5000)),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ready = new ReadyBanks(timing);
        // The same with a time per bank, compared one by one.
        const times = {
          rows: new Array<number>(BANKS).fill(0),
          columns: new Array<number>(BANKS).fill(0),
          reads: new Array<number>(BANKS).fill(0),
          writes: new Array<number>(BANKS).fill(0),
        };
        let now = 0;
        for (const { kind, bank, ahead, jump } of steps) {
          const before = times[kind][bank] as number;
          // A bank is opened once its last opening is over.
          if (kind !== 'columns' || before <= now) {
            const cycle = Math.max(now + ahead, before);
            times[kind][bank] = cycle;
            if (kind === 'rows') ready.row(1 << bank, before, cycle);
            else if (kind === 'columns') ready.column(1 << bank, cycle);
            else ready[kind](1 << bank, before, cycle);
          }
          const next = Object.values(times)
            .flat()
            .filter((cycle) => cycle > now);
          expect(ready.nextBefore(NEVER)).toBe(Math.min(NEVER, ...next));
          now += jump;
          ready.advance(now);
          const all = (1 << BANKS) - 1;
          expect(ready.rows & all).toBe(bitsOf(times.rows, now));
          expect(ready.young).toBe(all & ~bitsOf(times.columns, now));
          expect(ready.heldReads).toBe(all & ~bitsOf(times.reads, now));
          expect(ready.heldWrites).toBe(all & ~bitsOf(times.writes, now));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('may come to it at once: a row closed late is open to be opened again when its rank is', () => {
    const ready = new ReadyBanks(timing);
    ready.row(1, 0, 30);
    ready.advance(100);
    ready.row(2, 0, 130);
    expect(ready.rows & 3).toBe(1);
    ready.row(2, 130, 90);
    expect(ready.rows & 3).toBe(3);
    expect(ready.nextBefore(1000)).toBe(1000);
  });

  it('looks no further than it is asked to', () => {
    const ready = new ReadyBanks(timing);
    ready.column(1, 40);
    expect(ready.nextBefore(40)).toBe(40);
    expect(ready.nextBefore(39)).toBe(39);
    expect(ready.nextBefore(41)).toBe(40);
  });
});
