/** Opens protection around one simulation and, at its end, gathers the audit. */
import { formatSecrecy } from '../base/labels.ts';
import type { Bytes, Seconds } from '../base/units.ts';
import { clearanceOf } from '../hardware/secure/regions.ts';
import type { Execution } from './execution.ts';
import type { Ledger } from './ledger.ts';
import type { Machine } from './machine.ts';
import type { Job } from './request.ts';
import type { AuditRegion, SecurityAudit } from './secure-audit.ts';
import { PathCosts, ProtectionLedger } from './secure-costs.ts';
import { SecureGuard } from './secure-guard.ts';
import { PATH_MECHANISMS } from './secure-machine.ts';
import { openSystem, protectedKind, protectionOwners, type SecurityPlan } from './secure-plan.ts';
import { SecureRestore } from './secure-restore.ts';

/** Bytes that an attack which got through is counted as: one page. */
const PAGE: Bytes = 4096;

/** A plan and the machine as it would be without it. */
export interface Protection {
  readonly plan: SecurityPlan;
  readonly plain: Machine;
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
  readonly restore: SecureRestore | undefined;
  private readonly plan: SecurityPlan;
  private readonly costs = new ProtectionLedger();
  private readonly path: PathCosts;

  constructor({ plan, plain }: Protection, parts: SecureParts) {
    const { machine, execution, ledger, jobs } = parts;
    const { costs } = this;
    this.plan = plan;
    const restores = plan.strategy.protects.includes('weights') && plan.hardware !== undefined;
    const wanted = parts.cold || plan.strategy.restore !== 'resident';
    const { storage } = machine;
    this.restore =
      restores && wanted && storage
        ? new SecureRestore({ plan, machine, storage, jobs, ledger, execution, costs })
        : undefined;
    this.path = new PathCosts(plain, machine, plan);
    const system = openSystem(plan);
    const { path, restore } = this;
    this.guard = new SecureGuard({ plan, system, machine, execution, costs, path, restore });
  }

  /** @throws SecurityFault for attacks that come after the last operator. */
  finish(now: Seconds): SecurityAudit {
    const { plan, guard, costs, path } = this;
    guard.finish(now);
    for (const [k, mechanism] of PATH_MECHANISMS.entries()) {
      const seconds = path.seconds[k]!;
      const joules = path.joules[k]!;
      if (seconds === 0 && joules === 0) continue;
      costs.add(mechanism, { seconds, joules });
    }
    for (const [owner, bytes] of Object.entries(protectionOwners(plan)))
      costs.add(owner, { bytes });
    const { rows } = guard;
    const through = guard.attacks.filter(({ outcome }) => outcome === 'leak').length;
    return {
      preset: plan.preset,
      world: plan.strategy.world,
      choices: choicesOf(plan),
      promises: formatSecrecy(plan.promised),
      regions: regionsOf(plan),
      flows: rows.toRows(),
      faults: guard.faults,
      attacks: guard.attacks,
      protection: costs.toRows(),
      accesses: rows.accesses,
      checks: guard.checks,
      leakedBytes: rows.bytesWhere('leak') + through * PAGE,
      releasedBytes: rows.bytesWhere('released'),
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

/** Fixed regions, what was added to them, and normal memory with what lies there of the workload. */
function regionsOf(plan: SecurityPlan): AuditRegion[] {
  const { strategy, protectedBytes, demand, integrity } = plan;
  const held = protectedBytes * (1 + integrity.storage);
  const all = Object.values(demand).reduce((sum, bytes) => sum + bytes, 0);
  const kind = protectedKind(strategy);
  let left = kind === 'secure' ? held : 0;
  const fixed = plan.regions.map((region) => {
    const used = region.kind === 'secure' ? Math.min(left, region.size) : 0;
    left -= used;
    return { ...region, used, clearance: formatSecrecy(clearanceOf(region.kind)) };
  });
  const more = kind === 'secure' ? left : held;
  const end = fixed.reduce((most, { base, size }) => Math.max(most, base + size), 0);
  const grown: AuditRegion[] =
    more > 0
      ? [
          {
            name: kind === 'secure' ? 'grown' : 'guest',
            kind,
            base: end,
            size: more,
            used: more,
            clearance: formatSecrecy(clearanceOf(kind)),
          },
        ]
      : [];
  const normal: AuditRegion = {
    name: 'normal',
    kind: 'normal',
    base: 0,
    size: 0,
    used: all - protectedBytes,
    clearance: formatSecrecy(clearanceOf('normal')),
  };
  return [normal, ...fixed, ...grown];
}
