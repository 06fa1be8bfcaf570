/** Requests that have arrived and may not begin yet: each workload serves only so many of its own at a time. */
import type { Job, Lane } from './request.ts';

interface Queue {
  readonly waiting: number[];
  readonly capacity: number;
  serving: number;
}

export class AdmissionQueues {
  private readonly queues = new Map<Lane | undefined, Queue>();
  private readonly concurrent: number;

  /** @param concurrent requests without a workload of their own that are served at the same time. */
  constructor(concurrent: number) {
    this.concurrent = concurrent;
  }

  arrive(index: number, { lane }: Job): void {
    this.queueOf(lane).waiting.push(index);
  }

  /** The next request that may begin, oldest of its workload first; it counts as served from now on. */
  next(): number | undefined {
    for (const queue of this.queues.values()) {
      if (queue.serving >= queue.capacity || queue.waiting.length === 0) continue;
      queue.serving++;
      return queue.waiting.shift();
    }
    return undefined;
  }

  leave({ lane }: Job): void {
    this.queueOf(lane).serving--;
  }

  private queueOf(lane: Lane | undefined): Queue {
    const known = this.queues.get(lane);
    if (known) return known;
    const queue = { waiting: [], capacity: lane?.concurrent ?? this.concurrent, serving: 0 };
    this.queues.set(lane, queue);
    return queue;
  }
}
