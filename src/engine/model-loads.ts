/** The models of a run that come from storage: each when a request needs it, all through the same drive and memory. */
import type { Bytes, Joules, Seconds } from '../base/units.ts';
import type { Execution } from './execution.ts';
import { CAUSE, type Ledger } from './ledger.ts';
import { LoadFlow } from './load-flow.ts';
import type { LoadReport } from './load-plan.ts';
import type { Machine } from './machine.ts';
import { usesMemory } from './ready.ts';
import { type Active, type Job, modelOf, requestLabel } from './request.ts';
import { fairShares } from './shared-streams.ts';
import { LOAD_PHASE, type Loading, plainLoad } from './storage.ts';
import type { StreamPort } from './stream.ts';

const NONE: readonly StreamPort[] = [];
/** Cores are shared fairly: operators get some of them, however many threads restore. */
const MOST_TAKEN = 0.5;
const NOTHING = { memory: 0, fabric: 0 } as const;

export interface LoadedModel {
  readonly flow: LoadFlow;
  /** Even the first request finds it on the drive. */
  readonly comes: boolean;
  /** Its memory is given back when no request needs it. */
  readonly release: boolean;
  /** Gives it back. @returns what that takes, where it takes anything. @throws SecurityFault */
  readonly giveBack: (now: Seconds) => LoadFlow | undefined;
}

export class ModelLoads implements Loading {
  private readonly find: (job: Job) => LoadedModel | undefined;
  /** Somebody else says when models come and go. */
  private readonly turns: boolean;
  /** All that may have drawn something. */
  private flows: LoadFlow[] = [];
  /** Requests that need a model, from their arrival to their end. */
  private readonly needed = new Map<LoadFlow, number>();
  /** Loads that no request has been told of. */
  private readonly untold = new Set<LoadFlow>();
  /** Under way, by the model that left what they overwrite. */
  private readonly wipes = new Map<LoadFlow, LoadFlow>();
  /** Loads that begin when the memory they go to is clean. */
  private readonly next = new Map<LoadFlow, { readonly job: Job; readonly asked: Seconds }>();
  private granted: readonly LoadFlow[] = [];
  private ports: readonly StreamPort[] = [];
  private before: Joules = 0;
  readerShare = 1;
  reads = false;

  /** @param find the model that a request needs and that is not simply there. */
  constructor(find: (job: Job) => LoadedModel | undefined, turns: boolean) {
    this.find = find;
    this.turns = turns;
  }

  get spent(): Joules {
    return this.flows.reduce((sum, { spent }) => sum + spent, this.before);
  }

  come(job: Job): void {
    const flow = this.find(job)?.flow;
    if (flow) this.needed.set(flow, (this.needed.get(flow) ?? 0) + 1);
  }

  readyAt(job: Job, now: Seconds): Seconds {
    const flow = this.find(job)?.flow;
    if (!flow || this.turns) return now;
    if (flow.isAway && !this.next.has(flow)) {
      this.untold.add(flow);
      this.enter(flow, job, now);
    }
    return flow.isAway ? Number.POSITIVE_INFINITY : now + flow.openIn(now);
  }

  leave(job: Job, now: Seconds): void {
    const model = this.find(job);
    if (!model) return;
    const left = this.needed.get(model.flow)! - 1;
    this.needed.set(model.flow, left);
    if (model.release && left === 0 && !this.turns) this.release(model, job, now);
  }

  /** For those who say when: it is there from the start. @returns false where it has to come all the same. */
  settle(job: Job): boolean {
    const model = this.find(job);
    if (model?.comes) return false;
    model?.flow.settle();
    return true;
  }

  /** For those who say when: it is read for a request, as soon as its memory is clean. */
  bring(job: Job, now: Seconds): LoadFlow {
    const { flow } = this.find(job) as LoadedModel;
    this.enter(flow, job, now);
    return flow;
  }

  /** For those who say when: it goes out. @throws SecurityFault */
  putOut(job: Job, now: Seconds): void {
    const model = this.find(job);
    if (model) this.release(model, job, now);
  }

  private release({ flow, giveBack }: LoadedModel, job: Job, now: Seconds): void {
    flow.release();
    const wipe = giveBack(now);
    if (!wipe) return;
    this.wipes.set(flow, wipe);
    this.begin(wipe, job, now);
  }

  opened({ job }: Active, now: Seconds): LoadReport | undefined {
    const flow = this.find(job)?.flow;
    if (!flow || !this.untold.delete(flow)) return undefined;
    const { phase } = flow.plan;
    const cause = phase === LOAD_PHASE ? CAUSE.bandwidth : CAUSE.secure;
    return { phase, start: flow.start, end: now, cause };
  }

  progress(now: Seconds): { readonly memory: Joules; readonly fabric: Joules } {
    if (this.flows.length === 0) return NOTHING;
    let memory = 0;
    let fabric = 0;
    for (const flow of this.flows) {
      const used = flow.progress(now);
      memory += used.memory;
      fabric += used.fabric;
    }
    if (this.next.size > 0) this.goOn(now);
    return { memory, fabric };
  }

  takeJoules(): Joules {
    const joules = this.flows.reduce((sum, flow) => sum + flow.takeJoules(), 0);
    this.forgetEnded();
    return joules;
  }

  takeBytes(): Bytes {
    return this.flows.reduce((sum, flow) => sum + flow.takeBytes(), 0);
  }

  /** Who reads the drive at the same time shares it evenly, as far as each can use it. */
  streams(readers: number): readonly StreamPort[] {
    // Asked after every operator, most of which run with nothing on its way.
    if (this.flows.length === 0) {
      this.granted = [];
      this.reads = false;
      this.readerShare = 1 / readers;
      return NONE;
    }
    const reading = this.flows.filter(({ drive }) => drive > 0);
    const wanted = [...reading.map(({ drive }) => drive), ...new Array(readers).fill(1)];
    const shares = fairShares(1, wanted);
    this.reads = reading.length > 0;
    this.readerShare = shares[reading.length] ?? 1;
    for (const flow of this.flows) flow.grantDrive(1);
    for (const [i, flow] of reading.entries()) flow.grantDrive(shares[i]!);
    const open = this.flows.flatMap((flow) => {
      const port = flow.stream();
      return port ? [{ flow, port }] : [];
    });
    this.granted = open.map(({ flow }) => flow);
    this.ports = open.map(({ port }) => port);
    return this.ports;
  }

  grant(rates: readonly number[]): void {
    for (const [i, flow] of this.granted.entries()) flow.grant(rates[i]!, this.ports[i]!.bandwidth);
  }

  /** All use the same cores. */
  get cpu(): number {
    return this.flows[0]?.cpu ?? -1;
  }

  get taken(): number {
    const wanted = this.flows.reduce((sum, { taken }) => sum + taken, 0);
    return Math.min(MOST_TAKEN, wanted);
  }

  hold(seconds: Seconds): void {
    for (const flow of this.flows) flow.hold(seconds);
  }

  holdReader(seconds: Seconds): void {
    for (const flow of this.flows) flow.holdReader(seconds);
  }

  told(): void {
    for (const flow of this.flows) flow.isNews = false;
  }

  nextChange(now: Seconds): Seconds {
    if (this.flows.length === 0) return Number.POSITIVE_INFINITY;
    if (this.flows.some(({ isNews }) => isNews)) return now;
    return this.flows.reduce(
      (next, flow) => Math.min(next, flow.nextChange(now)),
      Number.POSITIVE_INFINITY,
    );
  }

  private begin(flow: LoadFlow, job: Job, now: Seconds, asked = now): void {
    if (!this.flows.includes(flow)) this.flows.push(flow);
    flow.begin(now, requestLabel(job), asked);
  }

  /** Begins, or waits for what is overwritten where it goes. */
  private enter(flow: LoadFlow, job: Job, now: Seconds): void {
    const wipes = this.wipesFor(flow);
    if (wipes.length === 0) {
      this.begin(flow, job, now);
      return;
    }
    for (const wipe of wipes) wipe.wait(now);
    this.next.set(flow, { job, asked: now });
  }

  private goOn(now: Seconds): void {
    for (const [flow, { job, asked }] of this.next) {
      if (this.wipesFor(flow).length > 0) continue;
      this.next.delete(flow);
      this.begin(flow, job, now, asked);
    }
  }

  /** Of the room that was made for it where models take turns, else of what it left there itself. */
  private wipesFor(flow: LoadFlow): LoadFlow[] {
    const own = this.wipes.get(flow);
    const all = this.turns ? [...this.wipes.values()] : own ? [own] : [];
    return all.filter(({ isComing }) => isComing);
  }

  private forgetEnded(): void {
    if (!this.flows.some(({ isOver }) => isOver)) return;
    for (const flow of this.flows) {
      if (!flow.isOver) continue;
      this.before += flow.spent;
      flow.spent = 0;
    }
    this.flows = this.flows.filter(({ isOver }) => !isOver);
  }
}

export interface LoadContext {
  readonly machine: Machine;
  readonly execution: Execution;
  readonly ledger: Ledger;
  /** Models are not there at the start. */
  readonly cold: boolean;
  /** They take turns in memory. */
  readonly turns: boolean;
}

/** Knows which requests need a protected model that has to come. */
interface Protector {
  readonly hasLoads: boolean;
  loadedFor(job: Job): LoadedModel | undefined | false;
}

/** Undefined where every model is there and stays. */
export function openLoads(context: LoadContext, secure?: Protector): ModelLoads | undefined {
  const { machine, execution, ledger, cold, turns } = context;
  const { storage } = machine;
  if (!storage || !(cold || turns || secure?.hasLoads)) return undefined;
  const plain = new Map<string, LoadedModel>();
  const find = (job: Job): LoadedModel | undefined => {
    const guarded = secure?.loadedFor(job) ?? false;
    if (guarded !== false) return guarded;
    if (!(cold || turns) || !usesMemory(job)) return undefined;
    const name = modelOf(job.plan);
    const known = plain.get(name);
    if (known) return known;
    const plan = plainLoad(storage, job.plan.memory.weights);
    const flow = new LoadFlow({ plan, ledger, execution, cpu: -1 });
    const made = { flow, comes: false, release: false, giveBack: () => undefined };
    plain.set(name, made);
    return made;
  };
  return new ModelLoads(find, turns);
}
