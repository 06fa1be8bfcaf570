/**
 * Stands before every step and operator of a protected run: checks what it accesses, holds it up where protection takes
 * time, and keeps the audit. Where nothing else is due, all accesses of a step are looked at together.
 *
 * Model    models on their way are looked at chunk by chunk; the NPU changes worlds before an operator of another world than
 *          its last; the protected side's switch is paid by whoever takes it over; beside a normal application that is a share only, after each slice of either; a call into
 *          the runtime's world before each run of operators; an operator waits for its weights
 *          A verdict holds for the gates that gave it, as in a translation cache: tables that change raise their epoch, what
 *          was let through is booked under the old one, and the next access is judged anew
 * Ignores  prefetch of the next operator's weights across a switch
 * Valid    operators one at a time per unit
 * Source   hardware/secure/*.ts, runtime/secure/*.ts
 * Checked  test/unit/engine/secure-run.test.ts (no access without a check), secure-load-flows.test.ts, secure-lanes.test.ts,
 *          secure-attacks.test.ts, test/property/secure-change.test.ts
 */
import { PUBLIC } from '../base/labels.ts';
import type { Bytes, Seconds } from '../base/units.ts';
import type { World } from '../hardware/secure/initiators.ts';
import type { SecureSystem } from '../hardware/secure/secure-system.ts';
import { TICK } from '../kernel/clock.ts';
import type { Phase } from '../workload/graph.ts';
import type { Execution } from './execution.ts';
import type { Ledger } from './ledger.ts';
import type { LoadFlow } from './load-flow.ts';
import type { LoadGate } from './load-plan.ts';
import type { Machine } from './machine.ts';
import type { AccessGuard, Active, Lane } from './request.ts';
import { PAGED } from './secure-accesses.ts';
import { Attackers } from './secure-attackers.ts';
import type { AttackResult, AuditFault } from './secure-audit.ts';
import { FaultList } from './secure-faults.ts';
import {
  bookMade,
  CALL,
  type FlowTable,
  flowBytes,
  OPENS,
  passPlain,
  STOPPED,
  weightsUpTo,
} from './secure-flows.ts';
import type { SecureLane } from './secure-lane.ts';
import { resultBytes, TOKEN_BYTES } from './secure-memory.ts';
import { Openings } from './secure-opening.ts';
import type { SecurityPlan } from './secure-plan.ts';
import type { AuditRows } from './secure-rows.ts';
import { UploadGate } from './secure-upload.ts';

export interface GuardParts {
  /** One, or one per workload of the scenario. */
  readonly lanes: readonly SecureLane[];
  readonly system: SecureSystem;
  readonly rows: AuditRows;
  readonly machine: Machine;
  readonly execution: Execution;
  readonly ledger: Ledger;
}

/** A unit whose operator waits until so much of a model is there. */
interface Waiting {
  readonly lane: SecureLane;
  readonly restore: LoadFlow;
  readonly share: number;
  until: Seconds;
}

export class SecureGuard implements AccessGuard, LoadGate {
  /** Accesses that were looked at before they were made. */
  checks = 0;
  private readonly parts: GuardParts;
  private readonly list: FaultList;
  private readonly system: SecureSystem;
  private readonly rows: AuditRows;
  /** The only workload there is. */
  private readonly alone: SecureLane | undefined;
  private readonly byLane = new Map<Lane | undefined, SecureLane>();
  private readonly isNpu: Uint8Array;
  /** Jobs of more than one world come to the NPU. */
  private readonly npuShared: boolean;
  private readonly attackers: Attackers;
  private sliceStart: Seconds = Number.NaN;
  /** Whose job it served last. */
  private lastOnNpu: SecureLane | undefined;
  private readonly waiting: (Waiting | undefined)[];
  /** Of the operator admitted last: bytes that it must not move, and seconds that it waits. */
  private withheld: Bytes = 0;
  private withheldBrought: Bytes = 0;
  private withheldOpened: Bytes = 0;
  private wait: Seconds = 0;
  private readonly openings: Openings;
  /** Asks for every operator. */
  private all = new Uint8Array(0);

  constructor(parts: GuardParts) {
    const { machine, system, lanes, rows, execution, ledger } = parts;
    this.parts = parts;
    this.system = system;
    this.rows = rows;
    this.list = new FaultList(rows, lanes[0]!.plan.scenario);
    this.alone = lanes.length === 1 ? lanes[0] : undefined;
    this.isNpu = Uint8Array.from(machine.units, ({ unit }) => (unit.kind === 'npu' ? 1 : 0));
    this.npuShared = new Set(lanes.map(({ npuWorld }) => npuWorld)).size > 1;
    this.openings = new Openings(execution, ledger, lanes[0]!.plan.cpuUnit);
    this.waiting = new Array(machine.units.length).fill(undefined);
    this.attackers = new Attackers({ lanes, system, rows, execution }, this.list);
    for (const { restores } of lanes) for (const flow of restores.values()) flow.gate = this;
  }

  get faults(): readonly AuditFault[] {
    return this.list.faults;
  }

  get attacks(): readonly AttackResult[] {
    return this.attackers.results;
  }

  /** When somebody tries the gates. */
  get attackTimes(): readonly Seconds[] {
    return this.attackers.times;
  }

  /** Attacks that are due, whatever else goes on or does not. @throws SecurityFault */
  attackDue(now: Seconds): void {
    this.attackers.due(now);
  }

  /** What a model left in memory is overwritten. */
  wiped(flow: LoadFlow): void {
    flow.wiped();
    if (!flow.isAway) return;
    for (const lane of this.parts.lanes) {
      if ([...lane.restores.values()].includes(flow)) lane.forget();
    }
  }

  /** What a model on its way accesses, chunk by chunk. */
  pass(row: number, count: number, bytes: Bytes, start: Seconds, now: Seconds): boolean {
    if (count > 0) this.attackDue(now);
    this.checks += count;
    if (this.rows.stopped[row] === 0) {
      this.rows.note(row, count, bytes, start, now);
      return true;
    }
    return (
      this.list.stop(row, bytes, now, count) > 0 || this.rows.verdicts[row]!.verdict === 'leak'
    );
  }

  /** With nothing else due, a look at the flags of all operators is all that most of them need. */
  openStep(request: Active, now: Seconds): Uint8Array {
    this.attackDue(now);
    const lane = this.laneOf(request);
    let flows = lane.flowsOf(request);
    lane.begin(flows);
    if (flows.npuWrites && this.attackers.meet(lane, now)) flows = lane.flowsOf(request);
    flows.since = now;
    if (this.isBusy(lane, request, flows)) return this.everyOne(flows.flags.length);
    this.checks += passPlain(flows);
    if (flows.onNpu) this.leave(lane, flows);
    return flows.flags;
  }

  admit(u: number, request: Active, operator: number, now: Seconds): Seconds {
    this.attackDue(now);
    const lane = this.laneOf(request);
    const flows = lane.flowsOf(request);
    const kind = flows.kind[operator]!;
    this.checks += flows.start[kind + 1]! - flows.start[kind]!;
    const { table } = request;
    if ((flows.flags[operator]! & STOPPED) === 0) flows.made[kind]!++;
    else this.accessOneByOne(flows, kind, now);
    const { path } = lane;
    if (path.active) {
      const { speed, stalledWatts } = this.parts.execution;
      path.add(table, table.cell[operator]!, speed[u]!, stalledWatts[u]!);
    }
    const opens = (flows.calls[operator]! & OPENS) !== 0;
    const opening = opens ? this.openings.admit(lane, u, table, operator) : 0;
    this.wait = opening + this.waitOf(lane, u, request, flows, operator, now);
    if (this.isNpu[u] !== 0) this.leave(lane, flows);
    return this.wait;
  }

  started(u: number): void {
    const { withheld, withheldBrought, withheldOpened } = this;
    if (withheld + withheldBrought > 0) this.parts.execution.withhold(u, withheld, withheldBrought);
    this.openings.started(u, this.wait, withheldOpened);
    this.withheld = 0;
    this.withheldBrought = 0;
    this.withheldOpened = 0;
  }

  private leave(lane: SecureLane, flows: FlowTable): void {
    this.system.useLocalMemory(flows.results);
    this.lastOnNpu = lane;
  }

  stepDone(request: Active, phase: Phase, now: Seconds): void {
    const lane = this.laneOf(request);
    const flows = lane.flowsOf(request);
    bookMade(flows, this.rows, now);
    if (phase.outputsPerStep === 0) return;
    const row = lane.outputRow(phase.name, flows.results);
    const { job, table } = request;
    const each = job.plan.generatedTokens > 0 ? TOKEN_BYTES : resultBytes(table);
    const bytes = phase.outputsPerStep * each;
    this.checks++;
    if (this.rows.stopped[row] === 0) this.rows.note(row, 1, bytes, now, now);
    else this.list.stop(row, bytes, now);
  }

  /** Models come faster or slower than when operators began to wait for them. */
  follow(now: Seconds): void {
    this.attackDue(now);
    for (let u = 0; u < this.waiting.length; u++) {
      const wait = this.waiting[u];
      if (!wait) continue;
      const { lane, restore, share, until } = wait;
      const next = now + restore.readyIn(share, now);
      const later = next - until;
      if (next - now <= TICK) this.waiting[u] = undefined;
      if (Math.abs(later) <= TICK) continue;
      wait.until = next;
      this.parts.execution.delay(u, later);
      this.openings.delay(u, later);
      this.payStage(lane, restore, u, later);
    }
  }

  /** Attacks that were to come after the end are not tried. @throws SecurityFault */
  finish(now: Seconds): void {
    this.attackers.finish(now);
  }

  /** In front of the modem, for a workload. */
  gateFor(plan: SecurityPlan): UploadGate {
    const { system, rows } = this;
    return new UploadGate(plan, {
      system,
      rows,
      checked: () => this.checks++,
      fault: (fault) => this.list.add(fault),
    });
  }

  private laneOf({ job }: Active): SecureLane {
    if (this.alone) return this.alone;
    const known = this.byLane.get(job.lane);
    if (known) return known;
    const { lanes } = this.parts;
    const found = lanes.find(({ plan }) => plan.workload === job.lane?.name) ?? lanes[0]!;
    this.byLane.set(job.lane, found);
    return found;
  }

  private everyOne(count: number): Uint8Array {
    if (this.all.length < count) this.all = new Uint8Array(count).fill(1);
    return this.all;
  }

  /** Whether more than a look at an operator's flags is due before it may start. */
  private isBusy(lane: SecureLane, request: Active, flows: FlowTable): boolean {
    const { npuWorld, path, plan } = lane;
    if (this.attackers.isPending || path.active || lane.comingFor(request)) return true;
    if (!flows.onNpu) return false;
    if (this.npuShared || this.system.npuWorld !== npuWorld) return true;
    return plan.scenario.normalWork.share > 0;
  }

  /** Some access of an operator must not be: each is told by itself. */
  private accessOneByOne(flows: FlowTable, kind: number, now: Seconds): void {
    const end = flows.start[kind + 1]!;
    for (let k = flows.start[kind]!; k < end; k++) {
      const row = flows.row[k]!;
      const bytes = flowBytes(flows, kind, k);
      if (this.rows.stopped[row] === 0) this.rows.note(row, 1, bytes, now, now);
      else this.withhold(flows.part[k]!, bytes - this.list.stop(row, bytes, now));
    }
  }

  private withhold(part: number, bytes: Bytes): void {
    if (part === PAGED) this.withheldBrought += bytes;
    else if (part > PAGED) this.withheldOpened += bytes;
    else this.withheld += bytes;
  }

  private waitOf(
    lane: SecureLane,
    u: number,
    request: Active,
    flows: FlowTable,
    operator: number,
    now: Seconds,
  ): Seconds {
    const restore = lane.comingFor(request);
    this.waiting[u] = undefined;
    let wait = restore
      ? this.waitFor(restore, weightsUpTo(flows, request.table, operator), lane, u, now)
      : 0;
    if (lane.world !== 'normal' && (flows.calls[operator]! & CALL) !== 0) {
      wait += this.pay(lane, 'world calls', lane.call, u);
    }
    return this.isNpu[u] !== 0 ? wait + this.waitForNpu(lane, u, now + wait) : wait;
  }

  private waitFor(
    restore: LoadFlow,
    share: number,
    lane: SecureLane,
    u: number,
    now: Seconds,
  ): Seconds {
    const wait = restore.readyIn(share, now);
    if (wait <= 0) return 0;
    this.waiting[u] = { lane, restore, share, until: now + wait };
    this.payStage(lane, restore, u, wait);
    return wait;
  }

  /** What an operator waits for a model is no longer beside work. */
  private payStage(lane: SecureLane, restore: LoadFlow, u: number, seconds: Seconds): void {
    const stage = restore.plan.bottleneck;
    this.pay(lane, stage, seconds, u);
    lane.costs.add(stage, { hiddenSeconds: -seconds });
    restore.waited += seconds;
  }

  private waitForNpu(lane: SecureLane, u: number, now: Seconds): Seconds {
    const { system } = this;
    const { npuWorld, npuSwitch, plan } = lane;
    const { share, slice } = plan.scenario.normalWork;
    if (system.npuWorld !== npuWorld) {
      const own = npuWorld === 'normal' ? this.switchOf(system.npuWorld) : npuSwitch;
      this.handOver(npuWorld, this.lastOnNpu, now + own);
      this.sliceStart = now + own;
      return this.pay(lane, 'NPU switches', own, u);
    }
    if (npuWorld === 'normal' || share === 0 || now - this.sliceStart < slice) return 0;
    this.handOver('normal', lane, now + npuSwitch);
    system.switchNpu(npuWorld);
    const theirs = (slice * share) / (1 - share);
    const wait = theirs + 2 * npuSwitch;
    this.sliceStart = now + wait;
    this.pay(lane, 'NPU switches', 2 * npuSwitch, u);
    this.pay(lane, 'turns of the normal application', theirs, u);
    return wait;
  }

  /** Whoever is given local memory as `from` and others left it has what lies there. @throws SecurityFault */
  private handOver(to: World, from: SecureLane | undefined, now: Seconds): void {
    const found = this.system.switchNpu(to);
    if (found.kind !== 'breach' || !from) return;
    const { lanes } = this.parts;
    const promised = lanes.reduce((all, { plan }) => all | plan.promised, PUBLIC);
    const row = from.leftRow(found.secrecy, promised);
    const bytes = from.plan.hardware?.accelerator?.localMemory.is ?? 0;
    this.checks++;
    if (this.rows.stopped[row] === 0) this.rows.note(row, 1, bytes, now, now);
    else this.list.stop(row, bytes, now);
  }

  /** Taking the NPU back from a protected world takes what that one's hand-over takes. */
  private switchOf(world: string): Seconds {
    return this.parts.lanes.find(({ npuWorld }) => npuWorld === world)?.npuSwitch ?? 0;
  }

  private pay(lane: SecureLane, mechanism: string, seconds: Seconds, u: number): Seconds {
    const joules = seconds * this.parts.execution.stalledWatts[u]!;
    lane.costs.add(mechanism, { seconds, joules });
    return seconds;
  }
}
