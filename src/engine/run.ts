/** Everything one simulation returns: plain data, ready for tables, charts, traces and files. */

import type { Label } from '../base/labels.ts';
import type { Floorplan } from '../hardware/thermal/floorplan.ts';
import type { Seen } from '../runtime/calibration-spec.ts';
import type { FusionSaving } from '../workload/graph.ts';
import type { SecurityAudit } from './secure-audit.ts';
import type { Timeline } from './timeline.ts';

/** What held an interval of a unit's time; the columns of the ledger. Order is part of the file format. */
export const CAUSES = [
  'compute',
  'bandwidth',
  'launch',
  'transfer',
  'queue',
  'thermal',
  'secure',
  'network',
] as const;
export type Cause = (typeof CAUSES)[number];

export interface Interval {
  readonly low: number;
  readonly high: number;
  /** What it rests on. */
  readonly basis: string;
  readonly seen: Seen;
}

/** Seconds and joules of one (request, phase, operator type, unit), split by cause; parts sum to the total. */
export interface LedgerRow {
  readonly request: string;
  readonly phase: string;
  readonly operator: string;
  readonly unit: string;
  readonly count: number;
  readonly seconds: Readonly<Record<Cause, number>>;
  readonly joules: number;
  readonly dramBytes: number;
  readonly macs: number;
  /** Of work beside other work, which nobody waited for: a model that comes while its first layers run. */
  readonly hiddenSeconds?: number;
}

export interface PhaseResult {
  readonly request: string;
  /** Unique in its request: numbered where a name comes back after others. */
  readonly phase: string;
  /** Name without its number: `prefill`, `decode`, … */
  readonly stage: string;
  /** Units that ran it, most time first. */
  readonly units: readonly string[];
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly steps: number;
  readonly outputs: number;
  readonly joules: number;
  readonly dramBytes: number;
  readonly macs: number;
  /** Of all requests of a workload together, where several share the phone: how long the phase ran in all. */
  readonly activeSeconds?: number;
  /** Of that, while the units that it needed worked for others. */
  readonly waitedSeconds?: number;
  /** Share of the phase's time by cause, and the largest of them. */
  readonly shares: Readonly<Record<Cause, number>>;
  readonly limit: Cause;
  /** Where bandwidth limits: what held the unit back, its own port or DRAM. */
  readonly bandwidthBound?: 'port' | 'dram';
}

/** One operator class on the roofline: arithmetic intensity against attained rate. */
export interface RooflinePoint {
  readonly phase: string;
  readonly operator: string;
  readonly unit: string;
  readonly count: number;
  readonly macs: number;
  readonly dramBytes: number;
  readonly seconds: number;
  readonly cause: Cause;
}

/** Ceilings of one unit for the roofline chart. */
export interface RooflineCeiling {
  readonly unit: string;
  readonly peakOpsPerSecond: number;
  readonly label: string;
  readonly bytesPerSecond: number;
}

export interface RunInputs {
  readonly soc: string;
  readonly phone: string;
  readonly workload: string;
  readonly policy: string;
  readonly governor: string;
  readonly thermalGovernor: string;
  readonly runtime: string;
  readonly fidelity: string;
  /** What measurements were laid over the descriptions; absent where none were. */
  readonly calibration?: string;
  readonly seed: number;
  /** `path=value` overrides, in the order given. */
  readonly overrides: readonly string[];
  /** SHA-256 of each input file's text. */
  readonly hashes: Readonly<Record<string, string>>;
  /** socsim's own version. */
  readonly version: string;
}

/** Operators that a unit handed to another, and why. */
export interface Fallback {
  readonly operator: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  readonly count: number;
}

/** One phase as it was placed; phases that share a graph are told once. */
export interface CompiledPhase {
  readonly phase: string;
  readonly graph: string;
  readonly operators: number;
  /** Runs of consecutive operators on one unit. */
  readonly partitions: number;
  readonly operatorsByUnit: Readonly<Record<string, number>>;
  readonly fallbacks: readonly Fallback[];
}

export interface RequestResult {
  readonly name: string;
  readonly arrivalSeconds: number;
  readonly startSeconds: number;
  readonly firstTokenSeconds: number;
  readonly endSeconds: number;
  readonly promptTokens: number;
  /** Of these, tokens whose keys and values were in the cache already. */
  readonly cachedTokens?: number;
  readonly generatedTokens: number;
  /** Where several workloads share the phone: which one asked, and how often a unit was taken from it midway. */
  readonly workload?: string;
  readonly preemptions?: number;
  /** Where the workload has a deadline: whether it ended later; skipped requests never ran at all. */
  readonly missed?: boolean;
  readonly skipped?: boolean;
  /** Where a cloud may answer: who did. */
  readonly answeredBy?: 'local' | 'cloud' | 'hybrid';
}

/** One of several workloads that shared the phone. Times of requests that were skipped are left out. */
export interface WorkloadResult {
  readonly name: string;
  readonly priority: number;
  readonly deadlineSeconds?: number;
  readonly requests: number;
  readonly skipped: number;
  /** Late or skipped; absent without a deadline. */
  readonly missed?: number;
  readonly preemptions: number;
  /** From arrival to first output, and to the end. */
  readonly firstOutputSeconds: Spread;
  readonly latencySeconds: Spread;
  readonly outputs: number;
  /** Outputs over the time in which its requests were under way. */
  readonly outputsPerSecond: number;
  readonly joules: number;
  readonly dramBytes: number;
  /** Seconds that each unit worked for it. */
  readonly unitSeconds: Readonly<Record<string, number>>;
}

/** Who answered, and what that took of the link. */
export interface CloudReport {
  /** Requests that a cloud could have answered, by who did. */
  readonly answers: Readonly<Record<'local' | 'cloud' | 'hybrid', number>>;
  /** Bytes that left the phone, by label. */
  readonly bytesLeft: Readonly<Record<Label, number>>;
  /** That the radio was connected for requests, and all that it drew. */
  readonly radioSeconds: number;
  readonly radioJoules: number;
  /** What its last tail draws after the end of the run, which nothing else here counts. */
  readonly tailJoulesAfter: number;
  /** That requests waited with no signal at all. */
  readonly silentSeconds: number;
}

/** One of several models that took turns in memory. */
export interface ModelSwap {
  readonly model: string;
  readonly bytes: number;
  /** How often it came from storage, and went out of memory. */
  readonly loads: number;
  readonly evictions: number;
  /** That its requests waited for it, before they began and between operators. */
  readonly waitedSeconds: number;
}

/** Models that did not fit in memory together. */
export interface SwapReport {
  /** What models may take in all, and what they took at most. */
  readonly budgetBytes: number;
  readonly peakBytes: number;
  readonly loadedBytes: number;
  /** That storage was at work. */
  readonly loadSeconds: number;
  /** Requests that computed their whole prompt again, for their cache had gone out. */
  readonly cachesLost: number;
  readonly models: readonly ModelSwap[];
}

/** Mean, quantiles and largest of a sample. */
export interface Spread {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface Run {
  readonly inputs: RunInputs;
  /** By metric id (`metrics.ts`); a metric that does not apply is absent. */
  readonly metrics: Readonly<Record<string, number>>;
  /** How well metrics are known, by id; absent for those of which nothing was measured. */
  readonly intervals?: Readonly<Record<string, Interval>>;
  readonly requests: readonly RequestResult[];
  /** Where several workloads share the phone: each by itself. */
  readonly workloads?: readonly WorkloadResult[];
  readonly phases: readonly PhaseResult[];
  readonly compiled: readonly CompiledPhase[];
  /** What the graph compiler's passes saved in one run of the first request's graph. */
  readonly fusions: readonly FusionSaving[];
  readonly ledger: readonly LedgerRow[];
  readonly roofline: {
    readonly points: readonly RooflinePoint[];
    readonly ceilings: readonly RooflineCeiling[];
  };
  /** Bytes of DRAM by owner, and the capacity. */
  readonly memory: {
    readonly capacity: number;
    readonly owners: Readonly<Record<string, number>>;
  };
  /** Joules by rail; they sum to `metrics.energy_joules`. */
  readonly energy: Readonly<Record<string, number>>;
  /** Share of the description's numbers by trust level. */
  readonly trust: Readonly<Record<string, number>>;
  /** Blocks of the die by name of their thermal node, in metres from its lower left corner. */
  readonly floorplan?: Floorplan;
  /** Where a cloud may answer. */
  readonly cloud?: CloudReport;
  /** Where models took turns in memory. */
  readonly swaps?: SwapReport;
  /** Where data are protected: what was accessed, found and paid. */
  readonly audit?: SecurityAudit;
  readonly timeline: Timeline;
  /** What a reader should know before quoting a number. */
  readonly notes: readonly string[];
  readonly eventCount: number;
}
