/** Who owns how much of DRAM; what does not fit is refused with the levers that would make it fit. */
import { InfeasibleError } from '../base/errors.ts';
import { formatQuantity } from '../base/quantity.ts';
import type { Bytes } from '../base/units.ts';
import type { Machine } from './machine.ts';
import type { Job } from './request.ts';

export interface MemoryUse {
  readonly capacity: Bytes;
  readonly owners: Readonly<Record<string, Bytes>>;
}

/**
 * Sums the demands: equal weights are resident once, caches and activations once per request served at a time.
 * @param protection memory that keeps others out, by what for.
 * @throws InfeasibleError when they exceed the capacity.
 */
export function requireMemory(
  machine: Machine,
  jobs: readonly Job[],
  concurrent: number,
  protection: Readonly<Record<string, Bytes>> = {},
): MemoryUse {
  const { capacity } = machine.memory;
  const weights = new Map<string, Bytes>();
  for (const { plan } of jobs) weights.set(plan.model ?? plan.name, plan.memory.weights);
  const lanes = [...new Set(jobs.map(({ lane }) => lane))];
  const largest = (pick: (job: Job) => Bytes) =>
    lanes.reduce((sum, lane) => {
      const own = jobs.filter((job) => job.lane === lane).map(pick);
      return sum + topSum(own, lane?.concurrent ?? concurrent);
    }, 0);
  const owners: Record<string, Bytes> = { system: machine.osReserve };
  if (machine.applications !== undefined) owners['other applications'] = machine.applications;
  for (const [name, bytes] of weights) owners[`weights of ${name}`] = bytes;
  owners['key–value cache'] = largest(({ plan }) => plan.memory.kvCache);
  owners['activations'] = largest(({ plan }) => plan.memory.activations);
  Object.assign(owners, protection);
  const demand = Object.values(owners).reduce((a, b) => a + b, 0);
  if (demand <= capacity) return { capacity, owners };
  const show = (bytes: Bytes) => formatQuantity(bytes, 'size', 3);
  throw new InfeasibleError(
    `the workload needs ${show(demand)} of memory, ${machine.phone} has ${show(capacity)}`,
    {
      demand,
      bound: capacity,
      unit: 'B',
      breakdown: owners,
      levers: levers(owners, demand - capacity),
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

function levers(owners: Readonly<Record<string, Bytes>>, missing: Bytes): string[] {
  const weights = Object.entries(owners)
    .filter(([name]) => name.startsWith('weights'))
    .reduce((sum, [, bytes]) => sum + bytes, 0);
  const cache = owners['key–value cache'] ?? 0;
  const show = (bytes: Bytes) => formatQuantity(bytes, 'size', 3);
  const found: string[] = [];
  const shrink = (bytes: Bytes) => `at most ${Math.floor((100 * (bytes - missing)) / bytes)} %`;
  if (weights > missing)
    found.push(`fewer bits per weight: ${shrink(weights)} of what they take now`);
  if (cache > missing) {
    found.push(`a smaller key–value cache, ${shrink(cache)} of it: shorter context or fewer bits`);
  }
  found.push(
    `a phone with at least ${show(missing)} more memory (--set phone.memory.capacity=…)`,
    'a smaller model',
  );
  return found;
}
