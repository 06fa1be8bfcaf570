/** Opens protection around one simulation and, at its end, gathers the audit. */
import { formatSecrecy } from '../base/labels.ts';
import type { Bytes, Seconds } from '../base/units.ts';
import { clearanceOf } from '../hardware/secure/regions.ts';
import { protectsAnything } from '../runtime/secure/hardware-needs.ts';
import { protectedKind } from '../runtime/secure/strategy.ts';
import type { Execution } from './execution.ts';
import type { Ledger } from './ledger.ts';
import type { Machine } from './machine.ts';
import { BYTES_PER_TOKEN } from './offload/plans.ts';
import type { Job } from './request.ts';
import { requestLabel } from './request.ts';
import type { AuditRegion, SecurityAudit, WorkloadAudit } from './secure-audit.ts';
import { addCosts, PathCosts, ProtectionLedger } from './secure-costs.ts';
import { SecureGuard } from './secure-guard.ts';
import { SecureLane } from './secure-lane.ts';
import { SecureLoads } from './secure-loads.ts';
import { PATH_MECHANISMS, secureMachine } from './secure-machine.ts';
import { protectionOwners } from './secure-memory.ts';
import { openSystem, planFor, type SecurityPlan } from './secure-plan.ts';
import { RestoreFlow } from './secure-restore.ts';
import { AuditRows } from './secure-rows.ts';
import { routeThrough } from './secure-upload.ts';
import { weightsOf } from './storage.ts';

/** Bytes that an attack which got through is counted as: one page. */
const PAGE: Bytes = 4096;

/** How the data of each workload are protected: one plan for all, or one each. */
export interface Protection {
  readonly plans: readonly SecurityPlan[];
}

export interface SecureParts {
  readonly machine: Machine;
  readonly execution: Execution;
  readonly ledger: Ledger;
  readonly jobs: readonly Job[];
  /** Weights come from storage before the first request runs. */
  readonly cold: boolean;
}

export class SecureRun {
  readonly guard: SecureGuard;
  readonly loads: SecureLoads | undefined;
  private readonly plans: readonly SecurityPlan[];
  private readonly lanes: readonly SecureLane[];
  private readonly parts: SecureParts;
  private readonly rows: AuditRows;
  private readonly views = new Map<SecurityPlan, WeakMap<Machine, Machine>>();

  constructor({ plans }: Protection, parts: SecureParts) {
    const { machine, execution } = parts;
    this.plans = plans;
    this.parts = parts;
    const system = openSystem(plans);
    this.rows = new AuditRows(system);
    this.lanes = plans.map((plan) => {
      const costs = new ProtectionLedger();
      const path = new PathCosts(machine, this.machineFor(plan, machine), plan);
      const restore = this.restoreOf(plan, costs);
      return new SecureLane({ plan, system, machine, rows: this.rows, costs, path, restore });
    });
    this.loads = this.openLoads();
    this.guard = new SecureGuard({
      lanes: this.lanes,
      system,
      rows: this.rows,
      machine,
      execution,
    });
  }

  /** The machine as the operators of a job see it. */
  readonly viewOf = ({ lane }: Job, machine: Machine): Machine =>
    this.machineFor(planFor(this.plans, lane?.name), machine);

  /** How a prompt may leave for a cloud that a policy wants to ask. */
  upload({ lane, plan }: Job, where: 'cloud' | 'hybrid', now: Seconds) {
    const own = planFor(this.plans, lane?.name);
    return routeThrough(this.guard.gateFor(own), where, plan.promptTokens * BYTES_PER_TOKEN, now);
  }

  private machineFor(plan: SecurityPlan, machine: Machine): Machine {
    let views = this.views.get(plan);
    if (!views) {
      views = new WeakMap();
      this.views.set(plan, views);
    }
    let view = views.get(machine);
    if (!view) {
      view = secureMachine(machine, plan);
      views.set(machine, view);
    }
    return view;
  }

  private restoreOf(plan: SecurityPlan, costs: ProtectionLedger): RestoreFlow | undefined {
    const { machine, jobs, ledger, execution, cold } = this.parts;
    const { storage } = machine;
    const { strategy, hardware } = plan;
    const wanted = cold || strategy.restore !== 'resident';
    const own = jobs.filter(({ lane }) => lane === undefined || lane.name === plan.workload);
    if (!wanted || !strategy.protects.includes('weights') || !hardware || !storage)
      return undefined;
    const bytes = weightsOf(own);
    const request = own[0]?.lane ? requestLabel(own[0]) : (own[0]?.plan.name ?? '');
    return new RestoreFlow({ plan, machine, storage, bytes, request, ledger, execution, costs });
  }

  private openLoads(): SecureLoads | undefined {
    const flows = this.lanes.flatMap(({ restore }) => restore ?? []);
    if (flows.length === 0) return undefined;
    return new SecureLoads((lane) => {
      const plan = planFor(this.plans, lane?.name);
      const flow = this.lanes[this.plans.indexOf(plan)]!.restore;
      return flow && { flow, release: plan.strategy.afterUse === 'release' };
    }, flows);
  }

  /** @throws SecurityFault for attacks that come after the last operator. */
  finish(now: Seconds): SecurityAudit {
    const { plans, guard, rows, lanes } = this;
    guard.finish(now);
    for (const { costs, path } of lanes) {
      for (const [k, mechanism] of PATH_MECHANISMS.entries()) {
        const seconds = path.seconds[k]!;
        const joules = path.joules[k]!;
        if (seconds !== 0 || joules !== 0) costs.add(mechanism, { seconds, joules });
      }
    }
    const memory = new ProtectionLedger();
    for (const [owner, bytes] of Object.entries(protectionOwners(plans, this.parts.jobs)))
      memory.add(owner, { bytes });
    const through = guard.attacks.filter(({ outcome }) => outcome === 'leak').length;
    const flows = rows.toRows();
    const bytesWhere = (verdict: string, of = flows) =>
      of.reduce((sum, row) => sum + (row.verdict === verdict ? row.bytes : 0), 0);
    const first = plans.find(({ strategy }) => protectsAnything(strategy)) ?? plans[0]!;
    const [alone] = plans.length === 1 ? plans : [];
    return {
      preset: alone
        ? alone.preset
        : plans.map(({ workload, preset }) => `${workload} ${preset}`).join(', '),
      world: first.strategy.world,
      choices: choicesOf(first),
      promises: formatSecrecy(plans.reduce((all, { promised }) => all | promised, 0)),
      regions: regionsOf(plans),
      flows,
      faults: guard.faults,
      attacks: guard.attacks,
      protection: addCosts([...lanes.map(({ costs }) => costs), memory]),
      accesses: rows.accesses,
      checks: guard.checks,
      leakedBytes: bytesWhere('leak') + through * PAGE,
      releasedBytes: bytesWhere('released'),
      ...(!alone && {
        workloads: lanes.map(({ plan, costs }): WorkloadAudit => {
          const own = flows.filter(({ workload }) => workload === plan.workload);
          return {
            name: plan.workload ?? '',
            preset: plan.preset,
            world: plan.strategy.world,
            choices: choicesOf(plan),
            promises: formatSecrecy(plan.promised),
            protection: costs.toRows(),
            accesses: own.reduce((sum, { accesses }) => sum + accesses, 0),
            leakedBytes: bytesWhere('leak', own),
            releasedBytes: bytesWhere('released', own),
          };
        }),
      }),
    };
  }
}

function choicesOf({ strategy, cipher }: SecurityPlan): Record<string, string> {
  return {
    protects: strategy.protects.join(', ') || 'nothing',
    NPU: strategy.npu,
    restore: strategy.restore,
    growth: strategy.growth,
    encryption: strategy.encryption,
    integrity: strategy.integrity,
    decryption: cipher?.name ?? 'none',
    clean: strategy.clean,
    firewall: strategy.firewall ? 'on' : 'off',
    'address tables': `written by the ${strategy.tablesOwner} world`,
    cloud: strategy.cloud,
  };
}

/** Fixed regions, what was added to them, and normal memory with what lies there of the workloads. */
function regionsOf(plans: readonly SecurityPlan[]): AuditRegion[] {
  const sum = (of: (plan: SecurityPlan) => number, kind?: string) =>
    plans
      .filter(({ strategy }) => kind === undefined || protectedKind(strategy) === kind)
      .reduce((total, plan) => total + of(plan), 0);
  const held = (plan: SecurityPlan) => plan.protectedBytes * (1 + plan.integrity.storage);
  const all = sum(({ demand }) => Object.values(demand).reduce((a, b) => a + b, 0));
  const left = {
    secure: sum((plan) => held(plan) - plan.grown, 'secure'),
    'protected-vm': sum((plan) => held(plan) - plan.grown, 'protected-vm'),
  };
  const { regions } = plans.find((plan) => plan.regions.length > 0) ?? plans[0]!;
  const fixed = regions.map((region) => {
    const { kind } = region;
    const used = kind in left ? Math.min(left[kind as keyof typeof left], region.size) : 0;
    if (kind in left) left[kind as keyof typeof left] -= used;
    return { ...region, used, clearance: formatSecrecy(clearanceOf(region.kind)) };
  });
  let end = fixed.reduce((most, { base, size }) => Math.max(most, base + size), 0);
  const grown = (['secure', 'protected-vm'] as const).flatMap((kind): AuditRegion[] => {
    const size = sum((plan) => plan.grown, kind);
    if (size === 0) return [];
    const name = kind === 'secure' ? 'grown' : 'guest';
    const base = end;
    end += size;
    return [{ name, kind, base, size, used: size, clearance: formatSecrecy(clearanceOf(kind)) }];
  });
  const normal: AuditRegion = {
    name: 'normal',
    kind: 'normal',
    base: 0,
    size: 0,
    used: all - sum(({ protectedBytes }) => protectedBytes),
    clearance: formatSecrecy(clearanceOf('normal')),
  };
  return [normal, ...fixed, ...grown];
}
