/** Clocks that the policies of running requests find fast enough; governors may ask for less, not for more. */
import type { Governor } from '../runtime/governor.ts';
import type { Machine } from './machine.ts';
import type { TaskTable } from './task-table.ts';

export class ClockWishes {
  private readonly machine: Machine;
  private readonly tables = new Map<object, TaskTable>();
  /** Highest point by domain. */
  private readonly limit: Int32Array;

  constructor(machine: Machine) {
    this.machine = machine;
    this.limit = Int32Array.from(machine.domains, ({ clock }) => clock.points.length - 1);
  }

  /** Request `who` runs a table from now on. */
  follow(who: object, table: TaskTable): void {
    if (table.points === undefined && this.tables.size === 0) return;
    this.tables.set(who, table);
    this.update();
  }

  leave(who: object): void {
    if (this.tables.delete(who)) this.update();
  }

  /** The governor of domain `d`, held to what is wished. */
  hold(governor: Governor, d: number): Governor {
    return { choose: (view) => Math.min(governor.choose(view), this.limit[d]!) };
  }

  /** A domain must serve whoever uses it and wants most of it. */
  private update(): void {
    const { domains, units } = this.machine;
    const wish = new Int32Array(domains.length).fill(-1);
    for (const table of this.tables.values()) {
      for (const u of new Set(table.unit)) {
        for (const d of units[u]!.domains) {
          const top = domains[d]!.clock.points.length - 1;
          const first = domains[units[u]!.domains[0]!]!.clock.points.length - 1;
          const point = table.points?.[u];
          const asked = point === undefined ? top : Math.round((point / Math.max(first, 1)) * top);
          wish[d] = Math.max(wish[d]!, asked);
        }
      }
    }
    for (let d = 0; d < wish.length; d++) {
      this.limit[d] = wish[d]! >= 0 ? wish[d]! : domains[d]!.clock.points.length - 1;
    }
  }
}
