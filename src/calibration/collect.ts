/**
 * Times many models so that a busy machine spoils none of them: bursts of all models of a group take turns,
 * and the whole suite is gone through more than once.
 */
import type { Seconds } from '../base/units.ts';
import { MEBI, NANO } from '../base/units.ts';
import type { Work } from '../base/work.ts';
import { worksAsRun } from './as-run.ts';
import { type Burst, type OpenModel, openModel, timeBurst } from './measure.ts';
import type { RunnableModel } from './sketch.ts';
import { medianOf, quantileOf } from './statistics.ts';

/** What can be timed: built late, because models are large. */
export interface Candidate {
  readonly id: string;
  readonly family: string;
  build(): RunnableModel;
}

/** One model at one number of threads. */
export interface Observation {
  readonly id: string;
  readonly family: string;
  readonly threads: number;
  readonly works: readonly Work[];
  readonly seconds: Seconds;
  /** Half the interquartile range between bursts, over their median. */
  readonly spread: number;
  readonly bursts: number;
}

export interface CollectOptions {
  readonly threads: readonly number[];
  readonly passes: number;
  readonly rounds: number;
  readonly burst: Burst;
  /** Further passes are left out when they would end later than this after the start. */
  readonly budget: Seconds;
  /** Called after each group; `share` of the whole, 0…1. */
  progress?(share: number, label: string): void;
}

/** A model that could not be run, and why: an operator that this ONNX Runtime lacks, mostly. */
export interface Refusal {
  readonly id: string;
  readonly reason: string;
}

export interface Collected {
  readonly observations: readonly Observation[];
  readonly refused: readonly Refusal[];
  /** Share of the time of single-threaded runs in which another process had the processor. */
  readonly waitedShare: number;
}

/** Share of the runs of a burst that may be faster than what counts: steadier than the very fastest. */
const LOW = 0.1;
/** Sessions of one group are open at the same time, so their memory is bounded. */
const GROUP_SIZE = 6;
const GROUP_BYTES = 256 * MEBI;

interface Series {
  readonly candidate: Candidate;
  readonly threads: number;
  works: readonly Work[];
  readonly bursts: number[];
}

export async function collect(
  candidates: readonly Candidate[],
  options: CollectOptions,
): Promise<Collected> {
  const series = new Map<string, Series>();
  const refused = new Map<string, Refusal>();
  const total = candidates.length * options.passes;
  const start = process.hrtime.bigint();
  let done = 0;
  let wall = 0;
  let waited = 0;
  const onWait = (took: Seconds, lost: Seconds) => {
    wall += took;
    waited += lost;
  };
  for (let pass = 0; pass < options.passes; pass++) {
    const elapsed = Number(process.hrtime.bigint() - start) * NANO;
    if (pass > 0 && elapsed * (1 + 1 / pass) > options.budget) break;
    let rest = candidates.filter(({ id }) => !refused.has(id));
    while (rest.length > 0) {
      const group = await openGroup(rest, options.threads, refused, onWait);
      await timeGroup(group.open, series, options);
      for (const { model } of group.open) await model.close();
      rest = rest.slice(group.taken);
      done += group.taken;
      options.progress?.(done / total, group.open.at(-1)?.candidate.family ?? '');
    }
  }
  return {
    observations: [...series.values()].map(summarise),
    refused: [...refused.values()],
    waitedShare: wall > 0 ? waited / wall : 0,
  };
}

interface OpenCandidate {
  readonly candidate: Candidate;
  readonly threads: number;
  readonly works: readonly Work[];
  readonly model: OpenModel;
}

async function openGroup(
  rest: readonly Candidate[],
  threads: readonly number[],
  refused: Map<string, Refusal>,
  onWait: (wall: Seconds, waited: Seconds) => void,
): Promise<{ open: OpenCandidate[]; taken: number }> {
  const open: OpenCandidate[] = [];
  let bytes = 0;
  let taken = 0;
  for (const candidate of rest.slice(0, GROUP_SIZE)) {
    const sketched = candidate.build();
    if (taken > 0 && bytes + sketched.size * threads.length > GROUP_BYTES) break;
    bytes += sketched.size * threads.length;
    taken += 1;
    const works = worksAsRun(sketched);
    try {
      for (const count of threads) {
        const model = await openModel(sketched.source, sketched.inputs, { threads: count, onWait });
        open.push({ candidate, threads: count, works, model });
      }
    } catch (error) {
      refused.set(candidate.id, { id: candidate.id, reason: (error as Error).message });
    }
  }
  return { open, taken };
}

async function timeGroup(
  group: readonly OpenCandidate[],
  series: Map<string, Series>,
  { rounds, burst }: CollectOptions,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const { candidate, threads, works, model } of group) {
      const key = `${candidate.id}@${threads}`;
      const entry = series.get(key) ?? { candidate, threads, works, bursts: [] };
      series.set(key, entry);
      entry.bursts.push(quantileOf(await timeBurst(model, burst), LOW));
    }
  }
}

/** The fastest burst, each of which is a low quantile: interference only adds, and often lasts for several bursts. */
function summarise({ candidate, threads, works, bursts }: Series): Observation {
  const iqr = quantileOf(bursts, 0.75) - quantileOf(bursts, 0.25);
  return {
    id: candidate.id,
    family: candidate.family,
    threads,
    works,
    seconds: Math.min(...bursts),
    spread: iqr / (2 * medianOf(bursts)),
    bursts: bursts.length,
  };
}

/** 1, 2, 4, … and the limit itself. */
export function threadCounts(limit: number): number[] {
  const counts: number[] = [];
  for (let count = 1; count < limit; count *= 2) counts.push(count);
  return [...counts, limit];
}
