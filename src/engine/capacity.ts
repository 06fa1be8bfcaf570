/** Who owns how much of DRAM; what does not fit takes turns where the scenario allows it, or is refused with what would help. */
import { InfeasibleError } from '../base/errors.ts';
import { formatQuantity } from '../base/quantity.ts';
import { type Bytes, GIBI } from '../base/units.ts';
import type { Machine } from './machine.ts';
import { type Job, modelOf } from './request.ts';
import type { ModelUse } from './residency.ts';

export interface MemoryUse {
  readonly capacity: Bytes;
  readonly owners: Readonly<Record<string, Bytes>>;
  /** Models that do not fit together, and what they may take in all. */
  readonly turns?: { readonly models: ReadonlyMap<string, ModelUse>; readonly budget: Bytes };
}

export const CACHE_OWNER = 'key–value cache';

/**
 * Sums the demands: equal weights are resident once, caches and activations once per request served at a time.
 * @param protection memory that keeps others out, by what for.
 * @param swap models may take turns, with their caches or without.
 * @throws InfeasibleError when they exceed the capacity.
 */
export function requireMemory(
  machine: Machine,
  jobs: readonly Job[],
  concurrent: number,
  protection: Readonly<Record<string, Bytes>> = {},
  swap?: { readonly cache: 'keep' | 'drop' },
): MemoryUse {
  const { capacity } = machine.memory;
  const models = modelsOf(jobs, concurrent);
  const owners: Record<string, Bytes> = { system: machine.osReserve };
  if (machine.applications !== undefined) owners['other applications'] = machine.applications;
  for (const [name, { weights }] of models) owners[weightsOwner(name)] = weights;
  owners[CACHE_OWNER] = total(models, ({ cache }) => cache);
  owners['activations'] = bySession(jobs, concurrent, ({ plan }) => plan.memory.activations);
  Object.assign(owners, protection);
  const demand = sumOf(owners);
  if (demand <= capacity) return { capacity, owners };
  if (!swap) throw tooLarge(machine, owners, demand);
  return takeTurns(machine, owners, models, swap.cache === 'drop');
}

/** How reports call the memory that weights take. */
export function weightsOwner(model: string): string {
  return `weights of ${model}`;
}

/** @throws InfeasibleError when not even each model fits by itself. */
function takeTurns(
  machine: Machine,
  owners: Readonly<Record<string, Bytes>>,
  all: ReadonlyMap<string, ModelUse>,
  cacheGoes: boolean,
): MemoryUse {
  const { capacity } = machine.memory;
  const models = cacheGoes
    ? all
    : new Map([...all].map(([name, use]) => [name, { ...use, cache: 0 }]));
  const stays = sumOf(owners) - total(models, ({ weights, cache }) => weights + cache);
  const budget = capacity - stays;
  for (const [name, { weights, cache }] of models) {
    if (weights + cache <= budget) continue;
    const others = [...models.keys()].filter((other) => other !== name).map(weightsOwner);
    const kept = Object.entries(owners).filter(([owner]) => !others.includes(owner));
    throw tooLarge(machine, Object.fromEntries(kept), stays + weights + cache);
  }
  return { capacity, owners, turns: { models, budget } };
}

/** Every model with its weights, the caches of its sessions and the most urgent of its workloads. */
function modelsOf(jobs: readonly Job[], concurrent: number): Map<string, ModelUse> {
  const models = new Map<string, ModelUse>();
  for (const { plan, priority } of jobs) {
    const name = modelOf(plan);
    const known = models.get(name);
    models.set(name, {
      weights: Math.max(known?.weights ?? 0, plan.memory.weights),
      cache: 0,
      priority: Math.min(known?.priority ?? Number.POSITIVE_INFINITY, priority),
    });
  }
  for (const [name, use] of models) {
    const own = jobs.filter(({ plan }) => modelOf(plan) === name);
    const cache = bySession(own, concurrent, ({ plan }) => plan.memory.kvCache);
    models.set(name, { ...use, cache });
  }
  return models;
}

/** Of every session (or workload) what its requests need that are served at the same time. */
function bySession(jobs: readonly Job[], concurrent: number, pick: (job: Job) => Bytes): Bytes {
  const most = new Map<string, Bytes>();
  for (const lane of new Set(jobs.map((job) => job.lane))) {
    const own = jobs.filter((job) => job.lane === lane).map(pick);
    const session = lane?.session ?? lane?.name ?? '';
    const bytes = topSum(own, lane?.concurrent ?? concurrent);
    most.set(session, Math.max(most.get(session) ?? 0, bytes));
  }
  return [...most.values()].reduce((sum, bytes) => sum + bytes, 0);
}

function total(models: ReadonlyMap<string, ModelUse>, pick: (use: ModelUse) => Bytes): Bytes {
  return [...models.values()].reduce((sum, use) => sum + pick(use), 0);
}

function sumOf(owners: Readonly<Record<string, Bytes>>): Bytes {
  return Object.values(owners).reduce((sum, bytes) => sum + bytes, 0);
}

function tooLarge(
  machine: Machine,
  owners: Readonly<Record<string, Bytes>>,
  demand: Bytes,
): InfeasibleError {
  const { capacity } = machine.memory;
  const show = (bytes: Bytes) => formatQuantity(bytes, 'size', 3);
  return new InfeasibleError(
    `the workload needs ${show(demand)} of memory, ${machine.phone} has ${show(capacity)}`,
    {
      demand,
      bound: capacity,
      unit: 'B',
      breakdown: owners,
      levers: levers(owners, demand - capacity, capacity),
    },
  );
}

/** Of the `count` largest. */
function topSum(values: readonly Bytes[], count: number): Bytes {
  return values
    .toSorted((a, b) => b - a)
    .slice(0, count)
    .reduce((a, b) => a + b, 0);
}

function levers(
  owners: Readonly<Record<string, Bytes>>,
  missing: Bytes,
  capacity: Bytes,
): string[] {
  const models = Object.keys(owners).filter((name) => name.startsWith(weightsOwner('')));
  const weights = models.reduce((sum, name) => sum + owners[name]!, 0);
  const cache = owners[CACHE_OWNER] ?? 0;
  const show = (bytes: Bytes) => formatQuantity(bytes, 'size', 3);
  const found: string[] = [];
  const shrink = (bytes: Bytes) => `at most ${Math.floor((100 * (bytes - missing)) / bytes)} %`;
  if (weights > missing)
    found.push(`fewer bits per weight: ${shrink(weights)} of what they take now`);
  if (models.length > 1)
    found.push('models that take turns in memory (--set scenario.swap.cache=keep)');
  if (cache > missing) {
    found.push(`a smaller key–value cache, ${shrink(cache)} of it: shorter context or fewer bits`);
  }
  found.push(
    `a phone with at least ${show(missing)} more memory (--set "phone.memory.capacity=${Math.ceil((capacity + missing) / GIBI)} GiB")`,
    'a smaller model',
  );
  return found;
}
