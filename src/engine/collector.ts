/** Listens to the dispatcher: spans for the timeline, phases and requests for the result. */
import type { Joules, Seconds } from '../base/units.ts';
import type { Phase } from '../workload/graph.ts';
import { reportCompilation } from './compile-report.ts';
import { CAUSE } from './ledger.ts';
import type { Machine } from './machine.ts';
import type { Recorder } from './recorder.ts';
import type { Active, RunObserver } from './request.ts';
import type { CompiledPhase, RequestResult } from './run.ts';
import { LOAD_PHASE, type ModelLoad } from './storage.ts';
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
}

interface OpenRequest {
  readonly track: number;
  readonly started: Seconds;
  firstToken: Seconds;
  phaseStarted: Seconds;
  phaseJoules: Joules;
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
  private readonly operatorNames = new Map<TaskTable, Int32Array>();
  private readonly rate: number;
  private load: ModelLoad | undefined;
  private requestTrack = -1;

  /** @param energyAt joules drawn by the whole device up to a time not before the last one asked for. */
  constructor(
    machine: Machine,
    recorder: Recorder,
    energyAt: (now: Seconds) => Joules,
    load?: ModelLoad,
  ) {
    this.load = load;
    this.machine = machine;
    this.recorder = recorder;
    this.energyAt = energyAt;
    this.unitTracks = machine.units.map(({ unit }) =>
      recorder.addTrack({ name: unit.name, kind: 'unit' }),
    );
    this.rate = recorder.addCounter({
      name: 'output rate',
      quantity: 'rate',
      unit: '1/s',
      subject: 'requests',
    });
  }

  phaseCompiled(table: TaskTable): void {
    if (this.compiled.length < MAX_COMPILED) {
      this.compiled.push(reportCompilation(table, this.machine));
    }
  }

  requestStarted(request: Active, now: Seconds): void {
    this.open.set(request.index, {
      track: this.trackOf(request),
      started: now,
      firstToken: Number.NaN,
      phaseStarted: now,
      phaseJoules: 0,
    });
    if (this.load) this.loaded(this.load, request, now);
  }

  /** The first request finds its model in memory: what came before was the load. */
  private loaded(load: ModelLoad, request: Active, now: Seconds): void {
    const { recorder } = this;
    this.load = undefined;
    const { track } = this.entry(request);
    recorder.span(track, 0, load.end, recorder.intern(LOAD_PHASE), request.index, CAUSE.bandwidth);
    this.addPhase({
      request: load.request,
      phase: LOAD_PHASE,
      stage: LOAD_PHASE,
      start: 0,
      end: load.end,
      steps: 1,
      outputs: 0,
      joules: this.energyAt(now),
    });
  }

  phaseStarted(request: Active, now: Seconds): void {
    const entry = this.entry(request);
    entry.phaseStarted = now;
    entry.phaseJoules = this.energyAt(now);
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
    recorder.sample(this.rate, now, phase.outputsPerStep / (now - request.stepStart));
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
    this.addPhase({
      request: request.job.plan.name,
      phase: request.labels[request.phase] as string,
      stage: phase.name,
      start: entry.phaseStarted,
      end: now,
      steps: phase.steps,
      outputs: phase.steps * phase.outputsPerStep,
      joules: this.energyAt(now) - entry.phaseJoules,
    });
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
      generatedTokens: plan.generatedTokens,
    });
  }

  private entry(request: Active): OpenRequest {
    return this.open.get(request.index) as OpenRequest;
  }

  /** Requests share a few tracks: one each while there are few, one for all in a long trace. */
  private trackOf(request: Active): number {
    if (request.index < 8) {
      return this.recorder.addTrack({ name: request.job.plan.name, kind: 'request' });
    }
    if (this.requestTrack < 0) {
      this.requestTrack = this.recorder.addTrack({ name: 'later requests', kind: 'request' });
    }
    return this.requestTrack;
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
