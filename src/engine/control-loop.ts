/**
 * Closes the loop power → heat → cap → clock → rate, once per control period.
 *
 * Model    mean power of the period heats the network for the period (exact for piecewise-constant power);
 *          governors then choose points from what they saw; caps of heat are applied to that, then what the
 *          battery can stand: the domain that draws most steps down until the prediction fits
 * Ignores  peaks within one period
 * Valid    periods well below the time constants of the die nodes (tens of milliseconds)
 * Source   Linux schedutil and thermal core: sample, decide, apply; battery current limiting of phones
 * Checked  test/property/engine.test.ts (energy balance), test/unit/engine/control-loop.test.ts
 */
import { clearColumn } from '../base/columns.ts';
import type { Bytes, BytesPerSecond, Celsius, Joules, Seconds, Watts } from '../base/units.ts';
import type { Cap, Governor, ThermalGovernor, ThermalView } from '../runtime/governor.ts';
import { backgroundBandwidth } from './bandwidth.ts';
import { ClockState } from './clock-state.ts';
import {
  deviceOf,
  hottest,
  type MutableDevice,
  type MutableView,
  othersOf,
  topPoint,
  viewOf,
} from './domain-views.ts';
import type { Execution } from './execution.ts';
import { HeldClocks } from './held-clocks.ts';
import { HotMemory } from './hot-memory.ts';
import { HotTimes } from './hot-times.ts';
import type { Ledger } from './ledger.ts';
import type { Machine } from './machine.ts';
import { MemoryClock } from './memory-clock.ts';
import { OnlineCores } from './online-cores.ts';
import { PowerAccount } from './power-account.ts';
import type { Probes } from './probes.ts';
import { runaway, SHUTDOWN } from './runaway.ts';
import type { Supply } from './supply.ts';
import { UnitClocks } from './unit-clocks.ts';

const BATTERY = 'battery';
/** Of peak bandwidth, what a bandwidth monitor counts as full: with devfreq's 88 % it asks for 80 % of use (bwmon io-percent). */
const MONITORED = 0.9;
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
  /** Of main memory; votes when absent. */
  readonly memoryGovernor?: Governor | undefined;
  readonly thermalGovernor: ThermalGovernor;
  readonly probes: Probes;
  /** Thermal governors run every this many control periods. */
  readonly thermalEvery: number;
}

export class ControlLoop {
  private readonly parts: ControlParts;
  private readonly power: PowerAccount;
  private readonly clocks: ClockState;
  private readonly wanted: Int32Array;
  /** Highest point allowed to each domain now, and why. */
  private readonly allowed: Int32Array;
  private readonly reasons: string[];
  /** By domain: seconds with work since the last decision. */
  private readonly busySeconds: Float64Array;
  /** By domain, the same for its cores: seconds in which one waited for another unit. */
  private readonly hostSeconds: Float64Array;
  /** Drawn since the last decision, by domain and in all. */
  private readonly domainJoules: Float64Array;
  private joulesBefore: Joules = 0;
  private sinceDecision: Seconds = 0;
  private sinceThermal: Seconds = 0;
  private readonly realTime: BytesPerSecond;
  /** Shown to governors and overwritten at every look, hence no allocation per look. */
  private readonly views: readonly MutableView[];
  private readonly devices: readonly MutableDevice[];
  private readonly unitClocks: UnitClocks;
  private readonly cores: OnlineCores;
  private readonly memory: MemoryClock | undefined;
  private readonly hotMemory = new HotMemory();
  /** Moved by units since the last decision. */
  private movedBytes: Bytes = 0;
  private caps: readonly Cap[];
  /** Hottest of each kind now, as thermal governors see it. */
  private readonly heat: { -readonly [key in keyof ThermalView]: ThermalView[key] };
  private last: Seconds = 0;
  private ticks = 0;
  private peak: Watts = 0;
  private peakJoules: Joules = 0;
  private peakSeconds: Seconds = 0;
  /** Of the last whole window, which what is left at the end is joined with. */
  private windowJoules: Joules = 0;
  private windowSeconds: Seconds = 0;
  readonly hot: HotTimes;
  throttledSeconds: Seconds = 0;
  readonly held: HeldClocks;
  /** Looks in a row after which every clock stayed as it was, with the die far below its trip. */
  steadyLooks = 0;

  constructor(parts: ControlParts) {
    const { machine, execution, ledger } = parts;
    const { domains } = machine;
    this.parts = parts;
    this.clocks = new ClockState(machine);
    this.wanted = Int32Array.from(domains, topPoint);
    this.allowed = this.wanted.slice();
    this.reasons = domains.map(() => '');
    this.cores = new OnlineCores(machine);
    this.held = new HeldClocks(machine);
    this.hot = new HotTimes(machine, parts.thermalGovernor);
    this.power = new PowerAccount({
      machine,
      execution,
      ledger,
      clocks: this.clocks,
      powered: this.cores.powerShare,
    });
    const { memoryClock } = machine;
    this.memory = memoryClock && new MemoryClock(machine, memoryClock, parts.memoryGovernor);
    this.busySeconds = new Float64Array(domains.length);
    this.hostSeconds = new Float64Array(domains.length);
    this.domainJoules = new Float64Array(domains.length);
    this.realTime = backgroundBandwidth(machine);
    this.views = domains.map(viewOf);
    this.devices = domains.map(deviceOf);
    this.unitClocks = new UnitClocks(machine, this.clocks, this.cores);
    this.caps = domains.map((domain) => ({ point: topPoint(domain), reason: '' }));
    this.heat = { junction: 0, skin: 0, board: 0, devices: this.devices, others: 0, period: 0 };
    this.noteTemperatures();
    this.decide(0);
    // A run begins where its governors want it, not on the way there.
    this.clocks.put(this.wanted.map((point, d) => Math.min(point, this.allowed[d]!)));
    this.applyClocks();
    parts.probes.start(this.power, this.clocks.point, this.allowed, this.memory);
  }

  get totalJoules(): Joules {
    return this.power.meter.total;
  }

  /** Largest mean power over `PEAK_WINDOW`, of the whole run where that is shorter: windows cover it all, so never below the average. */
  get peakWatts(): Watts {
    if (this.peakSeconds === 0) return this.peak;
    const seconds = this.windowSeconds + this.peakSeconds;
    return Math.max(this.peak, (this.windowJoules + this.peakJoules) / seconds);
  }

  get supply(): Supply | undefined {
    return this.power.supply;
  }

  /** Joules by rail since the start; they sum to all energy drawn. */
  byRail(): Record<string, Joules> {
    return this.power.meter.byRail();
  }

  /** What models on their way moved. */
  private noteLoad(): Bytes {
    const { execution, probes } = this.parts;
    if (!execution.beside.usesStorage) return 0;
    const bytes = execution.beside.takeBytes();
    this.movedBytes += bytes;
    probes.noteLoad(bytes);
    return bytes;
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
    for (let u = 0; u < execution.unitBytes.length; u++) this.movedBytes += execution.unitBytes[u]!;
    account.pass(dt, now, this.noteLoad());
    machine.thermal.advance(dt, account.watts);
    this.noteTemperatures();
    this.notePeak(account.totalWatts, dt);
    let throttled = false;
    for (let d = 0; d < this.wanted.length; d++) {
      const busy = account.busy[d]!;
      this.busySeconds[d]! += busy * dt;
      this.hostSeconds[d]! += account.hosting[d]! * dt;
      this.domainJoules[d]! += account.domainWatts[d]! * dt;
      const why = busy > 0 ? this.whyHeld(d) : undefined;
      if (why === undefined) continue;
      throttled = true;
      this.held.note(d, why, this.clocks.now[d]!.frequency, dt);
    }
    if (this.memory?.held) {
      throttled = true;
      this.held.note(this.wanted.length, this.memory.held, this.memory.frequency, dt);
    }
    if (throttled) this.throttledSeconds += dt;
    this.hot.note(this.heat, dt, throttled, account.busy, this.clocks.point);
    probes.sample(now, dt);
  }

  /** By its clock or by its cores; undefined where it runs as wanted. */
  private whyHeld(d: number): string | undefined {
    if (this.clocks.targetOf(d) < this.wanted[d]!) return this.reasons[d]!;
    return this.cores.speedShare[d]! < 1 ? (this.caps[d]!.coresReason ?? '') : undefined;
  }

  /** Phases end between looks: windows of less than a period would show the energy that an operator pays at its start. */
  private notePeak(watts: Watts, dt: Seconds): void {
    this.peakJoules += watts * dt;
    this.peakSeconds += dt;
    if (this.peakSeconds < PEAK_WINDOW) return;
    this.peak = Math.max(this.peak, this.peakJoules / this.peakSeconds);
    this.windowJoules = this.peakJoules;
    this.windowSeconds = this.peakSeconds;
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
    if (this.cores.apply(this.caps, this.noteCores)) changed = true;
    if (this.supply && period > 0) this.holdToBattery(this.supply, period);
    if (this.askClocks(now)) changed = true;
    if (this.decideMemory(now, period)) changed = true;
    if (this.decideRefresh(now)) changed = true;
    clearColumn(this.busySeconds);
    clearColumn(this.hostSeconds);
    clearColumn(this.domainJoules);
    this.movedBytes = 0;
    this.joulesBefore = this.totalJoules;
    this.sinceDecision = 0;
    if (period > 0) this.clocks.settle(now, this.noteChange);
    if (changed) this.applyClocks();
    const warm = this.heat.junction > this.parts.machine.limits.junction - NEAR_TRIP;
    this.steadyLooks = changed || warm ? 0 : this.steadyLooks + 1;
  }

  private askClocks(now: Seconds): boolean {
    let news = false;
    for (let d = 0; d < this.wanted.length; d++) {
      const point = Math.min(this.wanted[d]!, this.allowed[d]!);
      if (this.clocks.ask(d, point, now)) news = true;
    }
    return news;
  }

  /** When the next clock changes without a look; Infinity when none is on its way. */
  get nextChange(): Seconds {
    return this.clocks.next;
  }

  /** A switch of clocks is through, or stops one. */
  change(now: Seconds): void {
    this.account(now);
    if (this.clocks.settle(now, this.noteChange)) this.applyClocks();
  }

  /** What governors see: load of the time since the last decision, present points and temperatures. */
  private observeLoad(period: Seconds): void {
    for (let d = 0; d < this.views.length; d++) {
      const view = this.views[d]!;
      if (period > 0) view.busyShare = Math.min(this.busySeconds[d]! / period, 1);
      view.current = this.clocks.point[d]!;
      view.period = period;
      const device = this.devices[d]!;
      // The kernel's load of a cluster is the sum over its CPUs: those without a thread add nothing.
      const hosting = period > 0 ? this.hostSeconds[d]! / period : 0;
      device.busyShare = hosting > 0 ? hosting : view.busyShare * this.cores.powerShare[d]!;
      device.requested = device.powers[this.wanted[d]!]! * device.busyShare;
      device.current = view.current;
      device.drawn = period > 0 ? this.domainJoules[d]! / period : 0;
      device.temperature = this.at(device.node);
    }
    const watts = period > 0 ? (this.totalJoules - this.joulesBefore) / period : 0;
    this.heat.others = othersOf(this.parts.machine, watts, this.devices);
  }

  private decideCaps(): void {
    const { machine, thermalGovernor } = this.parts;
    this.heat.board = hottest(machine, machine.boardNodes ?? machine.skinNodes);
    this.heat.period = this.sinceThermal;
    this.caps = thermalGovernor.limit(this.heat);
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
        const { powers } = this.devices[d]!;
        const present = powers[this.clocks.point[d]!]!;
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

  private decideMemory(now: Seconds, period: Seconds): boolean {
    const { memory, parts } = this;
    if (!memory || period <= 0) return false;
    const { peak } = parts.execution.machine.memory;
    const used = this.movedBytes / period + this.realTime;
    const share = Math.min(used / (MONITORED * peak), 1);
    memory.hold(parts.thermalGovernor.memory);
    if (!memory.decide(period, share, this.views, parts.execution)) return false;
    this.changeMemory(memory, memory.held || 'governor: votes', now);
    return true;
  }

  /** Hot rows must be refreshed more often, which costs bandwidth. */
  private decideRefresh(now: Seconds): boolean {
    const { hotMemory, memory, parts } = this;
    const { machine, execution, probes } = parts;
    if (!hotMemory.look(this.at(machine.memoryNode))) return false;
    execution.changeMemory(hotMemory.present(memory?.present ?? machine));
    probes.refreshChanged(hotMemory.multiple, now);
    return true;
  }

  /** A request ends a pause: memory is fast again before it begins. */
  wakeMemory(now: Seconds): void {
    if (this.memory?.wake()) this.changeMemory(this.memory, 'governor: a request begins', now);
  }

  private changeMemory(memory: MemoryClock, reason: string, now: Seconds): void {
    this.parts.execution.changeMemory(this.hotMemory.present(memory.present));
    this.parts.probes.changed('dram', memory.frequency, reason, now);
  }

  private readonly noteChange = (d: number): void => {
    const { machine, probes } = this.parts;
    const reason = this.allowed[d]! < this.wanted[d]! ? this.reasons[d]! : 'governor: load';
    const { frequency } = this.clocks.now[d]!;
    probes.changed(machine.domains[d]!.clock.name, frequency, reason, this.last);
  };

  private readonly noteCores = (d: number, on: number, all: number): void => {
    const { name } = this.parts.machine.domains[d]!.clock;
    const reason = this.caps[d]!.coresReason ?? 'cool again';
    this.parts.probes.coresChanged(name, on, all, reason, this.last);
  };

  private applyClocks(): void {
    this.unitClocks.apply(this.parts.execution, this.wanted);
  }

  private at(node: number): Celsius {
    return this.parts.machine.thermal.temperatures[node]!;
  }

  private noteTemperatures(): void {
    const { machine } = this.parts;
    const junction = hottest(machine, machine.junctionNodes);
    this.heat.junction = junction;
    this.heat.skin = hottest(machine, machine.skinNodes);
    this.hot.see(junction, this.heat.skin);
    if (!(junction < SHUTDOWN)) throw runaway(machine, junction, this.last);
  }
}
