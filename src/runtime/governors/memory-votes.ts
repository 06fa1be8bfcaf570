/**
 * Clock of DRAM, system cache or L3 as Snapdragons set it: by bandwidth, and by votes of waiting CPUs.
 *
 * Model    points from devfreq on the share of bandwidth in use; beside it every CPU monitor that counts
 *          stalls votes a frequency from its table by CPU clock; the highest request wins
 * Ignores  the stall threshold itself (the caller says whether a CPU waits on memory), vote hysteresis
 * Valid    Snapdragons of which the device tree is published
 * Source   memory-latency tables of vendor device trees, per row in socs/memory-votes.csv
 * Checked  test/unit/runtime/governors/memory-votes.test.ts
 */
import { type CsvRow, parseCsv } from '../../base/csv.ts';
import { type Fault, SpecError } from '../../base/errors.ts';
import { nearestHint } from '../../base/registry.ts';
import { type Hertz, MEGA } from '../../base/units.ts';
import type { DomainView, Governor } from '../governor.ts';
import { pointAtLeast } from './fixed.ts';
import { SimpleOndemand } from './simple-ondemand.ts';

/** One step of a monitor's table: a CPU clock up to `upTo` votes `vote`. */
interface VoteStep {
  readonly upTo: Hertz;
  readonly vote: Hertz;
}

/** Steps by monitor (`silver`, `gold`, `prime`, and their `-compute` variants for few stalls), lowest first. */
export type VoteTable = Readonly<Record<string, readonly VoteStep[]>>;

/** What a vote is about: `ddr`, `llcc` (system cache) or `l3`. */
export type VoteTarget = 'ddr' | 'llcc' | 'l3';

/**
 * Reads `soc,target,cpu_monitor,cpu_mhz_up_to,vote_mhz,…`.
 * @throws SpecError for an unknown SoC, clocks that do not rise, and values that are no numbers.
 */
export function parseVoteTable(
  text: string,
  file: string,
  soc: string,
  target: VoteTarget,
): VoteTable {
  const required = ['soc', 'target', 'cpu_monitor', 'cpu_mhz_up_to', 'vote_mhz'];
  const { rows } = parseCsv(text, file, required);
  const own = rows.filter(({ values }) => values['soc'] === soc && values['target'] === target);
  const faults: Fault[] = [];
  if (own.length === 0) {
    const known = [...new Set(rows.map(({ values }) => values['soc'] ?? ''))];
    const hint = nearestHint(soc, known);
    faults.push({ file, message: `no memory votes for "${soc}" (${target})`, hint });
  }
  const table: Record<string, VoteStep[]> = {};
  for (const row of own) {
    const monitor = row.values['cpu_monitor'] ?? '';
    const steps = table[monitor] ?? [];
    table[monitor] = steps;
    const step = stepOf(row);
    if (!(step.upTo > (steps.at(-1)?.upTo ?? 0))) {
      const got = row.values['cpu_mhz_up_to'] ?? '';
      faults.push({
        file,
        line: row.line,
        path: 'cpu_mhz_up_to',
        message: 'clocks must rise',
        got,
      });
    }
    steps.push(step);
  }
  if (faults.length > 0) throw new SpecError(faults);
  return table;
}

/** Whether a table has rows of this SoC about `target`. */
export function hasVotes(text: string, file: string, soc: string, target: VoteTarget): boolean {
  const { rows } = parseCsv(text, file, ['soc', 'target']);
  return rows.some(({ values }) => values['soc'] === soc && values['target'] === target);
}

/** Monitors of clusters from the slowest to the fastest, where the table has them: little cores may have none. */
export function monitorsOf(table: VoteTable, clusters: number): string[] {
  const known = (name: string) => (name in table ? name : 'gold');
  return Array.from({ length: clusters }, (_, i) => {
    if (i === clusters - 1) return known('prime');
    return i === 0 && clusters > 2 ? known('silver') : 'gold';
  });
}

/** The vote of one monitor at a CPU clock; above the last step the last vote holds. 0 for an unknown monitor. */
export function voteAt(table: VoteTable, monitor: string, cpuFrequency: Hertz): Hertz {
  const steps = table[monitor] ?? [];
  // Operating points and table steps are the same decimals; half a hertz forgives their product with 10⁶.
  for (const { upTo, vote } of steps) if (cpuFrequency <= upTo + 0.5) return vote;
  return steps.at(-1)?.vote ?? 0;
}

export class MemoryGovernor implements Governor {
  readonly #table: VoteTable;
  readonly #bandwidth = new SimpleOndemand({ upThreshold: 90, downDifferential: 5, polling: 0.01 });
  /** Places of voters, by name, and what each asks for. */
  readonly #places = new Map<string, number>();
  readonly #votes: Hertz[] = [];

  constructor(table: VoteTable) {
    this.#table = table;
  }

  /**
   * Tells the governor about one CPU cluster before `choose`.
   * @param key tells clusters apart that share a monitor's table.
   * @param waits whether it stalls on memory; a computing cluster votes by its `-compute` table where it has one.
   */
  observe(
    cluster: string,
    cpuFrequency: Hertz,
    busy: boolean,
    waits: boolean,
    key: string = cluster,
  ): void {
    const compute = `${cluster}-compute`;
    const monitor = !waits && compute in this.#table ? compute : cluster;
    this.ask(key, busy ? voteAt(this.#table, monitor, cpuFrequency) : 0);
  }

  /** A vote from elsewhere: a driver that asks for a clock by itself. */
  ask(name: string, frequency: Hertz): void {
    const known = this.#places.get(name);
    if (known === undefined) this.#places.set(name, this.#votes.push(frequency) - 1);
    else this.#votes[known] = frequency;
  }

  choose(view: DomainView): number {
    let wanted = 0;
    for (let i = 0; i < this.#votes.length; i++) wanted = Math.max(wanted, this.#votes[i] as Hertz);
    const voted = wanted > 0 ? pointAtLeast(view.frequencies, wanted) : 0;
    return Math.max(voted, this.#bandwidth.choose(view));
  }
}

function stepOf(row: CsvRow): VoteStep {
  return {
    upTo: Number(row.values['cpu_mhz_up_to']) * MEGA,
    vote: Number(row.values['vote_mhz']) * MEGA,
  };
}
