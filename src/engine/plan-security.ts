/** Scenario and descriptions → how a run protects the data of each workload: choices, places, gates and costs. */
import { type Fault, SpecError } from '../base/errors.ts';
import { secrecyOf } from '../base/labels.ts';
import { nearestHint } from '../base/registry.ts';
import type { SpecFile, SpecPath } from '../base/spec-file.ts';
import type { Bytes } from '../base/units.ts';
import type { Cipher } from '../hardware/secure/cipher.ts';
import { INITIATORS } from '../hardware/secure/initiators.ts';
import { integrityCost } from '../hardware/secure/integrity.ts';
import { SecureSystem } from '../hardware/secure/secure-system.ts';
import {
  fixedRegions,
  ownInitiators,
  type SecuritySpec,
} from '../hardware/secure/security-spec.ts';
import type { SocSpec } from '../hardware/soc-spec.ts';
import { cipherCores, ciphersOf } from '../runtime/secure/ciphers.ts';
import {
  type ChoicePlaces,
  protectsAnything,
  requireHardware,
} from '../runtime/secure/hardware-needs.ts';
import { parseStrategy, type Strategy } from '../runtime/secure/strategy.ts';
import type { RequestPlan } from '../workload/graph.ts';
import { keptPlans, type Routes } from './offload/plans.ts';
import { offloadPolicies } from './offload/policies.ts';
import { modelOf } from './request.ts';
import type { SharedWorkload } from './scenario.ts';
import { demandsOf, grownBytes, type ProtectedDemand } from './secure-memory.ts';
import type { SecurityPlan } from './secure-plan.ts';
import { type SecurityScenario, securityFor, type WorkloadSecurity } from './secure-scenario.ts';

/** A workload of the scenario, as far as protection cares. */
export interface ProtectedClient {
  readonly name: string;
  readonly plan: RequestPlan;
  /** The same as others answer it. */
  readonly routes?: Routes | undefined;
}

/** What the scenario says: of the run, and of each of several workloads. */
export interface Wishes {
  readonly security?: SecurityScenario | undefined;
  readonly workloads?: readonly SharedWorkload[] | undefined;
  /** Models take turns in memory. */
  readonly swap?: object | undefined;
}

/**
 * What the rest of preparation needs of a scenario's protection, by workload; undefined where there is none to speak of.
 * @param source a preset by its name, and where the scenario gives it.
 * @throws SpecError where the SoC lacks what a strategy needs, or workloads want the machine set up in two ways.
 */
export function planSecurity(
  { security, workloads, swap }: Wishes,
  soc: SocSpec,
  clients: readonly ProtectedClient[],
  source: (name: string, path: SpecPath) => SpecFile,
): readonly SecurityPlan[] | undefined {
  if (!security && !workloads?.some((entry) => entry.security)) return undefined;
  const drafts = clients.map(({ name, plan: local, routes }, i) => {
    const own = workloads?.[i]?.security;
    const scenario = securityFor(security, own);
    const at = placesIn(security, own, i);
    const preset = source(scenario.preset, at('preset').split('.'));
    const strategy = chosen(parseStrategy(preset), scenario);
    const policy = offloadPolicies[workloads?.[i]?.answeredBy ?? 'local'];
    const kept = keptPlans(local, routes, policy, strategy.cloud);
    return { workload: workloads && name, at, kept, scenario, strategy };
  });
  const attacked = drafts.some(({ scenario }) => scenario.attacks.length > 0);
  const any = drafts.some(({ strategy }) => protectsAnything(strategy));
  if (!any && !attacked) return undefined;
  if (any && swap) requireOneMemory(drafts);
  requireAgreement(drafts);
  requireTargets(drafts, soc);
  requireUse(drafts);
  const demands = demandsOf(drafts);
  const all = demands.reduce((sum, { held }) => sum + held, 0);
  const turns = swap !== undefined;
  const plans = drafts.map((draft, i) => planOf({ ...draft, turns }, soc, demands[i]!, all));
  return plans.map((plan, i) => ({ ...plan, grown: grownBytes(plans, i, turns) }));
}

/** Where the scenario makes each choice of a workload: by itself, or by a preset. */
function placesIn(
  run: SecurityScenario | undefined,
  own: WorkloadSecurity | undefined,
  index: number,
): ChoicePlaces {
  const mine = `workloads.${index}.security`;
  return (choice) => {
    if (own?.[choice] !== undefined) return `${mine}.${choice}`;
    if (own?.preset !== undefined) return `${mine}.preset`;
    return run?.[choice] === undefined ? 'security.preset' : `security.${choice}`;
  };
}

/** @throws SpecError where a model that takes turns would lie in normal and in protected memory. */
function requireOneMemory(drafts: readonly Draft[]): void {
  const isGuarded = ({ strategy }: Draft) => strategy.protects.includes('weights');
  const faults = drafts.filter(isGuarded).flatMap((draft): Fault[] => {
    const models = draft.kept.map(modelOf);
    const other = drafts.find(
      (one) => !isGuarded(one) && one.kept.some((plan) => models.includes(modelOf(plan))),
    );
    if (!other) return [];
    const model = models.find((name) => other.kept.some((plan) => modelOf(plan) === name));
    return [
      {
        path: 'swap',
        message: `workloads "${draft.workload}" and "${other.workload}" share ${model}, which cannot take turns in protected and in normal memory at the same time`,
        hint: 'give both the same security, or leave out swap',
      },
    ];
  });
  if (faults.length > 0) throw new SpecError(faults);
}

interface Draft {
  readonly at: ChoicePlaces;
  readonly workload: string | undefined;
  /** What the phone keeps ready: the heaviest answer, or one of its own and what stands before a cloud's. */
  readonly kept: readonly RequestPlan[];
  readonly scenario: SecurityScenario;
  readonly strategy: Strategy;
}

function planOf(
  { at, workload, scenario, strategy, turns }: Draft & { readonly turns: boolean },
  soc: SocSpec,
  { demand, held, models }: ProtectedDemand,
  protectedBytes: Bytes,
): SecurityPlan {
  const { preset } = scenario;
  const ciphers = ciphersOf(soc);
  const hardware = protectsAnything(strategy)
    ? requireHardware({ name: preset, at, strategy, turns }, soc, ciphers)
    : soc.security;
  const found = cipherCores(soc);
  return {
    workload,
    preset,
    scenario,
    strategy,
    hardware,
    ...chosenCiphers(strategy, ciphers),
    cpuUnit: found?.unit ?? Object.keys(soc.units).find((unit) => soc.units[unit]?.kind === 'cpu'),
    cores: found?.cores.reduce((sum, { count }) => sum + count, 0) ?? 1,
    integrity: integrityCost(integritySpec(strategy, hardware, protectedBytes)),
    growth: hardware?.growth && {
      page: hardware.growth.page.is,
      perPage: hardware.growth.perPage.is,
      perFreePage: hardware.growth.perFreePage.is,
      copyBandwidth: hardware.growth.copy.is,
      threads: hardware.growth.threads.is,
    },
    occupied: scenario.occupied ?? hardware?.growth?.occupied.is ?? 0,
    regions: hardware ? fixedRegions(hardware) : [],
    promised: secrecyOf(...strategy.promises),
    demand,
    // A trusted runtime starts from this much or fills it anew, one for each model.
    runtime:
      strategy.world !== 'normal' && strategy.protects.includes('weights')
        ? models * (hardware?.runtime.checkpoint.is ?? 0)
        : 0,
    protectedBytes: held,
    grown: 0,
  };
}

function chosen(preset: Strategy, scenario: SecurityScenario): Strategy {
  const own = Object.entries(scenario).filter(
    ([key, value]) => value !== undefined && Object.hasOwn(preset, key),
  );
  return { ...preset, ...Object.fromEntries(own) };
}

/** Choices about the machine, which is set up once for all. */
const MACHINE_WIDE = ['firewall', 'tablesOwner', 'clean', 'encryption', 'integrity'] as const;

/** @throws SpecError for every choice of the machine on which protected workloads differ. */
function requireAgreement(drafts: readonly Draft[]): void {
  const guarded = drafts.filter(({ strategy }) => protectsAnything(strategy));
  const onNpu = guarded.filter(({ strategy }) => strategy.npu !== 'none');
  const faults = [
    ...MACHINE_WIDE.flatMap((key) => disagreement(guarded, key)),
    ...disagreement(onNpu, 'npu'),
  ];
  if (faults.length > 0) throw new SpecError(faults);
}

function disagreement(
  drafts: readonly Draft[],
  key: (typeof MACHINE_WIDE)[number] | 'npu',
): Fault[] {
  const [first] = drafts;
  const other = drafts.find(({ strategy }) => strategy[key] !== first!.strategy[key]);
  if (!first || !other) return [];
  return [
    {
      message: `workloads "${first.workload}" and "${other.workload}" want ${key}: ${first.strategy[key]} and ${key}: ${other.strategy[key]}, but the machine is set up once`,
      expected: `one ${key} for all workloads that are protected`,
      hint: `give ${key} to both, under security: of each`,
    },
  ];
}

/** @throws SpecError for choices that would do nothing. */
function requireUse(drafts: readonly Draft[]): void {
  const kept = drafts.filter(
    ({ strategy }) => strategy.afterUse === 'release' && strategy.restore === 'resident',
  );
  const faults: Fault[] = kept.map(({ workload }) => ({
    path: 'security.afterUse',
    message: `release${workload === undefined ? '' : ` of workload "${workload}"`} gives back a model that restore: resident keeps in memory`,
    hint: 'choose restore: sequential or pipelined, or afterUse: keep',
  }));
  for (const [i, { kind, initiator, region }] of drafts[0]!.scenario.attacks.entries()) {
    if (kind === 'initiator-reads-region') continue;
    for (const [key, value] of Object.entries({ initiator, region })) {
      if (value === undefined) continue;
      faults.push({
        path: `security.attacks.${i}.${key}`,
        message: `attack ${kind} has its own ${key}, "${value}" would do nothing`,
        hint: `leave ${key}: out, or choose kind: initiator-reads-region`,
      });
    }
  }
  if (faults.length > 0) throw new SpecError(faults);
}

/** @throws SpecError for attacks on workloads, or by initiators, that are not there. */
function requireTargets(drafts: readonly Draft[], { security }: SocSpec): void {
  const names = drafts.flatMap(({ workload }) => (workload === undefined ? [] : [workload]));
  const faults = drafts[0]!.scenario.attacks
    .filter(({ workload }) => workload !== undefined && !names.includes(workload))
    .map(({ kind, workload }) => ({
      message: `attack ${kind} aims at workload "${workload}", which is not in the scenario`,
      hint: names.length > 0 ? nearestHint(workload!, names) : 'leave workload: out',
    }));
  const known = [...INITIATORS, ...Object.keys(security?.initiators ?? {})];
  const strangers = drafts[0]!.scenario.attacks
    .filter(({ initiator }) => initiator !== undefined && !known.includes(initiator))
    .map(({ kind, initiator }) => ({
      message: `unknown initiator "${initiator}" of attack ${kind}`,
      expected: 'one that is built in, or named under security.initiators of the SoC',
      hint: nearestHint(initiator!, known),
    }));
  if (faults.length + strangers.length > 0) throw new SpecError([...faults, ...strangers]);
}

function integritySpec(
  { integrity: kind }: Strategy,
  hardware: SecuritySpec | undefined,
  protectedBytes: Bytes,
) {
  const spec = hardware?.integrity;
  if (!spec || kind === 'none') {
    const none = { block: 64, macBytes: 8, countersPerLine: 64, arity: 64, cache: 0, run: 64 };
    return { kind: 'none' as const, ...none, protectedBytes };
  }
  return {
    kind,
    block: spec.block.is,
    macBytes: spec.mac.is,
    countersPerLine: spec.countersPerLine.is,
    arity: spec.arity.is,
    cache: spec.cache.is,
    run: spec.run.is,
    protectedBytes,
  };
}

function chosenCiphers(
  strategy: Strategy,
  ciphers: readonly Cipher[],
): Pick<SecurityPlan, 'cipher' | 'coreCipher'> {
  const { modelFile, decryption } = strategy;
  if (modelFile !== 'encrypted') return { cipher: undefined, coreCipher: undefined };
  const cipher = ciphers.find(
    ({ name, throughMemory }) =>
      name === decryption ||
      (decryption === 'fastest' && (throughMemory || !barredFromNpu(strategy))),
  );
  const coreCipher = cipher?.throughMemory
    ? cipher
    : ciphers.find(({ throughMemory }) => throughMemory);
  return { cipher, coreCipher };
}

/** Whether protected jobs have no way onto the NPU. */
export function barredFromNpu({ world, npu }: Strategy): boolean {
  return world !== 'normal' && npu === 'none';
}

/** The plan of a workload by its name; of the only one under any. */
export function planFor(
  plans: readonly SecurityPlan[],
  workload: string | undefined,
): SecurityPlan {
  return plans.find((plan) => plan.workload === workload) ?? plans[0]!;
}

/** The gates as the protected workloads set them up, fresh for one run; of one that is not protected, where all are. */
export function openSystem(plans: readonly SecurityPlan[]): SecureSystem {
  const guarded = plans.filter(({ strategy }) => protectsAnything(strategy));
  const { strategy, hardware } = guarded[0] ?? plans[0]!;
  const shared = guarded.some((plan) => !plan.strategy.protects.includes('activations'));
  return new SecureSystem(
    {
      firewall: strategy.firewall,
      trustedTables: strategy.tablesOwner === 'secure',
      cleanOnSwitch: strategy.clean === 'on-switch',
      taggedLocalMemory: strategy.clean === 'tagged',
      encryption: strategy.encryption === 'inline',
      integrity: strategy.integrity !== 'none',
      cloud: strategy.cloud,
    },
    shared || guarded.length === 0,
    hardware ? ownInitiators(hardware) : [],
  );
}
