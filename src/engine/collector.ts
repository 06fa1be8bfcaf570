/** Listens to the dispatcher: spans for the timeline, phases and requests for the result. */
import type { Joules, Seconds } from '../base/units.ts';
import type { Phase } from '../workload/graph.ts';
import { reportCompilation } from './compile-report.ts';
import type { LoadReport } from './load-plan.ts';
import type { Machine } from './machine.ts';
import { OutputRate } from './output-rate.ts';
import type { Recorder } from './recorder.ts';
import { type Active, dueAt, type Job, type Lane, type RunObserver } from './request.ts';
import type { CompiledPhase, RequestResult } from './run.ts';
import type { Loading } from './storage.ts';
import type { TaskTable } from './task-table.ts';

/** A phase as it happened; the ledger knows where its time went. */
export interface PhaseRecord {
  readonly request: string;
  readonly phase: string;
  /** Name without its number. */
  readonly stage: string;
  readonly start: Seconds;
  readonly end: Seconds;
  readonly steps: number;
  readonly outputs: number;
  readonly joules: Joules;
  /** Of all requests of a workload together, where several workloads share the phone: how long it ran in all. */
  readonly activeSeconds?: Seconds;
  /** Of that, while every unit that it needed next worked for others. */
  readonly waitedSeconds?: Seconds;
}

interface OpenRequest {
  readonly track: number;
  readonly started: Seconds;
  firstToken: Seconds;
  phaseStarted: Seconds;
  phaseJoules: Joules;
  /** Of models on their way, when the phase began. */
  phaseSpent: Joules;
  /** That units had worked for the request by then. */
  phaseBusy: Seconds;
}

/** Graphs whose compilation is reported; a long trace repeats the same few. */
const MAX_COMPILED = 32;

export class Collector implements RunObserver {
  readonly phases: PhaseRecord[] = [];
  readonly requests: RequestResult[] = [];
  readonly compiled: CompiledPhase[] = [];
  private readonly machine: Machine;
  private readonly recorder: Recorder;
  private readonly energyAt: (now: Seconds) => Joules;
  private readonly unitTracks: readonly number[];
  private readonly open = new Map<number, OpenRequest>();
  /** By workload: its track and the counter of its outputs. */
  private readonly lanes = new Map<Lane, { readonly track: number; readonly rate: OutputRate }>();
  /** Place in `phases` of what a workload's requests have in common. */
  private readonly shared = new Map<string, number>();
  private readonly operatorNames = new Map<TaskTable, Int32Array>();
  private readonly rate: OutputRate;
  private readonly load: Loading | undefined;
  private requestTrack = -1;
  /** Place in `phases` of the load that ended last. */
  private lastLoad = -1;
  /** Drawn until a request came that may have to wait for its model. */
  private readonly arrivalJoules = new Map<Job, Joules>();

  /** @param energyAt joules drawn by the whole device up to a time not before the last one asked for. */
  constructor(
    machine: Machine,
    recorder: Recorder,
    energyAt: (now: Seconds) => Joules,
    load?: Loading,
  ) {
    this.load = load;
    this.machine = machine;
    this.recorder = recorder;
    this.energyAt = energyAt;
    this.unitTracks = machine.units.map(({ unit }) =>
      recorder.addTrack({ name: unit.name, kind: 'unit' }),
    );
    this.rate = new OutputRate(recorder, 'output rate', 'requests');
  }

  phaseCompiled(table: TaskTable): void {
    if (this.compiled.length < MAX_COMPILED) {
      this.compiled.push(reportCompilation(table, this.machine));
    }
  }

  requestArrived(job: Job, now: Seconds): void {
    if (this.load && !job.lane) this.arrivalJoules.set(job, this.energyAt(now));
  }

  requestStarted(request: Active, now: Seconds): void {
    this.open.set(request.index, {
      track: this.trackOf(request),
      started: now,
      firstToken: Number.NaN,
      phaseStarted: now,
      phaseJoules: 0,
      phaseSpent: 0,
      phaseBusy: 0,
    });
    const report = this.load?.opened(request, now);
    if (report) this.modelLoaded(request, report);
  }

  /** A request finds its model in memory: what came before was the load. */
  modelLoaded(request: Active, { phase, start, end, cause }: LoadReport): void {
    if (end <= start) return;
    const { lane, plan } = request.job;
    const { recorder } = this;
    const { track } = this.entry(request);
    recorder.span(track, start, end, recorder.intern(phase), request.index, cause);
    const record = {
      request: lane?.name ?? plan.name,
      phase,
      stage: phase,
      start,
      end,
      steps: 1,
      outputs: 0,
      joules: 0,
    };
    if (lane) {
      this.addShared({ ...record, activeSeconds: end - start });
      return;
    }
    const before = this.arrivalJoules.get(request.job) ?? 0;
    this.addPhase({ ...record, joules: this.energyAt(end) - before });
    this.lastLoad = this.phases.length - 1;
  }

  /**
   * What models draw that come, or go, beside other phases is theirs: cores, drive, memory and cipher, converters aside.
   * @returns joules since `spent`.
   */
  private loadJoules(spent: Joules): Joules {
    if (!this.load || this.lastLoad < 0) return 0;
    const joules = this.load.spent - spent;
    const record = this.phases[this.lastLoad]!;
    this.phases[this.lastLoad] = { ...record, joules: record.joules + joules };
    return joules;
  }

  phaseStarted(request: Active, now: Seconds): void {
    const entry = this.entry(request);
    entry.phaseStarted = now;
    entry.phaseJoules = this.joulesFor(request, now);
    entry.phaseSpent = this.load?.spent ?? 0;
    entry.phaseBusy = request.busy;
    this.rateOf(request).begin(now);
  }

  private rateOf({ job: { lane } }: Active): OutputRate {
    return lane ? this.laneOf(lane).rate : this.rate;
  }

  /** What a phase of several at once drew is in the ledger only: the meter of the device sees all of them. */
  private joulesFor({ job }: Active, now: Seconds): Joules {
    return job.lane ? 0 : this.energyAt(now);
  }

  operatorDone(
    unit: number,
    request: Active,
    operator: number,
    start: Seconds,
    end: Seconds,
    cause: number,
  ): void {
    const { recorder } = this;
    if (!recorder.keepsOperators) return;
    recorder.operatorSpans++;
    const name = this.namesOf(request.table)[operator]!;
    recorder.span(this.unitTracks[unit]!, start, end, name, request.index, cause);
  }

  stepDone(request: Active, phase: Phase, now: Seconds): void {
    const entry = this.entry(request);
    const { recorder } = this;
    recorder.span(
      entry.track,
      request.stepStart,
      now,
      recorder.intern(`${phase.name} step`),
      request.index,
      0,
    );
    if (phase.outputsPerStep === 0) return;
    if (Number.isNaN(entry.firstToken)) entry.firstToken = now;
    this.rateOf(request).came(phase.outputsPerStep, now);
  }

  phaseDone(request: Active, phase: Phase, now: Seconds): void {
    const entry = this.entry(request);
    const { recorder } = this;
    recorder.span(
      entry.track,
      entry.phaseStarted,
      now,
      recorder.intern(phase.name),
      request.index,
      0,
    );
    const { lane, plan } = request.job;
    const record = {
      request: lane?.name ?? plan.name,
      phase: request.labels[request.phase] as string,
      stage: phase.name,
      start: entry.phaseStarted,
      end: now,
      steps: phase.steps,
      outputs: phase.steps * phase.outputsPerStep,
      joules: 0,
    };
    if (lane) {
      const activeSeconds = now - entry.phaseStarted;
      const waited = phase.remote ? 0 : activeSeconds - (request.busy - entry.phaseBusy);
      this.addShared({ ...record, activeSeconds, waitedSeconds: Math.max(0, waited) });
      return;
    }
    const drawn = this.energyAt(now) - entry.phaseJoules;
    this.addPhase({ ...record, joules: drawn - this.loadJoules(entry.phaseSpent) });
  }

  /** Requests of one workload are alike and many: their phases are told together. */
  private addShared(next: PhaseRecord): void {
    const key = `${next.request}\n${next.phase}`;
    const place = this.shared.get(key);
    if (place === undefined) {
      this.shared.set(key, this.phases.push(next) - 1);
      return;
    }
    const last = this.phases[place]!;
    this.phases[place] = {
      ...last,
      end: next.end,
      steps: last.steps + next.steps,
      outputs: last.outputs + next.outputs,
      activeSeconds: (last.activeSeconds ?? 0) + (next.activeSeconds ?? 0),
      waitedSeconds: (last.waitedSeconds ?? 0) + (next.waitedSeconds ?? 0),
    };
  }

  /** Phases of one name that follow each other (prefill chunks, then the last with logits) are one to the user. */
  private addPhase(next: PhaseRecord): void {
    const last = this.phases.at(-1);
    if (last?.request !== next.request || last.phase !== next.phase) {
      this.phases.push(next);
      return;
    }
    this.phases[this.phases.length - 1] = {
      ...last,
      end: next.end,
      steps: last.steps + next.steps,
      outputs: last.outputs + next.outputs,
      joules: last.joules + next.joules,
    };
  }

  requestDone(request: Active, now: Seconds): void {
    const entry = this.entry(request);
    const { plan, arrival } = request.job;
    this.open.delete(request.index);
    this.requests.push({
      name: plan.name,
      arrivalSeconds: arrival,
      startSeconds: entry.started,
      firstTokenSeconds: Number.isNaN(entry.firstToken) ? now : entry.firstToken,
      endSeconds: now,
      promptTokens: plan.promptTokens,
      ...(plan.cachedTokens && { cachedTokens: plan.cachedTokens }),
      generatedTokens: plan.generatedTokens,
      ...laneFacts(request.job, now, request.preemptions),
    });
  }

  requestSkipped(job: Job, now: Seconds): void {
    const { plan, arrival } = job;
    this.requests.push({
      name: plan.name,
      arrivalSeconds: arrival,
      startSeconds: now,
      firstTokenSeconds: now,
      endSeconds: now,
      promptTokens: 0,
      generatedTokens: 0,
      ...laneFacts(job, now, 0),
      skipped: true,
    });
  }

  private entry(request: Active): OpenRequest {
    return this.open.get(request.index) as OpenRequest;
  }

  /** Requests share a few tracks: one each while there are few, one for all in a long trace. */
  private trackOf(request: Active): number {
    if (request.job.lane) return this.laneOf(request.job.lane).track;
    if (request.index < 8) {
      return this.recorder.addTrack({ name: request.job.plan.name, kind: 'request' });
    }
    if (this.requestTrack < 0) {
      this.requestTrack = this.recorder.addTrack({ name: 'later requests', kind: 'request' });
    }
    return this.requestTrack;
  }

  private laneOf(lane: Lane): { readonly track: number; readonly rate: OutputRate } {
    const known = this.lanes.get(lane);
    if (known) return known;
    const { recorder } = this;
    const { name } = lane;
    const entry = {
      track: recorder.addTrack({ name, kind: 'request' }),
      rate: new OutputRate(recorder, `${name} output rate`, name),
    };
    this.lanes.set(lane, entry);
    return entry;
  }

  private namesOf(table: TaskTable): Int32Array {
    const known = this.operatorNames.get(table);
    if (known) return known;
    const { operators } = table.phase.graph;
    const names = Int32Array.from(operators, ({ name }) => this.recorder.intern(name));
    this.operatorNames.set(table, names);
    return names;
  }
}

function laneFacts(job: Job, now: Seconds, preemptions: number): Partial<RequestResult> {
  const { lane } = job;
  if (!lane) return {};
  const due = lane.deadline === undefined ? {} : { missed: now > dueAt(job) };
  const by = job.answeredBy && { answeredBy: job.answeredBy };
  return { workload: lane.name, preemptions, ...due, ...by };
}
