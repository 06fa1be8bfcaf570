/** The workloads of a scenario: read, overridden, built, and turned into requests. */
import { SpecError } from '../base/errors.ts';
import type { SpecFile } from '../base/spec-file.ts';
import type { RuntimeSpec } from '../runtime/runtime-spec.ts';
import type { SchedulingPolicy } from '../runtime/scheduling-policy.ts';
import type { WorkloadSpec } from '../workload/family.ts';
import type { RequestPlan } from '../workload/graph.ts';
import type { ModelTables } from '../workload/models/tables.ts';
import {
  buildWorkload,
  contextLimit,
  parseWorkload,
  schemaOfWorkload,
  withLengths,
} from '../workload/workload-spec.ts';
import { type ClientJobs, clientJobs } from './arrivals.ts';
import { keptPlans, type Routes, routesOf } from './offload/plans.ts';
import { offloadPolicies } from './offload/policies.ts';
import { applyOverrides, type OverrideRoot } from './overrides.ts';
import { planFor } from './plan-security.ts';
import type { Job, JobSource } from './request.ts';
import type { Scenario, SharedWorkload } from './scenario.ts';
import type { Protection } from './secure-run.ts';

/** A workload of the scenario, checked and built. */
export interface PreparedWorkload {
  /** In the scenario. */
  readonly name: string;
  /** Of its description. */
  readonly file: string;
  readonly workload: WorkloadSpec;
  readonly plan: RequestPlan;
  /** Where it counts on a cache that may be lost: without. */
  readonly whole?: RequestPlan | undefined;
  /** Where a cloud may answer: the same request as that does. */
  readonly routes?: Routes | undefined;
}

/** First word of the override paths of a scenario's only workload. */
const ALONE = 'workload';

function nameOf({ name, workload }: SharedWorkload): string {
  return name ?? workload;
}

/** Descriptions of the workloads by the first word of their override paths; several go by their names. */
export function workloadRoots(
  { workload = '', workloads }: Scenario,
  sources: { workload(name: string): SpecFile },
): Record<string, OverrideRoot> {
  const rootOf = (name: string): OverrideRoot => {
    const spec = sources.workload(name);
    return { spec, schema: schemaOfWorkload(spec.data) };
  };
  if (!workloads) return { [ALONE]: rootOf(workload) };
  return Object.fromEntries(
    workloads.map((entry) => {
      const name = nameOf(entry);
      const root = rootOf(entry.workload);
      const [spec] = Object.values(applyOverrides({ [name]: root }, entry.set)) as [SpecFile];
      return [name, { ...root, spec }];
    }),
  );
}

/** @param specs descriptions by the names of `workloadRoots`, overrides applied. @throws SpecError */
export function prepareClients(
  { workload = '', workloads, swap, cloud }: Scenario,
  specs: Readonly<Record<string, SpecFile>>,
  sources: { readonly tables: ModelTables; workload(name: string): SpecFile },
  { prunePrefill }: RuntimeSpec['models'],
): PreparedWorkload[] {
  const entries: readonly Partial<SharedWorkload>[] = workloads ?? [{ name: ALONE, workload }];
  const { tables } = sources;
  return entries.map(({ name, workload: file = '', answeredBy = 'local' }, i) => {
    const own = parseWorkload(specs[name ?? file] as SpecFile, tables);
    const spec = prunePrefill?.is ? pruned(own) : own;
    const plan = buildWorkload(spec, tables, file);
    return {
      name: name ?? file,
      file,
      workload: spec,
      plan: workloads ? shared(plan, spec) : plan,
      ...(swap?.cache === 'drop' && { whole: withoutCache(spec, tables, file) }),
      ...(cloud && answeredBy !== 'local' && { routes: routed(plan, cloud.redactor, i, sources) }),
    };
  });
}

/** A language model whose prompts end where the last cache is written, unless its description says. */
function pruned(spec: WorkloadSpec): WorkloadSpec {
  if (!('cachedTokens' in spec) || 'prunePrefill' in spec) return spec;
  return { ...spec, prunePrefill: true } as WorkloadSpec;
}

/** The request as a cloud answers it. @throws SpecError where it has no prompt, or the redactor no place for it. */
function routed(
  plan: RequestPlan,
  redactor: string,
  i: number,
  sources: { readonly tables: ModelTables; workload(name: string): SpecFile },
): Routes {
  const { tables } = sources;
  const { promptTokens, generatedTokens } = plan;
  if (promptTokens === 0 || generatedTokens === 0) {
    const path = `workloads.${i}.answeredBy`;
    const message = `${plan.name} has no prompt and answer that a cloud could take over`;
    throw new SpecError([{ path, message, hint: 'choose local, or a language model' }]);
  }
  const spec = parseWorkload(sources.workload(redactor), tables);
  const limit = contextLimit(spec, tables);
  const lengths = { promptTokens: Math.min(promptTokens, limit - 1), generatedTokens: 1 };
  const own = buildWorkload(withLengths(spec, lengths), tables, redactor);
  return routesOf(plan, shared(own, spec));
}

/** The request with its whole prompt to compute; undefined where it counts on no cache. */
function withoutCache(
  spec: WorkloadSpec,
  tables: ModelTables,
  file: string,
): RequestPlan | undefined {
  if (cachedTokensOf(spec) === 0) return undefined;
  return buildWorkload({ ...spec, cachedTokens: 0 } as WorkloadSpec, tables, file);
}

function cachedTokensOf(spec: WorkloadSpec): number {
  return (spec as { readonly cachedTokens?: number }).cachedTokens ?? 0;
}

/** The workload that began the session which this one goes on with: what it follows, if that left the cache it counts on. */
function sessionOf(
  clients: readonly PreparedWorkload[],
  entries: readonly SharedWorkload[],
  i: number,
): string {
  const { name, plan, workload } = clients[i]!;
  const before = clients.findIndex(({ name: other }) => other === entries[i]!.arrival.after);
  if (before < 0 || cachedTokensOf(workload) === 0) return name;
  return clients[before]!.plan.model === plan.model ? sessionOf(clients, entries, before) : name;
}

/** Workloads of one model in one format find its weights in memory once. */
function shared(plan: RequestPlan, spec: WorkloadSpec): RequestPlan {
  const { model, weightFormat } = spec as {
    readonly model?: unknown;
    readonly weightFormat?: unknown;
  };
  if (plan.model !== undefined || typeof model !== 'string') return plan;
  return { ...plan, model: [model, weightFormat].filter((part) => part !== undefined).join(' ') };
}

/** What a scenario asks, and when. @param policyFor the policy of a workload that has its own. */
export function requestsOf(
  {
    clients,
    scenario,
    protection,
  }: {
    readonly clients: readonly PreparedWorkload[];
    readonly scenario: Scenario;
    readonly protection?: Protection | undefined;
  },
  policyFor: (entry: SharedWorkload) => SchedulingPolicy,
): { jobs: readonly Job[]; follow?: JobSource; expected?: readonly Job[] } {
  if (!scenario.workloads) return requestsOfOne(clients[0]!.plan, scenario);
  const { workloads } = scenario;
  // Protection keeps some workloads off the NPU and not others.
  return requestsOfMany(clients, scenario, workloads, policyFor, protection);
}

function requestsOfMany(
  clients: readonly PreparedWorkload[],
  { duration, seed, cloud }: Scenario,
  entries: readonly SharedWorkload[],
  policyFor: (entry: SharedWorkload) => SchedulingPolicy,
  protection: Protection | undefined,
): ClientJobs {
  const ready = entries.map((entry, i) => {
    const { name, plan, whole, routes } = clients[i]!;
    const { deadline, late, concurrent, priority, arrival } = entry;
    const own = entry.policy ?? entry.unit ?? entry.decodeUnit;
    const lane = {
      name,
      late,
      concurrent,
      session: sessionOf(clients, entries, i),
      ...(cloud &&
        routes && {
          offload: { policy: offloadPolicies[entry.answeredBy], options: cloud, routes },
        }),
      ...(deadline === undefined ? {} : { deadline }),
      ...(own === undefined && !protection ? {} : { policy: policyFor(entry) }),
    };
    const gate = protection && planFor(protection.plans, name).strategy.cloud;
    const kept = keptPlans(plan, routes, offloadPolicies[entry.answeredBy], gate);
    return { plan, whole, kept, lane, priority, arrival };
  });
  return clientJobs(ready, duration, seed);
}

/** A closed loop of one user: the next request comes `pause` after the last has ended. */
function requestsOfOne(
  plan: RequestPlan,
  { repeat, duration, pause }: Scenario,
): { jobs: Job[]; follow?: JobSource } {
  if (repeat === 1 && duration === undefined) return { jobs: [{ plan, arrival: 0, priority: 0 }] };
  const job = (index: number, arrival: number): Job => ({
    plan: { ...plan, name: `${plan.name} ${index + 1}`, model: plan.model ?? plan.name },
    arrival,
    priority: 0,
  });
  const goesOn = (index: number, now: number) =>
    duration === undefined ? index < repeat : now + pause < duration;
  return {
    jobs: [job(0, 0)],
    follow: (index, now) => (goesOn(index, now) ? [job(index, now + pause)] : []),
  };
}
