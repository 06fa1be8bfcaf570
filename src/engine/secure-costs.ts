/** The protection ledger: time, energy and memory by mechanism, told apart by what each operator would take without. */
import type { Bytes, Joules, Seconds, Watts } from '../base/units.ts';
import { workAt } from '../workload/graph.ts';
import { soloRate, splitOf, streamPort } from './bandwidth.ts';
import type { Machine } from './machine.ts';
import type { ProtectionCost } from './secure-audit.ts';
import { guardsPath, PATH_MECHANISMS, secureMachine } from './secure-machine.ts';
import type { SecurityPlan } from './secure-plan.ts';
import type { TaskTable } from './task-table.ts';

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

interface CellCost {
  context: number;
  speed: number;
  readonly seconds: Float64Array;
  readonly joules: Float64Array;
  bytes: Bytes;
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
  readonly active: boolean;

  /** @param plain the machine without protection; @param secured the one that runs. */
  constructor(plain: Machine, secured: Machine, plan: SecurityPlan) {
    this.active = guardsPath(plan);
    const steps = this.active ? PATH_MECHANISMS.slice(0, -1) : [];
    this.ladder = [plain, ...steps.map((_, k) => secureMachine(plain, plan, k + 1)), secured];
  }

  /** One operator of a cell at the unit's present speed; what it takes longer, the unit waits. */
  add(table: TaskTable, cell: number, speed: number, stalledWatts: Watts): void {
    let cells = this.known.get(table);
    if (!cells) {
      cells = new Array(table.classCount * table.unitCount).fill(undefined);
      this.known.set(table, cells);
    }
    let cost = cells[cell];
    if (cost?.context !== table.context || cost.speed !== speed) {
      cost = this.cost(table, cell, speed);
      cells[cell] = cost;
    }
    for (let k = 0; k < this.seconds.length; k++) {
      this.seconds[k]! += cost.seconds[k]!;
      this.joules[k]! += cost.joules[k]! + cost.seconds[k]! * stalledWatts;
    }
    this.bytes += cost.bytes;
  }

  private cost(table: TaskTable, cell: number, speed: number): CellCost {
    const u = cell % table.unitCount;
    const work = workAt(table.phase.graph, Math.floor(cell / table.unitCount), table.context);
    const hits = { read: table.readHits[cell]!, write: table.writeHits[cell]! };
    const times = this.ladder.map((machine) => {
      const unit = machine.units[u]!;
      const fetched = unit.unit.estimate(work);
      const { cycles, readBytes, writeBytes } = fetched;
      const bytes = readBytes + writeBytes;
      const moved = { readBytes, writeBytes };
      const guard = machine.guard?.(u, work, fetched, splitOf(moved, hits));
      const rate = bytes > 0 ? soloRate(machine, streamPort(unit), moved, hits, guard) : 1;
      const ciphered = guard ? bytes * guard.ciphered * guard.cipherEnergy : 0;
      return { seconds: Math.max(cycles / speed, bytes / rate), bytes, ciphered };
    });
    const last = times.at(-1)!;
    const metadata = last.bytes - times[0]!.bytes;
    const { memory, fabricPerByte } = this.ladder[0]!;
    return {
      context: table.context,
      speed,
      seconds: Float64Array.from(
        PATH_MECHANISMS,
        (_, k) => times[k + 1]!.seconds - times[k]!.seconds,
      ),
      joules: Float64Array.of(
        0,
        last.ciphered,
        metadata * (memory.energyPerReadByte + fabricPerByte),
      ),
      bytes: metadata,
    };
  }
}
