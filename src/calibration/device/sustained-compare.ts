/** What a simulated run says at the points of a measured series, and three figures of both curves. */
import { MEGA, MILLI } from '../../base/units.ts';
import type { Run } from '../../engine/run.ts';
import type { Series, SeriesPoint } from './sustained-rows.ts';
import type { SimulatedRun, SimulatedTrial } from './sustained-run.ts';
import type { SeriesScenario } from './sustained-scenario.ts';

type SummaryQuantity = 'initial_rate' | 'sustained_rate' | 'drop_time';

export interface SustainedPrediction {
  readonly id: string;
  readonly quantity: SeriesPoint['quantity'] | SummaryQuantity;
  readonly predicted: number;
  readonly reference: number;
  /** Relative; in kelvin for temperatures. */
  readonly error: number;
  readonly series: Series;
  readonly columns: Readonly<Record<string, unknown>>;
  readonly assumptions: readonly string[];
}

/** Rates of the last part of a run are its sustained ones. */
const SUSTAINED_PART = 0.4;
/** A run whose sustained rate is above this share of the initial one has no drop to time. */
const NO_DROP = 0.85;
/** Fewer points than this say only between which two of them a drop lies. */
const TIMED = 5;

export function compareSeries(
  scenario: SeriesScenario,
  { run, trials }: SimulatedRun,
): SustainedPrediction[] {
  const { series, assumptions } = scenario;
  const own = trials.filter((trial) => trial.series === series.id);
  const row = (
    point: Pick<SeriesPoint, 'id' | 'reference' | 'columns'> & {
      quantity: SustainedPrediction['quantity'];
    },
    predicted: number | undefined,
  ): SustainedPrediction[] => {
    if (predicted === undefined || !Number.isFinite(predicted)) return [];
    const { id, quantity, reference, columns } = point;
    const kelvin = quantity === 'temperature';
    const error = kelvin ? predicted - reference : predicted / reference - 1;
    return [{ id, quantity, predicted, reference, error, series, columns, assumptions }];
  };
  const points = series.points.flatMap((point) =>
    row(point, predictPoint(point, series, run, own)),
  );
  return [...points, ...summaries(series, run, own).flatMap((one) => row(one, one.predicted))];
}

function predictPoint(
  point: SeriesPoint,
  series: Series,
  run: Run,
  trials: readonly SimulatedTrial[],
): number | undefined {
  switch (point.quantity) {
    case 'decode':
      return decodeAt(point, series, trials);
    case 'latency':
      return statisticOf(
        point.statistic,
        trials.map(({ start, end }) => (end - start) / MILLI),
      );
    case 'temperature':
      return temperatureAt(point, run, trials);
    case 'gpu_clock':
      return clockAt(point, run, trials, /^gpu$/);
    case 'cpu_clock':
      return clockAt(point, run, trials, /prime|big|performance/);
    case 'score':
      return scoreAt(point, series, trials);
    case 'power':
      return point.statistic === 'mean' ? run.metrics['average_power_watts'] : undefined;
  }
}

function decodeAt(
  point: SeriesPoint,
  series: Series,
  trials: readonly SimulatedTrial[],
): number | undefined {
  const { time, until, statistic } = point;
  if (statistic === 'mean') return meanRate(trials);
  if (time === undefined || until === undefined) return trialAt(point, series, trials)?.rate;
  const within = trials.filter(({ start, end }) => end > time && start < until);
  return within.length > 0 ? meanRate(within) : undefined;
}

function meanRate(trials: readonly SimulatedTrial[]): number {
  return trials.reduce((sum, { rate }) => sum + rate, 0) / trials.length;
}

/** The trial that a point is about: by its number, or the one under way at its time. */
function trialAt(
  { time, iteration }: Pick<SeriesPoint, 'time' | 'iteration'>,
  { points }: Series,
  trials: readonly SimulatedTrial[],
): SimulatedTrial | undefined {
  if (time === undefined) return trials.find(({ number }) => number === (iteration ?? 1));
  const starts = [...new Set(points.flatMap((point) => point.time ?? []))];
  if (trials.length === starts.length) return trials[starts.indexOf(time)];
  return trials.findLast(({ start }) => start <= time + 1e-9) ?? trials[0];
}

function statisticOf(statistic: string, values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)];
  if (statistic === 'mean') return sorted.reduce((a, b) => a + b, 0) / sorted.length;
  if (statistic === 'min') return sorted[0];
  if (statistic === 'max') return sorted.at(-1);
  const share = /^p(\d+)$/.exec(statistic)?.[1];
  return share === undefined ? undefined : at(Number(share) / 100);
}

/** Tests report passes of a minute; `%` is of the best. */
function scoreAt(
  point: SeriesPoint,
  series: Series,
  trials: readonly SimulatedTrial[],
): number | undefined {
  const best = Math.max(...trials.map(({ rate }) => rate));
  const share = (from: number, to: number) => {
    const own = trials.filter(({ start, end }) => end > from && start < to);
    return own.length > 0 ? meanRate(own) / best : undefined;
  };
  if (point.time !== undefined) {
    const late = share(Math.max(point.time - 60, 0), point.time);
    return late === undefined ? undefined : 100 * late;
  }
  const first = series.points.find(({ iteration }) => iteration === 1)?.reference;
  const loop = point.iteration;
  if (first === undefined || loop === undefined || loop === 1) return undefined;
  const at = share(60 * (loop - 1), 60 * loop);
  const start = share(0, 60);
  // Points of another machine's scale: what the first loop of the measurement reached is the unit.
  return at === undefined || start === undefined ? undefined : (first * at) / start;
}

function curveOf(run: Run, quantity: string, subject: (name: string) => boolean) {
  return run.timeline.counters.filter(
    (one) => one.quantity === quantity && subject(one.subject) && !one.name.endsWith('cap'),
  );
}

/** Span of a point: what came before its time, or the trial of its number. */
function spanOf(point: SeriesPoint, run: Run, trials: readonly SimulatedTrial[]) {
  if (point.statistic !== 'point') return { from: 0, to: Number.POSITIVE_INFINITY };
  if (point.time !== undefined) return { from: point.time, to: point.until ?? point.time };
  const trial = trials.find(({ number }) => number === point.iteration);
  return trial
    ? { from: trial.start, to: trial.end }
    : { from: 0, to: run.metrics['run_seconds'] ?? 0 };
}

/** Largest value of any of the curves within the span; what held at its beginning counts. */
function largestWithin(
  curves: ReturnType<typeof curveOf>,
  { from, to }: { readonly from: number; readonly to: number },
): number | undefined {
  let most: number | undefined;
  for (const { time, value } of curves) {
    for (let i = 0; i < time.length; i++) {
      const held = i + 1 < time.length ? (time[i + 1] as number) : Number.POSITIVE_INFINITY;
      if (held <= from || (time[i] as number) > Math.max(to, from)) continue;
      most = Math.max(most ?? Number.NEGATIVE_INFINITY, value[i] as number);
    }
  }
  return most;
}

/** Mean over the run of the curve with the largest. */
function largestMean(curves: ReturnType<typeof curveOf>, end: number): number | undefined {
  const means = curves.map(({ time, value }) => {
    let sum = 0;
    for (let i = 0; i < time.length; i++) {
      sum += value[i]! * Math.max(0, (time[i + 1] ?? end) - time[i]!);
    }
    return sum / (end - (time[0] ?? 0));
  });
  return means.length > 0 ? Math.max(...means) : undefined;
}

/** A phone without a word for its sensor shows its battery's; what a chip shows is the hottest of its blocks. */
function temperatureAt(
  point: SeriesPoint,
  run: Run,
  trials: readonly SimulatedTrial[],
): number | undefined {
  if (point.time === 0 && point.until === undefined) return undefined;
  const { sensor } = point;
  const named = (names: readonly string[]) => (subject: string) => names.includes(subject);
  let which: ((subject: string) => boolean) | undefined;
  if (/gpu/i.test(sensor)) which = named(['gpu']);
  else if (/cpu|core/i.test(sensor)) which = (subject) => subject.startsWith('cpu');
  else if (/npu/i.test(sensor)) which = named(['npu']);
  else if (/skin|surface/i.test(sensor)) which = named(['skin-front', 'skin-back']);
  else if (/device|battery/i.test(sensor)) which = named(['battery']);
  if (!which) return undefined;
  const curves = curveOf(run, 'temperature', which);
  return point.statistic === 'mean'
    ? largestMean(curves, trials.at(-1)?.end ?? 0)
    : largestWithin(curves, spanOf(point, run, trials));
}

function clockAt(
  point: SeriesPoint,
  run: Run,
  trials: readonly SimulatedTrial[],
  domain: RegExp,
): number | undefined {
  const curves = curveOf(run, 'frequency', (subject) => domain.test(subject));
  const span = spanOf(point, run, trials);
  // A trial that was clamped part-way shows the clamp: its end counts.
  const most = largestWithin(curves, {
    from: span.to === Number.POSITIVE_INFINITY ? 0 : span.to,
    to: span.to,
  });
  return most === undefined ? undefined : most / MEGA;
}

/** Initial rate, sustained rate and time of the drop, of measurement and prediction seen at the same points. */
function summaries(series: Series, run: Run, trials: readonly SimulatedTrial[]) {
  const points = series.points.filter(
    ({ quantity, statistic }) => quantity === 'decode' && statistic === 'point',
  );
  if (points.length < 2) return [];
  const pairs = points.flatMap((point) => {
    const predicted = predictPoint(point, series, run, trials);
    const trial = trialAt(point, series, trials);
    return predicted === undefined || !trial
      ? []
      : [{ time: point.time ?? trial.start, predicted, measured: point.reference }];
  });
  if (pairs.length < 2) return [];
  const measured = figuresOf(pairs.map(({ time, measured: rate }) => ({ time, rate })));
  const predicted = figuresOf(pairs.map(({ time, predicted: rate }) => ({ time, rate })));
  const timed = pairs.length >= TIMED;
  const of = (quantity: SummaryQuantity, a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined
      ? []
      : [{ id: series.id, quantity, reference: a, predicted: b, columns: {} }];
  return [
    ...of('initial_rate', measured.initial, predicted.initial),
    ...of('sustained_rate', measured.sustained, predicted.sustained),
    ...(timed ? of('drop_time', measured.drop, predicted.drop) : []),
  ];
}

interface Figures {
  readonly initial: number;
  readonly sustained: number;
  /** First of three points in a row below the middle between the two; absent where the run does not drop. */
  readonly drop: number | undefined;
}

function figuresOf(curve: readonly { readonly time: number; readonly rate: number }[]): Figures {
  const initial = curve[0]!.rate;
  const tail = curve.slice(-Math.max(1, Math.round(SUSTAINED_PART * curve.length)));
  const sustained = tail.reduce((sum, { rate }) => sum + rate, 0) / tail.length;
  if (sustained > NO_DROP * initial) return { initial, sustained, drop: undefined };
  const middle = (initial + sustained) / 2;
  const low = (i: number) => (curve[i]?.rate ?? 0) < middle;
  // One slow request among fast ones is no drop.
  const drop = curve.find(({ time }, i) => time > 0 && low(i) && low(i + 1) && low(i + 2))?.time;
  return { initial, sustained, drop };
}
