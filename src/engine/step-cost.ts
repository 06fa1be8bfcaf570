/**
 * What the steps of a phase take and draw in all, from a few of them.
 *
 * Model    a step alone on the machine at fixed clocks (engine/trial.ts); its cost over the context is taken as a
 *          parabola in each of a few stretches of steps, whose sum over all steps is exact
 * Ignores  kinks within a stretch, such as the step at which a sliding window is full
 * Valid    costs that grow smoothly with the context; one step, or steps that are alike, exactly
 * Source   the discrete form of Simpson's rule: weights that sum 1, x and x² over equidistant points exactly
 * Checked  test/unit/engine/analytic.test.ts (against whole runs and sums worked out by hand)
 */
import type { Joules, Seconds } from '../base/units.ts';
import type { OperatingPoint } from '../hardware/clock-domain.ts';
import type { Phase } from '../workload/graph.ts';
import { Execution } from './execution.ts';
import { Ledger } from './ledger.ts';
import type { Machine } from './machine.ts';
import type { LedgerRow } from './run.ts';
import { refresh, type TaskTable } from './task-table.ts';
import { runStep, setClocks } from './trial.ts';

/** Of all steps of a phase together. */
export interface PhaseCost {
  readonly seconds: Seconds;
  /** Of the first step and of the last. */
  readonly first: Seconds;
  readonly last: Seconds;
  readonly unitJoules: Float64Array;
  readonly busySeconds: Float64Array;
  readonly pooledSeconds: Float64Array;
  readonly asleepSeconds: Float64Array;
  readonly memoryJoules: Joules;
  readonly fabricJoules: Joules;
  readonly storedJoules: Joules;
  /** Rows without request and phase. */
  readonly rows: readonly LedgerRow[];
}

/** Steps from which on a phase is cut into stretches: as many as a kink needs to do no harm. */
const MANY_STEPS = 32;
const STRETCHES = 2;

/** How much each of a few steps counts, so that the sum is that of all: step (may be a half) and weight. */
export function stepWeights(steps: number): ReadonlyMap<number, number> {
  const weights = new Map<number, number>();
  const add = (step: number, weight: number) => {
    if (weight !== 0) weights.set(step, (weights.get(step) ?? 0) + weight);
  };
  const stretches = steps > MANY_STEPS ? STRETCHES : 1;
  for (let k = 0; k < stretches; k++) {
    const from = Math.round((k * steps) / stretches);
    const count = Math.round(((k + 1) * steps) / stretches) - from;
    if (count === 1) add(from, 1);
    else {
      const end = (count * (count + 1)) / (6 * (count - 1));
      add(from, end);
      add(from + (count - 1) / 2, count - 2 * end);
      add(from + count - 1, end);
    }
  }
  return weights;
}

/** Costs a placed phase. @param pointOf operating point of a clock domain. */
export function costPhase(
  machine: Machine,
  table: TaskTable,
  phase: Phase,
  pointOf: (domain: number) => OperatingPoint,
): PhaseCost {
  const columns = machine.units.length;
  const sum = {
    seconds: 0,
    first: 0,
    last: 0,
    unitJoules: new Float64Array(columns),
    busySeconds: new Float64Array(columns),
    pooledSeconds: new Float64Array(columns),
    asleepSeconds: new Float64Array(columns),
    memoryJoules: 0,
    fabricJoules: 0,
    storedJoules: 0,
  };
  const rows = new Map<string, LedgerRow>();
  for (const [step, weight] of stepWeights(phase.steps)) {
    const one = costStep(machine, table, phase.contextStart + step * phase.contextStride, pointOf);
    if (step === 0) sum.first = one.seconds;
    if (step === phase.steps - 1) sum.last = one.seconds;
    sum.seconds += weight * one.seconds;
    sum.memoryJoules += weight * one.execution.memoryJoules;
    sum.fabricJoules += weight * one.execution.fabricJoules;
    sum.storedJoules += weight * one.execution.beside.storedJoules;
    for (let u = 0; u < columns; u++) {
      sum.unitJoules[u]! += weight * one.execution.unitJoules[u]!;
      sum.busySeconds[u]! += weight * one.execution.busySeconds[u]!;
      sum.pooledSeconds[u]! += weight * one.execution.pooledSeconds[u]!;
      sum.asleepSeconds[u]! += weight * one.execution.reads.asleepSeconds[u]!;
    }
    for (const row of one.rows) addRow(rows, row, weight);
  }
  return { ...sum, rows: [...rows.values()] };
}

function costStep(
  machine: Machine,
  table: TaskTable,
  context: number,
  pointOf: (domain: number) => OperatingPoint,
) {
  const ledger = new Ledger();
  const execution = new Execution(machine, ledger);
  for (let u = 0; u < machine.units.length; u++) setClocks(execution, machine, u, pointOf);
  refresh(table, machine, context);
  const byCell = new Map<number, number>();
  const rowOf = (operator: number) => {
    const cell = table.cell[operator]!;
    const known = byCell.get(cell);
    if (known !== undefined) return known;
    const type = table.operatorType[Math.floor(cell / table.unitCount)]!;
    const { name } = machine.units[cell % table.unitCount]!.unit;
    const row = ledger.row('', '', type, name);
    byCell.set(cell, row);
    return row;
  };
  const seconds = runStep(machine, table, execution, rowOf);
  return { seconds, execution, rows: ledger.toRows() };
}

function addRow(rows: Map<string, LedgerRow>, row: LedgerRow, weight: number): void {
  const key = `${row.operator}\n${row.unit}`;
  const before = rows.get(key);
  const total = (pick: (one: LedgerRow) => number) =>
    (before ? pick(before) : 0) + weight * pick(row);
  rows.set(key, {
    ...row,
    count: total(({ count }) => count),
    seconds: Object.fromEntries(
      Object.keys(row.seconds).map((cause) => [
        cause,
        total(({ seconds }) => seconds[cause as keyof typeof seconds]),
      ]),
    ) as LedgerRow['seconds'],
    joules: total(({ joules }) => joules),
    dramBytes: total(({ dramBytes }) => dramBytes),
    macs: total(({ macs }) => macs),
  });
}
