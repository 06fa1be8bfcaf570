/**
 * A capacity shared max–min fairly by open flows.
 *
 * Model    strict priority between classes; within a class weighted max–min: rate_i = min(limit_i, w_i·λ),
 *          λ as large as the capacity allows (progressive filling)
 * Ignores  the time that rates take to settle; burstiness within a flow
 * Valid    any number of flows; meant for tens
 * Source   Bertsekas & Gallager, Data Networks, section 6.5.2 (max–min fair flow control)
 * Checked  test/unit/kernel/fluid.test.ts, test/property/kernel.test.ts (against a naive reference)
 */
import type { BytesPerSecond } from '../base/units.ts';

export class Fluid {
  private readonly weight: Float64Array;
  private readonly limit: Float64Array;
  private readonly priority: Int32Array;
  /** Open flows, ordered by (priority, limit / weight): the order in which they saturate. */
  private readonly order: Int32Array;
  private openCount = 0;
  /** Granted rate of each flow; 0 while closed. */
  readonly rate: Float64Array;

  /** @param size number of flows that may ever be open, named 0 … size − 1. */
  constructor(size: number) {
    this.weight = new Float64Array(size).fill(1);
    this.limit = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
    this.priority = new Int32Array(size);
    this.order = new Int32Array(size);
    this.rate = new Float64Array(size);
  }

  get length(): number {
    return this.openCount;
  }

  /** Opens (or re-opens with other terms) a flow that wants at most `limit`; a smaller `priority` is served first. */
  open(flow: number, limit: BytesPerSecond, weight = 1, priority = 0): void {
    this.close(flow);
    this.limit[flow] = limit;
    this.weight[flow] = weight;
    this.priority[flow] = priority;
    const key = limit / weight;
    let place = this.openCount++;
    while (place > 0 && this.later(this.order[place - 1]!, priority, key)) {
      this.order[place] = this.order[place - 1]!;
      place--;
    }
    this.order[place] = flow;
  }

  /** Closes a flow; closing one that is not open does nothing. */
  close(flow: number): void {
    let place = 0;
    while (place < this.openCount && this.order[place] !== flow) place++;
    if (place === this.openCount) return;
    this.openCount--;
    for (; place < this.openCount; place++) this.order[place] = this.order[place + 1]!;
    this.rate[flow] = 0;
  }

  /** Shares `capacity` among the open flows into `rate`. */
  share(capacity: BytesPerSecond): void {
    let left = capacity;
    let first = 0;
    while (first < this.openCount) {
      const priority = this.priority[this.order[first]!]!;
      let last = first;
      let weights = 0;
      while (last < this.openCount && this.priority[this.order[last]!] === priority) {
        weights += this.weight[this.order[last]!]!;
        last++;
      }
      left = this.fill(first, last, weights, left);
      first = last;
    }
  }

  private fill(first: number, last: number, weights: number, capacity: number): number {
    let left = capacity;
    let open = weights;
    for (let place = first; place < last; place++) {
      const flow = this.order[place]!;
      const weight = this.weight[flow]!;
      // The last flow takes what is left exactly, so that rates sum to the capacity without rounding loss.
      const fair = place === last - 1 ? left : (left * weight) / open;
      const rate = Math.min(this.limit[flow]!, fair);
      this.rate[flow] = rate;
      left -= rate;
      open -= weight;
    }
    return Math.max(left, 0);
  }

  private later(flow: number, priority: number, key: number): boolean {
    const other = this.priority[flow]!;
    return other > priority || (other === priority && this.limit[flow]! / this.weight[flow]! > key);
  }
}
