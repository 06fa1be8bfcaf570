/**
 * How fast outputs come over time, as a counter: exact means between one moment and the next, zero where none came.
 *
 * What one workload answers at once is told together, so that its integral over time is the number of its outputs.
 */
import type { Seconds } from '../base/units.ts';
import { CounterGroup } from './counter-group.ts';
import type { Recorder } from './recorder.ts';

export class OutputRate {
  private readonly flow: CounterGroup;
  private last: Seconds = 0;

  constructor(recorder: Recorder, name: string, subject: string) {
    const about = { name, quantity: 'rate', unit: '1/s', subject } as const;
    this.flow = recorder.addGroup(new CounterGroup('flow', [about]));
  }

  /** Outputs are on their way from now on: what came before is over. */
  begin(now: Seconds): void {
    if (now <= this.last) return;
    this.flow.offer(now);
    this.last = now;
  }

  /** So many came since the last moment told. */
  came(outputs: number, now: Seconds): void {
    this.flow.add(0, outputs);
    this.begin(now);
  }
}
