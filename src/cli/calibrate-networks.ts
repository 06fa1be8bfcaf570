/** Fits NPUs and engines to latencies of networks, for `calibrate device FILE --graphs DIR`, and tells what came of it. */
import { quantile } from '../analysis/row-report.ts';
import { SpecError } from '../base/errors.ts';
import { visionFitting } from '../calibration/device/predict-file.ts';
import { type FittedNumber, fitVision } from '../calibration/device/vision-calibrate.ts';
import type { MappedVisionRow } from '../calibration/device/vision-mapping.ts';
import type { OpenGraph } from '../calibration/device/vision-predict.ts';
import { leaveOut } from '../calibration/device/vision-unseen.ts';
import { fileSources } from '../load.ts';
import { renderTable } from './terminal.ts';

/** Numbers of one chip and of one engine, so that a fit says anything. */
const FEWEST_ROWS = 12;

interface ErrorLine {
  readonly sample: string;
  readonly group: string;
  readonly count: number;
  readonly median: number;
  readonly p90: number;
}

interface NetworkFit {
  readonly numbers: readonly FittedNumber[];
  readonly errors: readonly ErrorLine[];
}

/** @throws SpecError where there are too few rows. */
export function fitNetworks(
  text: string,
  file: string,
  graphs: OpenGraph,
  left: unknown,
): NetworkFit {
  const { rows, written, sketchOf } = visionFitting(text, file, fileSources(), graphs);
  if (rows.length < FEWEST_ROWS) {
    throw new SpecError([
      {
        file,
        message: `${rows.length} rows are too few to fit to`,
        expected: `${FEWEST_ROWS} rows of grade A or B on an NPU, whose networks have a graph in the folder`,
      },
    ]);
  }
  const fit = fitVision(rows, written, sketchOf);
  const groupOf = (row: MappedVisionRow) => (left === 'soc' ? row.soc : row.graph);
  const unseen = left ? leaveOut(rows, fit.fitted, sketchOf, groupOf) : undefined;
  return {
    numbers: fit.numbers,
    errors: [
      ...errorLines('seen', fit.errors),
      ...(unseen ? errorLines(`${String(left)} left out`, unseen) : []),
    ],
  };
}

function errorLines(sample: string, errors: ReadonlyMap<MappedVisionRow, number>): ErrorLine[] {
  const by = new Map<string, number[]>();
  for (const [{ row }, error] of errors) {
    for (const group of ['all', `${row.soc}, ${row.runtime}, ${row.precision}`])
      by.set(group, [...(by.get(group) ?? []), Math.abs(error)]);
  }
  return [...by].map(([group, list]) => {
    const sorted = list.sort((a, b) => a - b);
    return {
      sample,
      group,
      count: sorted.length,
      median: quantile(sorted, 0.5),
      p90: quantile(sorted, 0.9),
    };
  });
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const short = (value: number) => String(Number(value.toPrecision(3)));

export function fitText({ numbers, errors }: NetworkFit): string {
  const right = 'right' as const;
  const found = renderTable(
    [
      { header: 'description' },
      { header: 'number' },
      { header: 'written', align: right },
      { header: 'fitted', align: right },
    ],
    numbers.map(({ of, path, written, fitted }) => [of, path, short(written), short(fitted)]),
  );
  const missed = renderTable(
    [
      { header: 'rows' },
      { header: 'group' },
      { header: 'count', align: right },
      { header: 'median', align: right },
      { header: '90 %', align: right },
    ],
    errors.map(({ sample, group, count, median, p90 }) => [
      sample,
      group,
      String(count),
      percent(median),
      percent(p90),
    ]),
  );
  return `${found}\n\n${missed}`;
}
