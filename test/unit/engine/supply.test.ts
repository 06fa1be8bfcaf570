import { describe, expect, it } from 'vitest';
import { InfeasibleError } from '../../../src/base/errors.ts';
import { Supply, type SupplySpec } from '../../../src/engine/supply.ts';

/** 1 Ah, 3.5 V empty and 4.5 V full on a straight line, 0.1 Ω, 5 A at most, off below 3.3 V. */
const CELL = {
  capacity: 3600,
  openCircuit: Array.from({ length: 11 }, (_, i) => 3.5 + i / 10),
  resistance: 0.1,
  maximumCurrent: 5,
  cutoffVoltage: 3.3,
};
const spec = (over: Partial<SupplySpec> = {}): SupplySpec => ({
  cell: CELL,
  charge: 0.5,
  cellNode: 0,
  chargerNode: 1,
  chargerWatts: 0,
  ...over,
});

describe('a battery alone', () => {
  it('gives 1 A at 3.9 V from 4 V: 3.9 W for the device, 0.1 W of heat, 4 J a second', () => {
    const supply = new Supply(spec());
    supply.pass(1, 3.9, 25, 1);
    expect(supply.cellWatts).toBeCloseTo(0.1, 9);
    expect(supply.drawnJoules).toBeCloseTo(4, 9);
    expect(supply.charge).toBeCloseTo(0.5 - 1 / 3600, 9);
    expect(supply.chargerWatts).toBe(0);
    expect(supply.voltage(3.9, 25)).toBeCloseTo(3.9, 2);
  });

  it('allows 5 A at 3.5 V when half full, less when nearly empty, and less in the cold', () => {
    expect(new Supply(spec()).limit(25)).toBeCloseTo(5 * 3.5, 9);
    // At 10 %: 3.6 V may fall to 3.3 V, which is 3 A.
    expect(new Supply(spec({ charge: 0.1 })).limit(25)).toBeCloseTo(3 * 3.3, 9);
    // 25 K colder: twice the resistance, half the current.
    expect(new Supply(spec({ charge: 0.1 })).limit(0)).toBeCloseTo(1.5 * 3.3, 9);
  });

  it('switches the phone off when it is empty, and says what would help', () => {
    const supply = new Supply(spec({ charge: 0.01 }));
    const drain = () => supply.pass(60, 4, 25, 60);
    expect(drain).toThrow(InfeasibleError);
    expect(drain).toThrow(/battery is empty after 60 s/);
  });
});

describe('a charger', () => {
  it('feeds the device first and charges with the rest, at a loss of 7 %', () => {
    const supply = new Supply(spec({ chargerWatts: 10 }));
    supply.pass(1, 3, 25, 1);
    expect(supply.chargerWatts).toBeCloseTo(0.7, 9);
    expect(supply.drawnJoules).toBeLessThan(0);
    expect(supply.charge).toBeGreaterThan(0.5);
    // What it gives is what the device takes, what the cell stores and what the cell loses.
    expect(10 - 0.7).toBeCloseTo(3 - supply.drawnJoules + supply.cellWatts, 9);
  });

  it('lets the battery help when the device draws more', () => {
    const supply = new Supply(spec({ chargerWatts: 2 }));
    supply.pass(1, 5, 25, 1);
    expect(supply.drawnJoules).toBeGreaterThan(5 - 2 * 0.93);
    expect(supply.limit(25)).toBeCloseTo(17.5 + 2 * 0.93, 2);
  });

  it('stops when the cell is full, and never overfills it', () => {
    const supply = new Supply(spec({ charge: 0.98, chargerWatts: 20 }));
    for (let second = 1; second <= 3600; second++) supply.pass(1, 1, 25, second);
    expect(supply.charge).toBeGreaterThan(0.995);
    expect(supply.charge).toBeLessThanOrEqual(1);
    expect(supply.chargerWatts).toBeLessThan(0.2);
  });
});
