/**
 * One workload's side of a protected run: what its operators access and as whom, and what protection takes from them.
 *
 * Model    accesses of an operator: weights, inputs, cache, results, each in the region of its class, by the identity of
 *          its unit in the world of its runtime; tables of accesses are worked out once per compiled phase and kept
 * Ignores  prefetch of the next operator's weights
 * Valid    requests of one workload, which are protected alike
 * Source   runtime/secure/*.ts
 * Checked  test/unit/engine/secure-run.test.ts, secure-lanes.test.ts
 */
import { join, PUBLIC, type Secrecy, secrecyOf } from '../base/labels.ts';
import type { Seconds } from '../base/units.ts';
import type { OwnInitiator, World } from '../hardware/secure/initiators.ts';
import type { SecureSystem } from '../hardware/secure/secure-system.ts';
import { ownInitiators } from '../hardware/secure/security-spec.ts';
import { callSeconds, npuSwitchSeconds } from '../hardware/secure/switching.ts';
import { kindOfClass, type TensorClass } from '../runtime/secure/strategy.ts';
import type { Phase } from '../workload/graph.ts';
import { availableBandwidth } from './bandwidth.ts';
import { identityOf } from './barred-units.ts';
import type { LoadFlow } from './load-flow.ts';
import type { Machine } from './machine.ts';
import { REMOTE_PHASES } from './offload/plans.ts';
import { type Active, modelOf } from './request.ts';
import type { AccessKind } from './secure-accesses.ts';
import type { Aim } from './secure-attacks.ts';
import type { PathCosts, ProtectionLedger } from './secure-costs.ts';
import {
  bookMade,
  type FlowTable,
  flowTable,
  judgeFlows,
  readsCache,
  refreshFlows,
  sameAccesses,
} from './secure-flows.ts';
import { type SecurityPlan, staysSealed } from './secure-plan.ts';
import { type AuditRows, LEFT_BEHIND, type RowKind } from './secure-rows.ts';
import type { TaskTable } from './task-table.ts';

/** Phases that read what the user gives, however many there are of them: chunks of a prompt, windows of sound, images. */
const PROMPT_PHASES: ReadonlySet<string> = new Set([
  'prefill',
  'redact',
  'text-encoder',
  'vae-encoder',
  'vision-encoder',
  'audio-encoder',
]);

/** Loads adapters, or merges them into the model. */
export const ADAPTER_PHASE = 'adapter';

export interface LaneParts {
  readonly plan: SecurityPlan;
  readonly system: SecureSystem;
  readonly machine: Machine;
  readonly rows: AuditRows;
  readonly costs: ProtectionLedger;
  readonly path: PathCosts;
  /** Adapters lie beside its weights from the start. */
  readonly isAdapted: boolean;
  /** By model: those that do not simply lie there. */
  readonly restores: ReadonlyMap<string, LoadFlow>;
}

export class SecureLane {
  readonly plan: SecurityPlan;
  readonly costs: ProtectionLedger;
  readonly path: PathCosts;
  readonly restores: ReadonlyMap<string, LoadFlow>;
  /** World of its runtime, and of its jobs on the NPU. */
  readonly world: World;
  readonly npuWorld: World;
  /** Into the world of its runtime and back, and of handing the NPU over to or from it. */
  readonly call: Seconds;
  readonly npuSwitch: Seconds;
  /** Operators of it have run since its memory was last overwritten; some of them on the NPU, which wrote what they made. */
  private hasRun = false;
  private hasWritten = false;
  /** What they have made of all that they read, and what their weights are worth: adapters included. */
  made: Secrecy = PUBLIC;
  held: Secrecy;
  /** Of what it generates. */
  readonly derived: Secrecy;
  private readonly parts: LaneParts;
  private readonly isNpu: Uint8Array;
  private readonly own: readonly OwnInitiator[];
  private readonly dropped: ReadonlyMap<TensorClass, Secrecy>;
  private readonly outputs = new Map<string, number>();
  private readonly flows = new Map<TaskTable, Map<string, FlowTable>>();
  /** What was asked for last: operators of one phase follow each other. */
  private present: FlowTable | undefined;
  private presentTable: TaskTable | undefined;
  private presentPhase = -1;

  constructor(parts: LaneParts) {
    const { plan, machine } = parts;
    const { strategy, hardware, scenario } = plan;
    this.parts = parts;
    this.plan = plan;
    this.costs = parts.costs;
    this.path = parts.path;
    this.restores = parts.restores;
    this.world = strategy.world;
    this.npuWorld = strategy.npu === 'none' ? 'normal' : strategy.world;
    const world = strategy.world === 'protected-vm' ? hardware?.vm : hardware?.world;
    this.call =
      strategy.world !== 'normal' && world
        ? callSeconds(
            { call: world.call.is, schedule: world.schedule.is, refill: world.refill.is },
            availableBandwidth(machine, 1, 1),
          )
        : 0;
    this.npuSwitch = switchTime(plan);
    this.own = hardware ? ownInitiators(hardware) : [];
    this.held = this.heldFirst();
    this.derived = join(secrecyOf(scenario.labels.weights), secrecyOf(scenario.labels.prompt));
    this.isNpu = Uint8Array.from(machine.units, ({ unit }) => (unit.kind === 'npu' ? 1 : 0));
    this.dropped = new Map(
      strategy.releases.map(({ tensor, drops }) => [tensor, secrecyOf(...drops)]),
    );
  }

  /** Operators of a step begin. */
  begin({ results, weights, npuWrites }: FlowTable): void {
    this.hasRun = true;
    this.hasWritten ||= npuWrites;
    this.made |= results;
    this.held |= weights;
  }

  /** Its memory was overwritten. */
  forget(): void {
    this.hasRun = false;
    this.hasWritten = false;
    this.made = PUBLIC;
    this.held = this.heldFirst();
  }

  /** What an attack finds. */
  get aim(): Aim {
    const { plan, hasRun, hasWritten, held, made } = this;
    const flows = [...this.restores.values()];
    const bare = flows.length === 0 ? !staysSealed(plan) : flows.some(({ isBare }) => isBare);
    return { plan, bare, hasRun, hasWritten, held, made };
  }

  /** Adapters that stay lie there with the model. */
  private heldFirst(): Secrecy {
    const { weights, adapters } = this.plan.scenario.labels;
    return this.parts.isAdapted ? secrecyOf(weights, adapters) : secrecyOf(weights);
  }

  /** The model that a request needs, on its way. */
  comingFor({ job }: Active): LoadFlow | undefined {
    if (this.restores.size === 0) return undefined;
    const restore = this.restores.get(modelOf(job.plan));
    return restore?.isComing === true ? restore : undefined;
  }

  /** Flows of the request's phase at its present context, judged by the gates as they stand. */
  flowsOf(request: Active): FlowTable {
    const { table, phase } = request;
    let flows = this.present;
    const moved = table !== this.presentTable || phase !== this.presentPhase;
    if (!flows || moved || (flows.context !== table.context && !sameAccesses(flows, table))) {
      flows = this.find(table, request.job.plan.phases, phase);
      this.present = flows;
      this.presentTable = table;
      this.presentPhase = phase;
    }
    const { system, rows } = this.parts;
    if (flows.context !== table.context) refreshFlows(flows, table);
    if (flows.epoch !== system.epoch) judgeFlows(flows, rows.stopped, system.epoch);
    return flows;
  }

  /** Puts down what went through the gates as they stand, before somebody changes them. */
  bookAll(now: Seconds): void {
    for (const stages of this.flows.values()) {
      for (const flows of stages.values()) bookMade(flows, this.parts.rows, now);
    }
  }

  /** The row of what the request hands out at the end of a step. @param results of its operators, adapters included. */
  outputRow(phase: string, results: Secrecy): number {
    const key = `${phase} ${results}`;
    let row = this.outputs.get(key);
    if (row === undefined) {
      const { labels } = this.plan.scenario;
      // What a cloud answers was made of the prompt, never of the weights here.
      const secrecy = REMOTE_PHASES.has(phase)
        ? secrecyOf(labels.prompt)
        : join(this.derived, results);
      const kind = { access: 'write', tensor: 'output', secrecy } as const;
      row = this.rowOf(phase, identityOf(this.plan, this.own, { kind: 'cpu' }), kind);
      this.outputs.set(key, row);
    }
    return row;
  }

  /** The row of what its jobs leave in local memory for one of the normal world. */
  leftRow(secrecy: Secrecy, promised: Secrecy): number {
    const { plan, rows } = this.parts;
    return rows.row({
      workload: plan.workload,
      promised,
      phase: 'hand-over',
      initiator: 'npu-normal',
      access: 'read',
      tensor: LEFT_BEHIND,
      region: 'npu-only',
      secrecy,
      dropped: PUBLIC,
    });
  }

  private find(table: TaskTable, phases: readonly Phase[], index: number): FlowTable {
    const phase = phases[index]!.name;
    let stages = this.flows.get(table);
    if (!stages) {
      stages = new Map();
      this.flows.set(table, stages);
    }
    const adapter = phases.findIndex(({ name }) => name === ADAPTER_PHASE);
    const after = adapter >= 0 && adapter < index;
    const first = index === 0;
    const stage = `${first ? 'first ' : ''}${phase}${after ? ', adapted' : ''}`;
    const key = `${stage}${readsCache(table) ? '' : ', cache empty'}`;
    const known = stages.get(key);
    if (known) return known;
    const { plan, machine } = this.parts;
    const adapts = phase === ADAPTER_PHASE;
    const merged = new Set(after ? phases[adapter]!.rewrites : []);
    const readsPrompt = first || PROMPT_PHASES.has(phase);
    const place = { first, readsPrompt, adapts, merged, adapted: after };
    const identities = machine.units.map(({ unit }) => identityOf(plan, this.own, unit));
    const rowOf = (u: number, kind: AccessKind) => this.rowOf(phase, identities[u]!, kind);
    const made = flowTable(table, plan, place, this.isNpu, rowOf);
    stages.set(key, made);
    return made;
  }

  private rowOf(phase: string, initiator: RowKind['initiator'], kind: AccessKind): number {
    const { workload, promised, strategy } = this.plan;
    return this.parts.rows.row({
      workload,
      promised,
      phase,
      initiator,
      region: kind.tensor === 'model file' ? 'normal' : kindOfClass(strategy, kind.tensor),
      dropped: kind.tensor === 'model file' ? PUBLIC : (this.dropped.get(kind.tensor) ?? 0),
      ...kind,
    });
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
