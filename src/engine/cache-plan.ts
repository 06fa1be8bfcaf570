/** The system cache through the steps of one phase: what every operator class on every unit finds in it. */
import type { Bytes } from '../base/units.ts';
import type { Work } from '../base/work.ts';
import type { SystemCache } from '../hardware/cache/system-cache.ts';
import type { Phase } from '../workload/graph.ts';
import {
  type ActivationHits,
  activationHits,
  type CellTraffic,
  type Hits,
  hitsOf,
  NO_HITS,
  type StepStreams,
  splitTraffic,
  weightHitsOf,
} from './cache-traffic.ts';

/**
 * Filled in as a task table is costed: `note` every cell, then `follow` the operators once; when works have grown,
 * `note` these again and `sumStreams`. Activations do not grow with the context, so they are followed once.
 */
export class CachePlan {
  private readonly cache: SystemCache;
  private readonly phase: Phase;
  private readonly traffic: (CellTraffic | undefined)[];
  /** Operators of each cell. */
  private readonly count: Int32Array;
  private readonly unitCount: number;
  private activations: ActivationHits | undefined;
  private streams: StepStreams = { activations: 0, keyValues: 0, weights: 0, steps: 1 };

  constructor(cache: SystemCache, phase: Phase, cells: number) {
    this.cache = cache;
    this.phase = phase;
    this.traffic = new Array(cells).fill(undefined);
    this.count = new Int32Array(cells);
    this.unitCount = cells / phase.graph.works.length;
  }

  /** What a cell asks of memory. */
  note(
    cell: number,
    unit: string,
    work: Work,
    cost: { readonly readBytes: Bytes; readonly writeBytes: Bytes },
  ): void {
    this.traffic[cell] = splitTraffic(unit, work, cost);
  }

  /** Follows the activations of one step. @param cell of each operator, all noted. */
  follow(cell: Int32Array): void {
    for (const index of cell) this.count[index]!++;
    this.activations = activationHits(
      this.cache,
      this.phase.graph,
      (operator) => this.traffic[cell[operator]!] as CellTraffic,
    );
    this.sumStreams();
  }

  /** Adds up what a step reads of caches and weights. */
  sumStreams(): void {
    let keyValues = 0;
    let weights = 0;
    for (let cell = 0; cell < this.count.length; cell++) {
      const one = this.traffic[cell];
      if (!one) continue;
      keyValues += this.count[cell]! * (one.cacheRead + one.cacheWrite);
      weights += this.count[cell]! * one.weights;
    }
    const { steps } = this.phase;
    this.streams = { activations: this.activations?.bytes ?? 0, keyValues, weights, steps };
  }

  /** Bytes of one operator of a cell that do not go to DRAM. */
  hits(cell: number): Hits {
    const traffic = this.traffic[cell];
    const { activations } = this;
    if (!traffic || !activations) return NO_HITS;
    const work = Math.floor(cell / this.unitCount);
    return hitsOf(this.cache, traffic, this.streams, {
      read: activations.read[work]!,
      write: activations.write[work]!,
    });
  }

  /** Of these, reads of weights. */
  weightHits(cell: number): Bytes {
    const traffic = this.traffic[cell];
    return traffic ? weightHitsOf(this.cache, traffic, this.streams) : 0;
  }
}
