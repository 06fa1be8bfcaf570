/** Samples clocks, watts, degrees and bytes into the timeline's counters. */
import { formatQuantity } from '../base/quantity.ts';
import type { Bytes, Hertz, Seconds } from '../base/units.ts';
import { CounterGroup } from './counter-group.ts';
import type { Machine } from './machine.ts';
import type { MemoryClock } from './memory-clock.ts';
import type { PowerAccount } from './power-account.ts';
import type { Recorder } from './recorder.ts';
import type { Counter } from './timeline.ts';

type About = Omit<Counter, 'time' | 'value'>;

export class Probes {
  private readonly machine: Machine;
  private readonly recorder: Recorder;
  private readonly states: CounterGroup;
  private readonly flows: CounterGroup;
  private power: PowerAccount | undefined;
  private memory: MemoryClock | undefined;
  private point: Int32Array = new Int32Array(0);
  private allowed: Int32Array = new Int32Array(0);

  /** @param loads whether models come from storage in the run. */
  constructor(machine: Machine, recorder: Recorder, loads = false) {
    this.machine = machine;
    this.recorder = recorder;
    const domains = machine.domains.map(({ clock }) => clock.name);
    const { nodes } = machine.thermal;
    this.states = recorder.addGroup(
      new CounterGroup('state', [
        ...domains.map((name): About => about(`${name} frequency`, 'frequency', 'Hz', name)),
        ...domains.map((name): About => about(`${name} frequency cap`, 'frequency', 'Hz', name)),
        ...nodes.map((node): About => about(`${node} temperature`, 'temperature', '°C', node)),
        ...(machine.memoryClock ? [about('dram frequency', 'frequency', 'Hz', 'dram')] : []),
        ...(machine.supply
          ? [
              about('battery charge', 'share', '', 'battery'),
              about('battery voltage', 'voltage', 'V', 'battery'),
            ]
          : []),
      ]),
    );
    this.flows = recorder.addGroup(
      new CounterGroup('flow', [
        ...nodes.map((node): About => about(`${node} power`, 'power', 'W', node)),
        ...machine.units.map(({ unit: { name } }) =>
          about(`${name} bandwidth`, 'bandwidth', 'B/s', name),
        ),
        ...(loads ? [about('loading bandwidth', 'bandwidth', 'B/s', 'loading')] : []),
      ]),
    );
  }

  /** Notes what holds before anything has run; points and caps are read again at every sample. */
  start(
    power: PowerAccount,
    point: Int32Array,
    allowed: Int32Array,
    memory: MemoryClock | undefined,
  ): void {
    this.memory = memory;
    this.power = power;
    this.point = point;
    this.allowed = allowed;
    this.keepStates(0);
  }

  /** Bytes by unit since the last sample. */
  noteTraffic(unitBytes: Float64Array): void {
    const nodes = this.machine.thermal.nodes.length;
    for (let u = 0; u < unitBytes.length; u++) this.flows.add(nodes + u, unitBytes[u]!);
  }

  /** Bytes that memory moved for models on their way. */
  noteLoad(bytes: Bytes): void {
    this.flows.add(this.machine.thermal.nodes.length + this.machine.units.length, bytes);
  }

  sample(now: Seconds, dt: Seconds): void {
    this.flows.addRates(this.power!.watts, dt);
    this.flows.offer(now);
    if (this.states.offer(now)) this.keepStates(now);
  }

  changed(domain: string, frequency: Hertz, reason: string, now: Seconds): void {
    this.recorder.mark({
      time: now,
      track: domain,
      name: `${domain} to ${formatQuantity(frequency, 'frequency')}`,
      reason,
    });
  }

  coresChanged(domain: string, on: number, all: number, reason: string, now: Seconds): void {
    const name = `${domain} on ${on} of ${all} cores`;
    this.recorder.mark({ time: now, track: domain, name, reason });
  }

  refreshChanged(multiple: number, now: Seconds): void {
    const name = `dram refreshes ${multiple === 1 ? 'at its nominal rate' : `${multiple} times as often`}`;
    this.recorder.mark({ time: now, track: 'dram', name, reason: 'temperature of the dram' });
  }

  private keepStates(now: Seconds): void {
    const { states, machine } = this;
    const { temperatures } = machine.thermal;
    const count = machine.domains.length;
    for (let d = 0; d < count; d++) {
      const { points } = machine.domains[d]!.clock;
      states.set(d, points[this.point[d]!]!.frequency);
      states.set(count + d, points[this.allowed[d]!]!.frequency);
    }
    for (let i = 0; i < temperatures.length; i++) states.set(2 * count + i, temperatures[i]!);
    const { supply, totalWatts } = this.power!;
    let place = 2 * count + temperatures.length;
    if (this.memory) states.set(place++, this.memory.frequency);
    if (supply) {
      states.set(place, supply.charge);
      states.set(place + 1, supply.voltage(totalWatts, temperatures[supply.spec.cellNode]!));
    }
    states.keep(now);
  }
}

function about(name: string, quantity: Counter['quantity'], unit: string, subject: string): About {
  return { name, quantity, unit, subject };
}
