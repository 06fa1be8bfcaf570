/**
 * One step of a placed phase on an idle machine at fixed clocks: how policies look ahead, and what the analytic
 * fidelity counts with.
 *
 * Model    the same execution as a run, units sharing memory, operators in graph order on each unit; energy of units,
 *          memory and fabric, plus leakage, idle domains and the rest of the device for as long as it takes
 * Ignores  heat, other requests, clocks that governors move, what ciphers draw that operators wait for
 * Valid    steps short against thermal time constants
 * Source   engine/execution.ts
 * Checked  test/unit/engine/trial.test.ts (against whole runs)
 */
import type { Seconds, Watts } from '../base/units.ts';
import type { OperatingPoint } from '../hardware/clock-domain.ts';
import { leakageWatts, switchedWatts } from '../hardware/power.ts';
import type { Trial } from '../runtime/scheduling-policy.ts';
import { railVolts } from './clock-state.ts';
import { Execution } from './execution.ts';
import { hostWatts } from './host-thread.ts';
import { Ledger } from './ledger.ts';
import type { Machine } from './machine.ts';
import { workingShare } from './online-cores.ts';
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
    const share = (table.points?.[u] ?? top[u]!) / Math.max(top[u]!, 1);
    setClocks(execution, machine, u, (d) => pointAt(machine, d, share));
  }
  const row = ledger.row('', '', '', '');
  const seconds = runStep(machine, table, execution, () => row);
  const awake = (u: number) => execution.busySeconds[u]! - execution.reads.asleepSeconds[u]!;
  const busy = machine.units.map((_, u) => Math.min(awake(u) / seconds, 1));
  const work = execution.unitJoules.reduce((sum, joules) => sum + joules, 0);
  const { memoryJoules, fabricJoules, beside } = execution;
  const rails = work + memoryJoules + fabricJoules + beside.storedJoules;
  const standing = standingWatts(machine, table, busy);
  const platform = machine.platform.reduce((sum, { watts }) => sum + watts, 0);
  return {
    seconds,
    joules: rails / machine.regulator.efficiency + (standing + platform) * seconds,
  };
}

/** Puts a unit, so far without clocks, at the operating points of its domains. */
export function setClocks(
  execution: Execution,
  machine: Machine,
  u: number,
  pointOf: (domain: number) => OperatingPoint,
): void {
  const { unit, domains } = machine.units[u]!;
  execution.speed[u] = unit.speed(domains.map((d) => pointOf(d).frequency));
  execution.wantedSpeed[u] = execution.speed[u]!;
  for (const d of domains) {
    const { power } = machine.domains[d]!;
    const on = workingShare(machine.domains[d]!);
    const point = { ...pointOf(d), voltage: railVolts(machine, d, pointOf) };
    execution.stalledWatts[u]! += on * switchedWatts(power.stalled, point);
    execution.matrixWatts[u]! += on * switchedWatts(power.matrix, point);
    execution.vectorWatts[u]! += on * switchedWatts(power.vector, point);
  }
  const points = machine.domains.map((_, d) => ({
    ...pointOf(d),
    voltage: railVolts(machine, d, pointOf),
  }));
  execution.hostWatts[u] = hostWatts(machine, u, points);
  execution.stalledWatts[u]! += execution.hostWatts[u]!;
}

/**
 * Runs every operator of a step, nothing else being on the machine.
 * @param rowOf ledger row of an operator.
 * @returns how long it takes.
 */
export function runStep(
  machine: Machine,
  table: TaskTable,
  execution: Execution,
  rowOf: (operator: number) => number,
): Seconds {
  return new Step(machine, table, execution, rowOf).run();
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
  const domains = machine.domains.reduce((sum, domain, d) => {
    const { power } = domain;
    const voltage = railVolts(machine, d, (e) => pointAt(machine, e, clocks[e]!));
    const awake = shares[d]! * workingShare(domain);
    return sum + leakageWatts(power, voltage, TEMPERATURE, awake) + power.idle * (1 - awake);
  }, 0);
  const { memory, regulator } = machine;
  return (domains + memory.backgroundPower(TEMPERATURE, memory.peak)) / regulator.efficiency;
}

/** A step under way: what is ready on each unit, what runs there. */
class Step {
  private readonly opening: Machine['opening'];
  private readonly table: TaskTable;
  private readonly execution: Execution;
  private readonly rowOf: (operator: number) => number;
  private readonly ready: number[][];
  private readonly pending: Int32Array;
  private readonly running: Int32Array;
  /** When something happens next on each unit. */
  private readonly due: Float64Array;
  private left: number;

  constructor(
    machine: Machine,
    table: TaskTable,
    execution: Execution,
    rowOf: (operator: number) => number,
  ) {
    const units = machine.units.length;
    this.opening = machine.opening;
    this.table = table;
    this.execution = execution;
    this.rowOf = rowOf;
    this.ready = Array.from({ length: units }, () => []);
    this.pending = Int32Array.from(table.inputCount);
    this.running = new Int32Array(units).fill(-1);
    this.due = new Float64Array(units);
    this.left = table.operatorCount;
    for (const root of table.roots) this.push(root);
  }

  /** @returns when the last operator ends. */
  run(): Seconds {
    let now: Seconds = 0;
    while (this.left > 0) {
      this.startReady(now);
      this.execution.rerate();
      now = this.nextDue(now);
      this.execution.progressAll(now);
      for (let u = 0; u < this.due.length; u++) {
        if (this.due[u] === now && this.execution.fire(u, now)) this.complete(u);
      }
    }
    return now;
  }

  private nextDue(now: Seconds): Seconds {
    const { due, running } = this;
    let next = Number.POSITIVE_INFINITY;
    for (let u = 0; u < due.length; u++) {
      due[u] = running[u]! < 0 ? Number.POSITIVE_INFINITY : this.execution.due(u, now);
      if (due[u]! < next) next = due[u]!;
    }
    return next;
  }

  private startReady(now: Seconds): void {
    for (let u = 0; u < this.running.length; u++) {
      if (this.running[u]! >= 0 || this.ready[u]!.length === 0) continue;
      const operator = this.ready[u]!.pop()!;
      this.running[u] = operator;
      const cell = this.table.cell[operator]!;
      const { storageBytes, storageSeconds } = this.table;
      const opening = this.opening?.(storageBytes[cell]!, storageSeconds[cell]!) ?? 0;
      this.execution.start(u, now, this.table, operator, this.rowOf(operator), 0, opening);
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
