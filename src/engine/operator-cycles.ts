/** What goes with each cycle of the operators under way: how busy matrix engine and vector lanes are, and local memory. */
import type { Joules, JoulesPerByte, Watts } from '../base/units.ts';
import type { TaskTable } from './task-table.ts';

export class OperatorCycles {
  /** By unit, of one cycle: shares in which they are busy, and joules of local memory. */
  private readonly matrix: Float64Array;
  private readonly vector: Float64Array;
  private readonly sram: Float64Array;

  constructor(units: number) {
    this.matrix = new Float64Array(units);
    this.vector = new Float64Array(units);
    this.sram = new Float64Array(units);
  }

  /** An operator of a cell begins on a unit. @returns joules that no cycle carries, as it has none. */
  begin(u: number, table: TaskTable, cell: number, sramPerByte: JoulesPerByte): Joules {
    const cycles = table.cycles[cell]!;
    const sram = table.sramBytes[cell]! * sramPerByte;
    this.matrix[u] = cycles > 0 ? table.matrixCycles[cell]! / cycles : 0;
    this.vector[u] = cycles > 0 ? table.vectorCycles[cell]! / cycles : 0;
    // Spread over the operator: charged at once, a long one would be a spike of watts that no phone shows.
    this.sram[u] = cycles > 0 ? sram / cycles : 0;
    return cycles > 0 ? 0 : sram;
  }

  /** Of one cycle at `speed`, beside what the unit draws with work open. */
  joules(u: number, speed: number, matrixWatts: Watts, vectorWatts: Watts): Joules {
    const busy = matrixWatts * this.matrix[u]! + vectorWatts * this.vector[u]!;
    return busy / speed + this.sram[u]!;
  }
}
