/**
 * Which models are in memory, where not all of them fit together.
 *
 * Model    a model takes its weights and, where caches go with it, its key–value cache; to make room, models that no
 *          request uses go out: the least urgent first, of these the one used longest ago
 * Ignores  parts of models, memory that applications give back, fragmentation
 * Valid    every model fits alone
 * Source   least recently used by importance: Android's low-memory killer (lmkd, oom_adj)
 * Checked  test/unit/engine/model-swaps.test.ts, test/property/model-swaps.test.ts
 */
import type { Bytes, Seconds } from '../base/units.ts';

export interface ModelUse {
  readonly weights: Bytes;
  /** Key–value cache that goes out with it. */
  readonly cache: Bytes;
  /** Of the most urgent workload that uses it; smaller is more urgent. */
  readonly priority: number;
}

interface Entry extends ModelUse {
  isResident: boolean;
  users: number;
  lastUse: Seconds;
}

export class Residency {
  readonly budget: Bytes;
  private readonly entries: ReadonlyMap<string, Entry>;
  resident: Bytes = 0;
  peak: Bytes = 0;

  constructor(models: ReadonlyMap<string, ModelUse>, budget: Bytes) {
    this.budget = budget;
    this.entries = new Map(
      [...models].map(([name, use]) => [
        name,
        { ...use, isResident: false, users: 0, lastUse: Number.NEGATIVE_INFINITY },
      ]),
    );
  }

  isResident(name: string): boolean {
    return this.entry(name).isResident;
  }

  weightsOf(name: string): Bytes {
    return this.entry(name).weights;
  }

  residents(): string[] {
    return [...this.entries].filter(([, entry]) => entry.isResident).map(([name]) => name);
  }

  /** A request begins to use a model; it stays until all who use it have ended. */
  use(name: string, now: Seconds): void {
    const entry = this.entry(name);
    entry.users++;
    entry.lastUse = now;
  }

  leave(name: string, now: Seconds): void {
    const entry = this.entry(name);
    entry.users--;
    entry.lastUse = now;
  }

  /**
   * What has to go out before `name` fits, in order; undefined while that cannot be.
   * @param rank of who asks: models of more urgent workloads stay.
   */
  victims(name: string, rank: number): string[] | undefined {
    let need = this.sizeOf(name) - (this.budget - this.resident);
    const out: string[] = [];
    for (const [other, { priority }] of this.idle()) {
      if (need <= 0) break;
      if (priority < rank) continue;
      out.push(other);
      need -= this.sizeOf(other);
    }
    return need <= 0 ? out : undefined;
  }

  /** By how many levels who asks is too far from putting out the next model; Infinity where all that may go may already. */
  levelsToNext(rank: number): number {
    const above = this.idle().filter(([, { priority }]) => priority < rank);
    return Math.min(...above.map(([, { priority }]) => rank - priority));
  }

  /** Models that nobody uses, the first to go out first. */
  private idle(): [string, Entry][] {
    return [...this.entries]
      .filter(([, entry]) => entry.isResident && entry.users === 0)
      .sort(([, a], [, b]) => b.priority - a.priority || a.lastUse - b.lastUse);
  }

  bring(name: string, now: Seconds): void {
    const entry = this.entry(name);
    entry.isResident = true;
    entry.lastUse = now;
    this.resident += entry.weights + entry.cache;
    this.peak = Math.max(this.peak, this.resident);
  }

  evict(name: string): void {
    const entry = this.entry(name);
    entry.isResident = false;
    this.resident -= entry.weights + entry.cache;
  }

  private sizeOf(name: string): Bytes {
    const { weights, cache } = this.entry(name);
    return weights + cache;
  }

  private entry(name: string): Entry {
    return this.entries.get(name) as Entry;
  }
}
