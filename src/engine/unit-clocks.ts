/** Speeds and switching power of units, from the clocks, voltages and cores of their domains. */
import type { Hertz } from '../base/units.ts';
import { switchedWatts } from '../hardware/power.ts';
import type { ClockState } from './clock-state.ts';
import type { Execution } from './execution.ts';
import { hostWatts } from './host-thread.ts';
import type { Machine } from './machine.ts';
import type { OnlineCores } from './online-cores.ts';

export class UnitClocks {
  private readonly machine: Machine;
  private readonly clocks: ClockState;
  private readonly cores: OnlineCores;
  /** By unit: clocks of its domains, scratch. */
  private readonly own: readonly Hertz[][];
  private readonly free: readonly Hertz[][];

  constructor(machine: Machine, clocks: ClockState, cores: OnlineCores) {
    this.machine = machine;
    this.clocks = clocks;
    this.cores = cores;
    this.own = machine.units.map(({ domains }) => domains.map(() => 0));
    this.free = machine.units.map(({ domains }) => domains.map(() => 0));
  }

  /** @param wanted points that governors of load ask for: what units would run at if nothing held them back. */
  apply(execution: Execution, wanted: Int32Array): void {
    for (let u = 0; u < this.machine.units.length; u++) {
      const { unit, domains } = this.machine.units[u]!;
      const own = this.own[u]!;
      const free = this.free[u]!;
      execution.stalledWatts[u] = 0;
      execution.matrixWatts[u] = 0;
      execution.vectorWatts[u] = 0;
      for (let i = 0; i < domains.length; i++) {
        const d = domains[i]!;
        own[i] = this.clocks.now[d]!.frequency * this.cores.speedShare[d]!;
        free[i] = this.unheld(d, wanted[d]!);
        this.addWatts(execution, u, d);
      }
      execution.hostWatts[u] = hostWatts(this.machine, u, this.clocks.now);
      execution.stalledWatts[u]! += execution.hostWatts[u]!;
      execution.speed[u] = unit.speed(own);
      execution.wantedSpeed[u] = unit.speed(free);
    }
  }

  /** Clock of a domain without caps: a switch that nobody holds back takes its time all the same. */
  private unheld(d: number, wanted: number): Hertz {
    const { now, point } = this.clocks;
    if (this.clocks.targetOf(d) >= wanted) return now[d]!.frequency;
    return this.machine.domains[d]!.clock.points[Math.max(wanted, point[d]!)]!.frequency;
  }

  private addWatts(execution: Execution, u: number, d: number): void {
    const { power } = this.machine.domains[d]!;
    const point = this.clocks.now[d]!;
    const on = this.cores.powerShare[d]!;
    execution.stalledWatts[u]! += on * switchedWatts(power.stalled, point);
    execution.matrixWatts[u]! += on * switchedWatts(power.matrix, point);
    execution.vectorWatts[u]! += on * switchedWatts(power.vector, point);
  }
}
