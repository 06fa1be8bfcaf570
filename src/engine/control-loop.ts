/**
 * Closes the loop power → heat → cap → clock → rate, once per control period.
 *
 * Model    mean power of the period heats the network for the period (exact for piecewise-constant power);
 *          governors then choose points from what they saw; caps of heat are applied to that, then what the
 *          battery can stand: the domain that draws most steps down until the prediction fits
 * Ignores  the time a clock takes to change (50–200 µs of a period of 10 ms), peaks within one period
 * Valid    periods well below the time constants of the die nodes (tens of milliseconds)
 * Source   Linux schedutil and thermal core: sample, decide, apply; battery current limiting of phones
 * Checked  test/property/engine.test.ts (energy balance), test/unit/engine/control-loop.test.ts
 */
import { InfeasibleError } from '../base/errors.ts';
import type { Celsius, Hertz, Joules, Seconds, Watts } from '../base/units.ts';
import { fullLoadWatts, switchedWatts } from '../hardware/power.ts';
import type { Cap, Governor, ThermalGovernor } from '../runtime/governor.ts';
import type { Execution } from './execution.ts';
import type { Ledger } from './ledger.ts';
import type { Machine, MachineDomain } from './machine.ts';
import { OnlineCores } from './online-cores.ts';
import { PowerAccount } from './power-account.ts';
import type { Probes } from './probes.ts';
import type { Supply } from './supply.ts';

/** Temperature at which the powers shown to thermal governors are evaluated, as energy models are: warm silicon. */
const TABLE_TEMPERATURE: Celsius = 60;
/** Above this no phone SoC goes on: resets sit at 115–125 °C (device trees), and leakage feeds itself. */
const SHUTDOWN: Celsius = 150;
const BATTERY = 'battery';
/** Just under the usual control period, so that rounding does not join two. */
const PEAK_WINDOW: Seconds = 0.0099;
/** Kelvins under the junction trip within which heat may need an answer at the next look: what a hot block gains in
 * a tenth of a second when the mix of operators changes. A new phase, which changes more, ends the wait anyway. */
const NEAR_TRIP = 15;

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
  private readonly power: PowerAccount;
  private readonly point: Int32Array;
  private readonly wanted: Int32Array;
  /** Highest point allowed to each domain now, and why. */
  private readonly allowed: Int32Array;
  private readonly reasons: string[];
  /** By domain: seconds with work since the last decision. */
  private readonly busySeconds: Float64Array;
  /** Drawn since the last decision, by domain and in all. */
  private readonly domainJoules: Float64Array;
  private joulesBefore: Joules = 0;
  private sinceDecision: Seconds = 0;
  private sinceThermal: Seconds = 0;
  private readonly tablePowers: readonly (readonly Watts[])[];
  /** Shown to governors and overwritten at every look, hence no allocation per look. */
  private readonly views: readonly MutableView[];
  private readonly devices: readonly MutableDevice[];
  private readonly unitClocks: readonly Hertz[][];
  private readonly cores: OnlineCores;
  private caps: readonly Cap[];
  private last: Seconds = 0;
  private ticks = 0;
  private peak: Watts = 0;
  private peakJoules: Joules = 0;
  private peakSeconds: Seconds = 0;
  maxSkin: Celsius = Number.NEGATIVE_INFINITY;
  maxJunction: Celsius = Number.NEGATIVE_INFINITY;
  throttledSeconds: Seconds = 0;
  /** Looks in a row after which every clock stayed as it was, with the die far below its trip. */
  steadyLooks = 0;

  constructor(parts: ControlParts) {
    const { machine, execution, ledger } = parts;
    const { domains } = machine;
    this.parts = parts;
    this.point = Int32Array.from(domains, topPoint);
    this.wanted = this.point.slice();
    this.allowed = this.point.slice();
    this.reasons = domains.map(() => '');
    this.cores = new OnlineCores(machine);
    this.power = new PowerAccount({
      machine,
      execution,
      ledger,
      point: this.point,
      powered: this.cores.powerShare,
    });
    this.busySeconds = new Float64Array(domains.length);
    this.domainJoules = new Float64Array(domains.length);
    this.tablePowers = domains.map(domainPowers);
    this.views = domains.map(viewOf);
    this.devices = domains.map((domain, d) => deviceOf(domain, this.tablePowers[d]!));
    this.unitClocks = machine.units.map(({ domains: own }) => own.map(() => 0));
    this.caps = domains.map((domain) => ({ point: topPoint(domain), reason: '' }));
    this.decide(0);
    this.applyClocks();
    this.noteTemperatures();
    parts.probes.start(this.power, this.point, this.allowed);
  }

  get totalJoules(): Joules {
    return this.power.meter.total;
  }

  /** Largest mean power over `PEAK_WINDOW`; of the whole run where that is shorter. */
  get peakWatts(): Watts {
    if (this.peak > 0 || this.peakSeconds === 0) return this.peak;
    return this.peakJoules / this.peakSeconds;
  }

  get supply(): Supply | undefined {
    return this.power.supply;
  }

  /** Joules by rail since the start; they sum to all energy drawn. */
  byRail(): Record<string, Joules> {
    return this.power.meter.byRail();
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
    const { machine, execution, probes } = this.parts;
    const account = this.power;
    execution.progressAll(now);
    probes.noteTraffic(execution.unitBytes);
    account.pass(dt, now);
    machine.thermal.advance(dt, account.watts);
    this.noteTemperatures();
    this.notePeak(account.totalWatts, dt);
    let throttled = false;
    for (let d = 0; d < this.point.length; d++) {
      const busy = account.busy[d]!;
      this.busySeconds[d]! += busy * dt;
      this.domainJoules[d]! += account.domainWatts[d]! * dt;
      if (busy > 0 && this.isHeld(d)) throttled = true;
    }
    if (throttled) this.throttledSeconds += dt;
    probes.sample(now, dt);
  }

  /** By its clock or by its cores. */
  private isHeld(d: number): boolean {
    return this.point[d]! < this.wanted[d]! || this.cores.speedShare[d]! < 1;
  }

  /** Phases end between looks: windows of less than a period would show the energy that an operator pays at its start. */
  private notePeak(watts: Watts, dt: Seconds): void {
    this.peakJoules += watts * dt;
    this.peakSeconds += dt;
    if (this.peakSeconds < PEAK_WINDOW) return;
    this.peak = Math.max(this.peak, this.peakJoules / this.peakSeconds);
    this.peakJoules = 0;
    this.peakSeconds = 0;
  }

  private decide(now: Seconds): void {
    const { governors, thermalEvery } = this.parts;
    const period = this.sinceDecision;
    this.sinceThermal += period;
    this.observeLoad(period);
    if (this.ticks++ % thermalEvery === 0) this.decideCaps();
    let changed = false;
    for (let d = 0; d < governors.length; d++) {
      const before = this.wanted[d]!;
      const wanted = governors[d]!.choose(this.views[d]!);
      const cap = this.caps[d]!;
      this.wanted[d] = wanted;
      this.allowed[d] = cap.point;
      this.reasons[d] = cap.reason;
      changed ||= wanted !== before;
    }
    if (this.cores.apply(this.caps, (d, on, all) => this.noteCores(d, on, all, now)))
      changed = true;
    if (this.supply && period > 0) this.holdToBattery(this.supply, period);
    for (let d = 0; d < this.point.length; d++) {
      const next = Math.min(this.wanted[d]!, this.allowed[d]!);
      if (next === this.point[d]) continue;
      changed = true;
      if (period > 0) this.noteChange(d, next, now);
      this.point[d] = next;
    }
    this.busySeconds.fill(0);
    this.domainJoules.fill(0);
    this.joulesBefore = this.totalJoules;
    this.sinceDecision = 0;
    if (changed) this.applyClocks();
    const warm =
      this.hottest(this.parts.machine.junctionNodes) >
      this.parts.machine.limits.junction - NEAR_TRIP;
    this.steadyLooks = changed || warm ? 0 : this.steadyLooks + 1;
  }

  /** What governors see: load of the time since the last decision, present points and temperatures. */
  private observeLoad(period: Seconds): void {
    for (let d = 0; d < this.views.length; d++) {
      const view = this.views[d]!;
      if (period > 0) view.busyShare = Math.min(this.busySeconds[d]! / period, 1);
      view.current = this.point[d]!;
      view.period = period;
      const device = this.devices[d]!;
      device.requested = device.powers[this.wanted[d]!]! * view.busyShare;
      device.busyShare = view.busyShare;
      device.current = view.current;
      device.temperature = this.at(device.node);
    }
  }

  private decideCaps(): void {
    const { machine, thermalGovernor } = this.parts;
    this.caps = thermalGovernor.limit({
      junction: this.hottest(machine.junctionNodes),
      skin: this.hottest(machine.skinNodes),
      board: this.hottest(machine.boardNodes ?? machine.skinNodes),
      devices: this.devices,
      period: this.sinceThermal,
    });
    this.sinceThermal = 0;
  }

  /** Lowers `allowed` until the power that the next points predict is one that the battery can stand. */
  private holdToBattery(supply: Supply, period: Seconds): void {
    const { regulator } = this.parts.machine;
    const limit = supply.limit(this.at(supply.spec.cellNode));
    const drawn = (this.totalJoules - this.joulesBefore) / period;
    for (;;) {
      let total = drawn;
      let most = -1;
      let mostWatts = 0;
      for (let d = 0; d < this.domainJoules.length; d++) {
        const now = this.domainJoules[d]! / period;
        const next = Math.min(this.wanted[d]!, this.allowed[d]!);
        const powers = this.tablePowers[d]!;
        const present = powers[this.point[d]!]!;
        const watts = present > 0 ? (now * powers[next]!) / present : now;
        total += (watts - now) / regulator.efficiency;
        if (next === 0 || watts <= mostWatts) continue;
        most = d;
        mostWatts = watts;
      }
      if (total <= limit || most < 0) return;
      this.allowed[most] = Math.min(this.wanted[most]!, this.allowed[most]!) - 1;
      this.reasons[most] = BATTERY;
    }
  }

  private noteChange(d: number, next: number, now: Seconds): void {
    const { machine, probes } = this.parts;
    const { name, points } = machine.domains[d]!.clock;
    const capped = this.allowed[d]! < this.wanted[d]!;
    probes.changed(
      name,
      points[next]!.frequency,
      capped ? this.reasons[d]! : 'governor: load',
      now,
    );
  }

  private noteCores(d: number, on: number, all: number, now: Seconds): void {
    const { name } = this.parts.machine.domains[d]!.clock;
    const reason = this.caps[d]!.coresReason ?? 'cool again';
    this.parts.probes.coresChanged(name, on, all, reason, now);
  }

  private applyClocks(): void {
    const { machine, execution } = this.parts;
    for (let u = 0; u < machine.units.length; u++) {
      execution.speed[u] = this.speedAt(u, this.point, this.cores.speedShare);
      execution.wantedSpeed[u] = this.speedAt(u, this.wanted);
      execution.stalledWatts[u] = 0;
      execution.matrixWatts[u] = 0;
      execution.vectorWatts[u] = 0;
      for (const d of machine.units[u]!.domains) this.addWatts(u, d);
    }
  }

  private speedAt(u: number, points: Int32Array, shares?: Float64Array): Hertz {
    const { unit, domains } = this.parts.machine.units[u]!;
    const clocks = this.unitClocks[u]!;
    for (let i = 0; i < domains.length; i++) {
      const d = domains[i]!;
      clocks[i] = this.views[d]!.frequencies[points[d]!]! * (shares?.[d] ?? 1);
    }
    return unit.speed(clocks);
  }

  private addWatts(u: number, d: number): void {
    const { execution, machine } = this.parts;
    const { clock, power } = machine.domains[d]!;
    const point = clock.points[this.point[d]!]!;
    const on = this.cores.powerShare[d]!;
    execution.stalledWatts[u]! += on * switchedWatts(power.stalled, point);
    execution.matrixWatts[u]! += on * switchedWatts(power.matrix, point);
    execution.vectorWatts[u]! += on * switchedWatts(power.vector, point);
  }

  private at(node: number): Celsius {
    return this.parts.machine.thermal.temperatures[node]!;
  }

  private hottest(nodes: readonly number[]): Celsius {
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < nodes.length; i++) most = Math.max(most, this.at(nodes[i]!));
    return most;
  }

  private noteTemperatures(): void {
    this.maxSkin = Math.max(this.maxSkin, this.hottest(this.parts.machine.skinNodes));
    const junction = this.hottest(this.parts.machine.junctionNodes);
    this.maxJunction = Math.max(this.maxJunction, junction);
    if (!(junction < SHUTDOWN)) throw runaway(this.parts.machine, junction, this.last);
  }
}

function topPoint({ clock }: MachineDomain): number {
  return clock.points.length - 1;
}

function viewOf({ clock }: MachineDomain) {
  return {
    name: clock.name,
    frequencies: clock.points.map(({ frequency }) => frequency),
    current: clock.points.length - 1,
    busyShare: 1,
    period: 0,
  };
}
type MutableView = ReturnType<typeof viewOf>;

function deviceOf(
  { clock: { name, points }, node, cores = 1 }: MachineDomain,
  powers: readonly Watts[],
) {
  return {
    name,
    powers,
    requested: powers.at(-1)!,
    busyShare: 1,
    current: points.length - 1,
    temperature: 0,
    node,
    cores,
  };
}
type MutableDevice = ReturnType<typeof deviceOf>;

/** Power of a domain at each point with everything busy, for thermal governors. */
function domainPowers({ clock, power }: MachineDomain): Watts[] {
  return clock.points.map(
    (point) => fullLoadWatts(power, point) + power.leakage(point.voltage, TABLE_TEMPERATURE),
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
