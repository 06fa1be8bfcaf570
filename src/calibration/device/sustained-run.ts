/** Runs one measured series (or several that were one session) and gives what a reader of its curves could see. */
import type { Work } from '../../base/work.ts';
import type { Machine, MachineUnit } from '../../engine/machine.ts';
import { buildSimulation, type Sources } from '../../engine/prepare.ts';
import type { Job } from '../../engine/request.ts';
import type { Run } from '../../engine/run.ts';
import type { Simulation } from '../../engine/setup.ts';
import { simulate } from '../../engine/simulation.ts';
import type { RequestPlan } from '../../workload/graph.ts';
import type { SeriesPoint } from './sustained-rows.ts';
import type { SeriesScenario } from './sustained-scenario.ts';

/** One request of a run: which series it belongs to, when it ran and what it reached. */
export interface SimulatedTrial {
  readonly series: string;
  /** Counted from 1 within its series. */
  readonly number: number;
  readonly start: number;
  readonly end: number;
  /** Tokens per second while decoding; passes per second of a stress test. */
  readonly rate: number;
}

export interface SimulatedRun {
  readonly run: Run;
  readonly trials: readonly SimulatedTrial[];
}

/** Seconds of one pass of a stress test at full clock; short enough to see the clock move. */
const STRESS_PASS = 5;
/** Where nothing tells how long a run lasted. */
const DEFAULT_LENGTH = 300;

/** @throws InfeasibleError when the models do not fit. */
export function runSeries(members: readonly SeriesScenario[], sources: Sources): SimulatedRun {
  const first = members[0]!;
  if (first.stress) return runStress(first, sources);
  const { jobs, follow, owners } = requestsOf(members);
  const simulation = buildSimulation(first.prepared, [], sources, jobs);
  const run = simulate({ ...simulation, ...(follow && { follow }) });
  return { run, trials: trialsOf(run, owners, first.series.id) };
}

interface Requests {
  readonly jobs: readonly Job[];
  readonly follow?: NonNullable<Simulation['follow']>;
  /** Series and number of each job by the name of its plan. */
  readonly owners: ReadonlyMap<string, { readonly series: string; readonly number: number }>;
}

function requestsOf(members: readonly SeriesScenario[]): Requests {
  const owners = new Map<string, { series: string; number: number }>();
  const planOf = (one: SeriesScenario, number: number): RequestPlan => {
    const name = `${one.series.id} ${number}`;
    owners.set(name, { series: one.series.id, number });
    // One model at a time is resident, whatever its weights are quantised to.
    return { ...one.prepared.plan, name, model: 'model of the session' };
  };
  const first = members[0]!;
  if (first.protocol.trials) {
    const jobs = members.flatMap((one) =>
      startsOf(one.series.points).map((arrival, i) => ({
        plan: planOf(one, i + 1),
        arrival,
        priority: 0,
      })),
    );
    return { jobs: jobs.sort((a, b) => a.arrival - b.arrival), owners };
  }
  const { gap } = first.protocol;
  const { count, seconds } = lengthOf(first);
  return {
    jobs: [{ plan: planOf(first, 1), arrival: 0, priority: 0 }],
    follow: (index, now) =>
      index < count && now + gap < seconds
        ? [{ plan: planOf(first, index + 1), arrival: now + gap, priority: 0 }]
        : [],
    owners,
  };
}

function startsOf(points: readonly SeriesPoint[]): number[] {
  return [...new Set(points.flatMap(({ time }) => (time === undefined ? [] : [time])))];
}

/** As many requests as were counted, or as long as was measured. */
function lengthOf({ series, protocol }: SeriesScenario): { count: number; seconds: number } {
  const times = series.points.flatMap(({ time, until }) => until ?? time ?? []);
  const counts = [protocol.iterations, ...series.points.map(({ iteration }) => iteration)].flatMap(
    (count) => count ?? [],
  );
  const forever = Number.POSITIVE_INFINITY;
  if (times.length > 0) return { count: forever, seconds: Math.max(...times) + 1 };
  if (counts.length > 0) return { count: Math.max(...counts), seconds: forever };
  const told = Number(/at least (\d+) s/.exec(series.remarks)?.[1] ?? DEFAULT_LENGTH);
  return { count: forever, seconds: told };
}

function trialsOf(run: Run, owners: Requests['owners'], fallback: string): SimulatedTrial[] {
  return run.requests.map((request) => {
    const owner = owners.get(request.name) ?? { series: fallback, number: 1 };
    const decode = run.phases.filter(
      ({ request: name, stage }) => name === request.name && stage === 'decode',
    );
    const tokens = decode.reduce((sum, { outputs }) => sum + outputs, 0);
    const seconds = decode.reduce((sum, phase) => sum + phase.endSeconds - phase.startSeconds, 0);
    return {
      ...owner,
      start: request.startSeconds,
      end: request.endSeconds,
      rate: seconds > 0 ? tokens / seconds : 1 / (request.endSeconds - request.startSeconds),
    };
  });
}

/** Every pipe of the unit at work, pass after pass: what a stress test asks for. */
function runStress(one: SeriesScenario, sources: Sources): SimulatedRun {
  const { prepared, series } = one;
  const { machine } = prepared;
  const unit = machine.units.find(({ unit: { kind } }) => kind === series.unit)!;
  const top = fullSpeed(machine, unit);
  const full = stressed(machine, unit);
  const counts = series.points.flatMap(({ iteration }) => iteration ?? []);
  const times = series.points.flatMap(({ time }) => time ?? []);
  const seconds = times.length > 0 ? Math.max(...times) : 60 * Math.max(1, ...counts);
  const plan = stressPlan(top * STRESS_PASS);
  const job = (number: number, arrival: number): Job => ({
    plan: { ...plan, name: `${series.id} ${number}` },
    arrival,
    priority: 0,
  });
  const simulation = buildSimulation({ ...prepared, machine: full }, [], sources, [job(1, 0)]);
  const run = simulate({
    ...simulation,
    follow: (index, now) => (now < seconds + STRESS_PASS ? [job(index + 1, now)] : []),
  });
  return {
    run,
    trials: trialsOf(run, new Map(), series.id).map((trial, i) => ({ ...trial, number: i + 1 })),
  };
}

function fullSpeed(machine: Machine, { unit, domains }: MachineUnit): number {
  return unit.speed(domains.map((d) => machine.domains[d]!.clock.points.at(-1)!.frequency));
}

function stressed(machine: Machine, stress: MachineUnit): Machine {
  const unit: MachineUnit['unit'] = {
    ...stress.unit,
    supports: () => ({ ok: true }),
    estimate: ({ macs }) => ({
      cycles: macs,
      matrixCycles: macs,
      vectorCycles: 0,
      readBytes: 0,
      writeBytes: 0,
      weightReadBytes: 0,
      kvReadBytes: 0,
      kvWriteBytes: 0,
      sramBytes: 0,
      launchSeconds: 0,
      utilisation: 1,
    }),
  };
  const units = machine.units.map((one) => (one === stress ? { ...one, unit } : one));
  return { ...machine, units };
}

function stressPlan(cycles: number): RequestPlan {
  const work: Work = {
    operator: 'Stress',
    form: { kind: 'matmul', batch: 1, m: 1, n: 1, k: cycles },
    macs: cycles,
    vectorOps: 0,
    weightDType: 'fp16',
    activationDType: 'fp16',
    weightBytes: 0,
    inputBytes: 0,
    outputBytes: 0,
    kvReadBytes: 0,
    kvWriteBytes: 0,
  };
  const graph = {
    name: 'stress',
    works: [work],
    operators: [{ name: 'stress', work: 0, inputs: [] }],
  };
  return {
    name: 'stress',
    phases: [
      { name: 'stress', graph, steps: 1, contextStart: 1, contextStride: 0, outputsPerStep: 1 },
    ],
    memory: { weights: 0, kvCache: 0, activations: 0 },
    promptTokens: 0,
    generatedTokens: 0,
  };
}
