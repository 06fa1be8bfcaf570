/**
 * One step of a placed phase on an idle machine at fixed clocks: how policies look ahead.
 *
 * Model    the same execution as a run, units sharing memory, operators in graph order on each unit; energy of units,
 *          memory and fabric, plus leakage, idle domains and the rest of the device for as long as it takes
 * Ignores  heat, other requests, clocks that governors move
 * Valid    steps short against thermal time constants
 * Source   engine/execution.ts
 * Checked  test/unit/engine/trial.test.ts (against whole runs)
 */
import type { Seconds, Watts } from '../base/units.ts';
import { leakageWatts, switchedWatts } from '../hardware/power.ts';
import type { Trial } from '../runtime/scheduling-policy.ts';
import { Execution } from './execution.ts';
import { Ledger } from './ledger.ts';
import type { Machine } from './machine.ts';
import type { TaskTable } from './task-table.ts';

/** Warm silicon, as energy models are made for. */
const TEMPERATURE = 60;

/** Index of the fastest point of each unit, of its first domain. */
export function topPoints(machine: Machine): Int32Array {
  return Int32Array.from(
    machine.units,
    ({ domains }) => (machine.domains[domains[0] ?? -1]?.clock.points.length ?? 1) - 1,
  );
}

export function runTrial(machine: Machine, table: TaskTable): Trial {
  const ledger = new Ledger();
  const execution = new Execution(machine, ledger);
  const top = topPoints(machine);
  for (let u = 0; u < machine.units.length; u++) {
    setClock(execution, machine, u, (table.points?.[u] ?? top[u]!) / Math.max(top[u]!, 1));
  }
  const seconds = new Step(machine, table, execution, ledger.row('', '', '', '')).run();
  const busy = machine.units.map((_, u) => Math.min(execution.busySeconds[u]! / seconds, 1));
  const work = execution.unitJoules.reduce((sum, joules) => sum + joules, 0);
  const rails = work + execution.memoryJoules + execution.fabricJoules;
  const standing = standingWatts(machine, table, busy);
  const platform = machine.platform.reduce((sum, { watts }) => sum + watts, 0);
  return {
    seconds,
    joules: rails / machine.regulator.efficiency + (standing + platform) * seconds,
  };
}

function setClock(execution: Execution, machine: Machine, u: number, share: number): void {
  const { unit, domains } = machine.units[u]!;
  const points = domains.map((d) => pointAt(machine, d, share));
  execution.speed[u] = unit.speed(points.map(({ frequency }) => frequency));
  execution.wantedSpeed[u] = execution.speed[u]!;
  for (const [i, d] of domains.entries()) {
    const { power } = machine.domains[d]!;
    execution.stalledWatts[u]! += switchedWatts(power.stalled, points[i]!);
    execution.matrixWatts[u]! += switchedWatts(power.matrix, points[i]!);
    execution.vectorWatts[u]! += switchedWatts(power.vector, points[i]!);
  }
}

function pointAt(machine: Machine, d: number, share: number) {
  const { points } = machine.domains[d]!.clock;
  return points[Math.round(share * (points.length - 1))]!;
}

/** Leakage and idle power of all domains and of memory, through the regulators. */
function standingWatts(machine: Machine, table: TaskTable, busy: readonly number[]): Watts {
  const shares = new Float64Array(machine.domains.length);
  const clocks = new Float64Array(machine.domains.length).fill(1);
  const top = topPoints(machine);
  for (const [u, { domains }] of machine.units.entries()) {
    for (const d of domains) {
      shares[d] = Math.max(shares[d]!, busy[u]!);
      clocks[d] = (table.points?.[u] ?? top[u]!) / Math.max(top[u]!, 1);
    }
  }
  const domains = machine.domains.reduce((sum, { power }, d) => {
    const { voltage } = pointAt(machine, d, clocks[d]!);
    const leakage = leakageWatts(power, voltage, TEMPERATURE, shares[d]!);
    return sum + leakage + power.idle * (1 - shares[d]!);
  }, 0);
  return (domains + machine.memory.backgroundPower(TEMPERATURE)) / machine.regulator.efficiency;
}

/** A step under way: what is ready on each unit, what runs there. */
class Step {
  private readonly table: TaskTable;
  private readonly execution: Execution;
  private readonly row: number;
  private readonly ready: number[][];
  private readonly pending: Int32Array;
  private readonly running: Int32Array;
  private left: number;

  constructor(machine: Machine, table: TaskTable, execution: Execution, row: number) {
    const units = machine.units.length;
    this.table = table;
    this.execution = execution;
    this.row = row;
    this.ready = Array.from({ length: units }, () => []);
    this.pending = Int32Array.from(table.inputCount);
    this.running = new Int32Array(units).fill(-1);
    this.left = table.operatorCount;
    for (const root of table.roots) this.push(root);
  }

  /** @returns when the last operator ends. */
  run(): Seconds {
    let now: Seconds = 0;
    while (this.left > 0) {
      this.startReady(now);
      this.execution.rerate();
      const due = Float64Array.from(this.running, (operator, u) =>
        operator < 0 ? Number.POSITIVE_INFINITY : this.execution.due(u, now),
      );
      now = Math.min(...due);
      this.execution.progressAll(now);
      for (let u = 0; u < due.length; u++) {
        if (due[u] === now && this.execution.fire(u, now)) this.complete(u);
      }
    }
    return now;
  }

  private startReady(now: Seconds): void {
    for (let u = 0; u < this.running.length; u++) {
      if (this.running[u]! >= 0 || this.ready[u]!.length === 0) continue;
      this.running[u] = this.ready[u]!.pop()!;
      this.execution.start(u, now, this.table, this.running[u]!, this.row);
    }
  }

  private complete(u: number): void {
    const { successors, successorStart } = this.table;
    const operator = this.running[u]!;
    this.running[u] = -1;
    this.left--;
    for (let k = successorStart[operator]!; k < successorStart[operator + 1]!; k++) {
      if (--this.pending[successors[k]!]! === 0) this.push(successors[k]!);
    }
  }

  private push(operator: number): void {
    insert(this.ready[this.table.unit[operator]!]!, operator);
  }
}

/** Later operators first, so that `pop` takes the earliest. */
function insert(queue: number[], operator: number): void {
  let place = queue.length;
  while (place > 0 && queue[place - 1]! < operator) place--;
  queue.splice(place, 0, operator);
}
