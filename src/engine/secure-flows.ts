/** What every operator of a phase accesses, worked out once per table: which row of the audit, and how many bytes. */
import { EVERY_SECRET, join, PUBLIC, type Secrecy, secrecyOf } from '../base/labels.ts';
import type { Bytes } from '../base/units.ts';
import type { Work } from '../base/work.ts';
import { labelFlow } from '../runtime/secure/label-flow.ts';
import type { TensorClass } from '../runtime/secure/strategy.ts';
import { workAt } from '../workload/graph.ts';
import type { SecurityPlan } from './secure-plan.ts';
import type { TaskTable } from './task-table.ts';

/** Kinds of bytes that an operator moves, in this order in `FlowTable.bytes`. */
const PARTS = ['weights', 'inputs', 'kvRead', 'kvWrite', 'results'] as const;
const WIDTH = PARTS.length;
/** Of secrecy. */
const LEVELS = EVERY_SECRET + 1;

/** Flags of an operator. */
export const CALL = 1;
export const STOPPED = 2;

/** What one access is, apart from its bytes. */
export interface AccessKind {
  readonly access: 'read' | 'write';
  readonly tensor: TensorClass;
  readonly secrecy: Secrecy;
}

export interface FlowTable {
  /** Accesses of operator i are `start[i] … start[i + 1]`. */
  readonly start: Int32Array;
  readonly row: Int32Array;
  readonly part: Uint8Array;
  /** `cell × parts`, at the table's present context. */
  readonly bytes: Float64Array;
  /** Accesses of each operator. */
  readonly width: Uint8Array;
  /** `CALL` where an operator begins with a call into the world of the runtime. */
  readonly calls: Uint8Array;
  /** That, and `STOPPED` where an access of the operator must not be. */
  readonly flags: Uint8Array;
  /** Accesses of operators without flags. */
  plain: number;
  /** Accesses of all operators but those, summed by row, cell and part: a step makes each of them. */
  sums: readonly FlowSum[];
  /** Of the gates for which `flags` and `sums` hold. */
  epoch: number;
  /** Of all results together: what local memory may hold. */
  readonly results: Secrecy;
  /** Whether some of them go through the NPU's. */
  readonly onNpu: boolean;
  /** Weight bytes up to and with each operator, as a share of all. */
  readonly weightShare: Float64Array;
  context: number;
}

/** So many accesses of one row by operators of one cell. */
export interface FlowSum {
  readonly row: number;
  /** Index into `FlowTable.bytes`. */
  readonly at: number;
  count: number;
}

/** Where a phase stands: later ones go on from what the `first` left of the prompt. */
export interface FlowPlace {
  readonly first: boolean;
  readonly onNpu: boolean;
}

/**
 * @param rowOf the row of the audit for an access by a unit.
 */
export function flowTable(
  table: TaskTable,
  plan: SecurityPlan,
  { first, onNpu }: FlowPlace,
  rowOf: (unit: number, kind: AccessKind) => number,
): FlowTable {
  const { graph } = table.phase;
  const { labels } = plan.scenario;
  const sources = {
    weights: secrecyOf(labels.weights),
    adapters: secrecyOf(labels.adapters),
    prompt: secrecyOf(labels.prompt),
  };
  const derived = join(sources.weights, sources.prompt);
  const flow = labelFlow(graph, table.context, {
    ...sources,
    prompt: first ? sources.prompt : derived,
    kv: first ? PUBLIC : derived,
  });
  const start = new Int32Array(graph.operators.length + 1);
  const rows: number[] = [];
  const parts: number[] = [];
  const root = new Uint8Array(graph.operators.length);
  const known = new Map<number, readonly (readonly [row: number, part: number])[]>();
  for (const [i, operator] of graph.operators.entries()) {
    root[i] = operator.inputs.length === 0 ? 1 : 0;
    const [weights, inputs, results] = [flow.weights[i]!, flow.inputs[i]!, flow.results[i]!];
    // Operators repeat by layer: those of one cell that carry the same secrets access the same.
    const secrets = (weights * LEVELS + inputs) * LEVELS + results;
    const key = (table.cell[i]! * LEVELS ** 3 + secrets) * 2 + root[i]!;
    let accesses = known.get(key);
    if (!accesses) {
      const work = workAt(graph, operator.work, table.context);
      const entry: TensorClass = first && root[i] === 1 ? 'prompt' : 'activations';
      accesses = accessesOf(work, entry, { weights, inputs, results, kv: flow.kv }).map(
        ([part, kind]) => [rowOf(table.unit[i]!, kind), part] as const,
      );
      known.set(key, accesses);
    }
    for (const [row, part] of accesses) {
      rows.push(row);
      parts.push(part);
    }
    start[i + 1] = rows.length;
  }
  const calls = root.map((own, i) => (own === 1 || table.callSeconds[i]! > 0 ? CALL : 0));
  return {
    start,
    row: Int32Array.from(rows),
    part: Uint8Array.from(parts),
    bytes: new Float64Array(table.classCount * table.unitCount * WIDTH),
    width: Uint8Array.from(calls, (_, i) => start[i + 1]! - start[i]!),
    calls,
    flags: new Uint8Array(graph.operators.length),
    plain: 0,
    sums: [],
    epoch: -1,
    results: flow.results.reduce((all, one) => join(all, one), PUBLIC),
    onNpu,
    weightShare: weightShares(table),
    context: Number.NaN,
  };
}

interface OperatorSecrecy {
  readonly weights: Secrecy;
  readonly inputs: Secrecy;
  readonly results: Secrecy;
  readonly kv: Secrecy;
}

function accessesOf(work: Work, entry: TensorClass, of: OperatorSecrecy): [number, AccessKind][] {
  const found: [number, AccessKind][] = [];
  const add = (
    part: (typeof PARTS)[number],
    bytes: Bytes,
    access: 'read' | 'write',
    tensor: TensorClass,
    secrecy: Secrecy,
  ) => {
    if (bytes > 0) found.push([PARTS.indexOf(part), { access, tensor, secrecy }]);
  };
  add('weights', work.weightBytes, 'read', 'weights', of.weights);
  add('inputs', work.inputBytes, 'read', entry, of.inputs);
  add('kvRead', work.kvReadBytes, 'read', 'kv', of.kv);
  add('kvWrite', work.kvWriteBytes, 'write', 'kv', of.results);
  add('results', work.outputBytes, 'write', 'activations', of.results);
  return found;
}

/** Brings the bytes of each cell up to the context of the table. */
export function refreshFlows(flows: FlowTable, table: TaskTable): void {
  if (flows.context === table.context) return;
  const all = Number.isNaN(flows.context);
  flows.context = table.context;
  if (all) for (const cell of new Set(table.cell)) fillCell(flows, table, cell);
  else {
    for (const { index, units } of table.growing) {
      for (const u of units) fillCell(flows, table, index * table.unitCount + u);
    }
  }
}

/** The traffic of a cell, repeated fetches included, split as its tensors are. */
function fillCell(flows: FlowTable, table: TaskTable, cell: number): void {
  const work = workAt(table.phase.graph, Math.floor(cell / table.unitCount), table.context);
  const reads = work.weightBytes + work.inputBytes + work.kvReadBytes;
  const writes = work.kvWriteBytes + work.outputBytes;
  const readScale = reads > 0 ? table.readBytes[cell]! / reads : 0;
  const writeScale = writes > 0 ? table.writeBytes[cell]! / writes : 0;
  const at = cell * WIDTH;
  flows.bytes[at] = work.weightBytes * readScale;
  flows.bytes[at + 1] = work.inputBytes * readScale;
  flows.bytes[at + 2] = work.kvReadBytes * readScale;
  flows.bytes[at + 3] = work.kvWriteBytes * writeScale;
  flows.bytes[at + 4] = work.outputBytes * writeScale;
}

/** Applies the verdicts of `epoch`. @param stopped by row. */
export function judgeFlows(
  flows: FlowTable,
  table: TaskTable,
  stopped: Uint8Array,
  epoch: number,
): void {
  const sums = new Map<number, FlowSum>();
  for (let i = 0; i < table.operatorCount; i++) {
    const end = flows.start[i + 1]!;
    let refused = 0;
    for (let k = flows.start[i]!; k < end; k++) refused |= stopped[flows.row[k]!]!;
    flows.flags[i] = flows.calls[i]! | (refused === 0 ? 0 : STOPPED);
    if (refused !== 0) continue;
    for (let k = flows.start[i]!; k < end; k++) {
      const row = flows.row[k]!;
      const at = table.cell[i]! * WIDTH + flows.part[k]!;
      const key = row * flows.bytes.length + at;
      const sum = sums.get(key);
      if (sum) sum.count++;
      else sums.set(key, { row, at, count: 1 });
    }
  }
  flows.sums = [...sums.values()];
  flows.plain = flows.width.reduce((all, own, i) => all + (flows.flags[i] === 0 ? own : 0), 0);
  flows.epoch = epoch;
}

export function flowBytes(flows: FlowTable, cell: number, access: number): Bytes {
  return flows.bytes[cell * WIDTH + flows.part[access]!]!;
}

function weightShares(table: TaskTable): Float64Array {
  const { graph } = table.phase;
  const shares = new Float64Array(graph.operators.length);
  const each = graph.works.map((_, index) => workAt(graph, index, table.context).weightBytes);
  let sum = 0;
  for (const [i, operator] of graph.operators.entries()) {
    sum += each[operator.work]!;
    shares[i] = sum;
  }
  return sum > 0 ? shares.map((bytes) => bytes / sum) : shares;
}
