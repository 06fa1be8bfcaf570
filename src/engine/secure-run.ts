/** Opens protection around one simulation and, at its end, gathers the audit. */
import { formatSecrecy, join, PUBLIC } from '../base/labels.ts';
import type { Bytes, Seconds } from '../base/units.ts';
import { clearanceOf } from '../hardware/secure/regions.ts';
import { protectsAnything } from '../runtime/secure/hardware-needs.ts';
import { hasAdapters } from '../runtime/secure/label-flow.ts';
import { protectedKind } from '../runtime/secure/strategy.ts';
import { barUnits } from './barred-units.ts';
import type { Execution } from './execution.ts';
import type { Ledger } from './ledger.ts';
import { LoadFlow } from './load-flow.ts';
import type { LoadPlan } from './load-plan.ts';
import type { Machine, MachineStorage } from './machine.ts';
import type { LoadedModel } from './model-loads.ts';
import type { ModemGate } from './offload/cloud.ts';
import { BYTES_PER_TOKEN, labelOfPrompt } from './offload/plans.ts';
import { openSystem, planFor } from './plan-security.ts';
import { type Job, modelOf as modelName } from './request.ts';
import type { AuditRegion, SecurityAudit, WorkloadAudit } from './secure-audit.ts';
import { addCosts, PathCosts, ProtectionLedger } from './secure-costs.ts';
import { SecureGuard } from './secure-guard.ts';
import { ADAPTER_PHASE, SecureLane } from './secure-lane.ts';
import { PATH_MECHANISMS, secureMachine } from './secure-machine.ts';
import { heldBytes, protectionOwners } from './secure-memory.ts';
import { openingMachine } from './secure-opening.ts';
import type { SecurityPlan } from './secure-plan.ts';
import { isKeyGone, reclaimRow, restorePlan, wipePlan } from './secure-restore.ts';
import { AuditRows } from './secure-rows.ts';
import { routeThrough } from './secure-upload.ts';

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
  /** Models take turns in memory. */
  readonly turns: boolean;
}

/** Of the platform's rows, those that do not follow what requests do, and what supplies lose. */
const STEADY: ReadonlySet<string> = new Set(['idle', 'standby', 'background traffic']);
const LOST: ReadonlySet<string> = new Set(['conversion loss']);

export class SecureRun {
  readonly guard: SecureGuard;
  private readonly plans: readonly SecurityPlan[];
  private readonly lanes: readonly SecureLane[];
  private readonly parts: SecureParts;
  private readonly rows: AuditRows;
  /** Models that do not simply lie there, by kind of memory and name; and of each plan, by name. */
  private readonly models = new Map<string, LoadedModel>();
  private readonly byPlan = new Map<SecurityPlan, ReadonlyMap<string, LoadedModel>>();
  private readonly views = new Map<SecurityPlan, WeakMap<Machine, Machine>>();
  /** What was asked for last: steps ask again and again. */
  private seen: { plan?: SecurityPlan; machine?: Machine; view?: Machine } = {};

  constructor({ plans }: Protection, parts: SecureParts) {
    const { machine, execution } = parts;
    this.plans = plans;
    this.parts = parts;
    const system = openSystem(plans);
    this.rows = new AuditRows(system);
    this.lanes = plans.map((plan) => {
      const costs = new ProtectionLedger();
      const path = new PathCosts(machine, this.machineFor(plan, machine), plan);
      const loaded = this.modelsOf(plan, costs);
      this.byPlan.set(plan, loaded);
      const restores = new Map([...loaded].map(([name, { flow }]) => [name, flow]));
      const { rows } = this;
      const isAdapted = this.isAdapted(plan);
      return new SecureLane({ plan, system, machine, rows, costs, path, isAdapted, restores });
    });
    this.guard = new SecureGuard({
      lanes: this.lanes,
      system,
      rows: this.rows,
      machine,
      execution,
      ledger: parts.ledger,
    });
  }

  /** The machine as the operators of a job see it. */
  readonly viewOf = ({ lane }: Job, machine: Machine): Machine =>
    this.machineFor(planFor(this.plans, lane?.name), machine);

  /** In front of the modem: how prompts may leave for a cloud that a policy wants to ask, and when they do. */
  get modemGate(): ModemGate {
    const gateOf = ({ lane }: Job) => this.guard.gateFor(planFor(this.plans, lane?.name));
    return {
      route: (job, where, now) => routeThrough(gateOf(job), where, now),
      begin: (job, where, now) => gateOf(job).begin(labelOfPrompt(where), now),
      end: (job, where, start, now) => {
        const bytes = job.plan.promptTokens * BYTES_PER_TOKEN;
        gateOf(job).end(labelOfPrompt(where), bytes, start, now);
      },
    };
  }

  private machineFor(plan: SecurityPlan, machine: Machine): Machine {
    const { seen } = this;
    if (plan === seen.plan && machine === seen.machine) return seen.view!;
    const view = this.viewFor(plan, machine);
    this.seen = { plan, machine, view };
    return view;
  }

  private viewFor(plan: SecurityPlan, machine: Machine): Machine {
    let views = this.views.get(plan);
    if (!views) {
      views = new WeakMap();
      this.views.set(plan, views);
    }
    let view = views.get(machine);
    if (!view) {
      view = barUnits(openingMachine(secureMachine(machine, plan), plan), plan);
      views.set(machine, view);
    }
    return view;
  }

  /** Whether any protected model has to come from storage. */
  get hasLoads(): boolean {
    return this.models.size > 0;
  }

  /** The protected model that a request needs, where it has to come. @returns false where it needs none of them. */
  loadedFor({ lane, plan: asked }: Job): LoadedModel | undefined | false {
    const plan = planFor(this.plans, lane?.name);
    if (!plan.strategy.protects.includes('weights')) return false;
    const isKept = this.jobsOf(plan).some((job) => modelName(job.plan) === modelName(asked));
    return isKept && this.byPlan.get(plan)!.get(modelName(asked));
  }

  /** Workloads of one model in one kind of memory have it in common. */
  private modelsOf(plan: SecurityPlan, costs: ProtectionLedger): Map<string, LoadedModel> {
    const { machine, cold, turns } = this.parts;
    const { strategy, hardware } = plan;
    const found = new Map<string, LoadedModel>();
    const comes = cold || turns || strategy.restore !== 'resident';
    if (!comes || !strategy.protects.includes('weights') || !hardware || !machine.storage)
      return found;
    const kind = protectedKind(strategy);
    for (const [model, bytes] of weightsOf(this.jobsOf(plan))) {
      const key = `${kind} ${model}`;
      const made =
        this.models.get(key) ?? this.openModel(plan, costs, { model, bytes }, machine.storage);
      this.models.set(key, made);
      found.set(model, made);
    }
    return found;
  }

  private openModel(
    plan: SecurityPlan,
    costs: ProtectionLedger,
    { model, bytes }: { readonly model: string; readonly bytes: Bytes },
    storage: MachineStorage,
  ): LoadedModel {
    const { machine, execution, ledger } = this.parts;
    const { rows } = this;
    const kind = protectedKind(plan.strategy);
    const users = this.plans.filter(({ strategy }) => protectedKind(strategy) === kind);
    // What a plan has beside its models comes and goes with them, by their sizes.
    const sum = (of: (plan: SecurityPlan) => Bytes) =>
      users.reduce((all, one) => all + of(one) * shareOf(weightsOf(this.jobsOf(one)), model), 0);
    const grown = sum((one) => one.grown);
    const parts = { plan, storage, bytes, grown, held: sum(heldBytes), rows };
    const cpu = machine.units.findIndex(({ unit }) => unit.name === plan.cpuUnit);
    const open = (load: LoadPlan, ended?: (now: Seconds) => void) =>
      new LoadFlow({ plan: load, ledger, execution, costs, cpu, ...(ended && { ended }) });
    const flow = open(restorePlan(parts));
    const giveBack = (now: Seconds) => {
      if (grown === 0) return;
      const own = this.lanes.filter((lane) => users.includes(lane.plan));
      const held = own.reduce((all, lane) => join(all, lane.held), PUBLIC);
      const made = own.reduce((all, lane) => join(all, lane.made), PUBLIC);
      this.guard.pass(reclaimRow(parts, { held, made }), 1, grown, now, now);
    };
    const clean = (now: Seconds) => {
      this.guard.wiped(flow);
      giveBack(now);
    };
    return {
      flow,
      comes: plan.strategy.restore !== 'resident',
      release: plan.strategy.afterUse === 'release',
      giveBack: (now) => {
        const wipe = wipePlan(parts);
        if (!wipe) {
          if (isKeyGone(plan)) clean(now);
          else giveBack(now);
          return undefined;
        }
        const wiping = open(wipe, clean);
        wiping.gate = this.guard;
        return wiping;
      },
    };
  }

  /** Adapters lie beside the weights all along. Only attacks that come before the first operator ask. */
  private isAdapted(plan: SecurityPlan): boolean {
    if (plan.scenario.attacks.length === 0) return false;
    return this.jobsOf(plan).some(({ plan: { phases } }) => {
      const comes = phases.some(({ name }) => name === ADAPTER_PHASE);
      return !comes && phases.some(({ graph }) => hasAdapters(graph));
    });
  }

  private jobsOf(plan: SecurityPlan): Job[] {
    return this.parts.jobs.filter(({ lane }) => lane === undefined || lane.name === plan.workload);
  }

  /**
   * What protection costs beside its own work: the rest of the phone for as long as the run grows, and what supplies lose
   * on both. Leakage that follows the load is left out.
   */
  private phoneMeanwhile(now: Seconds): ProtectionLedger {
    const { ledger } = this.parts;
    const rows = this.lanes.flatMap(({ costs }) => costs.toRows());
    const sum = (of: (row: (typeof rows)[number]) => number) =>
      rows.reduce((all, row) => all + of(row), 0);
    const longer = Math.min(
      now,
      sum(({ seconds }) => seconds),
    );
    const meanwhile = now > 0 ? (ledger.platformJoules(STEADY) * longer) / now : 0;
    const lost = ledger.platformJoules(LOST);
    const own = meanwhile + sum(({ joules }) => joules);
    const more = new ProtectionLedger();
    if (meanwhile > 0) more.add('phone on for longer', { joules: meanwhile });
    if (lost > 0 && own > 0)
      more.add('conversion loss', { joules: (own * lost) / (ledger.totalJoules - lost) });
    return more;
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
    const memory = this.phoneMeanwhile(now);
    for (const [owner, bytes] of Object.entries(protectionOwners(plans, this.parts.jobs)))
      memory.add(owner, { bytes });
    const taken = guard.attacks.reduce((sum, { bytes = 0 }) => sum + bytes, 0);
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
      leakedBytes: bytesWhere('leak') + taken,
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

/** Of each model of the jobs; one that others answer for lies in no memory here. */
function weightsOf(jobs: readonly Job[]): Map<string, Bytes> {
  const own = jobs.filter(({ plan }) => plan.memory.weights > 0);
  return new Map(own.map(({ plan }) => [modelName(plan), plan.memory.weights]));
}

function shareOf(weights: ReadonlyMap<string, Bytes>, model: string): number {
  const all = [...weights.values()].reduce((sum, bytes) => sum + bytes, 0);
  return all > 0 ? (weights.get(model) ?? 0) / all : 0;
}

function choicesOf({ strategy, cipher }: SecurityPlan): Record<string, string> {
  return {
    protects: strategy.protects.join(', ') || 'nothing',
    NPU: strategy.npu,
    restore: strategy.restore,
    growth: strategy.growth,
    encryption: strategy.encryption,
    integrity: strategy.integrity,
    'model file': strategy.modelFile,
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
  const all = sum(({ demand }) => Object.values(demand).reduce((a, b) => a + b, 0));
  const left = {
    secure: sum((plan) => heldBytes(plan) - plan.grown, 'secure'),
    'protected-vm': sum((plan) => heldBytes(plan) - plan.grown, 'protected-vm'),
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
