/** Scenario → Run: wires kernel, dispatcher and control loop together and gathers what they recorded. */
import { InvariantError } from '../base/errors.ts';
import type { Seconds } from '../base/units.ts';
import { Kernel } from '../kernel/kernel.ts';
import type { Governor, ThermalGovernor } from '../runtime/governor.ts';
import type { SchedulingPolicy } from '../runtime/scheduling-policy.ts';
import type { BandSource } from './bands.ts';
import { requireBandwidth } from './bandwidth.ts';
import { requireMemory } from './capacity.ts';
import { ClockWishes } from './clock-wishes.ts';
import { Collector } from './collector.ts';
import { ControlLoop } from './control-loop.ts';
import { requireDeadlines } from './deadlines.ts';
import { Dispatcher, EVENT } from './dispatcher.ts';
import { Execution } from './execution.ts';
import { Ledger } from './ledger.ts';
import type { Machine } from './machine.ts';
import { Pace } from './pace.ts';
import { Probes } from './probes.ts';
import { Recorder } from './recorder.ts';
import type { Job, JobSource } from './request.ts';
import { assembleRun } from './result.ts';
import type { Run, RunInputs } from './run.ts';
import { protectionOwners } from './secure-plan.ts';
import { type Protection, SecureRun } from './secure-run.ts';
import { ModelLoad } from './storage.ts';

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
}

/**
 * Runs to the end of the last request.
 * @throws InfeasibleError when a model does not fit in memory or an operator on any unit.
 * @throws SecurityFault at the first access that must not be, unless the scenario records them.
 */
export function simulate(simulation: Simulation): Run {
  const { machine, jobs, policy } = simulation;
  const { protection } = simulation;
  const expected = simulation.expected ?? jobs;
  const owners = protection ? protectionOwners(protection.plan) : {};
  const memory = requireMemory(machine, expected, simulation.concurrent, owners);
  requireBandwidth(machine);
  requireDeadlines(machine, simulation.expected ?? []);
  const kernel = new Kernel();
  const ledger = new Ledger();
  const recorder = new Recorder();
  const execution = new Execution(machine, ledger);
  const cold = simulation.cold ?? false;
  const secure =
    protection && new SecureRun(protection, { machine, execution, ledger, jobs: expected, cold });
  const { storage } = machine;
  const plainLoad = cold && storage && !secure?.restore;
  const load = plainLoad ? new ModelLoad(machine, storage, expected, ledger) : secure?.restore;
  execution.load = load;
  const wishes = new ClockWishes(machine);
  const control = new ControlLoop({
    machine,
    execution,
    ledger,
    governors: simulation.governors.map((governor, d) => wishes.hold(governor, d)),
    memoryGovernor: simulation.memoryGovernor,
    thermalGovernor: simulation.thermalGovernor,
    thermalEvery: simulation.thermalEvery,
    probes: new Probes(machine, recorder),
  });
  const pace = new Pace(kernel, control, simulation.controlPeriod);
  const collector = new Collector(
    machine,
    recorder,
    (now) => {
      control.account(now);
      pace.hurry();
      return control.totalJoules;
    },
    load,
  );
  const dispatcher = new Dispatcher({
    machine,
    kernel,
    execution,
    ledger,
    policy,
    jobs,
    ready: load?.ready ?? 0,
    follow: simulation.follow,
    observer: collector,
    guard: secure?.guard,
    concurrent: simulation.concurrent,
    wishes,
  });
  drive(kernel, dispatcher, control, pace);
  if (!dispatcher.done)
    throw new InvariantError(`the run stopped at ${kernel.now} s with requests left`);
  const audit = secure?.finish(kernel.now);
  return assembleRun({ simulation, kernel, ledger, recorder, control, collector, memory, audit });
}

function drive(kernel: Kernel, dispatcher: Dispatcher, control: ControlLoop, pace: Pace): void {
  kernel.run((kind, subject) => {
    // The next look is on the queue before work goes on: units run ahead only as far as the queue is empty.
    if (kind === EVENT.control) {
      pace.look(dispatcher.idle);
      dispatcher.retime();
    } else {
      pace.wake();
      dispatcher.handle(kind, subject);
    }
    if (!dispatcher.done) return;
    control.account(kernel.now);
    kernel.stop();
  });
}
