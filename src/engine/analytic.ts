/**
 * A scenario in closed form, for runs at `analytic` fidelity: no events, no looks of a control loop.
 *
 * Model    requests one after the other; each phase is the sum of its steps (engine/step-cost.ts) at the clocks that
 *          frequency governors settle on under full load; power is constant over a phase, leakage and temperatures
 *          follow it in a few exact steps of the heat network, in which no block passes the junction trip
 * Ignores  throttling by heat or battery, clocks on their way up, a memory clock below its top, bandwidth that requests
 *          take from each other, load of the control loop on peaks of power
 * Valid    one workload, unprotected, on a phone that does not throttle; notes say where it would
 * Source   engine/trial.ts for steps, engine/power-account.ts for energy, hardware/thermal for heat
 * Checked  test/unit/engine/analytic.test.ts (against runs at fluid fidelity)
 */
import { formatQuantity } from '../base/quantity.ts';
import type { Celsius, Seconds } from '../base/units.ts';
import type { Governor } from '../runtime/governor.ts';
import { noBandwidth, requireBandwidth } from './bandwidth.ts';
import { requireMemory } from './capacity.ts';
import { ClockState } from './clock-state.ts';
import { Collector } from './collector.ts';
import { topPoint, viewOf } from './domain-views.ts';
import { Execution } from './execution.ts';
import { hostWatts } from './host-thread.ts';
import { CAUSE, Ledger } from './ledger.ts';
import type { Machine } from './machine.ts';
import { type ModelLoads, openLoads } from './model-loads.ts';
import { workingShare } from './online-cores.ts';
import { PowerAccount } from './power-account.ts';
import { openRequest } from './ready.ts';
import { Recorder } from './recorder.ts';
import type { Active, Job } from './request.ts';
import { assembleRun } from './result.ts';
import { CAUSES, type Run } from './run.ts';
import type { Simulation } from './setup.ts';
import { costPhase, type PhaseCost } from './step-cost.ts';
import { TableStore } from './table-store.ts';
import type { TaskTable } from './task-table.ts';
import { unitStates } from './unit-states.ts';

/** Steps of the heat network in a stretch of constant work, for leakage to follow temperature. */
const HEAT_STEPS = 8;
/** Looks after which every governor of a steady load stands still. */
const SETTLING_LOOKS = 200;

/**
 * Runs to the end of the last request.
 * @throws InfeasibleError when a model does not fit in memory or an operator on any unit.
 */
export function runInClosedForm(simulation: Simulation): Run {
  const { machine } = simulation;
  const memory = requireMemory(
    machine,
    simulation.expected ?? simulation.jobs,
    simulation.concurrent,
  );
  requireBandwidth(machine);
  const form = new ClosedForm(simulation);
  form.run();
  const { now, ledger, recorder, collector } = form;
  return assembleRun({
    simulation,
    kernel: { now, eventCount: 0 },
    ledger,
    recorder,
    control: form.outcome(),
    collector,
    memory,
    notes: form.notes(),
  });
}

class ClosedForm {
  now: Seconds = 0;
  readonly ledger = new Ledger();
  readonly recorder = new Recorder();
  readonly collector: Collector;
  private readonly simulation: Simulation;
  private readonly machine: Machine;
  /** Holds what was drawn until the next account; no operator ever runs on it. */
  private readonly drawn: Execution;
  private readonly power: PowerAccount;
  private readonly tables: TableStore;
  private readonly costs = new Map<TaskTable, Map<string, PhaseCost>>();
  private readonly clocks: ClockState;
  /** By domain: points that governors settle on with and without work. */
  private readonly busyPoint: Int32Array;
  private readonly idlePoint: Int32Array;
  /** Models that are not in memory at the start. */
  private readonly load: ModelLoads | undefined;
  private maxSkin: Celsius = Number.NEGATIVE_INFINITY;
  private maxJunction: Celsius = Number.NEGATIVE_INFINITY;
  private held = false;

  constructor(simulation: Simulation) {
    const { machine, governors } = simulation;
    this.simulation = simulation;
    this.machine = machine;
    this.drawn = new Execution(machine, this.ledger);
    this.drawn.speed.fill(1);
    this.drawn.wantedSpeed.fill(1);
    const { cold = false } = simulation;
    const context = { machine, execution: this.drawn, ledger: this.ledger, cold, turns: false };
    this.load = openLoads(context);
    this.drawn.beside.load = this.load;
    this.busyPoint = Int32Array.from(governors, (one, d) => settledPoint(one, simulation, d, 1));
    this.idlePoint = Int32Array.from(governors, (one, d) => settledPoint(one, simulation, d, 0));
    this.clocks = new ClockState(machine);
    this.clocks.put(this.idlePoint);
    const powered = Float64Array.from(machine.domains, workingShare);
    const { drawn: execution, ledger, clocks } = this;
    this.power = new PowerAccount({ machine, execution, ledger, clocks, powered });
    this.collector = new Collector(
      machine,
      this.recorder,
      () => this.power.meter.total,
      this.drawn.beside.load,
    );
    this.tables = new TableStore(this.collector);
    this.noteTemperatures();
  }

  run(): void {
    const queue = [...this.simulation.jobs];
    for (let index = 0; index < queue.length; index++) {
      const job = queue[index]!;
      this.pass(job.arrival - this.now);
      if (this.load) this.pass(this.load.readyAt(job, this.now) - this.now);
      this.serve(job, index);
      queue.push(...(this.simulation.follow?.(queue.length, this.now, job) ?? []));
    }
  }

  outcome() {
    return {
      totalJoules: this.power.meter.total,
      supply: this.power.supply,
      hot: { maxSkin: this.maxSkin, maxJunction: this.maxJunction },
      byRail: () => this.power.meter.byRail(),
    };
  }

  notes(): string[] {
    const { junction, skin } = this.machine.limits;
    const show = (celsius: Celsius) => formatQuantity(celsius, 'temperature', 3);
    const bound = 'rates and power are upper bounds here; fidelity fluid throttles';
    return [
      'closed form: clocks under full load, nothing throttles, requests one after the other',
      ...(this.held ? [`the die would pass its junction trip of ${show(junction)}: ${bound}`] : []),
      ...(this.maxSkin > skin ? [`the skin passes its limit of ${show(skin)}: ${bound}`] : []),
    ];
  }

  private serve(job: Job, index: number): void {
    const { phases } = job.plan;
    const request = openRequest(job, index, this.take(job, 0), this.now);
    this.collector.requestStarted(request, this.now);
    for (; request.phase < phases.length; request.phase++) {
      if (request.phase > 0) request.table = this.take(job, request.phase);
      this.runPhase(request);
      this.tables.release(request.table);
    }
    this.clocks.put(this.idlePoint);
    this.collector.requestDone(request, this.now);
  }

  private take(job: Job, phase: number): TaskTable {
    const { policy } = this.simulation;
    const next = job.plan.phases[phase]!;
    const mode = policy.mode?.(unitStates(this.machine, this.drawn), next.name) ?? '';
    return this.tables.take(next, this.machine, policy, mode);
  }

  private runPhase(request: Active): void {
    const { collector } = this;
    const phase = request.job.plan.phases[request.phase]!;
    const start = this.now;
    this.setPoints(request.table);
    const cost = this.costOf(request);
    // Of streams that also write, memory gives less than the check before the run asks about.
    if (!Number.isFinite(cost.seconds)) throw noBandwidth(this.machine, this.machine.memory.peak);
    collector.phaseStarted(request, start);
    this.book(request, cost);
    this.pass(cost.seconds, cost);
    request.busy += cost.seconds;
    request.stepStart = start;
    collector.stepDone(request, phase, start + cost.first);
    if (phase.steps > 1) {
      request.stepStart = this.now - cost.last;
      collector.stepDone(request, phase, this.now);
    }
    collector.phaseDone(request, phase, this.now);
  }

  /** Units that the phase uses run at their busy points, or those of the policy where they are lower. */
  private setPoints(table: TaskTable): void {
    const points = this.idlePoint.slice();
    for (const u of new Set(table.unit)) {
      const { domains } = this.machine.units[u]!;
      const top = topPoint(this.machine.domains[domains[0]!]!);
      const share = (table.points?.[u] ?? top) / Math.max(top, 1);
      const { host } = this.machine.units[u]!;
      if (host) points[host.domain] = this.busyPoint[host.domain]!;
      for (const d of domains) {
        const wanted = Math.round(share * topPoint(this.machine.domains[d]!));
        points[d] = Math.min(this.busyPoint[d]!, wanted);
      }
    }
    this.clocks.put(points);
    for (let u = 0; u < this.machine.units.length; u++) {
      this.drawn.hostWatts[u] = hostWatts(this.machine, u, this.clocks.now);
    }
  }

  /** Requests of one scenario repeat each other: equal phases are costed once. */
  private costOf({ table, job, phase }: Active): PhaseCost {
    const own = job.plan.phases[phase]!;
    const key = `${own.steps} ${own.contextStart} ${own.contextStride}`;
    const known = this.costs.get(table) ?? new Map<string, PhaseCost>();
    this.costs.set(table, known);
    const cost =
      known.get(key) ??
      costPhase(
        this.machine,
        table,
        own,
        (d) => this.machine.domains[d]!.clock.points[this.clocks.point[d]!]!,
      );
    known.set(key, cost);
    return cost;
  }

  private book({ job, labels, phase }: Active, { rows }: PhaseCost): void {
    const { ledger } = this;
    for (const { operator, unit, count, seconds, joules, dramBytes, macs } of rows) {
      const row = ledger.row(job.plan.name, labels[phase] as string, operator, unit);
      for (const cause of CAUSES) ledger.addSeconds(row, CAUSE[cause], seconds[cause]);
      ledger.counts[row]! += Math.round(count);
      ledger.joules[row]! += joules;
      ledger.bytes[row]! += dramBytes;
      ledger.macs[row]! += macs;
    }
  }

  /** Lets time pass, with the energy of `work` spread evenly over it. */
  private pass(seconds: Seconds, work?: PhaseCost): void {
    if (seconds <= 0) return;
    const { drawn, power, machine } = this;
    const dt = seconds / HEAT_STEPS;
    for (let k = 0; k < HEAT_STEPS; k++) {
      this.now += dt;
      drawn.progressAll(this.now);
      if (work) draw(drawn, work, 1 / HEAT_STEPS);
      power.pass(dt, this.now, this.drawn.beside.takeBytes());
      machine.thermal.advance(dt, power.watts);
      this.noteTemperatures();
    }
  }

  /** Leakage of a die that nobody slows down would feed itself: as its limits would, the trip holds it. */
  private noteTemperatures(): void {
    const { machine } = this;
    const { thermal, junctionNodes, skinNodes, limits } = machine;
    if (junctionNodes.some((node) => thermal.temperatures[node]! > limits.junction)) {
      this.held = true;
      const held = thermal.temperatures.slice();
      for (const node of junctionNodes) held[node] = Math.min(held[node]!, limits.junction);
      thermal.setTemperatures(held);
    }
    const hottest = (nodes: readonly number[]) =>
      Math.max(...nodes.map((node) => thermal.temperatures[node]!));
    this.maxSkin = Math.max(this.maxSkin, hottest(skinNodes));
    this.maxJunction = Math.max(this.maxJunction, hottest(junctionNodes));
  }
}

function draw(drawn: Execution, cost: PhaseCost, share: number): void {
  drawn.memoryJoules += share * cost.memoryJoules;
  drawn.fabricJoules += share * cost.fabricJoules;
  drawn.beside.storedJoules += share * cost.storedJoules;
  for (let u = 0; u < cost.unitJoules.length; u++) {
    drawn.unitJoules[u]! += share * cost.unitJoules[u]!;
    drawn.busySeconds[u]! += share * cost.busySeconds[u]!;
    drawn.pooledSeconds[u]! += share * cost.pooledSeconds[u]!;
    drawn.reads.asleepSeconds[u]! += share * cost.asleepSeconds[u]!;
  }
}

/** Where a governor ends that sees the same load at every look. */
function settledPoint(
  governor: Governor,
  { machine, controlPeriod }: Simulation,
  d: number,
  busyShare: number,
): number {
  const view = viewOf(machine.domains[d]!);
  view.busyShare = busyShare;
  view.period = controlPeriod;
  for (let look = 0; look < SETTLING_LOOKS; look++) view.current = governor.choose(view);
  return view.current;
}
