/** The parts of a trace, whatever file format they end in: lanes of nested slices, flows, counters and instants. */

import { NANO } from '../../base/units.ts';
import { CAUSES, type Run } from '../../engine/run.ts';
import type { Counter } from '../../engine/timeline.ts';
import { thinSamples } from './samples.ts';
import { laneIndices, mergeShort, type Slice } from './slices.ts';

export type Group = 'Units' | 'Requests' | 'Memory' | 'Control';

/** Slices that nest properly; a track whose spans overlap takes several lanes. */
export interface TraceLane {
  readonly name: string;
  readonly group: Group;
  readonly slices: readonly Slice[];
}

/** One arrow chain: a request from its arrival through the first slice of each phase. */
interface TraceFlow {
  readonly id: number;
  readonly name: string;
  readonly steps: readonly { readonly lane: number; readonly slice: number }[];
}

export interface TraceCounter {
  readonly name: string;
  readonly quantity: Counter['quantity'];
  readonly unit: string;
  /** Nanoseconds. */
  readonly time: readonly number[];
  readonly value: readonly number[];
}

interface TraceInstant {
  readonly nanoseconds: number;
  readonly lane: number | undefined;
  readonly name: string;
  readonly reason: string;
}

export interface TraceModel {
  readonly lanes: readonly TraceLane[];
  readonly flows: readonly TraceFlow[];
  readonly counters: readonly TraceCounter[];
  readonly instants: readonly TraceInstant[];
  readonly requests: readonly string[];
  /** What a reader of the file should know: inputs, versions, and what was left out to keep it small. */
  readonly metadata: Readonly<Record<string, string | number>>;
}

/** How much a trace may hold; infinite keeps everything. */
export interface TraceBudget {
  readonly slices: number;
  readonly samples: number;
}

const GROUPS = {
  unit: 'Units',
  request: 'Requests',
  memory: 'Memory',
  control: 'Control',
} as const;

/** Nanoseconds as a whole number: exact up to 104 days, and rounding keeps order and nesting. */
function toNanoseconds(seconds: number): number {
  return Math.round(seconds / NANO);
}

/** Lays the run out on lanes, merging the shortest neighbours and thinning counters down to `budget`. */
export function buildTrace(run: Run, budget: TraceBudget): TraceModel {
  const { tracks, spans, counters } = run.timeline;
  const cut = tracks.flatMap((track, index) =>
    laneIndices(spans, index).map((indices, copy) => ({
      name: copy === 0 ? track.name : `${track.name} (${copy + 1})`,
      group: GROUPS[track.kind],
      indices,
    })),
  );
  const merged = mergeShort(
    run.timeline,
    cut.map(({ indices }) => indices),
    budget.slices,
  );
  const lanes = cut.map(({ name, group }, index) => ({
    name,
    group,
    slices: merged.lanes[index] ?? [],
  }));
  const samples = counters.reduce((all, { time }) => all + time.length, 0);
  const share = Math.min(1, budget.samples / Math.max(1, samples));
  const thinned = counters.map((counter): TraceCounter => {
    const kept = thinSamples(counter, Math.max(4, Math.floor(counter.time.length * share)));
    const { name, quantity, unit } = counter;
    return {
      name,
      quantity,
      unit,
      time: kept.map((i) => toNanoseconds(at(counter.time, i))),
      value: kept.map((i) => at(counter.value, i)),
    };
  });
  const keptSamples = thinned.reduce((all, { time }) => all + time.length, 0);
  const keptSlices = lanes.reduce((all, lane) => all + lane.slices.length, 0);
  return {
    lanes,
    flows: linkRequests(run, lanes),
    counters: thinned,
    instants: run.timeline.marks.map((mark) => {
      const lane = lanes.findIndex(({ name }) => name === mark.track);
      const place = lane < 0 ? undefined : lane;
      return {
        nanoseconds: toNanoseconds(mark.time),
        lane: place,
        name: mark.name,
        reason: mark.reason,
      };
    }),
    requests: run.requests.map(({ name }) => name),
    metadata: describe(run, {
      spans: spans.length,
      keptSlices,
      samples,
      keptSamples,
      threshold: merged.threshold,
      thinned: share < 1,
    }),
  };
}

interface Kept {
  readonly spans: number;
  readonly keptSlices: number;
  readonly samples: number;
  readonly keptSamples: number;
  readonly threshold: number;
  readonly thinned: boolean;
}

function describe(run: Run, kept: Kept): Readonly<Record<string, string | number>> {
  const { inputs } = run;
  const notes: Record<string, string> = {};
  if (kept.keptSlices < kept.spans) {
    notes['merged'] = `spans shorter than ${kept.threshold} ns were joined with their neighbours`;
  }
  if (kept.thinned) {
    notes['downsampled'] =
      'counters keep the first, lowest, highest and last sample of each stretch';
  }
  return {
    producer: `socsim ${inputs.version}`,
    soc: inputs.soc,
    phone: inputs.phone,
    workload: inputs.workload,
    policy: inputs.policy,
    governor: inputs.governor,
    thermal_governor: inputs.thermalGovernor,
    fidelity: inputs.fidelity,
    seed: inputs.seed,
    overrides: inputs.overrides.join(' '),
    spans_recorded: kept.spans,
    spans_written: kept.keptSlices,
    counter_samples_recorded: kept.samples,
    counter_samples_written: kept.keptSamples,
    ...notes,
  };
}

/** Chains each request’s own slice and the first unit slice of each of its phases. */
function linkRequests(run: Run, lanes: readonly TraceLane[]): readonly TraceFlow[] {
  const places = new Map<number, { lane: number; slice: number; start: number; unit: boolean }[]>();
  lanes.forEach(({ group, slices }, lane) => {
    slices.forEach(({ request, start }, slice) => {
      if (request < 0) return;
      const list = places.get(request) ?? [];
      places.set(request, list);
      list.push({ lane, slice, start, unit: group === 'Units' });
    });
  });
  return run.requests.flatMap(({ name }, index): TraceFlow[] => {
    const own = (places.get(index) ?? []).sort((a, b) => a.start - b.start || a.lane - b.lane);
    const phases = run.phases.filter(({ request }) => request === name);
    const first = own.find(({ unit }) => !unit);
    const steps = first ? [first] : [];
    let next = 0;
    for (const phase of phases) {
      const from = toNanoseconds(phase.startSeconds);
      const found = own.findIndex((p, i) => i >= next && p.unit && p.start >= from);
      const place = own[found];
      if (!place || place.start >= toNanoseconds(phase.endSeconds)) continue;
      steps.push(place);
      next = found + 1;
    }
    const chain = steps.map(({ lane, slice }) => ({ lane, slice }));
    return chain.length < 2 ? [] : [{ id: index + 1, name, steps: chain }];
  });
}

/** Name of the cause of a slice, as the ledger spells it. */
export function causeOf({ cause }: Slice): string {
  return CAUSES[cause] ?? 'unknown';
}

function at(values: Float64Array, index: number): number {
  return values[index] as number;
}
