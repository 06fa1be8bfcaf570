/** The protection ledger: time, energy and memory by mechanism, told apart by what each operator would take without. */
import type { Bytes, BytesPerSecond, Joules, Seconds, Watts } from '../base/units.ts';
import type { UnitCost } from '../hardware/compute-unit.ts';
import { workAt } from '../workload/graph.ts';
import { soloRate, splitOf, streamPort } from './bandwidth.ts';
import type { Hits } from './cache-traffic.ts';
import type { Machine, MachineUnit } from './machine.ts';
import type { ProtectionCost } from './secure-audit.ts';
import { guardsPath, PATH_MECHANISMS, secureMachine } from './secure-machine.ts';
import type { SecurityPlan } from './secure-plan.ts';
import type { StreamGuard } from './stream.ts';
import { streamedBytes, type TaskTable } from './task-table.ts';

/** Rate of an operator without bytes, which takes no time at any. */
const NOTHING_MOVES = 1;

interface Sum {
  seconds: Seconds;
  hiddenSeconds: Seconds;
  joules: Joules;
  bytes: Bytes;
}

/** Adds up costs by mechanism, in the order in which they first come. */
export class ProtectionLedger {
  private readonly sums = new Map<string, Sum>();

  add(mechanism: string, cost: Partial<Sum>): void {
    let sum = this.sums.get(mechanism);
    if (!sum) {
      sum = { seconds: 0, hiddenSeconds: 0, joules: 0, bytes: 0 };
      this.sums.set(mechanism, sum);
    }
    sum.seconds += cost.seconds ?? 0;
    sum.hiddenSeconds += cost.hiddenSeconds ?? 0;
    sum.joules += cost.joules ?? 0;
    sum.bytes += cost.bytes ?? 0;
  }

  toRows(): ProtectionCost[] {
    return [...this.sums].map(([mechanism, sum]) => ({ mechanism, ...sum }));
  }
}

/** The same mechanism of several ledgers is one row. */
export function addCosts(ledgers: readonly ProtectionLedger[]): ProtectionCost[] {
  const all = new ProtectionLedger();
  for (const ledger of ledgers) {
    for (const { mechanism, ...cost } of ledger.toRows()) all.add(mechanism, cost);
  }
  return all.toRows();
}

/** What a cell takes on each machine of a ladder, at any speed of the unit. */
interface CellRates {
  readonly context: number;
  readonly hits: Hits;
  readonly cycles: Float64Array;
  readonly bytes: Float64Array;
  readonly rates: Float64Array;
  /** Spent by ciphers on the last of them: in front of memory, and on the way into the unit. */
  readonly ciphering: Joules;
  readonly deciphering: Joules;
}

interface CellCost {
  context: number;
  readonly speed: number;
  readonly of: CellRates;
  readonly seconds: Float64Array;
  readonly joules: Float64Array;
  readonly bytes: Bytes;
}

/**
 * Model    an operator takes max(compute, stream); the same with mechanisms left out one by one gives what each adds, and
 *          the parts sum to the whole difference
 * Ignores  other units that stream at the same time, which change all terms of a difference alike
 */
export class PathCosts {
  readonly seconds = new Float64Array(PATH_MECHANISMS.length);
  readonly joules = new Float64Array(PATH_MECHANISMS.length);
  /** Metadata moved. */
  bytes: Bytes = 0;
  private readonly ladder: readonly Machine[];
  private readonly known = new Map<TaskTable, (CellCost | undefined)[]>();
  /** Of the table that was asked for last: operators of one phase follow each other. */
  private present: (CellCost | undefined)[] = [];
  private presentTable: TaskTable | undefined;
  readonly active: boolean;

  /** @param plain the machine without protection; @param secured the one that runs. */
  constructor(plain: Machine, secured: Machine, plan: SecurityPlan) {
    this.active = guardsPath(plan);
    const steps = this.active ? PATH_MECHANISMS.slice(0, -1) : [];
    this.ladder = [plain, ...steps.map((_, k) => secureMachine(plain, plan, k + 1)), secured];
  }

  /** One operator of a cell at the unit's present speed; what it takes longer, the unit waits. */
  add(table: TaskTable, cell: number, speed: number, stalledWatts: Watts): void {
    if (table !== this.presentTable) this.present = this.cellsOf(table);
    this.presentTable = table;
    const cells = this.present;
    let cost = cells[cell];
    if (cost?.context !== table.context || cost.speed !== speed) {
      cost = this.costOf(table, cell, speed, cost);
      cells[cell] = cost;
    }
    for (let k = 0; k < this.seconds.length; k++) {
      this.seconds[k]! += cost.seconds[k]!;
      this.joules[k]! += cost.joules[k]! + cost.seconds[k]! * stalledWatts;
    }
    this.bytes += cost.bytes;
  }

  private cellsOf(table: TaskTable): (CellCost | undefined)[] {
    let cells = this.known.get(table);
    if (!cells) {
      cells = new Array(table.classCount * table.unitCount).fill(undefined);
      this.known.set(table, cells);
    }
    return cells;
  }

  private costOf(table: TaskTable, cell: number, speed: number, before?: CellCost): CellCost {
    const of = this.ratesOf(table, cell, before?.of);
    if (before?.of !== of || before.speed !== speed) return this.cost(table, of, speed);
    before.context = table.context;
    return before;
  }

  private cost({ context }: TaskTable, of: CellRates, speed: number): CellCost {
    const { cycles, bytes, rates, ciphering, deciphering } = of;
    const times = cycles.map((count, k) => Math.max(count / speed, bytes[k]! / rates[k]!));
    const metadata = bytes.at(-1)! - bytes[0]!;
    const { memory, fabricPerByte } = this.ladder[0]!;
    const perByte = memory.energyPerReadByte + fabricPerByte;
    return {
      context,
      speed,
      of,
      seconds: Float64Array.from(PATH_MECHANISMS, (_, k) => times[k + 1]! - times[k]!),
      joules: Float64Array.of(0, ciphering, deciphering, metadata * perByte),
      bytes: metadata,
    };
  }

  /** @param known of the same cell earlier: it holds while neither its work nor its hits in the cache have changed. */
  private ratesOf(table: TaskTable, cell: number, known: CellRates | undefined): CellRates {
    const { graph } = table.phase;
    const index = Math.floor(cell / table.unitCount);
    const hits = { read: table.readHits[cell]!, write: table.writeHits[cell]! };
    const grown = typeof graph.works[index] === 'function' && known?.context !== table.context;
    if (known && !grown && known.hits.read === hits.read && known.hits.write === hits.write)
      return known;
    return this.rate(table, cell, hits);
  }

  /** A mechanism that does nothing to this operator leaves the rate of the machine before. */
  private rate(table: TaskTable, cell: number, hits: Hits): CellRates {
    const steps: Step[] = [];
    for (const machine of this.ladder) steps.push(stepOf(machine, table, cell, hits, steps.at(-1)));
    const { bytes, guard } = steps.at(-1)!;
    return {
      context: table.context,
      hits,
      cycles: Float64Array.from(steps, ({ fetched }) => fetched.cycles),
      bytes: Float64Array.from(steps, (step) => step.bytes),
      rates: Float64Array.from(steps, (step) => step.rate),
      ciphering: bytes * (guard?.cipherEnergy ?? 0),
      deciphering: bytes * (guard?.decipherEnergy ?? 0),
    };
  }
}

/** An operator on one machine of the ladder. */
interface Step {
  readonly unit: MachineUnit;
  readonly fetched: UnitCost;
  readonly guard: StreamGuard | undefined;
  readonly bytes: Bytes;
  readonly rate: BytesPerSecond;
}

function stepOf(
  machine: Machine,
  table: TaskTable,
  cell: number,
  hits: Hits,
  before: Step | undefined,
): Step {
  const u = cell % table.unitCount;
  const index = Math.floor(cell / table.unitCount);
  const work = workAt(table.phase.graph, index, table.context);
  const unit = machine.units[u]!;
  const fetched = before?.unit === unit ? before.fetched : unit.unit.estimate(work);
  const moved = streamedBytes(table, index, work, fetched);
  const bytes = moved.readBytes + moved.writeBytes;
  const guard = machine.guard?.(u, work, { ...fetched, ...moved }, splitOf(moved, hits));
  const same = before?.fetched === fetched && isLike(before.guard, guard);
  const rate = () =>
    bytes > 0 ? soloRate(machine, streamPort(unit), moved, hits, guard) : NOTHING_MOVES;
  return { unit, fetched, guard, bytes, rate: same ? before.rate : rate() };
}

/** Whether two guards take the same of a stream that is alone; none at all takes nothing. */
function isLike(a: StreamGuard | undefined, b: StreamGuard | undefined): boolean {
  return (
    (a?.held ?? 0) === (b?.held ?? 0) &&
    (a?.again ?? 0) === (b?.again ?? 0) &&
    (a?.secondsPerByte ?? 0) === (b?.secondsPerByte ?? 0) &&
    (a?.ciphered ?? 0) === (b?.ciphered ?? 0) &&
    ((a?.ciphered ?? 0) === 0 || a?.cipherRate === b?.cipherRate) &&
    (a?.deciphered ?? 0) === (b?.deciphered ?? 0) &&
    ((a?.deciphered ?? 0) === 0 || a?.decipherRate === b?.decipherRate)
  );
}
