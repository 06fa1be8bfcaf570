import { describe, expect, it } from 'vitest';
import { CommandController } from '../../../../src/hardware/dram/command-controller.ts';
import type { ControllerConfig } from '../../../../src/hardware/dram/controller-config.ts';
import { CONTROLLERS } from '../../../../src/hardware/dram/controllers.ts';
import { deviceOf } from '../../../support/dram.ts';

const device = deviceOf('lpddr5-6400');
const { nREFI } = device.timing;
const mobile: ControllerConfig = { ...CONTROLLERS.mobile.config, refresh: 'none' };
const LOOK = 512;

interface Victim {
  readonly write: boolean;
  readonly bank: number;
  readonly row: number;
}

interface Endless {
  readonly write: boolean;
  readonly rows: (i: number) => number;
  /** Of the four bank groups in turn unless told otherwise. */
  readonly bank?: number;
}

/** Cycle in which a burst is served that came at cycle 100 into traffic without end; undefined if it never is. */
function servedAt(config: ControllerConfig, victim: Victim, endless: Endless) {
  return allServedAt(config, victim, 1, endless)[0];
}

/** The same of some bursts of one row that came one after another. */
function allServedAt(config: ControllerConfig, victim: Victim, victims: number, endless: Endless) {
  const served: number[] = [];
  // Victims have numbers below zero.
  const controller = new CommandController(device, config, (access, cycle) => {
    if (access < 0) served.push(cycle);
  });
  let count = 0;
  let came = 0;
  for (let now = 0; now < 14 * nREFI && served.length < victims; now++) {
    controller.collect(now);
    if (now >= 100 && came < victims && controller.hasRoom(victim.write)) {
      const { write, bank, row } = victim;
      controller.accept((1 << 20) + came, -1 - came, write, bank, row, now);
      came++;
    }
    // Always more of the others than the bus can take.
    for (let offer = 0; offer < 4 && controller.hasRoom(endless.write); offer++) {
      controller.accept(
        64 + count,
        count,
        endless.write,
        endless.bank ?? 4 * (count % 4),
        endless.rows(count),
        now,
      );
      count++;
    }
    controller.tick(now);
  }
  return served;
}

const hits = { rows: () => 7 };

describe('bound on waiting', () => {
  const late = 3 * LOOK;

  it('a write among endless reads waits nine tREFI and a look, and without bounds for ever', () => {
    const lone = { write: true, bank: 1, row: 3 };
    const at = servedAt(mobile, lone, { write: false, ...hits }) as number;
    expect(at).toBeGreaterThan(9 * nREFI);
    expect(at).toBeLessThan(9 * nREFI + late);
    const unbound = { ...mobile, boundsWait: false };
    expect(servedAt(unbound, lone, { write: false, ...hits })).toBeUndefined();
  });

  it('a read among endless writes waits one tREFI and a look', () => {
    const lone = { write: false, bank: 1, row: 3 };
    const at = servedAt(mobile, lone, { write: true, ...hits }) as number;
    expect(at).toBeLessThan(nREFI + late);
    const unbound = { ...mobile, boundsWait: false };
    expect(servedAt(unbound, lone, { write: true, ...hits })).toBeUndefined();
  });

  it('a write of another row than endless younger hits of its bank waits no longer', () => {
    const lone = { write: true, bank: 4, row: 3 };
    expect(servedAt(mobile, lone, { write: true, ...hits })).toBeLessThan(9 * nREFI + late);
    const unbound = { ...mobile, boundsWait: false };
    expect(servedAt(unbound, lone, { write: true, ...hits })).toBeUndefined();
  });

  it('lets a row serve all that wait for it, also where a refresh has closed the row before it', () => {
    // Writes of bank 4 without end put off its REFpb, which closes their row once the turn of reads has come.
    const victim = { write: false, bank: 4, row: 3 };
    const served = allServedAt(CONTROLLERS.mobile.config, victim, 4, {
      write: true,
      bank: 4,
      ...hits,
    }) as number[];
    expect(served[0]).toBeGreaterThan(nREFI);
    expect(served[0]).toBeLessThan(nREFI + late);
    // Reads of one bank follow each other by tCCD_L, 4 cycles here, and wait for no further look.
    expect((served[3] as number) - (served[0] as number)).toBeLessThan(20);
  });

  it('does nothing to traffic in which nobody waits long', () => {
    const lone = { write: true, bank: 1, row: 3 };
    const mixed = { write: true, rows: (i: number) => i >> 6 };
    const unbound = { ...mobile, boundsWait: false };
    expect(servedAt(mobile, lone, mixed)).toBe(servedAt(unbound, lone, mixed));
  });
});
