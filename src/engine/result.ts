/** Gathers what the parts of a simulation recorded into one Run. */
import { formatQuantity } from '../base/quantity.ts';
import type { Celsius, Joules, Seconds as Time, Watts } from '../base/units.ts';
import { workAt } from '../workload/graph.ts';
import { intervalsOf } from './bands.ts';
import { availableBandwidth, backgroundBandwidth, soloRate } from './bandwidth.ts';
import type { MemoryUse } from './capacity.ts';
import type { Collector } from './collector.ts';
import type { Ledger } from './ledger.ts';
import type { Machine } from './machine.ts';
import { computeMetrics } from './metrics.ts';
import { policyNotes } from './policy-notes.ts';
import { largestCause, type Recorder } from './recorder.ts';
import {
  CAUSES,
  type Cause,
  type LedgerRow,
  type PhaseResult,
  type RooflineCeiling,
  type RooflinePoint,
  type Run,
} from './run.ts';
import type { SecurityAudit } from './secure-audit.ts';
import type { Simulation } from './setup.ts';
import { peakOps } from './task-table.ts';
import type { Limit } from './timeline.ts';
import { workloadsOf } from './workload-report.ts';

export interface RunParts {
  readonly simulation: Simulation;
  readonly kernel: { readonly now: Time; readonly eventCount: number };
  readonly ledger: Ledger;
  readonly recorder: Recorder;
  readonly control: ControlOutcome;
  readonly collector: Collector;
  readonly memory: MemoryUse;
  readonly audit?: SecurityAudit | undefined;
  /** What a reader should know of how the run was made. */
  readonly notes?: readonly string[];
}

/** Energy and heat of a run; what a closed form cannot know is absent. */
export interface ControlOutcome {
  readonly totalJoules: Joules;
  readonly supply: { readonly drawnJoules: Joules } | undefined;
  readonly hot: {
    readonly maxSkin: Celsius;
    readonly maxJunction: Celsius;
    notes?(seconds: Time): string[];
  };
  readonly peakWatts?: Watts;
  readonly throttledSeconds?: Time;
  readonly held?: { notes(seconds: Time): string[] };
  byRail(): Record<string, Joules>;
}

export function assembleRun(parts: RunParts): Run {
  const { simulation, kernel, ledger, recorder, control, collector, memory, audit } = parts;
  const { machine } = simulation;
  const rows = ledger.toRows();
  const byPhase = new Map<string, LedgerRow[]>();
  for (const row of rows) {
    const key = phaseKey(row);
    const list = byPhase.get(key);
    if (list) list.push(row);
    else byPhase.set(key, [row]);
  }
  const phases = collector.phases
    .map((record) => phaseResult(record, byPhase.get(phaseKey(record)) ?? []))
    .map((phase) => ({ ...phase, ...bandwidthBound(phase, machine) }));
  const dramBytes = rows.reduce((sum, row) => sum + row.dramBytes, 0);
  const used = Object.values(memory.owners).reduce((a, b) => a + b, 0);
  const skins = machine.skinNodes.map((node) => machine.thermal.temperatures[node]!);
  const metrics = computeMetrics({
    requests: collector.requests,
    phases,
    seconds: kernel.now,
    joules: control.totalJoules,
    dramBytes,
    peakMemoryBytes: used,
    memoryPeakRate: machine.memory.peak,
    batteryJoules: machine.batteryEnergy,
    drawnJoules: control.supply?.drawnJoules ?? control.totalJoules,
    peakWatts: control.peakWatts,
    maxSkin: control.hot.maxSkin,
    endSkin: Math.max(...skins),
    maxJunction: control.hot.maxJunction,
    throttledSeconds: control.throttledSeconds,
    audit,
  });
  return {
    inputs: simulation.inputs,
    metrics,
    ...(simulation.bands && {
      intervals: intervalsOf(
        metrics,
        (stage) => {
          const phase = phases.find((one) => one.stage === stage);
          return phase && unitSeconds(byPhase.get(phaseKey(phase)) ?? []);
        },
        simulation.bands,
      ),
    }),
    requests: collector.requests,
    ...workloadsOf(simulation.expected ?? simulation.jobs, collector.requests, phases, rows),
    phases,
    compiled: collector.compiled,
    fusions: simulation.jobs[0]?.plan.savings ?? [],
    ledger: rows,
    roofline: roofline(simulation, rows),
    memory,
    energy: control.byRail(),
    trust: simulation.trust,
    ...(machine.floorplan && { floorplan: machine.floorplan }),
    ...(audit && { audit }),
    timeline: recorder.finish(limits(machine), kernel.now),
    notes: notes(parts, rows, metrics['throttled_ratio'] ?? 0),
    eventCount: kernel.eventCount,
  };
}

function phaseKey({
  request,
  phase,
}: {
  readonly request: string;
  readonly phase: string;
}): string {
  return `${request}\n${phase}`;
}

type Seconds = Readonly<Record<Cause, number>>;

function phaseResult(record: Collector['phases'][number], mine: readonly LedgerRow[]): PhaseResult {
  const seconds = CAUSES.map((cause) => mine.reduce((sum, row) => sum + row.seconds[cause], 0));
  const total = seconds.reduce((a, b) => a + b, 0);
  const byUnit = unitSeconds(mine);
  return {
    request: record.request,
    phase: record.phase,
    stage: record.stage,
    units: [...byUnit].sort((a, b) => b[1] - a[1]).map(([name]) => name),
    startSeconds: record.start,
    endSeconds: record.end,
    steps: record.steps,
    outputs: record.outputs,
    joules:
      record.activeSeconds === undefined
        ? record.joules
        : mine.reduce((sum, row) => sum + row.joules, 0),
    ...(record.activeSeconds === undefined
      ? {}
      : { activeSeconds: record.activeSeconds, waitedSeconds: record.waitedSeconds ?? 0 }),
    dramBytes: mine.reduce((sum, row) => sum + row.dramBytes, 0),
    macs: mine.reduce((sum, row) => sum + row.macs, 0),
    shares: Object.fromEntries(
      CAUSES.map((cause, i) => [cause, total > 0 ? seconds[i]! / total : 0]),
    ) as Seconds,
    limit: CAUSES[largestCause(seconds)]!,
  };
}

/** A port that alone cannot draw what DRAM would give is the bound; a faster DRAM would change little. */
const PORT_SHARE = 0.95;

function bandwidthBound(phase: PhaseResult, machine: Machine): Pick<PhaseResult, 'bandwidthBound'> {
  const unit = machine.units.find((u) => u.unit.name === phase.units[0])?.unit;
  if (phase.limit !== 'bandwidth' || !unit) return {};
  const alone = soloRate(machine, unit.port, { readBytes: 1, writeBytes: 0 });
  const given = availableBandwidth(machine, 1, 1);
  return { bandwidthBound: alone < PORT_SHARE * given ? 'port' : 'dram' };
}

function unitSeconds(rows: readonly LedgerRow[]): Map<string, Time> {
  const byUnit = new Map<string, Time>();
  for (const { unit, seconds } of rows)
    byUnit.set(unit, (byUnit.get(unit) ?? 0) + totalSeconds(seconds));
  return byUnit;
}

function totalSeconds(seconds: Seconds): number {
  return CAUSES.reduce((sum, cause) => sum + seconds[cause], 0);
}

/** Ceilings at full clock; the arithmetic ceiling is the peak rate of each unit for the heaviest work it ran. */
function roofline(simulation: Simulation, rows: readonly LedgerRow[]): Run['roofline'] {
  const { machine } = simulation;
  const points: RooflinePoint[] = rows
    .filter((row) => row.count > 0 && totalSeconds(row.seconds) > 0)
    .map((row) => ({
      phase: row.phase,
      operator: row.operator,
      unit: row.unit,
      count: row.count,
      macs: row.macs,
      dramBytes: row.dramBytes,
      seconds: totalSeconds(row.seconds),
      cause: CAUSES[largestCause(CAUSES.map((cause) => row.seconds[cause]))]!,
    }));
  const ceilings = machine.units.flatMap(({ unit }, u) => ceiling(simulation, rows, u, unit.name));
  return { points, ceilings };
}

function ceiling(
  simulation: Simulation,
  rows: readonly LedgerRow[],
  u: number,
  name: string,
): RooflineCeiling[] {
  const { machine } = simulation;
  const jobs = simulation.expected ?? simulation.jobs;
  if (!rows.some((row) => row.unit === name && row.macs > 0)) return [];
  // Alone there is one plan; of several workloads each may hold the heaviest work of a unit.
  const plans = jobs.some(({ lane }) => lane) ? jobs.map(({ plan }) => plan) : [jobs[0]!.plan];
  const works = plans.flatMap(({ phases }) =>
    phases.flatMap(({ graph, contextStart }) =>
      graph.works.map((_, index) => workAt(graph, index, contextStart)),
    ),
  );
  const heaviest = works
    .filter((work) => work.form.kind !== 'attention' && machine.units[u]!.unit.supports(work).ok)
    .sort((a, b) => b.macs - a.macs)[0];
  if (!heaviest || heaviest.macs === 0) return [];
  const label = `${name}, ${heaviest.weightDType} × ${heaviest.activationDType}`;
  return [
    {
      unit: name,
      label,
      peakOpsPerSecond: peakOps(machine, u, heaviest),
      bytesPerSecond: Math.min(
        machine.units[u]!.unit.port.bandwidth,
        availableBandwidth(machine, 1, 1),
      ),
    },
  ];
}

function limits(machine: Machine): Limit[] {
  return [
    { quantity: 'bandwidth', subject: 'all', label: 'DRAM peak', value: machine.memory.peak },
    { quantity: 'temperature', subject: 'skin', label: 'skin limit', value: machine.limits.skin },
    {
      quantity: 'temperature',
      subject: 'junction',
      label: 'junction trip',
      value: machine.limits.junction,
    },
  ];
}

function notes(
  { simulation, kernel, control, recorder, notes: own = [] }: RunParts,
  rows: readonly LedgerRow[],
  throttled: number,
): string[] {
  const jobs = simulation.expected ?? simulation.jobs;
  const found: string[] = [
    ...own,
    ...(simulation.notes ?? []),
    ...(simulation.notesOfUse?.(rows) ?? []),
    ...new Set(jobs.flatMap(({ plan }) => plan.notes ?? [])),
    ...policyNotes(simulation.machine, jobs, simulation.policy, throttled),
    ...(control.held?.notes(kernel.now) ?? []),
    ...(control.hot.notes?.(kernel.now) ?? []),
  ];
  if (!recorder.keepsOperators) {
    found.push(
      'the timeline shows operators of the first part of the run only; steps and phases are complete',
    );
  }
  const realTime = backgroundBandwidth(simulation.machine);
  if (realTime > 0) found.push(realTimeNote(simulation.machine, realTime));
  const estimated = simulation.trust['estimated'] ?? 0;
  if (estimated > 0) {
    found.push(
      `${Math.round(estimated * 100)} % of the numbers in the SoC and phone descriptions are estimates (socsim show NAME lists them)`,
    );
  }
  return found;
}

function realTimeNote({ background, memory }: Machine, total: number): string {
  const show = (bytesPerSecond: number) => formatQuantity(bytesPerSecond, 'bandwidth', 3);
  const each = background.map(({ name, bytesPerSecond }) => `${name} ${show(bytesPerSecond)}`);
  const share = Math.round((100 * total) / memory.peak);
  return `real-time traffic (${each.join(', ')}) is served first and took ${share} % of peak bandwidth`;
}
