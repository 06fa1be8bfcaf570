/** What a whole request sums to, phase by phase: every step at its own context length. */
import { formatQuantity } from '../base/quantity.ts';
import { totalBytes, type Work } from '../base/work.ts';
import { type Graph, type Phase, workAt } from '../workload/graph.ts';
import { countText } from './operator-table.ts';
import type { PredictOperator } from './predict-on-soc.ts';
import { type Column, renderTable } from './terminal.ts';

export interface Totals {
  /** Name of the phase, `request` for all of them. */
  readonly phase: string;
  readonly steps: number;
  /** Operators run, in all steps. */
  readonly operators: number;
  readonly macs: number;
  readonly vectorOps: number;
  readonly bytes: number;
  readonly weightBytes: number;
  /** Of operators that some unit can run: what reaches DRAM. */
  readonly dramBytes: number;
  /** Of operators that some unit can run. */
  readonly seconds: number;
  readonly secondsByUnit: Readonly<Record<string, number>>;
  readonly secondsByBound: Readonly<Record<string, number>>;
  /** Operators that no unit can run. */
  readonly unpredicted: number;
  /** Of those, how many for which operator and reason. */
  readonly refusals: Readonly<Record<string, number>>;
}

/** One entry per name of a phase, in order, and their sum, named `request`. */
export function sumRequest(
  phases: readonly Phase[],
  predict: PredictOperator | undefined,
): { readonly phases: readonly Totals[]; readonly request: Totals } {
  const byName = new Map<string, Totals>();
  for (const phase of phases) {
    const own = sumPhase(phase, predict);
    const known = byName.get(phase.name);
    byName.set(phase.name, known ? addTotals(known, own, phase.name) : own);
  }
  const all = [...byName.values()];
  const request = all.reduce((sum, each) => addTotals(sum, each, 'request'), nothing('request'));
  return { phases: all, request };
}

function sumPhase(phase: Phase, predict: PredictOperator | undefined): Totals {
  const { graph, name, steps } = phase;
  const uses = usesOf(graph);
  const sum = tally(name, steps, predict);
  for (const [index, step] of graph.works.entries()) {
    const count = uses[index] ?? 0;
    if (count === 0) continue;
    if (typeof step !== 'function') {
      sum.add(step, count * steps);
      continue;
    }
    for (let i = 0; i < steps; i++) {
      sum.add(workAt(graph, index, phase.contextStart + i * phase.contextStride), count);
    }
  }
  return sum.totals;
}

/** How often each work of a graph is used. */
function usesOf({ operators, works }: Graph): Float64Array {
  const uses = new Float64Array(works.length);
  for (const { work } of operators) uses[work] = (uses[work] ?? 0) + 1;
  return uses;
}

function tally(phase: string, steps: number, predict: PredictOperator | undefined) {
  const byUnit: Record<string, number> = {};
  const byBound: Record<string, number> = {};
  const refusals: Record<string, number> = {};
  const totals = {
    ...nothing(phase),
    steps,
    secondsByUnit: byUnit,
    secondsByBound: byBound,
    refusals,
  };
  const add = (work: Work, count: number) => {
    totals.operators += count;
    totals.macs += count * work.macs;
    totals.vectorOps += count * work.vectorOps;
    totals.bytes += count * totalBytes(work);
    totals.weightBytes += count * work.weightBytes;
    const found = predict?.(work);
    if (!found) {
      if (!predict) return;
      totals.unpredicted += count;
      const why = `${work.operator} (${predict.whyNot?.(work) ?? 'no unit'})`;
      refusals[why] = (refusals[why] ?? 0) + count;
      return;
    }
    const seconds = count * found.seconds;
    totals.seconds += seconds;
    totals.dramBytes += count * found.dramBytes;
    byUnit[found.unit] = (byUnit[found.unit] ?? 0) + seconds;
    byBound[found.bound] = (byBound[found.bound] ?? 0) + seconds;
  };
  return { totals, add };
}

function nothing(phase: string) {
  return {
    phase,
    steps: 0,
    operators: 0,
    macs: 0,
    vectorOps: 0,
    bytes: 0,
    weightBytes: 0,
    dramBytes: 0,
    seconds: 0,
    secondsByUnit: {},
    secondsByBound: {},
    unpredicted: 0,
    refusals: {},
  };
}

function addTotals(a: Totals, b: Totals, phase: string): Totals {
  return {
    phase,
    steps: a.steps + b.steps,
    operators: a.operators + b.operators,
    macs: a.macs + b.macs,
    vectorOps: a.vectorOps + b.vectorOps,
    bytes: a.bytes + b.bytes,
    weightBytes: a.weightBytes + b.weightBytes,
    dramBytes: a.dramBytes + b.dramBytes,
    seconds: a.seconds + b.seconds,
    secondsByUnit: addRecords(a.secondsByUnit, b.secondsByUnit),
    secondsByBound: addRecords(a.secondsByBound, b.secondsByBound),
    unpredicted: a.unpredicted + b.unpredicted,
    refusals: addRecords(a.refusals, b.refusals),
  };
}

function addRecords(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum: Record<string, number> = { ...a };
  for (const [name, value] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + value;
  return sum;
}

export function totalsJson(totals: Totals, predicted: boolean) {
  return {
    phase: totals.phase,
    steps: totals.steps,
    operators: totals.operators,
    macs: totals.macs,
    vector_ops: totals.vectorOps,
    bytes: totals.bytes,
    weight_bytes: totals.weightBytes,
    ...(predicted && {
      seconds: totals.seconds,
      dram_bytes: totals.dramBytes,
      seconds_by_unit: totals.secondsByUnit,
      seconds_by_bound: totals.secondsByBound,
      operators_without_unit: totals.unpredicted,
      refusals: totals.refusals,
    }),
  };
}

const COLUMNS: readonly Column[] = [
  { header: 'whole request' },
  { header: 'steps', align: 'right' },
  { header: 'operators', align: 'right' },
  { header: 'MACs', align: 'quantity' },
  { header: 'bytes', align: 'quantity' },
  { header: 'MACs/B', align: 'right' },
  { header: 'DRAM', align: 'quantity' },
  { header: 'time', align: 'quantity' },
  { header: 'on' },
  { header: 'limited by', wrap: true },
];

/** One line per phase and one for all, which is left out where it would repeat the only phase. */
export function totalsText({ phases, request }: ReturnType<typeof sumRequest>): string {
  const lines = phases.length > 1 ? [...phases, request] : [{ ...request, phase: 'all' }];
  const table = renderTable(
    COLUMNS,
    lines.map((each) => [
      each.phase === 'request' ? 'all' : each.phase,
      String(each.steps),
      String(each.operators),
      countText(each.macs),
      formatQuantity(each.bytes, 'size', 3),
      each.bytes > 0 ? (each.macs / each.bytes).toPrecision(3) : '',
      each.seconds > 0 ? formatQuantity(each.dramBytes, 'size', 3) : '',
      each.seconds > 0 ? formatQuantity(each.seconds, 'time', 3) : '',
      sharesText(each.secondsByUnit, each.seconds),
      sharesText(each.secondsByBound, each.seconds),
    ]),
  );
  const { unpredicted, refusals } = request;
  if (unpredicted === 0) return table;
  return [
    table,
    `${unpredicted} operators have no unit that can run them; their time is not counted:`,
    ...Object.entries(refusals).map(([why, count]) => `  ${count} × ${why}`),
  ].join('\n');
}

/** `compute 80 %, bandwidth 20 %`, largest first. */
function sharesText(parts: Readonly<Record<string, number>>, total: number): string {
  return Object.entries(parts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, seconds]) => `${name} ${shareText(seconds / total)}`)
    .join(', ');
}

function shareText(share: number): string {
  return share < 0.005 ? '<1 %' : `${Math.round(100 * share)} %`;
}
