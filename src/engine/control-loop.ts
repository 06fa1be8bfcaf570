/**
 * Closes the loop power → heat → cap → clock → rate, once per control period.
 *
 * Model    mean power of the period heats the network for the period (exact for piecewise-constant power);
 *          governors then choose points from what they saw, caps applied last
 * Ignores  changes of leakage within one period (temperature moves millikelvins in 10 ms)
 * Valid    periods well below the time constants of the die nodes (tens of milliseconds)
 * Source   Linux schedutil and thermal core: sample, decide, apply
 * Checked  test/property/engine.test.ts (energy balance), test/unit/engine/control-loop.test.ts
 */
import { InfeasibleError } from '../base/errors.ts';
import type { Celsius, Joules, Seconds } from '../base/units.ts';
import type { Cap, CoolingDevice, Governor, ThermalGovernor } from '../runtime/governor.ts';
import type { Execution } from './execution.ts';
import type { Ledger } from './ledger.ts';
import type { Machine, MachineDomain } from './machine.ts';
import type { Probes } from './probes.ts';

/** Temperature at which the powers shown to thermal governors are evaluated, as energy models are: warm silicon. */
const TABLE_TEMPERATURE: Celsius = 60;
/** Above this no phone SoC goes on: resets sit at 115–125 °C (device trees), and leakage feeds itself. */
const SHUTDOWN: Celsius = 150;
/** Name of ledger rows that belong to no request. */
const PLATFORM = 'platform';

export interface ControlParts {
  readonly machine: Machine;
  readonly execution: Execution;
  readonly ledger: Ledger;
  readonly governors: readonly Governor[];
  readonly thermalGovernor: ThermalGovernor;
  readonly probes: Probes;
  /** Thermal governors run every this many control periods. */
  readonly thermalEvery: number;
}

export class ControlLoop {
  private readonly parts: ControlParts;
  private readonly watts: Float64Array;
  private readonly point: Int32Array;
  private readonly wanted: Int32Array;
  /** By domain: seconds with work since the last decision, and the share that made of the period. */
  private readonly busySeconds: Float64Array;
  private readonly busy: Float64Array;
  private readonly periodBusy: Float64Array;
  private sinceDecision: Seconds = 0;
  private readonly frequencies: readonly (readonly number[])[];
  private readonly tablePowers: readonly (readonly number[])[];
  private caps: readonly Cap[];
  private readonly platformRows = new Map<string, Map<string, number>>();
  private last: Seconds = 0;
  private ticks = 0;
  private sinceThermal: Seconds = 0;
  /** Joules by rail since the start; they sum to all energy drawn. */
  readonly railJoules: Map<string, Joules> = new Map();
  totalJoules: Joules = 0;
  peakWatts = 0;
  maxSkin: Celsius = Number.NEGATIVE_INFINITY;
  maxJunction: Celsius = Number.NEGATIVE_INFINITY;
  throttledSeconds: Seconds = 0;

  constructor(parts: ControlParts) {
    const { machine } = parts;
    this.parts = parts;
    this.watts = new Float64Array(machine.thermal.nodes.length);
    this.point = Int32Array.from(machine.domains, ({ clock }) => clock.points.length - 1);
    this.wanted = this.point.slice();
    this.busySeconds = new Float64Array(machine.domains.length);
    this.periodBusy = new Float64Array(machine.domains.length);
    this.busy = new Float64Array(machine.domains.length).fill(1);
    this.frequencies = machine.domains.map(({ clock }) =>
      clock.points.map(({ frequency }) => frequency),
    );
    this.tablePowers = machine.domains.map(domainPowers);
    this.caps = machine.domains.map(({ clock }) => ({
      point: clock.points.length - 1,
      reason: '',
    }));
    this.decide(0);
    this.noteTemperatures();
    parts.probes.sample(this.frame(0, 0));
  }

  /** Accounts for the time since the last call, then decides the clocks of the next period. */
  tick(now: Seconds): void {
    this.account(now);
    this.decide(now);
  }

  /** Brings energy and temperatures up to `now`; also called where a phase begins or ends. */
  account(now: Seconds): void {
    const dt = now - this.last;
    if (dt <= 0) return;
    this.last = now;
    this.sinceDecision += dt;
    this.pass(dt, now);
  }

  /** Heat and energy of the last `dt` seconds. */
  private pass(dt: Seconds, now: Seconds): void {
    const { machine, execution } = this.parts;
    execution.progressAll(now);
    this.watts.fill(0);
    const before = this.totalJoules;
    for (let u = 0; u < machine.units.length; u++) this.accountUnit(u, dt);
    for (let d = 0; d < machine.domains.length; d++) this.accountDomain(d, dt);
    this.charge('dram', machine.memoryNode, execution.memoryJoules, dt);
    this.chargePlatform(
      'dram',
      machine.memoryNode,
      machine.memory.backgroundPower(this.at(machine.memoryNode)),
      dt,
    );
    this.charge('fabric', machine.fabricNode, execution.fabricJoules, dt);
    this.chargeBackground(dt);
    this.chargeRegulator(before, dt);
    for (const load of machine.platform) this.chargePlatform(load.name, load.node, load.watts, dt);
    machine.thermal.advance(dt, this.watts);
    this.noteTemperatures();
    const total = (this.totalJoules - before) / dt;
    this.peakWatts = Math.max(this.peakWatts, total);
    if (this.isThrottled()) this.throttledSeconds += dt;
    this.parts.probes.sample(this.frame(now, dt));
    execution.memoryJoules = 0;
    execution.fabricJoules = 0;
    execution.unitJoules.fill(0);
    execution.unitBytes.fill(0);
    execution.busySeconds.fill(0);
  }

  /** What units spent on operators heats the domains they run on, in proportion to their power at full load. */
  private accountUnit(u: number, dt: Seconds): void {
    const { machine, execution } = this.parts;
    const { unit, domains } = machine.units[u]!;
    const joules = execution.unitJoules[u]!;
    const share = Math.min(execution.busySeconds[u]! / dt, 1);
    let full = 0;
    for (const d of domains) full += this.fullWatts(d);
    for (const d of domains) {
      const { node } = machine.domains[d]!;
      this.charge(unit.name, node, full > 0 ? (joules * this.fullWatts(d)) / full : 0, dt);
      this.periodBusy[d] = Math.max(this.periodBusy[d]!, share);
    }
  }

  private fullWatts(d: number): number {
    const { clock, power } = this.parts.machine.domains[d]!;
    const { frequency, voltage } = clock.points[this.point[d]!]!;
    return frequency * voltage * voltage * (power.stalled + power.matrix);
  }

  private accountDomain(d: number, dt: Seconds): void {
    const { clock, power, node } = this.parts.machine.domains[d]!;
    const busy = this.periodBusy[d]!;
    const leakage = power.leakage(clock.points[this.point[d]!]!.voltage, this.at(node));
    const powered = busy + (1 - busy) * power.gatedShare;
    this.chargePlatform(clock.name, node, leakage * powered, dt, 'leakage');
    this.chargePlatform(clock.name, node, power.idle * (1 - busy), dt, 'idle');
    this.busySeconds[d]! += busy * dt;
    this.periodBusy[d] = 0;
  }

  /** Energy that some ledger row already carries. */
  private charge(rail: string, node: number, joules: Joules, dt: Seconds): void {
    this.watts[node]! += joules / dt;
    this.totalJoules += joules;
    this.railJoules.set(rail, (this.railJoules.get(rail) ?? 0) + joules);
  }

  /** Energy that flows whatever runs: its own ledger row. */
  private chargePlatform(
    rail: string,
    node: number,
    watts: number,
    dt: Seconds,
    what = 'standby',
  ): void {
    const joules = watts * dt;
    this.charge(rail, node, joules, dt);
    this.parts.ledger.joules[this.platformRow(what, rail)]! += joules;
  }

  /** Looked up some ten times per tick, hence the small cache keyed without building strings. */
  private platformRow(what: string, rail: string): number {
    let rows = this.platformRows.get(what);
    if (!rows) {
      rows = new Map();
      this.platformRows.set(what, rows);
    }
    let row = rows.get(rail);
    if (row === undefined) {
      row = this.parts.ledger.row(PLATFORM, what, what, rail);
      rows.set(rail, row);
    }
    return row;
  }

  /** What the rails drew since `before` came through regulators, which keep their part as heat. */
  private chargeRegulator(before: Joules, dt: Seconds): void {
    const { efficiency, node } = this.parts.machine.regulator;
    const drawn = (this.totalJoules - before) / dt;
    this.chargePlatform('regulators', node, drawn * (1 / efficiency - 1), dt, 'conversion loss');
  }

  private chargeBackground(dt: Seconds): void {
    const { machine, ledger } = this.parts;
    const { memory } = machine;
    for (const { name, bytesPerSecond } of machine.background) {
      const bytes = bytesPerSecond * dt;
      const joules = bytes * (memory.energyPerReadByte + machine.fabricPerByte);
      this.charge('dram', machine.memoryNode, joules, dt);
      const row = ledger.row(PLATFORM, 'background traffic', name, 'dram');
      ledger.joules[row]! += joules;
      ledger.bytes[row]! += bytes;
    }
  }

  private decide(now: Seconds): void {
    const { machine, thermalEvery, governors } = this.parts;
    const period = this.sinceDecision;
    if (period > 0) {
      for (let d = 0; d < this.busy.length; d++) {
        this.busy[d] = Math.min(this.busySeconds[d]! / period, 1);
      }
    }
    this.sinceThermal += period;
    if (this.ticks++ % thermalEvery === 0) this.decideCaps();
    for (let d = 0; d < machine.domains.length; d++) {
      const { name } = machine.domains[d]!.clock;
      this.wanted[d] = governors[d]!.choose({
        name,
        frequencies: this.frequencies[d]!,
        current: this.point[d]!,
        busyShare: this.busy[d]!,
        period,
      });
      const cap = this.caps[d]!;
      const next = Math.min(this.wanted[d]!, cap.point);
      if (next !== this.point[d] && period > 0) this.noteChange(d, next, cap, now);
      this.point[d] = next;
    }
    this.busySeconds.fill(0);
    this.sinceDecision = 0;
    this.applyClocks();
  }

  private decideCaps(): void {
    const { thermalGovernor } = this.parts;
    this.caps = thermalGovernor.limit({
      junction: this.hottest(this.parts.machine.junctionNodes),
      skin: this.hottest(this.parts.machine.skinNodes),
      devices: this.devices(),
      period: this.sinceThermal,
    });
    this.sinceThermal = 0;
  }

  private devices(): CoolingDevice[] {
    return this.parts.machine.domains.map(({ clock: { name } }, d) => ({
      name,
      powers: this.tablePowers[d]!,
      requested: this.tablePowers[d]![this.wanted[d]!]! * this.busy[d]!,
      busyShare: this.busy[d]!,
      current: this.point[d]!,
    }));
  }

  private noteChange(d: number, next: number, cap: Cap, now: Seconds): void {
    const { machine, probes } = this.parts;
    const { name, points } = machine.domains[d]!.clock;
    const capped = cap.point < this.wanted[d]!;
    probes.changed(name, points[next]!.frequency, capped ? cap.reason : 'governor: load', now);
  }

  private applyClocks(): void {
    const { machine, execution } = this.parts;
    for (const [u, { unit, domains }] of machine.units.entries()) {
      const at = (choice: Int32Array) =>
        unit.speed(domains.map((d) => machine.domains[d]!.clock.points[choice[d]!]!.frequency));
      execution.speed[u] = at(this.point);
      execution.wantedSpeed[u] = at(this.wanted);
      execution.stalledWatts[u] = 0;
      execution.matrixWatts[u] = 0;
      execution.vectorWatts[u] = 0;
      for (const d of domains) this.addWatts(u, d);
    }
  }

  private addWatts(u: number, d: number): void {
    const { execution, machine } = this.parts;
    const { clock, power } = machine.domains[d]!;
    const { frequency, voltage } = clock.points[this.point[d]!]!;
    const scale = frequency * voltage * voltage;
    execution.stalledWatts[u]! += scale * power.stalled;
    execution.matrixWatts[u]! += scale * power.matrix;
    execution.vectorWatts[u]! += scale * power.vector;
  }

  private isThrottled(): boolean {
    return this.point.some((point, d) => point < this.wanted[d]! && this.busy[d]! > 0);
  }

  private at(node: number): Celsius {
    return this.parts.machine.thermal.temperatures[node]!;
  }

  private hottest(nodes: readonly number[]): Celsius {
    return nodes.reduce((max, node) => Math.max(max, this.at(node)), Number.NEGATIVE_INFINITY);
  }

  private noteTemperatures(): void {
    this.maxSkin = Math.max(this.maxSkin, this.hottest(this.parts.machine.skinNodes));
    const junction = this.hottest(this.parts.machine.junctionNodes);
    this.maxJunction = Math.max(this.maxJunction, junction);
    if (!(junction < SHUTDOWN)) throw runaway(this.parts.machine, junction, this.last);
  }

  private frame(now: Seconds, dt: Seconds) {
    return { now, dt, point: this.point, execution: this.parts.execution, watts: this.watts };
  }
}

/** Power of a domain at each point with everything busy, for thermal governors. */
function domainPowers({ clock, power }: MachineDomain): number[] {
  return clock.points.map(
    ({ frequency, voltage }) =>
      frequency * voltage * voltage * (power.stalled + power.matrix) +
      power.leakage(voltage, TABLE_TEMPERATURE),
  );
}

function runaway(machine: Machine, junction: Celsius, now: Seconds): InfeasibleError {
  return new InfeasibleError(
    `thermal runaway: a die block passed ${SHUTDOWN} °C at ${now.toFixed(2)} s although its clock was capped`,
    {
      demand: junction,
      bound: SHUTDOWN,
      unit: '°C',
      breakdown: Object.fromEntries(
        machine.junctionNodes.map((node) => [
          machine.thermal.nodes[node]!,
          machine.thermal.temperatures[node]!,
        ]),
      ),
      levers: [
        'a thermal governor with a junction trip (thermalGovernor: skin-pid)',
        'lower clocks or voltages of the hottest block',
        'less leakage, or more area for the block',
      ],
    },
  );
}
