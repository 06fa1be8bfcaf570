/**
 * A phone's battery: charge, voltage under load, its own heat, and the power at which it browns out.
 *
 * Model    V = OCV(charge) − I·R(T); a load of P watts draws I = (OCV − √(OCV² − 4·R·P)) / 2R. The guard allows
 *          what keeps the current below its limit and the voltage above cut-off
 * Ignores  relaxation, hysteresis between charge and discharge, ageing, capacity lost to cold
 * Valid    0…60 °C, currents to about 2 C
 * Source   phone descriptions; resistance doubling towards 0 °C: usual of lithium cells (reference parameters)
 * Checked  test/unit/hardware/battery.test.ts
 */
import type { Amperes, Celsius, Joules, Ohms, Seconds, Volts, Watts } from '../base/units.ts';
import type { Phone } from './thermal/phone-spec.ts';

export interface BatterySpec {
  /** A·s. */
  readonly capacity: number;
  /** At 0, 10, 20 … 100 % of charge. */
  readonly openCircuit: readonly Volts[];
  /** At 25 °C. */
  readonly resistance: Ohms;
  readonly maximumCurrent: Amperes;
  readonly cutoffVoltage: Volts;
}

/** Power that went from and to the cell. */
export interface BatteryFlow {
  readonly current: Amperes;
  readonly voltage: Volts;
  /** I²R, inside the cell. */
  readonly heat: Watts;
}

/** Temperature at which the resistance of a description holds, and the fall that doubles it. */
const RESISTANCE_TEMPERATURE: Celsius = 25;
const RESISTANCE_DOUBLING = 25;

export function batteryOf(phone: Pick<Phone, 'battery'>): BatterySpec {
  const { capacity, openCircuit, resistance, maximumCurrent, cutoffVoltage } = phone.battery;
  return {
    capacity: capacity.is,
    openCircuit: openCircuit.is,
    resistance: resistance.is,
    maximumCurrent: maximumCurrent.is,
    cutoffVoltage: cutoffVoltage.is,
  };
}

/** Energy of a full cell at no load: the integral of voltage over charge. */
export function batteryEnergy({ capacity, openCircuit }: BatterySpec): Joules {
  const steps = openCircuit.length - 1;
  let sum = 0;
  for (let i = 0; i < steps; i++) {
    sum += ((openCircuit[i] as number) + (openCircuit[i + 1] as number)) / 2;
  }
  return (capacity * sum) / steps;
}

/** Open-circuit voltage at a charge of 0…1, linear between the points of the description. */
export function openCircuitVoltage({ openCircuit }: BatterySpec, charge: number): Volts {
  const place = Math.min(Math.max(charge, 0), 1) * (openCircuit.length - 1);
  const low = Math.min(Math.floor(place), openCircuit.length - 2);
  const a = openCircuit[low] as number;
  return a + ((openCircuit[low + 1] as number) - a) * (place - low);
}

export function resistanceAt({ resistance }: BatterySpec, temperature: Celsius): Ohms {
  const colder = RESISTANCE_TEMPERATURE - temperature;
  // Asked three times at every look of the control loop, nearly always of a warm cell.
  return colder > 0 ? resistance * 2 ** (colder / RESISTANCE_DOUBLING) : resistance;
}

/** Largest power the cell may deliver now: current limit and cut-off voltage, whichever binds first. */
export function brownOutPower(spec: BatterySpec, charge: number, temperature: Celsius): Watts {
  const open = openCircuitVoltage(spec, charge);
  const resistance = resistanceAt(spec, temperature);
  const current = Math.min(spec.maximumCurrent, (open - spec.cutoffVoltage) / resistance);
  return Math.max(current, 0) * (open - Math.max(current, 0) * resistance);
}

/** A cell over simulated time. */
export class Battery {
  readonly spec: BatterySpec;
  /** Share of a full cell, 0…1. */
  charge: number;
  /** Energy taken from the cell since the start, its own heat included; negative while charging. */
  drawnJoules: Joules = 0;

  constructor(spec: BatterySpec, charge = 1) {
    this.spec = spec;
    this.charge = charge;
  }

  /** What a load of `watts` (negative: charging) does to the cell now; a load beyond its means takes the most it gives. */
  flow(watts: Watts, temperature: Celsius): BatteryFlow {
    const open = openCircuitVoltage(this.spec, this.charge);
    const resistance = resistanceAt(this.spec, temperature);
    const square = Math.max(open * open - 4 * resistance * watts, 0);
    const current = (open - Math.sqrt(square)) / (2 * resistance);
    return { current, voltage: open - current * resistance, heat: current * current * resistance };
  }

  /** Draws `watts` for `seconds`. @returns the heat inside the cell, W. */
  advance(seconds: Seconds, watts: Watts, temperature: Celsius): Watts {
    const open = openCircuitVoltage(this.spec, this.charge);
    const { current, heat } = this.flow(watts, temperature);
    this.drawnJoules += open * current * seconds;
    const next = this.charge - (current * seconds) / this.spec.capacity;
    this.charge = Math.min(Math.max(next, 0), 1);
    return heat;
  }
}
