/**
 * Where the watts come from: the cell, a charger beside it, and the power they can stand.
 *
 * Model    the charger gives the device what it draws first, then charges the cell up to the voltage of a full
 *          one; the cell makes up the rest and heats itself by I²R. Power allowed: what keeps the cell above
 *          cut-off and below its current limit, plus the charger
 * Ignores  negotiation with the charger, charging held back while the cell is hot, ageing
 * Valid    one cell or cells in series seen as one
 * Source   phone descriptions; charger chips: buck and direct chargers reach 0.90 to 0.97 (data sheets)
 * Checked  test/unit/engine/supply.test.ts
 */
import { InfeasibleError } from '../base/errors.ts';
import type { Celsius, Joules, Seconds, Watts } from '../base/units.ts';
import {
  Battery,
  type BatterySpec,
  batteryEnergy,
  brownOutPower,
  openCircuitVoltage,
  resistanceAt,
} from '../hardware/battery.ts';

/** Share of a charger's power that reaches the device; the rest is heat on the board. */
const CHARGER_EFFICIENCY = 0.93;

export interface SupplySpec {
  readonly cell: BatterySpec;
  /** Share of a full cell at the start, 0…1. */
  readonly charge: number;
  /** Thermal nodes that cell and charger heat. */
  readonly cellNode: number;
  readonly chargerNode: number;
  /** What the charger takes from the wall at most; 0 when none is plugged in. */
  readonly chargerWatts: Watts;
}

export class Supply {
  readonly spec: SupplySpec;
  private readonly battery: Battery;
  /** Heat of the last `pass`. */
  cellWatts: Watts = 0;
  chargerWatts: Watts = 0;

  constructor(spec: SupplySpec) {
    this.spec = spec;
    this.battery = new Battery(spec.cell, spec.charge);
  }

  /** Share of a full cell, now. */
  get charge(): number {
    return this.battery.charge;
  }

  /** Energy that left the cell since the start, its own heat included; negative after charging. */
  get drawnJoules(): Joules {
    return this.battery.drawnJoules;
  }

  get fullJoules(): Joules {
    return batteryEnergy(this.spec.cell);
  }

  /**
   * Feeds `load` watts for `dt`, ending at `now`.
   * @throws InfeasibleError when the cell is empty.
   */
  pass(dt: Seconds, load: Watts, temperature: Celsius, now: Seconds): void {
    const given = this.chargerPower(load, temperature);
    this.chargerWatts = given * (1 / CHARGER_EFFICIENCY - 1);
    this.cellWatts = this.battery.advance(dt, load - given, temperature);
    if (this.battery.charge <= 0 && load > given) throw emptyCell(load, given, now);
  }

  /** Most that the device may draw at this temperature of the cell. */
  limit(temperature: Celsius): Watts {
    const { cell, chargerWatts } = this.spec;
    return (
      brownOutPower(cell, this.battery.charge, temperature) + chargerWatts * CHARGER_EFFICIENCY
    );
  }

  voltage(load: Watts, temperature: Celsius): number {
    return this.battery.flow(load - this.chargerPower(load, temperature), temperature).voltage;
  }

  /** At constant power at first; near a full cell at constant voltage, which lets the current fall. */
  private chargerPower(load: Watts, temperature: Celsius): Watts {
    const { cell, chargerWatts } = this.spec;
    if (chargerWatts === 0) return 0;
    const full = openCircuitVoltage(cell, 1);
    const room = full - openCircuitVoltage(cell, this.battery.charge);
    const charging = (full * room) / resistanceAt(cell, temperature);
    return Math.min(chargerWatts * CHARGER_EFFICIENCY, load + charging);
  }
}

function emptyCell(load: Watts, given: Watts, now: Seconds): InfeasibleError {
  return new InfeasibleError(
    `the battery is empty after ${now.toFixed(0)} s: the phone switches off`,
    {
      demand: load,
      bound: given,
      unit: 'W',
      breakdown: { device: load, charger: given },
      levers: [
        'a fuller battery at the start (scenario.environment.charge)',
        'a charger (scenario.environment.charging)',
        'a shorter run, or a workload that draws less',
      ],
    },
  );
}
