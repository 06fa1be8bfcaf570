/** What a traffic run counts: marks, latencies and shares, over the middle part of the run. */

/** Share of the accesses after which measuring starts, and at which it ends. */
const FROM = 0.1;
const TO = 0.95;

export interface LatencyCycles {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export class TrafficMeter {
  completed = 0;
  /** Completed accesses and cycles between the two marks. */
  measuredAccesses = 0;
  measuredReads = 0;
  fromCycle = 0;
  toCycle = 0;
  /** Completed accesses at the marks. */
  readonly first: number;
  readonly last: number;
  private readonly startedAt: Float64Array;
  private readonly left: Uint8Array;
  private readonly requester: Uint8Array;
  private readonly isWrite: Uint8Array;
  private readonly latency: Float64Array;
  private readonly latencyOf: Uint8Array;
  private latencies = 0;
  private readonly doneBy: Float64Array;

  constructor(accesses: number, requesters: number) {
    this.first = Math.floor(FROM * accesses);
    this.last = Math.floor(TO * accesses);
    this.startedAt = new Float64Array(accesses);
    this.left = new Uint8Array(accesses);
    this.requester = new Uint8Array(accesses);
    this.isWrite = new Uint8Array(accesses);
    this.latency = new Float64Array(this.last - this.first);
    this.latencyOf = new Uint8Array(this.last - this.first);
    this.doneBy = new Float64Array(requesters);
  }

  start(access: number, requester: number, write: boolean, at: number, bursts: number): void {
    this.startedAt[access] = at;
    this.left[access] = bursts;
    this.requester[access] = requester;
    this.isWrite[access] = write ? 1 : 0;
  }

  requesterOf(access: number): number {
    return this.requester[access] as number;
  }

  /** @returns whether that was the access's last burst. */
  finishBurst(access: number, cycle: number): boolean {
    const left = (this.left[access] as number) - 1;
    this.left[access] = left;
    if (left > 0) return false;
    this.completed++;
    if (this.completed === this.first) this.fromCycle = cycle;
    if (this.completed > this.first && this.completed <= this.last) this.measure(access, cycle);
    return true;
  }

  /** Read latencies of one requester, or of all. */
  latencyCycles(requester?: number): LatencyCycles {
    const alone = requester === undefined || this.doneBy.length === 1;
    const picked = alone ? this.latency.slice(0, this.latencies) : this.latenciesOf(requester);
    const count = picked.length;
    if (count === 0) return { mean: 0, p50: 0, p95: 0, p99: 0, max: 0 };
    let sum = 0;
    for (let i = 0; i < count; i++) sum += picked[i] as number;
    sortCycles(picked);
    const at = (share: number) => picked[Math.floor((count - 1) * share)] as number;
    return { mean: sum / count, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
  }

  private latenciesOf(requester: number): Float64Array {
    const own = new Float64Array(this.latencies);
    let count = 0;
    for (let i = 0; i < this.latencies; i++) {
      if (this.latencyOf[i] === requester) own[count++] = this.latency[i] as number;
    }
    return own.subarray(0, count);
  }

  /** Share of the measured accesses that one requester completed. */
  shareOf(requester: number): number {
    return (this.doneBy[requester] as number) / Math.max(1, this.measuredAccesses);
  }

  private measure(access: number, cycle: number): void {
    const requester = this.requester[access] as number;
    this.measuredAccesses++;
    this.toCycle = cycle;
    this.doneBy[requester] = (this.doneBy[requester] as number) + 1;
    if (this.isWrite[access] === 1) return;
    this.latency[this.latencies] = cycle - (this.startedAt[access] as number);
    this.latencyOf[this.latencies++] = requester;
    this.measuredReads++;
  }
}

/** Latencies up to this many cycles are counted instead of compared, several times as fast. */
const COUNTED = 8192;

/** Sorts in place; whole numbers of cycles, as closed issue gives them, by counting. */
function sortCycles(values: Float64Array): void {
  const counts = new Uint32Array(COUNTED);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value >= COUNTED || value < 0 || Math.floor(value) !== value) {
      values.sort();
      return;
    }
    counts[value] = (counts[value] as number) + 1;
  }
  let from = 0;
  for (let value = 0; value < COUNTED; value++) {
    const to = from + (counts[value] as number);
    values.fill(value, from, to);
    from = to;
  }
}
