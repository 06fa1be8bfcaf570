/** One figure of `npm run bench`: medians of several, and ratios within one run, because machines are noisy. */

export interface BenchLine {
  readonly what: string;
  readonly value: string;
  readonly note: string;
}

/** Median of `runs` timings of `work`, in seconds, after one that is not counted. */
export function medianSeconds(work: () => void, runs = 5): number {
  work();
  const times = Array.from({ length: runs }, () => {
    const start = performance.now();
    work();
    return (performance.now() - start) / 1000;
  });
  return times.sort((a, b) => a - b)[Math.floor(runs / 2)] as number;
}

export function printLines(title: string, lines: readonly BenchLine[]): void {
  const widths = [0, 1].map((i) =>
    Math.max(...lines.map((line) => [line.what, line.value][i]!.length)),
  );
  const rows = lines.map(
    ({ what, value, note }) =>
      `  ${what.padEnd(widths[0]!)}  ${value.padStart(widths[1]!)}  ${note}`,
  );
  console.log(`${title}\n${rows.join('\n')}`);
}
