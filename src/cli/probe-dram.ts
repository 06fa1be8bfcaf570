/** `socsim probe dram`: drives the LPDDR transaction model alone, replays traces, and checks it against other tools. */
import { type CheckedRow, comparedRows, reportJson, reportRows } from '../analysis/row-report.ts';
import { SpecError } from '../base/errors.ts';
import { KILO } from '../base/units.ts';
import { checkRows, parseRows, placesIn } from '../calibration/dram-rows.ts';
import { simulateTraffic, type TrafficOptions } from '../hardware/dram/simulate.ts';
import { readUserFile, writeUserFile } from '../load.ts';
import type { Args, Command } from './command.ts';
import { dramOptions, trafficOptions } from './dram-options.ts';
import {
  curveJson,
  type LoadPoint,
  renderBand,
  renderCurve,
  renderReport,
  renderRun,
  runJson,
  SATURATED,
  type TimedRun,
  toolBand,
} from './dram-text.ts';
import { idleBeside, needs, onlyOne } from './parse.ts';
import { startProgress } from './terminal.ts';

/** Shares of peak of a load–latency curve; the last ones are past saturation for most traffic. */
const LOADS = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];

export const probeDram: Command = {
  name: 'probe dram',
  summary: 'drive the LPDDR model: bandwidth, latency, rows, energy; replay traces, check rows',
  examples: [
    'socsim probe dram --preset LPDDR5X-8533 --channels 4 --pattern stream --read-share 0.67 --streams 4',
    'socsim probe dram --preset LPDDR5T-9600 --pattern random --rate 0.4 --refresh all --json',
    'socsim probe dram --pattern random --load-latency --requests 50000 --chart load.svg',
    'socsim probe dram --rows reference_runs.csv',
    'socsim probe dram --trace requests.txt --map row:bank:column:channel',
  ],
  options: {
    // Rows bring all of a memory and its traffic; of two files with traffic neither is the lesser one.
    ...idleBeside('rows', dramOptions, ['trace', 'requesters']),
    'load-latency': {
      type: 'boolean',
      summary: 'latency over a range of rates instead of one run',
    },
    chart: { type: 'string', summary: 'with --load-latency: draw it as SVG', value: 'FILE' },
    rows: {
      type: 'string',
      summary: "other simulators' runs, each repeated with that tool's controller and settings",
      value: 'FILE',
    },
    verbose: { type: 'boolean', summary: 'with --rows: list every row' },
    json: { type: 'boolean', summary: 'print JSON' },
  },
  run: async (args) => {
    checkTogether(args);
    const json = args['json'] === true;
    const rows = args['rows'] as string | undefined;
    if (rows !== undefined) {
      printRows(rows, json, args['verbose'] === true);
      return undefined;
    }
    const options = trafficOptions(args);
    if (args['load-latency'] === true) {
      const points = sweepLoad(options);
      console.log(json ? JSON.stringify(curveJson(points), null, 2) : renderCurve(points));
      if (args['chart'] !== undefined) await drawCurve(String(args['chart']), options, points);
      return undefined;
    }
    const timed = timedRun(options);
    console.log(
      json ? JSON.stringify(runJson(timed), null, 2) : renderRun(timed, options.plan.openRate),
    );
    return undefined;
  },
};

/** Pairs of options of which one would be passed over in silence. @throws SpecError */
function checkTogether(args: Args): void {
  onlyOne(args, ['rows', 'trace', 'requesters']);
  onlyOne(args, ['rows', 'load-latency']);
  // A trace has its own times, and each point of a curve its own rate.
  onlyOne(args, ['load-latency', 'trace', 'rate']);
  onlyOne(args, ['window', 'rate']);
  needs(args, 'chart', 'load-latency');
  needs(args, 'verbose', 'rows');
  if (args['pattern'] === 'strided' || args['stride'] === undefined) return;
  const message = `has no effect with --pattern ${args['pattern']}`;
  throw new SpecError([{ path: '--stride', message, hint: '--pattern strided reads it' }]);
}

function timedRun(options: TrafficOptions): TimedRun {
  const started = performance.now();
  const run = simulateTraffic(options);
  return { run, wallSeconds: (performance.now() - started) / KILO };
}

/** Data of a load–latency chart: the same traffic at rising rates. */
export function sweepLoad(
  options: TrafficOptions,
  loads: readonly number[] = LOADS,
): readonly LoadPoint[] {
  const progress = startProgress('load', loads.length);
  const points = loads.map((offered, index) => {
    const plan = { ...options.plan, openRate: offered, window: undefined };
    const run = simulateTraffic({ ...options, plan });
    progress.update(index + 1);
    return {
      offered,
      achieved: run.bandwidth / run.peak,
      peak: run.peak,
      readLatency: run.readLatency,
    };
  });
  progress.stop();
  return points;
}

/** @throws SpecError when the file cannot be written. */
async function drawCurve(
  path: string,
  options: TrafficOptions,
  points: readonly LoadPoint[],
): Promise<void> {
  // d3 takes about a second to load, so only a chart pays for it.
  const { renderLoadLatency } = await import('../analysis/charts/lines.ts');
  const peak = points[0]?.peak ?? 0;
  // Past saturation the wait grows with the length of the run: one such point shows the wall, more would only scribble.
  const wall = points.findIndex(({ offered, achieved }) => achieved < SATURATED * offered);
  const drawn = wall === -1 ? points : points.slice(0, wall + 1);
  const along = (of: (point: LoadPoint) => number) =>
    drawn.map((point) => ({ x: point.achieved * peak, y: of(point) }));
  const svg = renderLoadLatency({
    name: 'load-latency',
    title: `Load and latency of ${options.preset.name}`,
    peak,
    series: [
      { name: 'mean', points: along(({ readLatency }) => readLatency.mean) },
      { name: '99th percentile', points: along(({ readLatency }) => readLatency.p99) },
    ],
  });
  writeUserFile(path, svg ?? '');
}

function printRows(path: string, json: boolean, verbose: boolean): void {
  const { text, file } = readUserFile(path);
  const csv = parseRows(text, file);
  const progress = startProgress('rows', csv.rows.length);
  const { checks, unmapped } = checkRows(csv.rows, {
    placeOf: placesIn(text, csv),
    onRow: (done) => progress.update(done),
  });
  progress.stop();
  const grouped = (group: (check: (typeof checks)[number]) => string): CheckedRow[] =>
    checks.map((check) => ({ ...check, group: group(check) }));
  const families = grouped(({ simulator, family }) => `${simulator} ${family}`);
  const byFamily = comparedRows(reportRows(families, unmapped), file);
  const byTool = reportRows(grouped(({ simulator }) => simulator));
  const summary = byFamily.summary.filter(({ group }) => group !== 'all');
  const report = { ...byFamily, summary: [...byTool.summary, ...summary] };
  const band = toolBand(checks);
  if (json) {
    console.log(JSON.stringify({ ...(reportJson(report) as object), band }, null, 2));
    return;
  }
  console.log(renderReport(report, verbose));
  if (band) console.log(`\n${renderBand(band)}`);
}
