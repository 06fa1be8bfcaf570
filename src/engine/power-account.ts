/**
 * What the device drew since the last look, by part: work, leakage, memory, regulators, screen, cell.
 *
 * Model    units: joules of operators, over their domains by power at full load; domains: leakage at the block's
 *          temperature for cores at work, its gated share and idle power for the rest; all rails of the SoC through
 *          a regulator; screen and the rest of the device straight from the battery, which adds I²R
 * Ignores  changes of leakage within one period (temperature moves millikelvins in 10 ms)
 * Valid    periods well below the time constants of the die nodes (tens of milliseconds)
 * Source   hardware/power.ts, hardware/battery.ts
 * Checked  test/property/engine.test.ts (every joule once in each view), test/unit/engine/control-loop.test.ts
 */
import { clearColumn } from '../base/columns.ts';
import type { Bytes, Joules, Seconds, Watts } from '../base/units.ts';
import { fullLoadWatts, leakageWatts, regulatorLoss, switchedWatts } from '../hardware/power.ts';
import { backgroundBandwidth } from './bandwidth.ts';
import type { ClockState } from './clock-state.ts';
import { type Drain, EnergyMeter } from './energy-meter.ts';
import type { Execution } from './execution.ts';
import { awakeShare } from './host-thread.ts';
import type { Ledger } from './ledger.ts';
import type { Machine, MachineDomain, MachineUnit } from './machine.ts';
import { Supply } from './supply.ts';

export interface PowerAccountParts {
  readonly machine: Machine;
  readonly execution: Execution;
  readonly ledger: Ledger;
  readonly clocks: ClockState;
  /** By domain, written by the control loop: share of the cores that work. */
  readonly powered: Float64Array;
}

export class PowerAccount {
  readonly meter: EnergyMeter;
  readonly supply: Supply | undefined;
  /** Heat by thermal node over the last period. */
  readonly watts: Float64Array;
  /** By domain: mean power and share with work over the last period. */
  readonly domainWatts: Float64Array;
  readonly busy: Float64Array;
  /** By domain: share of its cores that threads which wait for another unit kept busy, and of one core. */
  readonly hosting: Float64Array;
  private readonly hostBusy: Float64Array;
  /** By domain: share with work that did not sleep until the drive had brought something. */
  private readonly awake: Float64Array;
  /** By domain: share of the time in which all threads of the runtime wait for another unit. */
  private readonly pooled: Float64Array;
  /** Whole device over the last period, the cell's own heat included. */
  totalWatts: Watts = 0;
  private readonly machine: Machine;
  private readonly execution: Execution;
  private readonly ledger: Ledger;
  private readonly clocks: ClockState;
  private readonly powered: Float64Array;
  private readonly rails;
  private readonly drains;

  constructor({ machine, execution, ledger, clocks, powered }: PowerAccountParts) {
    this.machine = machine;
    this.execution = execution;
    this.ledger = ledger;
    this.clocks = clocks;
    this.powered = powered;
    this.meter = new EnergyMeter(ledger, machine.thermal.nodes.length);
    this.supply = machine.supply && new Supply(machine.supply);
    this.watts = new Float64Array(machine.thermal.nodes.length);
    this.domainWatts = new Float64Array(machine.domains.length);
    this.busy = new Float64Array(machine.domains.length);
    this.hosting = new Float64Array(machine.domains.length);
    this.hostBusy = new Float64Array(machine.domains.length);
    this.awake = new Float64Array(machine.domains.length);
    this.pooled = new Float64Array(machine.domains.length);
    this.rails = railsOf(machine, this.meter, execution);
    this.drains = drainsOf(machine, this.meter);
  }

  /**
   * Accounts for `dt` seconds that end at `now`, and starts the next period.
   * @param loaded bytes that memory moved for models on their way.
   */
  pass(dt: Seconds, now: Seconds, loaded: Bytes = 0): void {
    const { machine, execution, meter } = this;
    const before = meter.total;
    clearColumn(this.busy);
    clearColumn(this.hosting);
    clearColumn(this.hostBusy);
    clearColumn(this.awake);
    clearColumn(this.pooled);
    clearColumn(this.domainWatts);
    for (let u = 0; u < machine.units.length; u++) this.passUnit(u, dt);
    for (let d = 0; d < machine.domains.length; d++) this.passDomain(d, dt);
    this.passMemory(dt, loaded);
    const { efficiency } = machine.regulator;
    const rails = (meter.total - before) / dt;
    meter.drain(this.drains.regulator, regulatorLoss(rails, efficiency) * dt);
    for (let i = 0; i < machine.platform.length; i++) {
      meter.drain(this.drains.platform[i]!, machine.platform[i]!.watts * dt);
    }
    this.passRadio(now);
    this.passSupply(dt, now, (meter.total - before) / dt);
    this.totalWatts = (meter.total - before) / dt;
    for (let i = 0; i < this.watts.length; i++) this.watts[i] = meter.nodeJoules[i]! / dt;
    meter.clear();
    execution.memoryJoules = 0;
    execution.fabricJoules = 0;
    clearColumn(execution.unitJoules);
    clearColumn(execution.unitBytes);
    clearColumn(execution.busySeconds);
    clearColumn(execution.pooledSeconds);
    clearColumn(execution.reads.asleepSeconds);
  }

  /** Power of the cores that work, at full load at their present point, leakage aside. */
  private fullWatts(d: number): Watts {
    return this.powered[d]! * fullLoadWatts(this.machine.domains[d]!.power, this.clocks.now[d]!);
  }

  private passUnit(u: number, dt: Seconds): void {
    const { machine, execution, meter } = this;
    const share = Math.min(execution.busySeconds[u]! / dt, 1);
    const all = execution.unitJoules[u]!;
    if (share === 0 && all === 0) return;
    const awake = Math.min(awakeSeconds(execution, u) / dt, 1);
    const { domains, host } = machine.units[u]!;
    const joules = host ? all - this.passHost(u, host, share, dt, all) : all;
    let full = 0;
    for (const d of domains) full += this.fullWatts(d);
    for (const d of domains) {
      const part = full > 0 ? (joules * this.fullWatts(d)) / full : joules / domains.length;
      meter.count(this.rails.units[u]!, machine.domains[d]!.node, part);
      this.domainWatts[d]! += part / dt;
      this.busy[d] = Math.max(this.busy[d]!, share);
      this.awake[d] = Math.max(this.awake[d]!, awake);
    }
  }

  /** Takes what its host thread drew out of a unit's joules, and heats the thread's cluster with it. */
  private passHost(
    u: number,
    host: NonNullable<MachineUnit['host']>,
    share: number,
    dt: Seconds,
    all: Joules,
  ): Joules {
    const { machine, execution, hosting, hostBusy } = this;
    const { domain } = host;
    const core = awakeShare(machine, host, this.clocks.now[domain]!);
    const waiting = awakeSeconds(execution, u);
    const joules = Math.min(all, execution.hostWatts[u]! * waiting);
    const { node, cores = 1 } = machine.domains[domain]!;
    this.meter.count(this.rails.host, node, joules);
    this.domainWatts[domain]! += joules / dt;
    const awake = Math.min(waiting / dt, 1);
    hosting[domain] = Math.min(hosting[domain]! + (awake * core) / cores, 1);
    hostBusy[domain] = Math.max(hostBusy[domain]!, share * core);
    this.notePool(u, host.share, dt);
    return joules;
  }

  /** Beside operators on the CPU, its threads wait as the host thread does. */
  private notePool(u: number, awake: number, dt: Seconds): void {
    const { machine, execution, pooled } = this;
    const share = Math.min((awake * execution.pooledSeconds[u]!) / dt, 1);
    if (share === 0) return;
    for (const { unit, domains } of machine.units) {
      if (unit.kind !== 'cpu') continue;
      for (const d of domains) pooled[d] = Math.max(pooled[d]!, share);
    }
  }

  private passDomain(d: number, dt: Seconds): void {
    const { power, node } = this.machine.domains[d]!;
    const busy = this.busy[d]!;
    const { voltage } = this.clocks.now[d]!;
    const warm = this.machine.thermal.temperatures[node]!;
    // Cores without a thread sleep as those do that are off or have no work.
    const pooled = Math.min(this.pooled[d]!, 1 - this.awake[d]!);
    const awake = Math.max((this.awake[d]! + pooled) * this.powered[d]!, this.hosting[d]!);
    // Of the core that computes in one moment and waits in the next: governors follow the busiest, and take one that
    // waits for a drive for busy (Linux, kernel/sched/cpufreq_schedutil.c: iowait boost).
    this.busy[d] = Math.min(busy + Math.max(this.hostBusy[d]!, pooled), 1);
    this.passPool(d, pooled * this.powered[d]! - this.hosting[d]!, dt);
    const leakage = leakageWatts(power, voltage, warm, awake);
    const idle = power.idle * (1 - awake);
    this.meter.drain(this.drains.leakage[d]!, leakage * dt);
    this.meter.drain(this.drains.idle[d]!, idle * dt);
    this.domainWatts[d]! += leakage + idle;
  }

  /** @param cores share of the domain's cores that wait beside the host thread, which its unit's operators pay. */
  private passPool(d: number, cores: number, dt: Seconds): void {
    if (cores <= 0) return;
    const { power, node } = this.machine.domains[d]!;
    const watts = cores * switchedWatts(power.stalled, this.clocks.now[d]!);
    const waiting = 'waiting threads';
    this.drains.pool[d] ??= this.meter.platformDrain(
      waiting,
      waiting,
      hostName(this.machine),
      node,
    );
    this.meter.drain(this.drains.pool[d]!, watts * dt);
    this.domainWatts[d]! += watts;
  }

  private passMemory(dt: Seconds, loaded: Bytes): void {
    const { machine, execution, meter, ledger } = this;
    const { memoryNode, fabricNode } = machine;
    const { memory } = execution.machine;
    meter.count(this.rails.dram, memoryNode, execution.memoryJoules);
    meter.count(this.rails.fabric, fabricNode, execution.fabricJoules);
    const stored = execution.beside.takeJoules();
    // Runs that need nothing of the drive show no rail of it.
    if (stored > 0 && machine.storage)
      meter.count(meter.rail('storage'), machine.storage.node, stored);
    let moved = loaded;
    for (let u = 0; u < execution.unitBytes.length; u++) moved += execution.unitBytes[u]!;
    const traffic = moved / dt + backgroundBandwidth(machine);
    const standby = memory.backgroundPower(machine.thermal.temperatures[memoryNode]!, traffic);
    meter.drain(this.drains.memory, standby * dt);
    for (let i = 0; i < machine.background.length; i++) {
      const bytes = machine.background[i]!.bytesPerSecond * dt;
      const drain = this.drains.background[i]!;
      meter.drain(drain, bytes * (memory.energyPerReadByte + machine.fabricPerByte));
      ledger.bytes[drain.row]! += bytes;
    }
  }

  private passRadio(now: Seconds): void {
    const { radio } = this.execution;
    if (!radio || !this.rails.radio) return;
    this.meter.count(this.rails.radio.rail, this.rails.radio.node, radio.takeJoules(now));
  }

  private passSupply(dt: Seconds, now: Seconds, load: Watts): void {
    const { supply, machine, meter } = this;
    const { cell, charger } = this.drains;
    if (!supply || !cell) return;
    supply.pass(dt, load, machine.thermal.temperatures[supply.spec.cellNode]!, now);
    meter.drain(cell, supply.cellWatts * dt);
    if (charger) meter.drain(charger, supply.chargerWatts * dt);
  }
}

/** With work, and not asleep until the drive has brought something. */
function awakeSeconds({ busySeconds, reads }: Execution, u: number): Seconds {
  return Math.max(0, busySeconds[u]! - reads.asleepSeconds[u]!);
}

function railsOf(machine: Machine, meter: EnergyMeter, { radio }: Execution) {
  return {
    units: machine.units.map(({ unit }) => meter.rail(unit.name)),
    dram: meter.rail('dram'),
    fabric: meter.rail('fabric'),
    host: machine.units.some(({ host }) => host) ? meter.rail(hostName(machine)) : 0,
    // The modem sits beside the regulators on the board.
    radio: radio && { rail: meter.rail('radio'), node: machine.regulator.node },
  };
}

/** Host threads run on the CPU, and are counted with it. */
function hostName({ units }: Machine): string {
  return units.find(({ unit }) => unit.kind === 'cpu')?.unit.name ?? 'cpu';
}

function drainsOf(machine: Machine, meter: EnergyMeter) {
  const { memoryNode, regulator, supply } = machine;
  const ofDomain = (what: string) =>
    machine.domains.map(({ clock: { name }, node }: MachineDomain) =>
      meter.platformDrain(what, what, name, node),
    );
  const loss = 'conversion loss';
  return {
    leakage: ofDomain('leakage'),
    idle: ofDomain('idle'),
    /** Made when first drawn from: few runs have any. */
    pool: new Array<Drain | undefined>(machine.domains.length).fill(undefined),
    memory: meter.platformDrain('standby', 'standby', 'dram', memoryNode),
    background: machine.background.map(({ name }) =>
      meter.platformDrain('background traffic', name, 'dram', memoryNode),
    ),
    regulator: meter.platformDrain(loss, loss, 'regulators', regulator.node),
    platform: machine.platform.map(({ name, node }) =>
      meter.platformDrain('standby', 'standby', name, node),
    ),
    cell: supply && meter.platformDrain(loss, loss, 'battery', supply.cellNode),
    charger:
      supply && supply.chargerWatts > 0
        ? meter.platformDrain(loss, loss, 'charger', supply.chargerNode)
        : undefined,
  };
}
