/**
 * The clock of main memory: who votes for it, which point is in force, and what the machine is like at it.
 *
 * Model    highest of: the bandwidth monitor (devfreq on the share in use), a vote per CPU cluster from the table of its
 *          device tree by clock and by whether it waits, the bus vote of the GPU's power level, the top for an NPU
 *          while it runs a graph. It rises at once and falls only after `HOLD`; a request that ends idleness finds the
 *          top, as boost hints of the system see to. Heat may hold it below
 * Ignores  the stop of about 30 µs in which the DRAM changes its clock (one in three thousand at a change per look)
 * Valid    SoCs whose description lists rates; those without memory-latency tables vote in proportion to their clock
 * Source   socs/memory-votes.csv (vendor device trees); GPU: Snapdragon 8 Gen 1 device tree, bus vote by power level
 * Checked  test/unit/engine/memory-clock.test.ts
 */
import type { Hertz, Seconds } from '../base/units.ts';
import type { Governor, MemoryCap } from '../runtime/governor.ts';
import { MemoryGovernor } from '../runtime/governors/memory-votes.ts';
import type { Execution } from './execution.ts';
import type { Machine, MachineMemoryClock } from './machine.ts';

/** Looser demand is obeyed after this long: bandwidth monitors and vote hysteresis of vendor trees take 40 to 100 ms. */
const HOLD: Seconds = 0.08;
/** A cluster waits on memory when it does so for a tenth of its time: below that monitors count no latency-bound loop. */
const WAITING = 0.1;
/** DRAM over top clock by GPU over top clock: 220–317, 350, 421–492, 545–599, 640–734 and 791–818 MHz of an Adreno 730. */
const GPU_VOTES: readonly (readonly [upTo: number, vote: number])[] = [
  [0.39, 0.135],
  [0.43, 0.163],
  [0.6, 0.464],
  [0.73, 0.624],
  [0.9, 0.954],
];

/** What the clock may know of the domains at a look. */
export interface DomainClocks {
  readonly name: string;
  readonly busyShare: number;
  readonly frequencies: readonly Hertz[];
  readonly current: number;
}

export class MemoryClock {
  point: number;
  private readonly machine: Machine;
  private readonly spec: MachineMemoryClock;
  private readonly fixed: Governor | undefined;
  private readonly votes: MemoryGovernor;
  private readonly view;
  /** By unit and domain: the name it votes under. */
  private readonly voters: readonly (readonly string[])[];
  private calm: Seconds = 0;
  private cap: MemoryCap | undefined;
  private highest: number;
  /** Of what heat says, as long as more than it allows is asked for. */
  held = '';

  /** @param fixed decides instead of votes, for `performance`, `powersave` and the like. */
  constructor(machine: Machine, spec: MachineMemoryClock, fixed?: Governor) {
    this.machine = machine;
    this.spec = spec;
    this.fixed = fixed;
    this.votes = new MemoryGovernor(spec.votes ?? {});
    this.voters = machine.units.map(({ unit, domains }) =>
      domains.map((d, i) => {
        const monitor = spec.votes && spec.monitors[d];
        return monitor ? `${monitor} ${d}` : `${unit.name} ${i}`;
      }),
    );
    this.point = spec.clock.points.length - 1;
    this.highest = this.point;
    this.view = {
      name: spec.clock.name,
      frequencies: spec.clock.points.map(({ frequency }) => frequency),
      current: this.point,
      busyShare: 0,
      period: 0,
    };
  }

  /** Heat's word, from the next decision on. */
  hold(cap: MemoryCap | undefined): void {
    this.cap = cap;
  }

  /** What heat leaves while these domains work. */
  private highestOf(domains: readonly DomainClocks[]): number {
    const top = this.view.frequencies.length - 1;
    if (!this.cap) return top;
    let share = 1;
    for (let d = 0; d < domains.length; d++) {
      const { name, busyShare } = domains[d]!;
      if (busyShare > 0) share = Math.min(share, this.cap.shares[name] ?? 1);
    }
    // Shares are written as decimals of a table length; a hair below a point is that point.
    return Math.floor(share * top + 1e-9);
  }

  get frequency(): Hertz {
    return this.view.frequencies[this.point]!;
  }

  /** The machine with its memory as it runs now. */
  get present(): Machine {
    return this.spec.at(this.point);
  }

  /**
   * Chooses the point of the next period.
   * @param usedShare bytes moved over what could have been, in the period that ends.
   * @returns whether it changed.
   */
  decide(
    period: Seconds,
    usedShare: number,
    domains: readonly DomainClocks[],
    execution: Execution,
  ): boolean {
    if (period <= 0) return false;
    this.view.current = this.point;
    this.view.busyShare = usedShare;
    this.view.period = period;
    this.highest = this.highestOf(domains);
    if (!this.fixed) this.observe(domains, execution);
    return this.settle((this.fixed ?? this.votes).choose(this.view), period);
  }

  /** Work begins after a pause. @returns whether the clock changed. */
  wake(): boolean {
    return this.fixed ? false : this.settle(this.view.frequencies.length - 1, 0);
  }

  private settle(asked: number, period: Seconds): boolean {
    const wanted = Math.min(asked, this.highest);
    this.held = asked > wanted ? (this.cap?.reason ?? '') : '';
    this.calm = wanted < this.point ? this.calm + period : 0;
    if (wanted === this.point || (wanted < this.point && !this.fixed && this.calm < HOLD))
      return false;
    this.calm = 0;
    this.point = wanted;
    return true;
  }

  private observe(domains: readonly DomainClocks[], execution: Execution): void {
    const top = this.view.frequencies.at(-1)!;
    for (let u = 0; u < this.machine.units.length; u++) {
      const { unit, domains: own } = this.machine.units[u]!;
      const waits = execution.takeWaitingShare(u) > WAITING;
      for (let i = 0; i < own.length; i++) {
        const d = own[i]!;
        const { busyShare, frequencies, current } = domains[d]!;
        const frequency = frequencies[current]!;
        const monitor = this.spec.monitors[d];
        if (monitor && this.spec.votes) {
          this.votes.observe(monitor, frequency, busyShare > 0, waits, this.voters[u]![i]);
        } else {
          const share = voteShare(unit.kind, frequency / frequencies.at(-1)!);
          this.votes.ask(this.voters[u]![i]!, busyShare > 0 ? share * top : 0);
        }
      }
    }
  }
}

/** Of the top clock of memory, by a unit's share of its own. */
function voteShare(kind: string, clockShare: number): number {
  if (kind === 'npu') return 1;
  if (kind !== 'gpu') return clockShare;
  return GPU_VOTES.find(([upTo]) => clockShare <= upTo)?.[1] ?? 1;
}
