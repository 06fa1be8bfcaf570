/** What one simulation runs on and with: machine, requests, policies and governors, all built. */
import type { Seconds } from '../base/units.ts';
import type { Governor, ThermalGovernor } from '../runtime/governor.ts';
import type { SchedulingPolicy } from '../runtime/scheduling-policy.ts';
import type { BandSource } from './bands.ts';
import type { Machine } from './machine.ts';
import type { CloudSpec } from './offload/cloud.ts';
import type { Job, JobSource } from './request.ts';
import type { LedgerRow, RunInputs } from './run.ts';
import type { Protection } from './secure-run.ts';

/** Everything one run needs, built; holds state (temperatures, governors), so it serves one run only. */
export interface Simulation {
  readonly machine: Machine;
  readonly jobs: readonly Job[];
  /** One job of every workload, where some come only after others; `jobs` unless given. */
  readonly expected?: readonly Job[];
  /** Requests that follow those of `jobs`: in a closed loop, or after another. */
  readonly follow?: JobSource | undefined;
  /** Weights come from storage before the first request runs. */
  readonly cold?: boolean;
  /** Models that do not fit together take turns, with their caches or without. */
  readonly swap?: { readonly cache: 'keep' | 'drop' } | undefined;
  /** What may answer instead of the phone. */
  readonly cloud?: CloudSpec | undefined;
  /** How data are protected; `machine` already pays for it in its memory path. */
  readonly protection?: Protection | undefined;
  readonly policy: SchedulingPolicy;
  /** One per clock domain, in the order of `machine.domains`. */
  readonly governors: readonly Governor[];
  /** Of main memory, where its clock moves; votes of the units when absent. */
  readonly memoryGovernor?: Governor | undefined;
  readonly thermalGovernor: ThermalGovernor;
  /** Requests served at the same time; the others queue. */
  readonly concurrent: number;
  readonly controlPeriod: Seconds;
  /** Thermal governors run every this many control periods. */
  readonly thermalEvery: number;
  readonly inputs: RunInputs;
  /** How far predictions of measured rows were off. */
  readonly bands?: BandSource | undefined;
  readonly trust: Readonly<Record<string, number>>;
  /** What a reader should know of the inputs before quoting a number. */
  readonly notes?: readonly string[];
  /** The same, where it depends on what ran where. */
  readonly notesOfUse?: (rows: readonly LedgerRow[]) => readonly string[];
}
