/**
 * Those who try the gates of a run, each at its time.
 *
 * Model    an attack acts on the gates and on what lies behind them at its own time, whatever else goes on; one that has
 *          changed the tables of jobs before there were any takes what the first of them writes
 * Ignores  what operators would do otherwise after an attack that got through
 * Valid    attacks of a scenario, in order of time
 * Source   secure-attacks.ts
 * Checked  test/unit/engine/secure-attacks.test.ts, test/property/secure-change.test.ts
 */
import type { Seconds } from '../base/units.ts';
import type { SecureSystem } from '../hardware/secure/secure-system.ts';
import { TICK } from '../kernel/clock.ts';
import type { Execution } from './execution.ts';
import type { LoadFlow } from './load-flow.ts';
import { type AttackOutcome, tryAttack, untried, type Wanted } from './secure-attacks.ts';
import type { AttackResult } from './secure-audit.ts';
import type { FaultList } from './secure-faults.ts';
import type { SecureLane } from './secure-lane.ts';
import type { AuditRows } from './secure-rows.ts';

export interface AttackerParts {
  readonly lanes: readonly SecureLane[];
  readonly system: SecureSystem;
  readonly rows: AuditRows;
  readonly execution: Execution;
}

export class Attackers {
  readonly results: AttackResult[] = [];
  private readonly parts: AttackerParts;
  private readonly list: FaultList;
  private pending: readonly Wanted[];
  /** Past the gates already. */
  private waiting: readonly { readonly wanted: Wanted; readonly aim: SecureLane }[] = [];

  constructor(parts: AttackerParts, list: FaultList) {
    this.parts = parts;
    this.list = list;
    this.pending = parts.lanes[0]!.plan.scenario.attacks.toSorted((a, b) => a.at - b.at);
  }

  get times(): readonly Seconds[] {
    return this.pending.map(({ at }) => at);
  }

  /** Some are still to come. */
  get isPending(): boolean {
    return this.pending.length > 0;
  }

  /** @throws SecurityFault */
  due(now: Seconds): void {
    while (this.pending.length > 0 && this.pending[0]!.at <= now + TICK) this.next(now);
  }

  /** A job of a workload begins to write from the NPU. @returns whether somebody waited for it. @throws SecurityFault */
  meet(lane: SecureLane, now: Seconds): boolean {
    const due = this.waiting.filter(({ aim }) => aim === lane);
    if (due.length === 0) return false;
    this.waiting = this.waiting.filter(({ aim }) => aim !== lane);
    for (const { wanted } of due) this.tell(this.tryOn(lane, wanted, now));
    return true;
  }

  /** What was to come after the end is not tried. @throws SecurityFault */
  finish(now: Seconds): void {
    this.due(now);
    const unmet = this.waiting;
    this.waiting = [];
    for (const { wanted, aim } of unmet) this.tell(this.tryOn(aim, wanted, now));
    this.results.push(...this.pending.map((wanted) => untried(wanted, now)));
    this.pending = [];
  }

  private next(now: Seconds): void {
    const [next, ...rest] = this.pending;
    this.pending = rest;
    const { lanes } = this.parts;
    const wanted = next!;
    const { workload } = wanted;
    const aim =
      lanes.find(({ plan }) => plan.workload === workload && workload !== undefined) ??
      lanes.find(({ plan }) => plan.strategy.protects.length > 0) ??
      lanes[0]!;
    const outcome = this.tryOn(aim, wanted, now);
    if (outcome.waits) this.waiting = [...this.waiting, { wanted, aim }];
    else this.tell(outcome);
  }

  private tell({ result, fault }: AttackOutcome): void {
    this.results.push(result);
    if (fault) this.list.add(fault);
  }

  private tryOn({ aim }: SecureLane, wanted: Wanted, now: Seconds): AttackOutcome {
    const { system, lanes, rows, execution } = this.parts;
    // What models on their way have moved until now, they moved through the gates as they were.
    const moves = ({ isComing, isBare }: LoadFlow) => isComing || isBare;
    if (lanes.some(({ restores }) => [...restores.values()].some(moves)))
      execution.progressAll(now);
    for (const lane of lanes) lane.bookAll(now);
    const outcome = tryAttack(wanted, system, aim, now);
    rows.review();
    return outcome;
  }
}
