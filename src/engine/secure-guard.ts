/**
 * Stands before every step and operator of a protected run: checks what it accesses, holds it up where protection takes
 * time, and keeps the audit. Where nothing else is due, all accesses of a step are looked at together.
 *
 * Model    accesses of an operator: weights, inputs, cache, results, each in the region of its class; the NPU changes
 *          worlds before the first protected operator and, beside a normal application, after each slice of either;
 *          a call into the runtime's world before each run of operators; an operator waits for its weights
 * Ignores  prefetch of the next operator's weights across a switch
 * Valid    one protected workload
 * Source   hardware/secure/*.ts, runtime/secure/*.ts
 * Checked  test/unit/engine/secure-run.test.ts (no access without a check), secure-attacks.test.ts
 */
import { SecurityFault } from '../base/errors.ts';
import { formatSecrecy, join, type Secrecy, secrecyOf } from '../base/labels.ts';
import type { Bytes, Seconds } from '../base/units.ts';
import { initiatorOf } from '../hardware/secure/initiators.ts';
import type { SecureSystem } from '../hardware/secure/secure-system.ts';
import { callSeconds, npuSwitchSeconds } from '../hardware/secure/switching.ts';
import type { TensorClass } from '../runtime/secure/strategy.ts';
import type { Phase } from '../workload/graph.ts';
import { availableBandwidth } from './bandwidth.ts';
import type { Execution } from './execution.ts';
import type { Machine } from './machine.ts';
import type { AccessGuard, Active } from './request.ts';
import { tryAttack } from './secure-attacks.ts';
import type { AttackResult, AuditFault } from './secure-audit.ts';
import type { PathCosts, ProtectionLedger } from './secure-costs.ts';
import {
  type FlowTable,
  flowBytes,
  flowTable,
  judgeFlows,
  refreshFlows,
  STOPPED,
} from './secure-flows.ts';
import { kindOfClass, type SecurityPlan, TOKEN_BYTES } from './secure-plan.ts';
import type { SecureRestore } from './secure-restore.ts';
import { AuditRows } from './secure-rows.ts';
import type { TaskTable } from './task-table.ts';

export interface GuardParts {
  readonly plan: SecurityPlan;
  readonly system: SecureSystem;
  readonly machine: Machine;
  readonly execution: Execution;
  readonly costs: ProtectionLedger;
  readonly path: PathCosts;
  readonly restore?: SecureRestore | undefined;
}

/** Faults listed one by one; further ones are counted in their rows. */
const MAX_FAULTS = 100;

export class SecureGuard implements AccessGuard {
  readonly rows: AuditRows;
  readonly faults: AuditFault[] = [];
  readonly attacks: AttackResult[] = [];
  withheld: Bytes = 0;
  /** Accesses that were looked at before they were made. */
  checks = 0;
  private readonly parts: GuardParts;
  private readonly system: SecureSystem;
  private readonly flows = new Map<TaskTable, Map<string, FlowTable>>();
  /** What was asked for last: operators of one phase follow each other. */
  private present: FlowTable | undefined;
  private presentTable: TaskTable | undefined;
  private presentPhase = -1;
  private readonly isNpu: Uint8Array;
  private readonly dropped: ReadonlyMap<TensorClass, Secrecy>;
  private readonly derived: Secrecy;
  private readonly protects: boolean;
  private readonly call: Seconds;
  private readonly npuSwitch: Seconds;
  private pending: SecurityPlan['scenario']['attacks'];
  private sliceStart: Seconds = Number.NaN;
  /** Asks for every operator. */
  private all = new Uint8Array(0);

  constructor(parts: GuardParts) {
    const { plan, machine, system } = parts;
    const { strategy, hardware, scenario } = plan;
    this.parts = parts;
    this.system = system;
    this.rows = new AuditRows(system, plan.promised);
    this.dropped = new Map(
      strategy.releases.map(({ tensor, drops }) => [tensor, secrecyOf(...drops)]),
    );
    this.derived = join(secrecyOf(scenario.labels.weights), secrecyOf(scenario.labels.prompt));
    this.protects = strategy.world !== 'normal';
    const world = strategy.world === 'protected-vm' ? hardware?.vm : hardware?.world;
    const bandwidth = availableBandwidth(machine, 1, 1);
    this.call =
      this.protects && world
        ? callSeconds(
            { call: world.call.is, schedule: world.schedule.is, refill: world.refill.is },
            bandwidth,
          )
        : 0;
    this.npuSwitch = switchTime(plan);
    this.isNpu = Uint8Array.from(machine.units, ({ unit }) => (unit.kind === 'npu' ? 1 : 0));
    this.pending = scenario.attacks.toSorted((a, b) => a.at - b.at);
  }

  /** With nothing else due, a look at the flags of all operators is all that most of them need. */
  openStep(request: Active, now: Seconds): Uint8Array {
    this.attackDue(now);
    const flows = this.flowsOf(request);
    if (this.isBusy(now)) return this.everyOne(flows.flags.length);
    this.checks += flows.plain;
    if (flows.onNpu) this.system.useLocalMemory(flows.results);
    return flows.flags;
  }

  admit(u: number, request: Active, operator: number, now: Seconds): Seconds {
    this.attackDue(now);
    const flows = this.flowsOf(request);
    this.checks += flows.width[operator]!;
    const flags = flows.flags[operator]!;
    const { table } = request;
    if ((flags & STOPPED) !== 0) this.accessOneByOne(flows, table, operator, now);
    const { path, execution, system } = this.parts;
    if (path.active) path.add(table, table.cell[operator]!, execution.speed[u]!);
    const wait = this.waitOf(u, flows, operator, now);
    if (this.isNpu[u] !== 0) system.useLocalMemory(flows.results);
    return wait;
  }

  private everyOne(count: number): Uint8Array {
    if (this.all.length < count) this.all = new Uint8Array(count).fill(1);
    return this.all;
  }

  /** Whether more than a look at an operator's flags is due before it may start. */
  private isBusy(now: Seconds): boolean {
    const { plan, path, restore, system } = this.parts;
    if (this.pending.length > 0) return true;
    const { npu, world } = plan.strategy;
    const away = this.protects && npu !== 'none' && system.npuWorld !== world;
    const restoring = restore !== undefined && now < restore.restore.end;
    return path.active || restoring || away || plan.scenario.normalWork.share > 0;
  }

  /** Some access of the operator must not be: each is told by itself. */
  private accessOneByOne(flows: FlowTable, table: TaskTable, operator: number, now: Seconds): void {
    const cell = table.cell[operator]!;
    const end = flows.start[operator + 1]!;
    for (let k = flows.start[operator]!; k < end; k++) {
      const row = flows.row[k]!;
      const bytes = flowBytes(flows, cell, k);
      if (this.rows.stopped[row] === 0) this.rows.note(row, 1, bytes, now, now);
      else this.stop(row, bytes, now);
    }
  }

  stepDone(request: Active, phase: Phase, now: Seconds): void {
    const flows = this.flowsOf(request);
    for (const { row, at, count } of flows.sums) {
      this.rows.note(row, count, count * flows.bytes[at]!, request.stepStart, now);
    }
    if (phase.outputsPerStep === 0) return;
    const { strategy } = this.parts.plan;
    const row = this.rows.row({
      phase: phase.name,
      initiator: initiatorOf('cpu', strategy.world),
      access: 'write',
      tensor: 'output',
      region: kindOfClass(strategy, 'output'),
      secrecy: this.derived,
      dropped: this.dropped.get('output') ?? 0,
    });
    const bytes = phase.outputsPerStep * TOKEN_BYTES;
    this.checks++;
    if (this.rows.stopped[row] === 0) this.rows.note(row, 1, bytes, now, now);
    else this.stop(row, bytes, now);
  }

  /** Attacks that no operator came after. */
  finish(now: Seconds): void {
    while (this.pending.length > 0) this.attack(now);
  }

  private attackDue(now: Seconds): void {
    if (this.pending.length > 0 && this.pending[0]!.at <= now) this.attack(now);
  }

  /** Flows of the request's phase at its present context, judged by the gates as they stand. */
  private flowsOf(request: Active): FlowTable {
    const { table, phase } = request;
    let flows = this.present;
    if (!flows || table !== this.presentTable || phase !== this.presentPhase) {
      flows = this.find(table, request.job.plan.phases[phase]!.name, phase);
      this.present = flows;
      this.presentTable = table;
      this.presentPhase = phase;
    }
    if (flows.context !== table.context) refreshFlows(flows, table);
    if (flows.epoch !== this.system.epoch) {
      judgeFlows(flows, table, this.rows.stopped, this.system.epoch);
    }
    return flows;
  }

  private find(table: TaskTable, phase: string, index: number): FlowTable {
    let stages = this.flows.get(table);
    if (!stages) {
      stages = new Map();
      this.flows.set(table, stages);
    }
    const key = index === 0 ? `first ${phase}` : phase;
    const known = stages.get(key);
    if (known) return known;
    const { plan, machine } = this.parts;
    const { strategy } = plan;
    const onNpu = table.unit.some((u) => this.isNpu[u] !== 0);
    const made = flowTable(table, plan, { first: index === 0, onNpu }, (u, kind) =>
      this.rows.row({
        phase,
        initiator: initiatorOf(machine.units[u]!.unit.kind, this.worldOf(u)),
        region: kindOfClass(strategy, kind.tensor),
        dropped: this.dropped.get(kind.tensor) ?? 0,
        ...kind,
      }),
    );
    stages.set(key, made);
    return made;
  }

  /** An NPU that the strategy does not bring into the protected world stays in the normal one. */
  private worldOf(u: number) {
    const { strategy } = this.parts.plan;
    const { kind } = this.parts.machine.units[u]!.unit;
    return kind === 'npu' && strategy.npu === 'none' ? 'normal' : strategy.world;
  }

  /** @throws SecurityFault unless faults are to be recorded. */
  private stop(row: number, bytes: Bytes, now: Seconds): void {
    const { verdict, gate } = this.rows.verdicts[row]!;
    const { initiator, access, region, tensor, secrecy } = this.rows.kinds[row]!;
    const verb = access === 'read' ? 'read' : 'wrote';
    const outcome = verdict === 'leak' ? 'and nothing stopped it' : 'and was stopped';
    this.fault({
      seconds: now,
      initiator,
      region,
      tensor,
      label: formatSecrecy(secrecy),
      ...(gate !== undefined && { gate }),
      message: `${initiator} ${verb} ${tensor} in ${region} memory, ${outcome}`,
    });
    const moved = verdict === 'leak' ? bytes : 0;
    this.rows.note(row, 1, moved, now, now);
    this.withheld += bytes - moved;
  }

  private fault(fault: AuditFault): void {
    const { scenario } = this.parts.plan;
    if (scenario.onFault === 'stop') throw new SecurityFault(fault.message, fault);
    const known = this.faults.some(
      (other) =>
        other.message === fault.message &&
        other.tensor === fault.tensor &&
        other.label === fault.label,
    );
    if (!known && this.faults.length < MAX_FAULTS) this.faults.push(fault);
  }

  private attack(now: Seconds): void {
    const [next, ...rest] = this.pending;
    this.pending = rest;
    const { system, plan } = this.parts;
    const { result, fault } = tryAttack(next!.kind, system, plan, now);
    this.attacks.push(result);
    this.rows.review();
    if (fault) this.fault(fault);
  }

  private waitOf(u: number, flows: FlowTable, operator: number, now: Seconds): Seconds {
    let wait = this.waitForWeights(u, flows.weightShare[operator]!, now);
    if (!this.protects) return wait;
    if (flows.calls[operator] !== 0) wait += this.pay('world calls', this.call, u);
    if (this.isNpu[u] !== 0 && this.parts.plan.strategy.npu !== 'none') {
      wait += this.waitForNpu(u, now + wait);
    }
    return wait;
  }

  private waitForWeights(u: number, share: number, now: Seconds): Seconds {
    const { restore, costs } = this.parts;
    if (!restore || now >= restore.restore.end) return 0;
    const wait = Math.max(0, restore.restore.readyAt(share * restore.bytes) - now);
    if (wait > 0) {
      const stage = restore.restore.bottleneck;
      this.pay(stage, wait, u);
      costs.add(stage, { hiddenSeconds: -wait });
    }
    return wait;
  }

  private waitForNpu(u: number, now: Seconds): Seconds {
    const { system, plan } = this.parts;
    const { share, slice } = plan.scenario.normalWork;
    const { world } = plan.strategy;
    if (system.npuWorld !== world) {
      system.switchNpu(world);
      this.sliceStart = now + this.npuSwitch;
      return this.pay('NPU switches', this.npuSwitch, u);
    }
    if (share === 0 || now - this.sliceStart < slice) return 0;
    system.switchNpu('normal');
    system.switchNpu(world);
    const theirs = (slice * share) / (1 - share);
    const wait = theirs + 2 * this.npuSwitch;
    this.sliceStart = now + wait;
    this.pay('NPU switches', 2 * this.npuSwitch, u);
    this.pay('turns of the normal application', theirs, u);
    return wait;
  }

  private pay(mechanism: string, seconds: Seconds, u: number): Seconds {
    const { costs, execution } = this.parts;
    costs.add(mechanism, { seconds, joules: seconds * execution.stalledWatts[u]! });
    return seconds;
  }
}

function switchTime({ hardware, strategy }: SecurityPlan): Seconds {
  const spec = hardware?.accelerator;
  if (!spec) return 0;
  return npuSwitchSeconds(
    {
      drain: spec.drain.is,
      tables: spec.tables.is,
      setUp: spec.setUp.is,
      localMemory: spec.localMemory.is,
      cleanBandwidth: spec.clean.is,
    },
    strategy.npu,
    strategy.clean === 'on-switch',
  );
}
