/** One phase compiled for one machine: who runs each operator, and what every distinct operator costs there. */
import { type Bytes, OPS_PER_MAC } from '../base/units.ts';
import { bringsOnly, type Work } from '../base/work.ts';
import type { UnitCost } from '../hardware/compute-unit.ts';
import { LARGE_BLOCK, randomReadRate } from '../hardware/storage/ufs.ts';
import { type Graph, type Phase, workAt } from '../workload/graph.ts';
import { soloRate, splitOf, streamPort } from './bandwidth.ts';
import { CachePlan } from './cache-plan.ts';
import { type Hits, NO_HITS } from './cache-traffic.ts';
import { type AheadStream, planAhead } from './fetch-ahead.ts';
import { edges } from './graph-edges.ts';
import type { Fetched, Machine } from './machine.ts';
import { calls, transfers } from './operator-waits.ts';
import type { StreamGuard } from './stream.ts';

/**
 * Columns per cell, a cell being one (operator class, unit) pair: `class * unitCount + unit`.
 * Classes whose work grows with the context are rewritten by `refresh` at the start of every step.
 */
export interface TaskTable {
  readonly phase: Phase;
  /** The phase as the workload has it; `phase` may hold parts of its operators. */
  readonly source: Phase;
  /** Of the policy, when it placed. */
  readonly mode: string;
  /** Highest operating point that the policy wants of each unit. */
  readonly points: Int32Array | undefined;
  /** The unit that was to run everything, where there is one. */
  readonly home: number | undefined;
  /** Whether any of its operators runs on the CPU. */
  readonly usesCpu: boolean;
  readonly operatorCount: number;
  readonly unitCount: number;
  readonly classCount: number;
  /** By operator. */
  readonly cell: Int32Array;
  readonly unit: Int32Array;
  readonly inputCount: Int32Array;
  /** Fixed time to fetch inputs that another unit produced. */
  readonly transferSeconds: Float64Array;
  /** Calls into the unit's driver, where a run of operators on it begins. */
  readonly callSeconds: Float64Array;
  /** Bytes that it streams on top of its cell's, or less: weights that a compiler has moved to earlier operators. */
  readonly aheadBytes: Float64Array;
  /** Of these, what the system cache serves. */
  readonly aheadHits: Float64Array;
  /** What an operator whose weights moved, or that fetches others', streams in all; absent where its cell says it. */
  readonly aheadStreams: (AheadStream | undefined)[];
  readonly roots: Int32Array;
  /** Successors of operator i are `successors[successorStart[i] … successorStart[i + 1]]`. */
  readonly successorStart: Int32Array;
  readonly successors: Int32Array;
  /** By cell. */
  readonly cycles: Float64Array;
  readonly matrixCycles: Float64Array;
  readonly vectorCycles: Float64Array;
  readonly readBytes: Float64Array;
  readonly writeBytes: Float64Array;
  /** Of these, weights and key–value cache; the rest are activations. */
  readonly weightReads: Float64Array;
  readonly kvReads: Float64Array;
  readonly kvWrites: Float64Array;
  /** Of these, what the system cache serves. */
  readonly readHits: Float64Array;
  readonly writeHits: Float64Array;
  readonly sramBytes: Float64Array;
  readonly launchSeconds: Float64Array;
  /** What comes from storage first, and how long that takes. */
  readonly storageBytes: Float64Array;
  readonly storageSeconds: Float64Array;
  readonly macs: Float64Array;
  /** Bandwidth the unit gets when nobody else asks, of the memory of `rated`. */
  readonly soloRate: Float64Array;
  /** What protection puts in the way of its stream, where the machine guards any. */
  readonly guards: (StreamGuard | undefined)[];
  /** The machine that it was compiled for, and that whose memory it was rated with last. */
  readonly madeFor: Machine;
  rated: Machine;
  /** Where the machine has a system cache. */
  readonly cache: CachePlan | undefined;
  /** By class: whether nothing of the graph makes its inputs, so that they lie in memory. */
  readonly given: readonly boolean[];
  /** By class: the operator type, for ledgers and charts. */
  readonly operatorType: readonly string[];
  /** Classes that depend on the context, each with the units that run it. */
  readonly growing: readonly { readonly index: number; readonly units: readonly number[] }[];
  context: number;
}

/** Where the operators of a phase run, units known to support them. */
export interface Placed {
  readonly unit: Int32Array;
  /** Graphs stay open on their units, which are told of each operator by a flag in memory: one call per unit and step. */
  readonly held?: boolean;
  /** Highest operating point of each unit's clocks; the fastest where absent. */
  readonly points?: Int32Array;
  /** The unit that was to run everything, where there is one. */
  readonly home?: number;
}

/** Costs a placed phase. @param source the phase that it stands for, where operators were split. */
export function buildTable(
  phase: Phase,
  machine: Machine,
  placed: Placed,
  source = phase,
  mode = '',
): TaskTable {
  const { graph } = phase;
  const { unit } = placed;
  const context = phase.contextStart;
  const unitCount = machine.units.length;
  const cells = graph.works.length * unitCount;
  const column = () => new Float64Array(cells);
  const { inputCount, roots, successorStart, successors } = edges(graph);
  const table: TaskTable = {
    phase,
    source,
    mode,
    points: placed.points,
    home: placed.home,
    usesCpu: unit.some((u) => machine.units[u]!.unit.kind === 'cpu'),
    operatorCount: graph.operators.length,
    unitCount,
    classCount: graph.works.length,
    cell: Int32Array.from(graph.operators, (operator, i) => operator.work * unitCount + unit[i]!),
    unit,
    inputCount,
    roots,
    successorStart,
    successors,
    transferSeconds: transfers(graph, context, placed, machine),
    callSeconds: calls(phase, placed, machine),
    aheadBytes: new Float64Array(graph.operators.length),
    aheadHits: new Float64Array(graph.operators.length),
    aheadStreams: [],
    cycles: column(),
    matrixCycles: column(),
    vectorCycles: column(),
    readBytes: column(),
    writeBytes: column(),
    weightReads: column(),
    kvReads: column(),
    kvWrites: column(),
    readHits: column(),
    writeHits: column(),
    sramBytes: column(),
    launchSeconds: column(),
    storageBytes: column(),
    storageSeconds: column(),
    macs: column(),
    soloRate: column(),
    guards: [],
    madeFor: machine,
    rated: machine,
    cache: machine.systemCache && new CachePlan(machine.systemCache, phase, cells),
    given: givenClasses(graph),
    operatorType: graph.works.map((_, index) => workAt(graph, index, context).operator),
    growing: graph.works
      .map((work, index) => ({ index, grows: typeof work === 'function' }))
      .filter(({ grows }) => grows)
      .map(({ index }) => ({ index, units: unitsOfClass(graph, unit, index) })),
    context,
  };
  costAll(table, machine);
  return table;
}

function costAll(table: TaskTable, machine: Machine): void {
  const { graph } = table.phase;
  for (let index = 0; index < graph.works.length; index++) {
    for (const u of unitsOfClass(graph, table.unit, index)) {
      costCell(table, machine, index, u, workAt(graph, index, table.context));
    }
  }
  table.cache?.follow(table.cell);
  for (const cell of new Set(table.cell)) rateCell(table, machine, cell);
  if (table.growing.length === 0) {
    planAhead(table, machine.units, {
      speedOf: (u) => topSpeed(machine, u),
      weightHits: (cell) => table.cache?.weightHits(cell) ?? 0,
    });
  }
  rateAhead(table, machine);
}

/** Rates every stream anew where the clock of memory has changed since. */
export function followMemory(table: TaskTable, machine: Machine): void {
  if (table.rated === machine) return;
  table.rated = machine;
  for (const cell of new Set(table.cell)) rateCell(table, machine, cell);
  rateAhead(table, machine);
}

/** Costs the context-dependent classes anew for a step that sees `context` tokens. */
export function refresh(table: TaskTable, machine: Machine, context: number): void {
  if (context === table.context) return;
  table.context = context;
  for (const { index, units } of table.growing) {
    const work = workAt(table.phase.graph, index, context);
    for (const u of units) costCell(table, machine, index, u, work);
  }
  table.cache?.sumStreams();
  for (const { index, units } of table.growing) {
    for (const u of units) rateCell(table, machine, index * table.unitCount + u);
  }
}

function costCell(table: TaskTable, machine: Machine, index: number, u: number, work: Work): void {
  const { unit } = machine.units[u]!;
  const cost = unit.estimate(work);
  const cell = index * table.unitCount + u;
  const stored = work.storageBytes ?? 0;
  const { readBytes, writeBytes } = streamedBytes(table, index, work, cost);
  table.cycles[cell] = cost.cycles;
  table.matrixCycles[cell] = cost.matrixCycles;
  table.vectorCycles[cell] = cost.vectorCycles;
  table.readBytes[cell] = readBytes;
  table.weightReads[cell] = cost.weightReadBytes;
  table.kvReads[cell] = cost.kvReadBytes;
  table.kvWrites[cell] = cost.kvWriteBytes;
  table.writeBytes[cell] = writeBytes;
  table.storageBytes[cell] = stored;
  table.storageSeconds[cell] = storageSeconds(machine, stored);
  table.sramBytes[cell] = cost.sramBytes;
  table.launchSeconds[cell] = cost.launchSeconds;
  table.macs[cell] = work.macs;
  table.cache?.note(cell, unit.name, work, cost);
}

/** What a unit streams for an operator of class `index`; what the drive writes beside it passes no unit. */
export function streamedBytes(
  table: TaskTable,
  index: number,
  work: Work,
  cost: UnitCost,
): Pick<UnitCost, 'readBytes' | 'writeBytes'> {
  return {
    readBytes: cost.readBytes + givenBytes(table, index, work, cost),
    writeBytes: bringsOnly(work) ? 0 : cost.writeBytes + lastingBytes(table, work, cost),
  };
}

function givenClasses(graph: Graph): boolean[] {
  const given = graph.works.map(() => false);
  for (const { work, inputs } of graph.operators) if (inputs.length === 0) given[work] = true;
  return given;
}

/** Of inputs that no operator left in the unit's own memory, what the unit would have found there. */
function givenBytes(table: TaskTable, index: number, work: Work, cost: UnitCost): Bytes {
  if (!table.given[index]) return 0;
  return Math.max(0, work.inputBytes + cost.weightReadBytes + cost.kvReadBytes - cost.readBytes);
}

/** Of results that later phases use as weights, what the unit would have kept in its own memory. */
function lastingBytes({ phase }: TaskTable, work: Work, cost: UnitCost): Bytes {
  if (!phase.rewrites) return 0;
  return Math.max(0, work.outputBytes + cost.kvWriteBytes - cost.writeBytes);
}

function topSpeed(machine: Machine, u: number): number {
  const { unit, domains } = machine.units[u]!;
  return unit.speed(domains.map((d) => machine.domains[d]!.clock.points.at(-1)!.frequency));
}

/** Experts and adapters are read in large blocks. */
function storageSeconds({ storage }: Machine, bytes: number): number {
  return bytes > 0 && storage ? bytes / randomReadRate(storage.storage, LARGE_BLOCK) : 0;
}

/** What the cache serves of a cell, and how fast the unit streams by itself. */
function rateCell(table: TaskTable, machine: Machine, cell: number): void {
  const hits = table.cache?.hits(cell) ?? NO_HITS;
  table.readHits[cell] = hits.read;
  table.writeHits[cell] = hits.write;
  const { guard, soloRate } = rateStream(table, machine, cell, fetchedBy(table, cell), hits);
  if (machine.guard) table.guards[cell] = guard;
  table.soloRate[cell] = soloRate;
}

/** The same of operators whose weights are fetched by others, and of these: only reads of weights move. */
function rateAhead(table: TaskTable, machine: Machine): void {
  for (const [i, more] of table.aheadBytes.entries()) {
    if (more === 0) continue;
    const cell = table.cell[i]!;
    const own = fetchedBy(table, cell);
    const readBytes = Math.max(0, own.readBytes + more);
    const fetched = {
      ...own,
      readBytes,
      weightReadBytes: Math.max(0, own.weightReadBytes + more),
    };
    const read = Math.min(readBytes, Math.max(0, table.readHits[cell]! + table.aheadHits[i]!));
    const hits = { read, write: table.writeHits[cell]! };
    const rated = rateStream(table, machine, cell, fetched, hits);
    table.aheadStreams[i] = { readBytes, readHits: read, ...rated };
  }
}

function rateStream(
  table: TaskTable,
  machine: Machine,
  cell: number,
  fetched: Fetched,
  hits: Hits,
): Pick<AheadStream, 'guard' | 'soloRate'> {
  const u = cell % table.unitCount;
  const guard = machine.guard?.(u, workOfCell(table, cell), fetched, splitOf(fetched, hits));
  const port = streamPort(machine.units[u]!);
  return { guard, soloRate: soloRate(machine, port, fetched, hits, guard) };
}

function fetchedBy(table: TaskTable, cell: number): Fetched {
  return {
    readBytes: table.readBytes[cell]!,
    writeBytes: table.writeBytes[cell]!,
    weightReadBytes: table.weightReads[cell]!,
    kvReadBytes: table.kvReads[cell]!,
    kvWriteBytes: table.kvWrites[cell]!,
  };
}

function workOfCell(table: TaskTable, cell: number): Work {
  return workAt(table.phase.graph, Math.floor(cell / table.unitCount), table.context);
}

/** From storage, and deciphered where protection asks for it. */
function pagedSeconds(machine: Machine, bytes: Bytes): number {
  const drive = storageSeconds(machine, bytes);
  return drive + (machine.opening?.(bytes, drive) ?? 0);
}

/** What one operator takes on one unit that has the machine to itself at full clock. */
export interface AlonePrediction {
  readonly launch: number;
  readonly compute: number;
  readonly stream: number;
  readonly seconds: number;
  /** What local memory and fusion leave to DRAM. */
  readonly dramBytes: Bytes;
}

/** @returns undefined where the unit does not support the operator. */
export function predictAlone(machine: Machine, u: number, work: Work): AlonePrediction | undefined {
  const { unit } = machine.units[u]!;
  if (!unit.supports(work).ok) return undefined;
  const estimate = unit.estimate(work);
  const cost = bringsOnly(work) ? { ...estimate, writeBytes: 0 } : estimate;
  const bytes = cost.readBytes + cost.writeBytes;
  const speed = topSpeed(machine, u);
  const guard = machine.guard?.(u, work, cost, splitOf(cost, NO_HITS));
  const port = streamPort(machine.units[u]!);
  const stream = bytes > 0 ? bytes / soloRate(machine, port, cost, NO_HITS, guard) : 0;
  const compute = cost.cycles / speed;
  const launch = cost.launchSeconds + pagedSeconds(machine, work.storageBytes ?? 0);
  const seconds = launch + Math.max(compute, stream);
  return { launch, compute, stream, seconds, dramBytes: bytes };
}

function unitsOfClass(graph: Graph, unit: Int32Array, index: number): number[] {
  const found = new Set<number>();
  for (const [i, operator] of graph.operators.entries()) {
    if (operator.work === index) found.add(unit[i]!);
  }
  return [...found].sort((a, b) => a - b);
}

/** Peak operations per second of a unit as its own cost model sees it: a large square product in `dtype`. */
export function peakOps(machine: Machine, u: number, work: Work): number {
  const { unit, domains } = machine.units[u]!;
  const speed = unit.speed(domains.map((d) => machine.domains[d]!.clock.points.at(-1)!.frequency));
  const cost = unit.estimate(work);
  return cost.utilisation > 0
    ? (OPS_PER_MAC * work.macs * speed) / cost.cycles / cost.utilisation
    : 0;
}
