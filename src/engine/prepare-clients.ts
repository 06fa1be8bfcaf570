/** The workloads of a scenario: read, overridden, built, and turned into requests. */
import { SpecError } from '../base/errors.ts';
import type { SpecFile } from '../base/spec-file.ts';
import { type RequestShape, requestShape } from '../runtime/request-shape.ts';
import { foreignFormat, type RuntimeSpec } from '../runtime/runtime-spec.ts';
import type { SchedulingPolicy } from '../runtime/scheduling-policy.ts';
import type { WorkloadSpec } from '../workload/family.ts';
import type { RequestPlan } from '../workload/graph.ts';
import { promptParts } from '../workload/llm/prompt-parts.ts';
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

/** The engine that serves a workload, as far as it shapes requests. */
export interface Engine {
  readonly runtime: RuntimeSpec;
  /** Kind of the unit that reads prompts. */
  kindOf(own: Partial<SharedWorkload>): string;
}

/** @param specs descriptions by the names of `workloadRoots`, overrides applied. @throws SpecError */
export function prepareClients(
  { workload = '', workloads, swap, cloud }: Scenario,
  specs: Readonly<Record<string, SpecFile>>,
  sources: { readonly tables: ModelTables; workload(name: string): SpecFile },
  engine: Engine,
): PreparedWorkload[] {
  const entries: readonly Partial<SharedWorkload>[] = workloads ?? [{ name: ALONE, workload }];
  const { tables } = sources;
  return entries.map((entry, i) => {
    const { name, workload: file = '', answeredBy = 'local' } = entry;
    const description = specs[name ?? file] as SpecFile;
    const own = parseWorkload(description, tables);
    refuseFormat(own, description, engine.runtime);
    const word = workloads ? (name ?? file) : ALONE;
    const { spec, plan } = shaped({ spec: own, file, word, tables }, engine, engine.kindOf(entry));
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

/** @throws SpecError where the class of the engine stands for other formats of weights. */
function refuseFormat(spec: WorkloadSpec, description: SpecFile, runtime: RuntimeSpec): void {
  const { weightFormat: got } = spec as { readonly weightFormat?: string };
  if (got === undefined) return;
  const foreign = foreignFormat(runtime, got);
  if (!foreign) return;
  const place = description.locate(['weightFormat']);
  throw new SpecError([{ ...place, path: 'weightFormat', ...foreign, got }]);
}

interface Unshaped {
  readonly spec: WorkloadSpec;
  readonly file: string;
  /** First word of its override paths. */
  readonly word: string;
  readonly tables: ModelTables;
}

/** A workload with the shape that its engine gives to requests, where the description leaves that open. */
function shaped(
  { spec, file, word, tables }: Unshaped,
  { runtime }: Engine,
  kind: string,
): { readonly spec: WorkloadSpec; readonly plan: RequestPlan } {
  const isLanguage = 'cachedTokens' in spec;
  const shape = isLanguage ? requestShape(runtime, kind, contextLimit(spec, tables)) : {};
  const given: RequestShape = Object.fromEntries(
    Object.entries(shape).filter(([key]) => !(key in spec)),
  );
  const whole = { ...spec, ...given } as WorkloadSpec;
  const plan = buildWorkload(whole, tables, file);
  const notes = [...(plan.notes ?? []), ...shapeNotes(plan, whole, given, runtime.name, word)];
  return { spec: whole, plan: { ...plan, ...(notes.length > 0 && { notes }) } };
}

/** What is computed that nobody asked for. */
function shapeNotes(
  { promptTokens, generatedTokens }: RequestPlan,
  spec: WorkloadSpec,
  given: RequestShape,
  runtime: string,
  word: string,
): string[] {
  const shape = { ...spec, ...given } as RequestShape;
  const { prefillChunk, cascadePrefill: cascades, coverPrefill } = shape;
  const rules = { pads: true, cascades: cascades ?? false, covers: coverPrefill ?? false };
  const lengths = prefillChunk === undefined ? [] : [prefillChunk].flat();
  const fresh = promptTokens - cachedTokensOf(spec);
  const parts = lengths.length > 0 ? promptParts(fresh, lengths, rules) : [fresh];
  const padded = parts.reduce((sum, part) => sum + part, 0);
  const asked = promptTokens + generatedTokens;
  // Nobody reads what the last answer would leave in the cache.
  const covered = roundUp(
    promptTokens + Math.max(0, generatedTokens - 1),
    given.contextBucket ?? 1,
  );
  const tokens = `${fresh} ${fresh === 1 ? 'token' : 'tokens'}`;
  const what = fresh < promptTokens ? `the ${tokens} that the cache lacks` : `prompt of ${tokens}`;
  const pads =
    given.padPrefill && padded > fresh
      ? [
          `${what} padded to ${padded} by runtime ${runtime}, whose graphs take ${lengths.join(' or ')} at a time (${word}.padPrefill)`,
        ]
      : [];
  const covers =
    covered > asked
      ? [
          `attention reads all ${covered} positions that graphs of runtime ${runtime} are compiled for; prompt and answer fill ${asked} (${word}.contextBucket)`,
        ]
      : [];
  return [...pads, ...covers];
}

const roundUp = (value: number, step: number) => Math.ceil(value / step) * step;

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
