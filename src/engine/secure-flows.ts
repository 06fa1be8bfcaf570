/** What every operator of a phase accesses, worked out once per table: which row of the audit, and how many bytes. */
import { join, PUBLIC, type Secrecy, secrecyOf } from '../base/labels.ts';
import type { Bytes, Seconds } from '../base/units.ts';
import type { Work } from '../base/work.ts';
import { hasAdapters, labelFlow, type SourceLabels } from '../runtime/secure/label-flow.ts';
import { type Graph, workAt } from '../workload/graph.ts';
import {
  type AccessKind,
  accessesOf,
  Kinds,
  kindKey,
  type Place,
  rowsOnce,
  WIDTH,
  writesItself,
} from './secure-accesses.ts';
import { isCiphered, passesAgain } from './secure-opening.ts';
import type { SecurityPlan } from './secure-plan.ts';
import type { AuditRows } from './secure-rows.ts';
import type { TaskTable } from './task-table.ts';

/** Flags of an operator. */
export const CALL = 1;
export const STOPPED = 2;
/** What the drive brings for it has to be deciphered. */
export const OPENS = 4;

/** Tensors of an operator that take their own share of its traffic. */
const [HAS_INPUTS, HAS_CACHE, HAS_RESULTS] = [1, 2, 4] as const;

/** Operators of one kind run as one cell, carry the same secrets, and so access the same. */
export interface FlowTable {
  /** By operator. */
  readonly kind: Uint16Array;
  /** By kind: its cell, and its accesses `start[i] … start[i + 1]`. */
  readonly cell: readonly number[];
  readonly start: readonly number[];
  readonly row: readonly number[];
  readonly part: readonly number[];
  /** By kind: which tensors its operators have, `HAS` bits; they do not change while the cache is read or is not. */
  readonly has: readonly number[];
  /** Kinds whose bytes grow with the context. */
  readonly growing: readonly number[];
  /** `cell × parts`, at the table's present context. */
  readonly bytes: Float64Array;
  /** `CALL` where an operator begins with a call into the world of the runtime, `OPENS` where it waits for a cipher. */
  readonly calls: Uint8Array;
  /** That, and `STOPPED` where an access of the operator must not be. */
  readonly flags: Uint8Array;
  anyStopped: boolean;
  /** By kind: operators that begin without a call. */
  readonly uncalled: readonly number[];
  /** By kind: operators without flags, which one look at the beginning of a step is enough for. */
  readonly plain: number[];
  /** Accesses of all of those. */
  plainAccesses: number;
  /** By kind: operators of the step that were let through and are not in the audit yet. */
  readonly made: number[];
  /** When the first of those was made at the earliest. */
  since: Seconds;
  /** Of the gates for which `flags` hold. */
  epoch: number;
  /** Of all results together: what local memory may hold; and of all weights. */
  readonly results: Secrecy;
  readonly weights: Secrecy;
  /** Whether some of them go through the NPU's, and out of it into memory. */
  readonly onNpu: boolean;
  readonly npuWrites: boolean;
  /** Weight bytes up to and with each operator, as a share of all; worked out when somebody waits for them. */
  weightShare: Float64Array | undefined;
  /** The first part of a prompt finds nothing in the cache, so its operators do not read it. */
  readonly readsCache: boolean;
  /** How often a cipher reads and writes again what the drive brings. */
  readonly passesAgain: number;
  context: number;
}

/**
 * @param isNpu by unit.
 * @param rowOf the row of the audit for an access by a unit.
 */
export function flowTable(
  table: TaskTable,
  plan: SecurityPlan,
  place: Place,
  isNpu: Uint8Array,
  rowOf: (unit: number, kind: AccessKind) => number,
): FlowTable {
  const { graph } = table.phase;
  const flow = labelFlow(graph, table.context, sourceLabels(plan, place, graph));
  const count = graph.operators.length;
  const kind = new Uint16Array(count);
  const calls = new Uint8Array(count);
  const kinds = new Kinds(table.classCount * table.unitCount);
  const asRow = rowsOnce(rowOf);
  const ciphered = isCiphered(plan);
  let results: Secrecy = PUBLIC;
  let weights: Secrecy = PUBLIC;
  let npuWrites = false;
  for (let i = 0; i < count; i++) {
    const operator = graph.operators[i]!;
    const isRoot = operator.inputs.length === 0;
    const cell = table.cell[i]!;
    results |= flow.results[i]!;
    weights |= flow.weights[i]!;
    calls[i] = isRoot || table.callSeconds[i]! > 0 ? CALL : 0;
    if (ciphered && table.storageBytes[cell]! > 0) calls[i]! |= OPENS;
    const key = kindKey(flow, i, isRoot);
    let own = kinds.find(cell, key);
    if (own < 0) {
      const work = workAt(graph, operator.work, table.context);
      const of = { weights: flow.weights[i]!, inputs: flow.inputs[i]!, results: flow.results[i]! };
      const accesses = accessesOf(plan, place, work, { ...of, kv: flow.kv, isRoot });
      own = kinds.add(cell, key, tensorsOf(work));
      for (const what of accesses) kinds.addAccess(asRow(table.unit[i]!, isRoot, what));
      npuWrites ||= isNpu[table.unit[i]!] !== 0 && accesses.some(([, what]) => writesItself(what));
    }
    kind[i] = own;
    kinds.uncalled[own]! += calls[i] === 0 ? 1 : 0;
  }
  return {
    kind,
    cell: kinds.cell,
    start: kinds.start,
    row: kinds.row,
    part: kinds.part,
    has: kinds.has,
    growing: growingKinds(table, kinds.cell),
    bytes: new Float64Array(table.classCount * table.unitCount * WIDTH),
    calls,
    flags: calls.slice(),
    anyStopped: false,
    uncalled: kinds.uncalled,
    plain: kinds.cell.map(() => 0),
    plainAccesses: 0,
    made: kinds.cell.map(() => 0),
    since: 0,
    epoch: -1,
    results,
    weights,
    npuWrites,
    onNpu: kinds.cell.some((cell) => isNpu[cell % table.unitCount] !== 0),
    weightShare: undefined,
    readsCache: readsCache(table),
    passesAgain: passesAgain(plan),
    context: Number.NaN,
  };
}

function sourceLabels(
  { scenario }: SecurityPlan,
  { first, readsPrompt, adapts, merged, adapted }: Place,
  graph: Graph,
): SourceLabels {
  const { labels } = scenario;
  const weights = secrecyOf(labels.weights);
  const adapters = secrecyOf(labels.adapters);
  const prompt = secrecyOf(labels.prompt);
  if (adapts) return { weights: adapters, adapters, prompt: weights, kv: PUBLIC };
  const plain = join(weights, prompt);
  const withAdapters = join(plain, adapters);
  const isAdapted = withAdapters !== plain && (adapted || hasAdapters(graph));
  const derived = isAdapted ? withAdapters : plain;
  return {
    weights,
    adapters,
    merged,
    prompt: readsPrompt ? prompt : derived,
    kv: first ? PUBLIC : derived,
  };
}

/** Whether operators that grow with the cache read some of it at the table's present context. */
export function readsCache({ phase, growing, context }: TaskTable): boolean {
  return growing.some(({ index }) => workAt(phase.graph, index, context).kvReadBytes > 0);
}

/** Whether the operators of `table` still make the accesses that `flows` was made for. */
export function sameAccesses(flows: FlowTable, table: TaskTable): boolean {
  // What is read stays read while the context grows; looking at every step costs as much as all checks.
  if (flows.readsCache && table.context > flows.context) return true;
  return flows.readsCache === readsCache(table);
}

/** Brings the bytes of each cell up to the context of the table. */
export function refreshFlows(flows: FlowTable, table: TaskTable): void {
  if (flows.context === table.context) return;
  const all = Number.isNaN(flows.context);
  flows.context = table.context;
  if (all) for (let k = 0; k < flows.cell.length; k++) fillKind(flows, table, k);
  else for (const k of flows.growing) fillKind(flows, table, k);
}

function growingKinds({ growing, unitCount }: TaskTable, cells: readonly number[]): number[] {
  const grows = growing.map(({ index }) => index);
  return [...cells.keys()].filter((k) => grows.includes(Math.floor(cells[k]! / unitCount)));
}

function tensorsOf({ inputBytes, kvReadBytes, outputBytes }: Work): number {
  return (
    (inputBytes > 0 ? HAS_INPUTS : 0) |
    (kvReadBytes > 0 ? HAS_CACHE : 0) |
    (outputBytes > 0 ? HAS_RESULTS : 0)
  );
}

/** The traffic of a kind by tensors, repeated fetches and codes included; what has no tensor of its own goes with another. */
function fillKind(flows: FlowTable, table: TaskTable, kind: number): void {
  const { weightReads, kvReads, kvWrites, readBytes, writeBytes, storageBytes } = table;
  const { bytes } = flows;
  const cell = flows.cell[kind]!;
  const has = flows.has[kind]!;
  const stored = storageBytes[cell]!;
  const again = stored * flows.passesAgain;
  const written = writeBytes[cell]!;
  const kvRead = has & HAS_CACHE ? kvReads[cell]! : 0;
  const weights = has & HAS_INPUTS ? weightReads[cell]! : readBytes[cell]! - kvRead;
  const kvWrite = has & HAS_RESULTS ? kvWrites[cell]! : written;
  const at = cell * WIDTH;
  bytes[at] = weights;
  bytes[at + 1] = Math.max(0, readBytes[cell]! - weights - kvRead);
  bytes[at + 2] = kvRead;
  bytes[at + 3] = kvWrite;
  bytes[at + 4] = Math.max(0, written - kvWrite);
  bytes[at + 5] = stored;
  bytes[at + 6] = again;
  bytes[at + 7] = again;
}

/** Applies the verdicts of `epoch`. @param stopped by row. */
export function judgeFlows(flows: FlowTable, stopped: Uint8Array, epoch: number): void {
  const { kind, start, row, calls, flags, uncalled, plain } = flows;
  const refused = plain.map(() => 0);
  flows.plainAccesses = 0;
  for (let k = 0; k < plain.length; k++) {
    for (let at = start[k]!; at < start[k + 1]!; at++)
      if (stopped[row[at]!] !== 0) refused[k] = STOPPED;
    plain[k] = refused[k] === 0 ? uncalled[k]! : 0;
    flows.plainAccesses += plain[k]! * (start[k + 1]! - start[k]!);
  }
  const stops = refused.includes(STOPPED);
  if (stops || flows.anyStopped) {
    for (let i = 0; i < kind.length; i++) flags[i] = calls[i]! | refused[kind[i]!]!;
  }
  flows.anyStopped = stops;
  flows.epoch = epoch;
}

/** Every operator without flags is looked at together. @returns how many accesses they make. */
export function passPlain(flows: FlowTable): number {
  const { made, plain } = flows;
  for (let k = 0; k < made.length; k++) made[k]! += plain[k]!;
  return flows.plainAccesses;
}

/** Puts down what was let through since the step began, or since the last time. */
export function bookMade(flows: FlowTable, rows: AuditRows, now: Seconds): void {
  const { made, start, row, part, cell, bytes, since } = flows;
  flows.since = now;
  for (let k = 0; k < made.length; k++) {
    const count = made[k]!;
    if (count === 0) continue;
    made[k] = 0;
    for (let at = start[k]!; at < start[k + 1]!; at++) {
      rows.note(row[at]!, count, count * bytes[cell[k]! * WIDTH + part[at]!]!, since, now);
    }
  }
}

export function flowBytes({ bytes, cell, part }: FlowTable, kind: number, access: number): Bytes {
  return bytes[cell[kind]! * WIDTH + part[access]!]!;
}

/** Share of the model's weights that have to be there for an operator. */
export function weightsUpTo(flows: FlowTable, table: TaskTable, operator: number): number {
  flows.weightShare ??= weightShares(table);
  return flows.weightShare[operator]!;
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
