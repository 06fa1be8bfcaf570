/**
 * A result buffer that drains half of its space to memory while the other half fills.
 *
 * Model    when more than the active half is full and no drain runs, a drain of half the buffer starts;
 *          a write into a full buffer waits for the drain in flight
 * Ignores  DRAM timing beyond words per cycle
 * Valid    one port for results only
 * Source   behaviour of SCALE-Sim 2 in USER bandwidth mode (github.com/scalesim-project/scale-sim-v2)
 * Checked  test/unit/hardware/npu/write-buffer.test.ts, test/validation/npu.test.ts
 */
import type { Cycles } from '../../base/units.ts';

export class WriteBuffer {
  private readonly words: number;
  private readonly drainWords: number;
  private readonly wordsPerCycle: number;
  private free: number;
  /** Transfer lines complete so far, words in the open one, and lines already drained. */
  private lines = 0;
  private open = 0;
  private drained = 0;
  /** Fill of lines that were closed before they were full. */
  private readonly shortLines = new Map<number, number>();
  private drainEnd = 0;
  private moved = 0;

  constructor(words: number, wordsPerCycle: number) {
    this.words = words;
    this.drainWords = words - Math.ceil(words / 2);
    this.wordsPerCycle = wordsPerCycle;
    this.free = words;
  }

  /** Takes `count` words offered in `cycle`. @returns cycles the array has to wait. */
  write(count: number, cycle: Cycles): Cycles {
    let now = cycle;
    for (let i = 0; i < count; i++) {
      this.store();
      if (now < this.drainEnd) {
        if (this.free <= 0) now = this.drainEnd;
      } else if (this.free < this.words - this.drainWords) {
        this.closeLine();
        this.drainEnd = this.drain(now);
      }
    }
    return now - cycle;
  }

  /** Writes out what is left. @returns the cycle in which the last word leaves. */
  flush(cycle: Cycles): Cycles {
    this.closeLine();
    let now = cycle;
    let end = cycle;
    while (this.drained < this.lines) {
      end = this.drain(now);
      now = end + 1;
    }
    return end;
  }

  get movedWords(): number {
    return this.moved;
  }

  private store(): void {
    this.free--;
    this.open++;
    if (this.open === this.wordsPerCycle) {
      this.lines++;
      this.open = 0;
    }
  }

  private closeLine(): void {
    if (this.open === 0) return;
    this.shortLines.set(this.lines, this.open);
    this.lines++;
    this.open = 0;
  }

  private drain(start: Cycles): Cycles {
    const end = Math.min(
      this.drained + Math.ceil(this.drainWords / this.wordsPerCycle),
      this.lines,
    );
    const count = end - this.drained;
    const last = this.shortLines.get(end - 1) ?? this.wordsPerCycle;
    const words = (count - 1) * this.wordsPerCycle + last;
    this.moved += words;
    this.free += words;
    this.drained = end;
    return start + count - 1;
  }
}
