/** Scenario → Run: wires kernel, dispatcher and control loop together and gathers what they recorded. */
import { InvariantError } from '../base/errors.ts';
import { Kernel, PRECEDENCE } from '../kernel/kernel.ts';
import { runInClosedForm } from './analytic.ts';
import { requireBandwidth } from './bandwidth.ts';
import { type MemoryUse, requireMemory } from './capacity.ts';
import { ClockWishes } from './clock-wishes.ts';
import { Collector } from './collector.ts';
import { ControlLoop } from './control-loop.ts';
import { requireDeadlines } from './deadlines.ts';
import { Dispatcher } from './dispatcher.ts';
import { EVENT } from './dispatcher-parts.ts';
import { Execution } from './execution.ts';
import { Ledger } from './ledger.ts';
import { type ModelLoads, openLoads } from './model-loads.ts';
import { type ModelSwaps, openSwaps, type SwapParts } from './model-swaps.ts';
import { Cloud } from './offload/cloud.ts';
import { Pace } from './pace.ts';
import { Probes } from './probes.ts';
import { Recorder } from './recorder.ts';
import { assembleRun } from './result.ts';
import type { Run } from './run.ts';
import type { SecureGuard } from './secure-guard.ts';
import { protectionOwners } from './secure-memory.ts';
import { SecureRun } from './secure-run.ts';
import type { Simulation } from './setup.ts';

/**
 * Runs to the end of the last request.
 * @throws InfeasibleError when a model does not fit in memory or an operator on any unit.
 * @throws SecurityFault at the first access that must not be, unless the scenario records them.
 */
export function simulate(simulation: Simulation): Run {
  if (simulation.inputs.fidelity === 'analytic') return runInClosedForm(simulation);
  const { machine, jobs, policy, protection } = simulation;
  const expected = simulation.expected ?? jobs;
  const owners = protection ? protectionOwners(protection.plans, expected) : {};
  const fit = requireMemory(machine, expected, simulation.concurrent, owners, simulation.swap);
  requireBandwidth(machine);
  requireDeadlines(machine, simulation.expected ?? []);
  const kernel = new Kernel();
  const ledger = new Ledger();
  const recorder = new Recorder();
  const execution = new Execution(machine, ledger);
  const core = { machine, execution, ledger };
  const { cold = false } = simulation;
  const kept = { ...core, jobs: expected, cold, turns: fit.turns !== undefined };
  const secure = protection && new SecureRun(protection, kept);
  const load = openLoads(kept, secure);
  execution.beside.load = load;
  const { swaps, cloud } = beside(simulation, fit, { execution, ledger, kernel, recorder, load });
  const wishes = new ClockWishes(machine);
  const control = new ControlLoop({
    ...core,
    governors: simulation.governors.map((governor, d) => wishes.hold(governor, d)),
    memoryGovernor: simulation.memoryGovernor,
    thermalGovernor: simulation.thermalGovernor,
    thermalEvery: simulation.thermalEvery,
    probes: new Probes(machine, recorder, load !== undefined),
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
    ...core,
    kernel,
    policy,
    jobs,
    load,
    viewOf: secure?.viewOf,
    follow: simulation.follow,
    observer: collector,
    guard: secure?.guard,
    swaps,
    cloud,
    concurrent: simulation.concurrent,
    wishes,
  });
  if (cloud) cloud.charge = () => control.supply?.charge ?? 1;
  if (cloud && secure) cloud.gate = secure.modemGate;
  for (const at of secure?.guard.attackTimes ?? [])
    kernel.at(at, PRECEDENCE.control, EVENT.attack, 0);
  drive({ kernel, dispatcher, control, pace, cloud, guard: secure?.guard });
  const audit = secure?.finish(kernel.now);
  const memory = swaps?.memoryUse(fit) ?? fit;
  const run = { simulation, kernel, ledger, recorder, control, collector, memory, audit };
  const more = { ...(swaps && { swaps: swaps.report() }), ...(cloud && { cloud: cloud.report() }) };
  return { ...assembleRun(run), ...more };
}

type BesideParts = Pick<SwapParts, 'kernel' | 'recorder'> & {
  readonly execution: Execution;
  readonly ledger: Ledger;
  readonly load: ModelLoads | undefined;
};

/** What may hold requests up or take them over: models that take turns in memory, and a cloud. */
function beside(
  simulation: Simulation,
  { turns }: MemoryUse,
  { kernel, recorder, execution, ledger, load }: BesideParts,
): { readonly swaps: ModelSwaps | undefined; readonly cloud: Cloud | undefined } {
  const { swap, cold = false, jobs, expected = jobs, cloud: spec } = simulation;
  const cloud = spec && new Cloud({ kernel, ledger, event: EVENT.link, spec });
  execution.radio = cloud?.radio;
  if (!turns || !load) return { swaps: undefined, cloud };
  const cacheGoes = swap?.cache === 'drop';
  const how = { cold, cacheGoes, event: EVENT.storage };
  return {
    swaps: openSwaps({ ...turns, ...how, kernel, recorder, loads: load, jobs: expected }),
    cloud,
  };
}

interface DriveParts {
  readonly kernel: Kernel;
  readonly dispatcher: Dispatcher;
  readonly control: ControlLoop;
  readonly pace: Pace;
  readonly cloud: Cloud | undefined;
  readonly guard: SecureGuard | undefined;
}

function drive({ kernel, dispatcher, control, pace, cloud, guard }: DriveParts): void {
  kernel.run((kind, subject) => {
    // The next look is on the queue before work goes on: units run ahead only as far as the queue is empty.
    if (kind === EVENT.control) {
      pace.look(dispatcher.idle);
      dispatcher.retime();
    } else if (kind === EVENT.clock) {
      pace.change();
      dispatcher.retime();
    } else if (kind === EVENT.attack) {
      guard?.attackDue(kernel.now);
    } else {
      pace.wake();
      dispatcher.handle(kind, subject);
    }
    if (cloud?.isStuck) throw cloud.noSignal();
    if (!dispatcher.done) return;
    control.account(kernel.now);
    kernel.stop();
  });
  if (!dispatcher.done)
    throw new InvariantError(`the run stopped at ${kernel.now} s with requests left`);
}
