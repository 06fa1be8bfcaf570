import { describe, expect, it } from 'vitest';
import { CommandController } from '../../../../src/hardware/dram/command-controller.ts';
import type { ControllerConfig } from '../../../../src/hardware/dram/controller-config.ts';
import { CONTROLLERS } from '../../../../src/hardware/dram/controllers.ts';
import { deviceOf, watch } from '../../../support/dram.ts';

const device = deviceOf('lpddr5-6400');
const base: ControllerConfig = { ...CONTROLLERS['ramulator2.1'].config, refresh: 'none' };

function bench(config: ControllerConfig = base) {
  const done: [access: number, cycle: number][] = [];
  const controller = new CommandController(device, config, (access, cycle) => {
    done.push([access, cycle]);
  });
  const commands = watch(controller);
  const run = (from: number, to: number) => {
    for (let now = from; now <= to; now++) {
      controller.collect(now);
      controller.tick(now);
    }
  };
  return { controller, commands, done, run };
}

describe('command controller', () => {
  it('reads 64 bytes of a closed bank in tRCD + CAS + tCCD_L + RL + BL', () => {
    const { controller, done, run } = bench();
    controller.accept(0, 7, false, 0, 3, 0);
    controller.accept(1, 7, false, 0, 3, 0);
    run(0, 60);
    // ACT at 0; CAS at 15 because the data clock stands, RD at 16 and 20; RL 17, burst 2.
    expect(done).toEqual([
      [7, 16 + 19],
      [7, 20 + 19],
    ]);
    expect(controller.counts).toEqual({ hits: 1, misses: 1, conflicts: 0 });
  });

  it('pays tRP on a conflict and nothing but RL on a hit', () => {
    const { controller, done, run } = bench({ ...base, wckSync: false });
    controller.accept(0, 0, false, 0, 3, 0);
    run(0, 99);
    controller.accept(64, 1, false, 0, 4, 100);
    run(100, 199);
    controller.accept(65, 2, false, 0, 4, 200);
    run(200, 260);
    expect(done.map(([, cycle]) => cycle)).toEqual([15 + 19, 100 + 15 + 15 + 19, 200 + 19]);
    expect(controller.counts).toEqual({ hits: 1, misses: 1, conflicts: 1 });
  });

  it('answers reads from waiting writes and merges writes to the same burst', () => {
    const { controller, commands, done, run } = bench();
    controller.accept(5, 0, true, 0, 1, 0);
    controller.accept(5, 1, true, 0, 1, 0);
    expect(done).toEqual([[1, 0]]);
    controller.accept(5, 2, false, 0, 1, 0);
    controller.collect(1);
    expect(done).toEqual([
      [1, 0],
      [2, 0],
    ]);
    run(1, 100);
    expect(commands.filter(({ command }) => command === 'WR')).toHaveLength(1);
  });

  it('takes no more than its queues hold', () => {
    const { controller } = bench({ ...base, readQueue: 2, writeQueue: 1 });
    const accept = (burst: number, write: boolean) =>
      controller.accept(burst, burst, write, 0, 9, 0);
    expect([accept(0, false), accept(1, false), accept(2, false)]).toEqual([true, true, false]);
    expect([accept(3, true), accept(4, true)]).toEqual([true, false]);
    expect([controller.hasRoom(false), controller.hasRoom(true)]).toEqual([false, false]);
  });

  it('counts both halves of an access that wait together', () => {
    const { controller } = bench({ ...base, readQueue: 3 });
    const accept = (burst: number, access: number) =>
      controller.accept(burst, access, false, 0, 9, 0);
    expect([accept(0, 7), accept(1, 7), accept(2, 8), accept(3, 8)]).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it('answers a read from the half of a write that still waits, not from the one that has gone', () => {
    const { controller, commands, done, run } = bench();
    controller.accept(4, 0, true, 0, 1, 0);
    controller.accept(5, 0, true, 0, 1, 0);
    // ACT at 0, CAS at 15, the halves at 16 and 20.
    run(0, 17);
    expect(commands.map(({ command }) => command)).toEqual(['ACT', 'WR']);
    controller.accept(4, 1, false, 0, 1, 18);
    controller.accept(5, 2, false, 0, 1, 18);
    run(18, 19);
    expect(done).toEqual([
      [0, 16],
      [2, 18],
    ]);
    run(20, 120);
    // Reads wait and writes are few: the read of the first half goes to the device, before the second half.
    expect(commands.map(({ command }) => command)).toEqual(['ACT', 'WR', 'RD', 'WR']);
    expect(done.map(([access]) => access).sort()).toEqual([0, 0, 1, 2]);
    expect(controller.counts).toEqual({ hits: 2, misses: 1, conflicts: 0 });
  });

  it('keeps a row for an older hit, and closes it for an older conflict', () => {
    const order = (protectHits: boolean) => {
      const { controller, commands, run } = bench({ ...base, protectHits, wckSync: false });
      controller.accept(0, 0, false, 0, 1, 0);
      run(0, 60);
      // Row 1 is open: a hit and, a cycle later, a conflict.
      controller.accept(2, 1, false, 0, 1, 61);
      controller.accept(64, 2, false, 0, 2, 61);
      run(61, 140);
      return commands.map(({ command }) => command).join(' ');
    };
    expect(order(true)).toBe('ACT RD RD PRE ACT RD');
  });

  it('drains writes above its mark and returns to reads below the other', () => {
    const { controller, commands, run } = bench({ ...base, wckSync: false });
    // Row 0 of bank 0 for reads, row 0 of bank 4 for writes; 27 of 32 writes are above 80 %.
    for (let i = 0; i < 27; i++) controller.accept(1000 + i, i, true, 4, 0, 0);
    for (let i = 0; i < 20; i++) controller.accept(i, 100 + i, false, 0, 0, 0);
    run(0, 400);
    const columns = commands.filter(({ command }) => command === 'RD' || command === 'WR');
    const firstRead = columns.findIndex(({ command }) => command === 'RD');
    // One write opens its row for itself; drained until fewer than 20 % (6.4) are left.
    expect(firstRead).toBeGreaterThanOrEqual(20);
    expect(firstRead).toBeLessThanOrEqual(22);
    expect(columns).toHaveLength(47);
  });

  it('refreshes on time: one REFab per tREFI, or one REFpb pair per tREFIpb', () => {
    const all = bench({ ...base, refresh: 'all-bank' });
    all.run(0, 4 * 3125 + 200);
    expect(all.commands.filter(({ command }) => command === 'REFab')).toHaveLength(4);
    const pairs = bench({ ...base, refresh: 'per-bank', refreshPairs: true, refreshHolds: 'bank' });
    pairs.run(0, 8 * 391 + 200);
    const banks = pairs.commands.map(({ bank }) => bank);
    expect(banks).toEqual([0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15]);
  });

  it('refreshes every bank of two ranks in each tREFI, bank by bank too', () => {
    const ranks = deviceOf('lpddr5-6400', { ranks: 2 });
    const config = { ...CONTROLLERS.mobile.config };
    const controller = new CommandController(ranks, config, () => {});
    const commands = watch(controller);
    for (let now = 0; now <= 8 * 391 + 200; now++) controller.tick(now);
    const refreshed = commands.filter(({ command }) => command === 'REFpb');
    const banks = refreshed.map(({ bank }) => bank).sort((a, b) => a - b);
    expect(banks).toEqual(Array.from({ length: 32 }, (_, bank) => bank));
  });

  it('closes rows as its page policy says', () => {
    const closes = (page: ControllerConfig['page']) => {
      const { controller, commands, run } = bench({ ...base, page, closeAfter: 4 });
      for (let i = 0; i < 6; i++) controller.accept(i, i, false, 0, 0, 0);
      run(0, 300);
      return commands.filter(({ command }) => /^(PRE|RDA)/.test(command)).length;
    };
    expect(closes('open')).toBe(0);
    expect(closes('close-adaptive')).toBe(1);
    expect(closes('close-after')).toBeGreaterThanOrEqual(1);
    expect(closes('close')).toBe(6);
  });

  it('starts ACT-2 in time: no column command before tRCD, no row waits for ever', () => {
    const { controller, commands, done, run } = bench();
    for (let bank = 0; bank < 16; bank++) controller.accept(bank * 64, bank, false, bank, 0, 0);
    run(0, 400);
    expect(done).toHaveLength(16);
    const acts = commands.filter(({ command }) => command === 'ACT').map(({ cycle }) => cycle);
    // One ACT is split at a time; tRRD is 4, four in tFAW of 16.
    for (let i = 4; i < acts.length; i++) {
      expect((acts[i] as number) - (acts[i - 4] as number)).toBeGreaterThanOrEqual(16);
    }
  });

  it('keeps a worn row open for the burst for which it has restarted the data clock', () => {
    // One access wears a row; after a write it may be closed when tWR is over, long after the data clock has stopped.
    const { controller, commands, run } = bench({ ...base, page: 'close-after', closeAfter: 1 });
    controller.accept(0, 0, true, 0, 3, 0);
    run(0, 20);
    const wrote = commands.find(({ command }) => command === 'WR')?.cycle as number;
    const closable = wrote + device.timing.nWTP;
    run(21, closable - 2);
    // CAS goes in the cycle before the row may be closed.
    controller.accept(8, 1, false, 0, 3, closable - 1);
    run(closable - 1, closable + 100);
    expect(commands.filter(({ command }) => /^RD/.test(command))).toMatchObject([{ row: 3 }]);
  });
});
