import { describe, expect, it } from 'vitest';
import {
  Battery,
  type BatterySpec,
  batteryEnergy,
  batteryOf,
  brownOutPower,
  openCircuitVoltage,
  resistanceAt,
} from '../../../src/hardware/battery.ts';
import { loadPhone } from '../../support/thermal.ts';

const cell: BatterySpec = {
  capacity: 18_000,
  openCircuit: [3.4, 3.6, 3.7, 3.75, 3.8, 3.85, 3.9, 4, 4.1, 4.25, 4.4],
  resistance: 0.1,
  maximumCurrent: 6,
  cutoffVoltage: 3.3,
};

describe('battery', () => {
  it('reads open-circuit voltage between the points', () => {
    expect(openCircuitVoltage(cell, 1)).toBe(4.4);
    expect(openCircuitVoltage(cell, 0.05)).toBeCloseTo(3.5, 12);
    expect(openCircuitVoltage(cell, -1)).toBe(3.4);
  });

  it('draws the current whose power at the terminals is the load', () => {
    const battery = new Battery(cell, 0.5);
    const { current, voltage, heat } = battery.flow(6, 25);
    expect(current * voltage).toBeCloseTo(6, 10);
    // 6 W from 3.85 V through 0.1 ohm by hand: about 1.63 A and 0.27 W of heat.
    expect(current).toBeCloseTo(1.627, 3);
    expect(heat).toBeCloseTo(0.265, 3);
  });

  it('keeps energy: drawn = load + heat', () => {
    const battery = new Battery(cell, 1);
    let load = 0;
    let heat = 0;
    for (let i = 0; i < 600; i++) {
      const watts = 3 + (i % 5);
      heat += battery.advance(10, watts, 30) * 10;
      load += watts * 10;
    }
    expect(battery.drawnJoules).toBeCloseTo(load + heat, 6);
    expect(battery.charge).toBeLessThan(1);
    expect(battery.charge).toBeGreaterThan(0.3);
  });

  it('gives all its energy at a trickle', () => {
    const battery = new Battery(cell, 1);
    let seconds = 0;
    while (battery.charge > 0) {
      battery.advance(60, 0.5, 25);
      seconds += 60;
    }
    expect(battery.drawnJoules / batteryEnergy(cell)).toBeCloseTo(1, 2);
    expect((0.5 * seconds) / batteryEnergy(cell)).toBeGreaterThan(0.99);
  });

  it('charges, and warms while it does', () => {
    const battery = new Battery(cell, 0.5);
    expect(battery.advance(100, -15, 30)).toBeGreaterThan(0);
    expect(battery.charge).toBeGreaterThan(0.5);
  });

  it('browns out by current when full and by voltage when empty or cold', () => {
    expect(brownOutPower(cell, 1, 25)).toBeCloseTo(6 * (4.4 - 0.6), 10);
    expect(brownOutPower(cell, 0, 25)).toBeCloseTo(1 * (3.4 - 0.1), 10);
    expect(brownOutPower(cell, 0.3, 0)).toBeLessThan(brownOutPower(cell, 0.3, 25));
    expect(resistanceAt(cell, 0)).toBeCloseTo(0.2, 12);
    expect(resistanceAt(cell, 40)).toBeCloseTo(0.1, 12);
  });

  it('holds its cut-off voltage at the brown-out power', () => {
    const { voltage } = new Battery(cell, 0.02).flow(brownOutPower(cell, 0.02, 25), 25);
    expect(voltage).toBeCloseTo(cell.cutoffVoltage, 9);
  });

  it('has the energy printed on phones', () => {
    // 5000 mAh at a nominal 3.85–3.88 V: 19.3 Wh.
    const energy = batteryEnergy(batteryOf(loadPhone('galaxy-s24-ultra'))) / 3600;
    expect(energy).toBeGreaterThan(18.7);
    expect(energy).toBeLessThan(19.9);
  });
});
