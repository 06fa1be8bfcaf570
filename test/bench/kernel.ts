/** HOLD model: pop the earliest of n events and schedule it anew; the kernel beside a bare typed-array heap. */
import { Kernel } from '../../src/kernel/kernel.ts';
import { type BenchLine, medianSeconds } from './line.ts';

const PENDING = 1024;
const EVENTS = 1_000_000;

/** Deterministic increments, the same for both. */
function increments(): Float64Array {
  let state = 12345;
  return Float64Array.from({ length: 4096 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (1 + (state >>> 8)) / 2 ** 24;
  });
}

function holdKernel(steps: Float64Array): void {
  const kernel = new Kernel();
  for (let i = 0; i < PENDING; i++) kernel.at(steps[i]!, 0, 0, i);
  let left = EVENTS;
  kernel.run((_, subject) => {
    if (--left === 0) kernel.stop();
    kernel.at(kernel.now + steps[left & 4095]!, 0, 0, subject);
  });
}

/** The least a binary heap can do: times and subjects, no ties, no cancelling, no grid. */
function holdBare(steps: Float64Array): void {
  const time = new Float64Array(PENDING);
  const subject = new Int32Array(PENDING);
  const sink = (start: number, value: number, who: number) => {
    let index = start;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= PENDING) break;
      if (child + 1 < PENDING && time[child + 1]! < time[child]!) child++;
      if (time[child]! >= value) break;
      time[index] = time[child]!;
      subject[index] = subject[child]!;
      index = child;
    }
    time[index] = value;
    subject[index] = who;
  };
  for (let i = PENDING - 1; i >= 0; i--) sink(i, steps[i]!, i);
  for (let left = EVENTS - 1; left >= 0; left--)
    sink(0, time[0]! + steps[left & 4095]!, subject[0]!);
}

export function benchKernel(): BenchLine[] {
  const steps = increments();
  const kernel = EVENTS / medianSeconds(() => holdKernel(steps));
  const bare = EVENTS / medianSeconds(() => holdBare(steps));
  return [
    {
      what: 'kernel, HOLD with 1,024 pending',
      value: `${(kernel / 1e6).toFixed(2)} M events/s`,
      note: `${(kernel / bare).toFixed(2)} × a bare typed-array heap (${(bare / 1e6).toFixed(2)} M/s)`,
    },
  ];
}
