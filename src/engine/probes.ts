/** Samples clocks, watts, degrees and bytes into the timeline's counters. */
import { formatQuantity } from '../base/quantity.ts';
import type { Hertz, Seconds } from '../base/units.ts';
import type { Execution } from './execution.ts';
import type { Machine } from './machine.ts';
import type { Recorder } from './recorder.ts';

/** One control period as the control loop saw it; `watts` are by thermal node. */
export interface Frame {
  readonly now: Seconds;
  readonly dt: Seconds;
  readonly point: Int32Array;
  readonly execution: Execution;
  readonly watts: Float64Array;
}

export class Probes {
  private readonly machine: Machine;
  private readonly recorder: Recorder;
  private readonly frequency: number[];
  private readonly temperature: number[];
  private readonly power: number[];
  private readonly bandwidth: number[];

  constructor(machine: Machine, recorder: Recorder) {
    this.machine = machine;
    this.recorder = recorder;
    this.frequency = machine.domains.map(({ clock: { name } }) =>
      recorder.addCounter({
        name: `${name} frequency`,
        quantity: 'frequency',
        unit: 'Hz',
        subject: name,
      }),
    );
    this.temperature = machine.thermal.nodes.map((node) =>
      recorder.addCounter({
        name: `${node} temperature`,
        quantity: 'temperature',
        unit: '°C',
        subject: node,
      }),
    );
    this.power = machine.thermal.nodes.map((node) =>
      recorder.addCounter({ name: `${node} power`, quantity: 'power', unit: 'W', subject: node }),
    );
    this.bandwidth = machine.units.map(({ unit }) =>
      recorder.addCounter({
        name: `${unit.name} bandwidth`,
        quantity: 'bandwidth',
        unit: 'B/s',
        subject: unit.name,
      }),
    );
  }

  sample({ now, dt, point, execution, watts }: Frame): void {
    const { recorder, machine } = this;
    for (const [d, counter] of this.frequency.entries()) {
      recorder.sample(counter, now, machine.domains[d]!.clock.points[point[d]!]!.frequency);
    }
    for (const [node, counter] of this.temperature.entries()) {
      recorder.sample(counter, now, machine.thermal.temperatures[node]!);
    }
    for (const [node, counter] of this.power.entries()) recorder.sample(counter, now, watts[node]!);
    for (const [u, counter] of this.bandwidth.entries()) {
      recorder.sample(counter, now, dt > 0 ? execution.unitBytes[u]! / dt : 0);
    }
  }

  changed(domain: string, frequency: Hertz, reason: string, now: Seconds): void {
    this.recorder.mark({
      time: now,
      track: domain,
      name: `${domain} to ${formatQuantity(frequency, 'frequency')}`,
      reason,
    });
  }
}
