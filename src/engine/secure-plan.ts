/** Scenario and descriptions → how this run protects its data: choices, places, gates and costs. */
import { InfeasibleError } from '../base/errors.ts';
import { type Secrecy, secrecyOf } from '../base/labels.ts';
import { formatQuantity } from '../base/quantity.ts';
import type { SpecFile } from '../base/spec-file.ts';
import type { Bytes } from '../base/units.ts';
import type { Cipher } from '../hardware/secure/cipher.ts';
import type { GrowthSpec } from '../hardware/secure/growth.ts';
import { type IntegrityCost, integrityCost } from '../hardware/secure/integrity.ts';
import type { Region, RegionKind } from '../hardware/secure/regions.ts';
import { SecureSystem } from '../hardware/secure/secure-system.ts';
import { fixedRegions, type SecuritySpec } from '../hardware/secure/security-spec.ts';
import type { SocSpec } from '../hardware/soc-spec.ts';
import { cipherCores, ciphersOf } from '../runtime/secure/ciphers.ts';
import { protectsAnything, requireHardware } from '../runtime/secure/hardware-needs.ts';
import { parseStrategy, type Strategy, type TensorClass } from '../runtime/secure/strategy.ts';
import type { RequestPlan } from '../workload/graph.ts';
import type { SecurityScenario } from './secure-scenario.ts';

export interface SecurityPlan {
  readonly preset: string;
  readonly scenario: SecurityScenario;
  readonly strategy: Strategy;
  /** Absent where nothing is protected and the SoC describes no means to. */
  readonly hardware: SecuritySpec | undefined;
  readonly cipher: Cipher | undefined;
  /** CPU unit whose cores decrypt and move pages. */
  readonly cpuUnit: string | undefined;
  readonly cores: number;
  readonly integrity: IntegrityCost;
  readonly growth: GrowthSpec | undefined;
  readonly occupied: number;
  readonly regions: readonly Region[];
  readonly promised: Secrecy;
  /** Bytes of the workload by class. */
  readonly demand: Readonly<Partial<Record<TensorClass, Bytes>>>;
  /** Bytes that lie in protected memory, codes and counters aside. */
  readonly protectedBytes: Bytes;
}

/** What the rest of preparation needs of a scenario's protection; undefined where there is none to speak of. */
export function planSecurity(
  scenario: SecurityScenario | undefined,
  soc: SocSpec,
  plans: readonly RequestPlan[],
  source: (name: string) => SpecFile,
): SecurityPlan | undefined {
  if (!scenario) return undefined;
  const { preset } = scenario;
  const strategy = chosen(parseStrategy(source(preset)), scenario);
  if (!protectsAnything(strategy) && scenario.attacks.length === 0) return undefined;
  const ciphers = ciphersOf(soc);
  const hardware = protectsAnything(strategy)
    ? requireHardware(preset, strategy, soc, ciphers)
    : soc.security;
  const cipher = ciphers.find(
    ({ name }) => strategy.decryption === 'fastest' || name === strategy.decryption,
  );
  const demand = demandOf(plans);
  const protectedBytes = strategy.protects.reduce((sum, name) => sum + (demand[name] ?? 0), 0);
  const found = cipherCores(soc);
  return {
    preset,
    scenario,
    strategy,
    hardware,
    cipher,
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
    protectedBytes,
  };
}

function chosen(preset: Strategy, scenario: SecurityScenario): Strategy {
  const own = Object.entries(scenario).filter(
    ([key, value]) => value !== undefined && Object.hasOwn(preset, key),
  );
  return { ...preset, ...Object.fromEntries(own) };
}

/** All workloads of the scenario are protected alike; those of one model share its weights. */
function demandOf(plans: readonly RequestPlan[]) {
  const models = new Map(plans.map(({ name, model, memory }) => [model ?? name, memory.weights]));
  const sum = (of: (plan: RequestPlan) => Bytes) =>
    plans.reduce((total, plan) => total + of(plan), 0);
  return {
    weights: [...models.values()].reduce((total, bytes) => total + bytes, 0),
    kv: sum(({ memory }) => memory.kvCache),
    activations: sum(({ memory }) => memory.activations),
    prompt: sum(({ promptTokens }) => promptTokens * TOKEN_BYTES),
    output: sum(({ generatedTokens }) => generatedTokens * TOKEN_BYTES),
  };
}

/** A token id as runtimes pass it. */
export const TOKEN_BYTES: Bytes = 4;

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

/** Whether protected jobs have no way onto the NPU. */
export function barredFromNpu({ world, npu }: Strategy): boolean {
  return world !== 'normal' && npu === 'none';
}

/** Kind of region that protected data lie in. */
export function protectedKind({ world }: Strategy): RegionKind {
  return world === 'protected-vm' ? 'protected-vm' : 'secure';
}

/** Where a class of data lies. */
export function kindOfClass(strategy: Strategy, tensor: TensorClass): RegionKind {
  return strategy.protects.includes(tensor) ? protectedKind(strategy) : 'normal';
}

/** The gates as the strategy sets them up, fresh for one run. */
export function openSystem({ strategy }: SecurityPlan): SecureSystem {
  const shared = !strategy.protects.includes('activations');
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
    shared,
  );
}

/** Secure memory beyond the carve-out that a run takes from the system. */
export function grownBytes(plan: SecurityPlan): Bytes {
  const fixed = plan.hardware?.carveout.is ?? 0;
  return Math.max(0, plan.protectedBytes * (1 + plan.integrity.storage) - fixed);
}

/**
 * Memory that protection takes beside the workload's own: what of the carve-out stays empty, and codes and counters.
 * @throws InfeasibleError where protected data do not fit the carve-out and it cannot grow.
 */
export function protectionOwners(plan: SecurityPlan): Record<string, Bytes> {
  const { strategy, hardware, protectedBytes, integrity } = plan;
  if (!hardware || strategy.protects.length === 0) return {};
  const codes = protectedBytes * integrity.storage;
  const bound = hardware.carveout.is;
  const demand = protectedBytes + codes;
  if (strategy.growth === 'fixed' && demand > bound) throw tooLarge(plan, demand, bound);
  return {
    ...(codes > 0 && { 'integrity codes and counters': codes }),
    ...(bound > demand && { 'carve-out not in use': bound - demand }),
  };
}

function tooLarge(plan: SecurityPlan, demand: Bytes, bound: Bytes): InfeasibleError {
  const { strategy, integrity, preset } = plan;
  const show = (bytes: Bytes) => formatQuantity(bytes, 'size', 3);
  const breakdown = Object.fromEntries([
    ...strategy.protects.map((name) => [name, plan.demand[name] ?? 0]),
    ['integrity codes and counters', plan.protectedBytes * integrity.storage],
  ]);
  const weightsOnly = (plan.demand.weights ?? 0) * (1 + integrity.storage);
  return new InfeasibleError(
    `security "${preset}" keeps ${show(demand)} in secure memory, the carve-out has ${show(bound)} and may not grow`,
    {
      demand,
      bound,
      unit: 'B',
      breakdown,
      levers: [
        ...(plan.hardware?.growth
          ? ['memory that grows (--set scenario.security.growth=elastic)']
          : []),
        `a carve-out of at least ${show(demand)} (--set security.carveout=…), taken from the system for good`,
        ...(weightsOnly <= bound && strategy.protects.length > 1
          ? ['protecting the weights only (--security weights)']
          : []),
        'a smaller model, or fewer bits per weight',
      ],
    },
  );
}
