/**
 * Who lies where in protected memory: what each workload brings along, what of it fits the carve-out, and what grows.
 *
 * Model    the carve-out is filled in the order of the workloads, codes and counters included; what is left over grows, or
 *          does not fit; a protected virtual machine has memory of its own. Weights of one model are there once in each kind
 *          of memory that a workload wants them in
 * Ignores  pages that are only partly filled
 * Valid    all workloads resident at the same time
 * Source   as runtime/secure/strategy.ts
 * Checked  test/unit/engine/secure-run.test.ts, test/unit/engine/secure-lanes.test.ts
 */
import { InfeasibleError } from '../base/errors.ts';
import { formatQuantity } from '../base/quantity.ts';
import { type Bytes, MEBI } from '../base/units.ts';
import type { Region, RegionKind } from '../hardware/secure/regions.ts';
import { kindOfClass, protectedKind, type Strategy } from '../runtime/secure/strategy.ts';
import { type RequestPlan, workAt } from '../workload/graph.ts';
import { modelOf } from './request.ts';
import type { Demand, SecurityPlan } from './secure-plan.ts';
import type { TaskTable } from './task-table.ts';

/** A token id as runtimes pass it. */
export const TOKEN_BYTES: Bytes = 4;

/** What a graph hands out that answers with something else than tokens: images, scores. */
export function resultBytes({ phase: { graph }, context, successorStart }: TaskTable): Bytes {
  return graph.operators.reduce((sum, { work }, i) => {
    const isLast = successorStart[i] === successorStart[i + 1];
    return isLast ? sum + workAt(graph, work, context).outputBytes : sum;
  }, 0);
}

export interface ProtectedDemand {
  readonly demand: Demand;
  /** What of it is protected. */
  readonly held: Bytes;
  /** That none of the workloads before has brought into its kind of memory. */
  readonly models: number;
}

/** Of each workload: its bytes by class, and what of them is protected. */
export function demandsOf(
  drafts: readonly { readonly kept: readonly RequestPlan[]; readonly strategy: Strategy }[],
): ProtectedDemand[] {
  const there = new Set<string>();
  return drafts.map(({ kept, strategy }) => {
    const { promptTokens, generatedTokens } = kept[0]!;
    let weights = 0;
    let models = 0;
    for (const plan of kept) {
      const key = `${kindOfClass(strategy, 'weights')} ${modelOf(plan)}`;
      if (there.has(key) || plan.memory.weights === 0) continue;
      weights += plan.memory.weights;
      models++;
      there.add(key);
    }
    // Each keeps its cache; one of them works at a time.
    const demand = {
      weights,
      kv: kept.reduce((sum, { memory }) => sum + memory.kvCache, 0),
      activations: Math.max(...kept.map(({ memory }) => memory.activations)),
      prompt: promptTokens * TOKEN_BYTES,
      output: generatedTokens * TOKEN_BYTES,
    };
    return { demand, held: strategy.protects.reduce((sum, kind) => sum + demand[kind], 0), models };
  });
}

export function heldBytes(plan: SecurityPlan): Bytes {
  return plan.protectedBytes + plan.runtime + codeBytes(plan);
}

/** Codes and counters of all that lies in protected memory. */
function codeBytes({ protectedBytes, runtime, integrity }: SecurityPlan): Bytes {
  return (protectedBytes + runtime) * integrity.storage;
}

/** Memory set aside at boot for what a plan protects: the carve-out, and further regions of its kind. */
function carveout({ strategy, regions }: SecurityPlan): Bytes {
  return setAside(regions, protectedKind(strategy));
}

export function setAside(regions: readonly Region[], kind: RegionKind): Bytes {
  return regions.reduce((sum, region) => sum + (region.kind === kind ? region.size : 0), 0);
}

/**
 * Protected memory of workload `i` beyond the carve-out, which those before it have begun to fill.
 * @param turns models come and go: what may grow leaves the carve-out alone, for what lies there is not given back.
 */
export function grownBytes(plans: readonly SecurityPlan[], i: number, turns = false): Bytes {
  const plan = plans[i]!;
  if (turns && plan.strategy.growth === 'elastic') return heldBytes(plan);
  const kind = protectedKind(plan.strategy);
  const before = plans
    .slice(0, i)
    .filter(({ strategy }) => protectedKind(strategy) === kind)
    .reduce((sum, other) => sum + heldBytes(other), 0);
  const left = Math.max(0, carveout(plan) - before);
  return Math.max(0, heldBytes(plan) - left);
}

/**
 * Memory that protection takes beside the workloads' own: runtimes, codes and counters, what of the carve-out stays empty, and
 * weights that lie in two kinds of memory.
 * @throws InfeasibleError where protected data do not fit the carve-out and it cannot grow.
 */
export function protectionOwners(
  plans: readonly SecurityPlan[],
  jobs: readonly { readonly plan: RequestPlan }[],
): Record<string, Bytes> {
  const tight = plans.find(({ strategy, grown }) => strategy.growth === 'fixed' && grown > 0);
  if (tight) throw tooLarge(tight);
  const codes = plans.reduce((sum, plan) => sum + codeBytes(plan), 0);
  const runtimes = plans.reduce((sum, { runtime }) => sum + runtime, 0);
  const guarded = plans.filter(({ strategy }) => strategy.protects.length > 0);
  const spare = (kind: RegionKind) =>
    guarded
      .filter(({ strategy }) => protectedKind(strategy) === kind)
      .reduce(
        (left, plan) => left - (heldBytes(plan) - plan.grown),
        setAside(guarded[0]?.regions ?? [], kind),
      );
  const [empty, guest] = [spare('secure'), spare('protected-vm')];
  const weights = new Map(jobs.map(({ plan }) => [modelOf(plan), plan.memory.weights]));
  const copies = plans.reduce((sum, { demand }) => sum + demand.weights, 0);
  const twice = copies - [...weights.values()].reduce((sum, bytes) => sum + bytes, 0);
  return {
    ...(runtimes > 0 && { 'runtime in protected memory': runtimes }),
    ...(codes > 0 && { 'integrity codes and counters': codes }),
    ...(empty > 0 && { 'carve-out not in use': empty }),
    ...(guest > 0 && { 'guest memory not in use': guest }),
    ...(plans.length > 1 && twice > 0 && { 'weights in normal memory as well': twice }),
  };
}

/** Aligned, so that it can be typed as it stands; for what further regions do not hold. */
function carveoutLever({ strategy, hardware }: SecurityPlan, missing: Bytes): string {
  const { carveout: own, granule } = hardware!;
  if (protectedKind(strategy) !== 'secure') {
    return 'a region of kind protected-vm that holds it (security.regions of the SoC)';
  }
  const step = Math.ceil(MEBI / granule.is) * granule.is;
  const size = Math.ceil((own.is + missing) / step) * (step / MEBI);
  return `a carve-out of at least ${formatQuantity(size * MEBI, 'size', 3)} (--set "security.carveout=${size} MiB"), taken from the system for good`;
}

function tooLarge(plan: SecurityPlan): InfeasibleError {
  const { strategy, integrity, preset, workload } = plan;
  const bound = carveout(plan);
  const demand = heldBytes(plan);
  const show = (bytes: Bytes) => formatQuantity(bytes, 'size', 3);
  const breakdown = Object.fromEntries([
    ...strategy.protects.map((name) => [name, plan.demand[name]]),
    ['runtime', plan.runtime],
    ['integrity codes and counters', codeBytes(plan)],
  ]);
  const weightsOnly = (plan.demand.weights + plan.runtime) * (1 + integrity.storage);
  const whose = workload === undefined ? '' : ` of workload "${workload}"`;
  const left = demand - plan.grown;
  const has = left < bound ? `${show(left)} left of ${show(bound)}` : show(bound);
  return new InfeasibleError(
    `security "${preset}"${whose} keeps ${show(demand)} in secure memory, the carve-out has ${has} and may not grow`,
    {
      demand,
      bound,
      unit: 'B',
      breakdown,
      levers: [
        ...(plan.hardware?.growth
          ? ['memory that grows (--set scenario.security.growth=elastic)']
          : []),
        carveoutLever(plan, demand - bound),
        ...(weightsOnly <= bound && strategy.protects.length > 1
          ? ['protecting the weights only (--security weights)']
          : []),
        'a smaller model, or fewer bits per weight',
      ],
    },
  );
}
