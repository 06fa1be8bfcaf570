/**
 * Models that take turns in memory: a request waits until its model is there, read from storage if need be.
 *
 * Model    one load at a time, plain or restored under protection (load-flow.ts), through the memory that units use; room
 *          is made before (residency.ts): protected models are overwritten as they go, and a load waits for that. Who waits ranks by priority and gains
 *          one level a second; who waits for models in use to end lets nobody pass who ranks behind
 * Ignores  compression in memory (weights are nearly random), reads of weights on demand (mmap), compiled graphs that
 *          would have to be built anew
 * Valid    weights that are clean in memory: putting them out writes nothing back
 * Source   hardware/storage/ufs.ts; aging as in runtime/policies/urgency.ts
 * Checked  test/unit/engine/model-swaps.test.ts, test/property/model-swaps.test.ts
 */
import { formatQuantity } from '../base/quantity.ts';
import type { Bytes, Seconds } from '../base/units.ts';
import { TICK } from '../kernel/clock.ts';
import { type Kernel, PRECEDENCE } from '../kernel/kernel.ts';
import { AGING } from '../runtime/policies/urgency.ts';
import type { RequestPlan } from '../workload/graph.ts';
import { CACHE_OWNER, type MemoryUse, weightsOwner } from './capacity.ts';
import { CAUSE } from './ledger.ts';
import type { LoadFlow } from './load-flow.ts';
import type { LoadReport } from './load-plan.ts';
import type { ModelLoads } from './model-loads.ts';
import type { Recorder } from './recorder.ts';
import { type Active, type Job, modelOf } from './request.ts';
import { Residency } from './residency.ts';
import type { ModelSwap, SwapReport } from './run.ts';
import { LOAD_PHASE } from './storage.ts';

interface Waiting {
  readonly request: Active;
  readonly since: Seconds;
}

/** The load under way; requests may begin before its last byte where it is `open` for them. */
interface Load {
  readonly request: Active;
  readonly model: string;
  readonly start: Seconds;
  readonly flow: LoadFlow;
  open: boolean;
}

export interface SwapParts {
  readonly kernel: Kernel;
  readonly recorder: Recorder;
  readonly residency: Residency;
  readonly loads: ModelLoads;
  /** One of every workload. */
  readonly jobs: readonly Job[];
  /** Key–value caches go out with their models. */
  readonly cacheGoes: boolean;
  /** Of the kernel, for what this part schedules. */
  readonly event: number;
}

/** Fills memory with the most urgent models first, those of one level in the order of the scenario. */
export function openSwaps(
  parts: Omit<SwapParts, 'residency'> &
    NonNullable<MemoryUse['turns']> & { readonly cold: boolean },
): ModelSwaps {
  const residency = new Residency(parts.models, parts.budget);
  const byUrgency = [...parts.models].toSorted(([, a], [, b]) => a.priority - b.priority);
  for (const [name, { weights, cache }] of parts.cold ? [] : byUrgency) {
    if (residency.resident + weights + cache > residency.budget) continue;
    if (parts.loads.settle(jobOf(parts.jobs, name))) residency.bring(name, 0);
  }
  return new ModelSwaps({ ...parts, residency });
}

function jobOf(jobs: readonly Job[], model: string): Job {
  return jobs.find(({ plan }) => modelOf(plan) === model) as Job;
}

export class ModelSwaps {
  /** Called when the model of a request is in memory. */
  begin: (request: Active, plan: RequestPlan) => void = () => undefined;
  /** A load has ended that a request had waited for. */
  loaded: (request: Active, report: LoadReport) => void = () => undefined;
  private readonly parts: SwapParts;
  private readonly track: number;
  private readonly waiting: Waiting[] = [];
  private readonly counts = new Map<string, { -readonly [K in keyof ModelSwap]: ModelSwap[K] }>();
  /** Of models that have come. */
  private readonly flows = new Map<string, LoadFlow>();
  /** What was in memory when it was fullest. */
  private fullest: readonly string[];
  /** Whose key–value cache went out with them since their last request. */
  private readonly forgetful = new Set<string>();
  private cachesLost = 0;
  private load: Load | undefined;
  private bytes: Bytes = 0;
  private seconds: Seconds = 0;

  constructor(parts: SwapParts) {
    this.parts = parts;
    this.track = parts.recorder.addTrack({ name: 'storage', kind: 'memory' });
    this.fullest = parts.residency.residents();
  }

  ask(request: Active, now: Seconds): void {
    this.waiting.push({ request, since: now });
    this.serve(now);
  }

  ended({ job }: Active, now: Seconds): void {
    const model = modelOf(job.plan);
    this.parts.residency.leave(model, now);
    this.forgetful.delete(model);
    this.serve(now);
  }

  /** Somebody has waited long enough to put out a model, or a load has gone on. */
  look(now: Seconds): void {
    const { load } = this;
    // Until the room for it is clean it is still away.
    const isUnderWay = load !== undefined && !load.flow.isAway;
    if (isUnderWay && !load.open && load.flow.openIn(now) <= TICK) this.opened(load, now);
    if (isUnderWay && !load.flow.isComing) this.arrived(load, now);
    this.serve(now);
  }

  /** The first request may begin. */
  private opened(load: Load, now: Seconds): void {
    load.open = true;
    const { phase } = load.flow.plan;
    const cause = phase === LOAD_PHASE ? CAUSE.bandwidth : CAUSE.secure;
    this.loaded(load.request, { phase, start: load.start, end: now, cause });
  }

  /** The last byte has arrived. */
  private arrived({ request, model, start }: Load, now: Seconds): void {
    const { residency, recorder } = this.parts;
    residency.leave(model, now);
    this.seconds += now - start;
    this.bytes += residency.weightsOf(model);
    this.load = undefined;
    recorder.span(this.track, start, now, recorder.intern(`load ${model}`), request.index, 0);
  }

  /** Owners of memory when it was fullest. */
  memoryUse({ capacity, owners, turns }: MemoryUse): MemoryUse {
    const out = [...(turns?.models ?? [])].filter(([name]) => !this.fullest.includes(name));
    const gone = new Set(out.map(([name]) => weightsOwner(name)));
    const left = Object.entries(owners).filter(([owner]) => !gone.has(owner));
    const caches = out.reduce((sum, [, { cache }]) => sum + cache, 0);
    const kept = (owners[CACHE_OWNER] ?? 0) - caches;
    return { capacity, owners: { ...Object.fromEntries(left), [CACHE_OWNER]: kept } };
  }

  report(): SwapReport {
    const { residency } = this.parts;
    return {
      budgetBytes: residency.budget,
      peakBytes: residency.peak,
      loadedBytes: this.bytes,
      loadSeconds: this.seconds,
      cachesLost: this.cachesLost,
      models: [...this.counts.values()].map((counts) => ({
        ...counts,
        waitedSeconds: counts.waitedSeconds + (this.flows.get(counts.model)?.waited ?? 0),
      })),
    };
  }

  /** Lets everybody begin whose model is there, and starts the next load. */
  private serve(now: Seconds): void {
    const rank = ({ request, since }: Waiting) => request.job.priority - (now - since) / AGING;
    for (const entry of this.waiting.toSorted((a, b) => rank(a) - rank(b))) {
      const model = modelOf(entry.request.job.plan);
      const isHere = this.load?.model !== model || this.load.open;
      if (this.parts.residency.isResident(model) && isHere) {
        this.grant(entry, model, now);
      } else if (!this.load && !this.startLoad(entry, model, rank(entry), now)) {
        return;
      }
    }
  }

  private grant(entry: Waiting, model: string, now: Seconds): void {
    this.waiting.splice(this.waiting.indexOf(entry), 1);
    this.countsOf(model).waitedSeconds += now - entry.since;
    this.parts.residency.use(model, now);
    const { plan, whole } = entry.request.job;
    const lost = whole !== undefined && this.forgetful.has(model);
    if (lost) this.cachesLost++;
    this.begin(entry.request, lost ? whole : plan);
  }

  /** @returns false where models in use are in the way, so that nobody behind may pass. */
  private startLoad({ request }: Waiting, model: string, rank: number, now: Seconds): boolean {
    const { residency, kernel, loads, event } = this.parts;
    const victims = residency.victims(model, rank);
    if (!victims) {
      const levels = residency.levelsToNext(rank);
      if (!Number.isFinite(levels)) return false;
      kernel.at(now + levels * AGING, PRECEDENCE.arrival, event, 0);
      return true;
    }
    for (const victim of victims) this.evict(victim, model, now);
    residency.bring(model, now);
    residency.use(model, now);
    if (residency.resident === residency.peak) this.fullest = residency.residents();
    this.countsOf(model).loads++;
    const flow = loads.bring(request.job, now);
    this.load = { request, model, start: now, flow, open: false };
    this.flows.set(model, flow);
    return true;
  }

  private evict(victim: string, model: string, now: Seconds): void {
    const { residency, recorder } = this.parts;
    residency.evict(victim);
    this.parts.loads.putOut(jobOf(this.parts.jobs, victim), now);
    if (this.parts.cacheGoes) this.forgetful.add(victim);
    this.countsOf(victim).evictions++;
    const freed = formatQuantity(residency.weightsOf(victim), 'size', 3);
    recorder.mark({
      time: now,
      track: 'storage',
      name: `${victim} out (${freed})`,
      reason: `memory pressure: ${model} is needed`,
    });
  }

  private countsOf(model: string) {
    const known = this.counts.get(model);
    if (known) return known;
    const bytes = this.parts.residency.weightsOf(model);
    const fresh = { model, bytes, loads: 0, evictions: 0, waitedSeconds: 0 };
    this.counts.set(model, fresh);
    return fresh;
  }
}
