/**
 * Future events in a binary heap on typed arrays, ordered by (time, precedence, sequence).
 *
 * Schedule, cancel and pop cost O(log n); memory is 44 bytes an event; nothing is allocated once the arrays
 * have grown to the largest number of pending events.
 */
import type { Seconds } from '../base/units.ts';

/** Names one scheduled event; stays harmless after the event fired or was cancelled. */
export type EventHandle = number;
export const NO_EVENT: EventHandle = -1;

/** Sequence numbers below this multiple of the precedence keep the pair exact in one float64. */
const PRECEDENCE_STEP = 2 ** 45;
/** A handle is generation × this + slot. */
const MAX_SLOTS = 2 ** 21;

export class EventQueue {
  private size = 0;
  private sequence = 0;
  private slots = 0;
  private free = -1;
  // In heap order, so that comparisons walk contiguous memory.
  private heapTime: Float64Array;
  private heapKey: Float64Array;
  private heapSlot: Int32Array;
  // By slot.
  private position: Int32Array;
  private generation: Int32Array;
  private kinds: Int32Array;
  private subjects: Int32Array;

  /** Of the event that `pop` took last. */
  time: Seconds = 0;
  kind = 0;
  subject = 0;

  constructor(capacity = 64) {
    this.heapTime = new Float64Array(capacity);
    this.heapKey = new Float64Array(capacity);
    this.heapSlot = new Int32Array(capacity);
    this.position = new Int32Array(capacity);
    this.generation = new Int32Array(capacity);
    this.kinds = new Int32Array(capacity);
    this.subjects = new Int32Array(capacity);
  }

  get length(): number {
    return this.size;
  }

  /** Time of the earliest event; Infinity when there is none. */
  get nextTime(): Seconds {
    return this.size > 0 ? this.heapTime[0]! : Number.POSITIVE_INFINITY;
  }

  /** Earlier `precedence` wins at the same instant; equal ones fire in the order they were scheduled. */
  schedule(time: Seconds, precedence: number, kind: number, subject: number): EventHandle {
    const slot = this.takeSlot();
    this.kinds[slot] = kind;
    this.subjects[slot] = subject;
    this.siftUp(this.size++, time, precedence * PRECEDENCE_STEP + this.sequence++, slot);
    return this.generation[slot]! * MAX_SLOTS + slot;
  }

  /** @returns whether the event was still pending. */
  cancel(handle: EventHandle): boolean {
    if (handle < 0) return false;
    const slot = handle % MAX_SLOTS;
    if (this.generation[slot] !== Math.floor(handle / MAX_SLOTS)) return false;
    this.removeAt(this.position[slot]!);
    this.releaseSlot(slot);
    return true;
  }

  /** Takes the earliest event into `time`, `kind` and `subject`. @returns false when there is none. */
  pop(): boolean {
    if (this.size === 0) return false;
    const slot = this.heapSlot[0]!;
    this.time = this.heapTime[0]!;
    this.kind = this.kinds[slot]!;
    this.subject = this.subjects[slot]!;
    this.removeAt(0);
    this.releaseSlot(slot);
    return true;
  }

  private removeAt(index: number): void {
    const last = --this.size;
    if (index === last) return;
    const time = this.heapTime[last]!;
    const key = this.heapKey[last]!;
    const slot = this.heapSlot[last]!;
    const parent = (index - 1) >> 1;
    if (index > 0 && before(time, key, this.heapTime[parent]!, this.heapKey[parent]!)) {
      this.siftUp(index, time, key, slot);
    } else {
      this.siftDown(index, time, key, slot);
    }
  }

  private siftUp(start: number, time: number, key: number, slot: number): void {
    const { heapTime, heapKey } = this;
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(time, key, heapTime[parent]!, heapKey[parent]!)) break;
      this.move(parent, index);
      index = parent;
    }
    this.place(index, time, key, slot);
  }

  private siftDown(start: number, time: number, key: number, slot: number): void {
    const { heapTime, heapKey, size } = this;
    let index = start;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= size) break;
      const right = child + 1;
      if (
        right < size &&
        before(heapTime[right]!, heapKey[right]!, heapTime[child]!, heapKey[child]!)
      ) {
        child = right;
      }
      if (!before(heapTime[child]!, heapKey[child]!, time, key)) break;
      this.move(child, index);
      index = child;
    }
    this.place(index, time, key, slot);
  }

  private move(from: number, to: number): void {
    const slot = this.heapSlot[from]!;
    this.heapTime[to] = this.heapTime[from]!;
    this.heapKey[to] = this.heapKey[from]!;
    this.heapSlot[to] = slot;
    this.position[slot] = to;
  }

  private place(index: number, time: number, key: number, slot: number): void {
    this.heapTime[index] = time;
    this.heapKey[index] = key;
    this.heapSlot[index] = slot;
    this.position[slot] = index;
  }

  /** Free slots form a list through `position`. */
  private takeSlot(): number {
    if (this.free >= 0) {
      const slot = this.free;
      this.free = this.position[slot]!;
      return slot;
    }
    if (this.slots === this.position.length) this.grow();
    return this.slots++;
  }

  private releaseSlot(slot: number): void {
    this.generation[slot]!++;
    this.position[slot] = this.free;
    this.free = slot;
  }

  private grow(): void {
    const capacity = this.position.length * 2;
    this.heapTime = grown(this.heapTime, new Float64Array(capacity));
    this.heapKey = grown(this.heapKey, new Float64Array(capacity));
    this.heapSlot = grown(this.heapSlot, new Int32Array(capacity));
    this.position = grown(this.position, new Int32Array(capacity));
    this.generation = grown(this.generation, new Int32Array(capacity));
    this.kinds = grown(this.kinds, new Int32Array(capacity));
    this.subjects = grown(this.subjects, new Int32Array(capacity));
  }
}

function before(timeA: number, keyA: number, timeB: number, keyB: number): boolean {
  return timeA < timeB || (timeA === timeB && keyA < keyB);
}

function grown<T extends Float64Array | Int32Array>(old: T, fresh: T): T {
  fresh.set(old);
  return fresh;
}
