/** What the dispatcher is made of. */
import type { Kernel } from '../kernel/kernel.ts';
import type { SchedulingPolicy } from '../runtime/scheduling-policy.ts';
import type { ClockWishes } from './clock-wishes.ts';
import type { Execution } from './execution.ts';
import type { Ledger } from './ledger.ts';
import type { Machine } from './machine.ts';
import type { ModelSwaps } from './model-swaps.ts';
import type { Cloud } from './offload/cloud.ts';
import type { AccessGuard, Job, JobSource, RunObserver } from './request.ts';
import type { Loading } from './storage.ts';

/** Event kinds of the kernel; control events belong to the control loop, attacks to the guard. */
export const EVENT = {
  unit: 0,
  arrival: 1,
  control: 2,
  storage: 3,
  clock: 4,
  link: 5,
  load: 6,
  attack: 7,
} as const;

/** What `machine` is like for the operators of a request. */
export type MachineView = (job: Job, machine: Machine) => Machine;

export interface DispatcherParts {
  readonly machine: Machine;
  readonly kernel: Kernel;
  readonly execution: Execution;
  readonly ledger: Ledger;
  readonly observer: RunObserver;
  /** Asked before every operator, where data are protected. */
  readonly guard?: AccessGuard | undefined;
  /** Asked before every request, where models take turns in memory. */
  readonly swaps?: ModelSwaps | undefined;
  /** Answers what it is asked instead of the phone. */
  readonly cloud?: Cloud | undefined;
  readonly policy: SchedulingPolicy;
  readonly jobs: readonly Job[];
  /** Models that are not in memory: requests wait for theirs. */
  readonly load?: Loading | undefined;
  /** The machine as the operators of a request see it; all as it is unless given. */
  readonly viewOf?: MachineView | undefined;
  /** What comes after a request has ended; nothing more when absent. */
  readonly follow?: JobSource | undefined;
  /** Requests served at the same time, those of several workloads aside; the others queue in order of arrival. */
  readonly concurrent: number;
  /** Where policies ask for clocks. */
  readonly wishes?: ClockWishes | undefined;
}
