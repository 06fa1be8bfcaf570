/**
 * An operand buffer that prefetches in a fixed order and serves reads from half of its space.
 *
 * Model    the operand's elements are laid out in fetch order and cut into sets; the active window covers as many sets
 *          as half the buffer holds. A read outside the window moves it by the prefetched half and waits for the
 *          transfer, which follows the one before without a pause; the order wraps around at its end.
 * Ignores  bank conflicts, DRAM timing beyond words per cycle
 * Valid    one buffer per operand with a port of its own
 * Source   behaviour of SCALE-Sim 2 in USER bandwidth mode (github.com/scalesim-project/scale-sim-v2)
 * Checked  test/unit/hardware/npu/read-window.test.ts, test/validation/npu.test.ts
 */
import { InvariantError } from '../../base/errors.ts';
import type { Cycles } from '../../base/units.ts';

/** What an array needs of an operand buffer. */
export interface ReadBuffer {
  /** @returns whether the array has to wait until `readyCycle`. */
  read(address: number): boolean;
  readonly readyCycle: Cycles;
  readonly fetchedWords: number;
}

export interface WindowShape {
  readonly words: number;
  readonly wordsPerCycle: number;
}

/** Element addresses in fetch order; −1 stands for a slot of an idle row or column, fetched as nothing. */
export type FetchOrder = Int32Array;

/** The buffer keeps its contents in a hundred sets, whatever its size. */
const SETS = 100;

export class ReadWindow implements ReadBuffer {
  private readonly firstOccurrence: Int32Array;
  private readonly occurrences: Int32Array;
  private readonly sets: number;
  private readonly activeSets: number;
  private readonly nextSets: number;
  private readonly prefetchCycles: number;
  private readonly wordsPerCycle: number;
  private start = 0;
  private end: number;
  /** Cycle in which the last transfer ended; the first fill ends just before the array starts. */
  private ready = -1;
  private lines: number;

  constructor(shape: WindowShape, order: FetchOrder, addresses: number) {
    const active = Math.ceil(shape.words / 2);
    const setWords = Math.ceil(shape.words / SETS);
    const index = indexSets(order, addresses, setWords);
    this.firstOccurrence = index.first;
    this.occurrences = index.sets;
    this.sets = index.count;
    this.activeSets = Math.min(index.count, Math.ceil(active / setWords));
    const rest = index.count - this.activeSets;
    this.nextSets = Math.min(rest, Math.ceil((shape.words - active) / setWords));
    this.end = this.activeSets;
    this.wordsPerCycle = shape.wordsPerCycle;
    this.prefetchCycles = Math.ceil((shape.words - active) / shape.wordsPerCycle);
    const whole = Math.ceil(order.length / shape.wordsPerCycle);
    this.lines = Math.min(whole, Math.ceil(active / shape.wordsPerCycle));
  }

  /** @returns whether the window had to move. */
  read(address: number): boolean {
    if (this.holds(address)) return false;
    let moves = 0;
    while (!this.holds(address)) {
      this.move();
      if (++moves > this.sets) throw new InvariantError(`address ${address} is in no set`);
    }
    return true;
  }

  /** When the data under the window were complete. */
  get readyCycle(): Cycles {
    return this.ready;
  }

  /** Words moved from memory, whole transfers counted. */
  get fetchedWords(): number {
    return this.lines * this.wordsPerCycle;
  }

  private holds(address: number): boolean {
    const last = this.firstOccurrence[address + 1] as number;
    for (let i = this.firstOccurrence[address] as number; i < last; i++) {
      const set = this.occurrences[i] as number;
      const inside =
        this.start < this.end
          ? set >= this.start && set < this.end
          : set >= this.start || set < this.end;
      if (inside) return true;
    }
    return false;
  }

  private move(): void {
    this.start = (this.start + this.nextSets) % this.sets;
    this.end = (this.start + this.activeSets) % this.sets;
    // One cycle of latency between the end of a transfer and the first request of the next.
    this.ready += this.prefetchCycles + 1;
    this.lines += this.prefetchCycles;
  }
}

/** Sets in which each address occurs, in compressed rows. */
function indexSets(order: FetchOrder, addresses: number, setWords: number) {
  const first = new Int32Array(addresses + 1);
  for (const address of order) if (address >= 0) first[address + 1] = (first[address + 1] ?? 0) + 1;
  for (let i = 0; i < addresses; i++) first[i + 1] = (first[i + 1] ?? 0) + (first[i] ?? 0);
  const sets = new Int32Array(first[addresses] ?? 0);
  const next = first.slice();
  let word = 0;
  for (const address of order) {
    if (address < 0) continue;
    const slot = next[address] ?? 0;
    sets[slot] = Math.floor(word / setWords);
    next[address] = slot + 1;
    word++;
  }
  return { first, sets, count: Math.floor(word / setWords) + 1 };
}
