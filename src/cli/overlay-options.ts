/** `--overlay`: files of measurements, read and laid over a run. */
import {
  type MeasuredOperators,
  type OperatorSpan,
  type Overlay,
  overlayRun,
  predictedOperators,
} from '../analysis/overlay.ts';
import { SpecError } from '../base/errors.ts';
import { formatQuantity, parseQuantity } from '../base/quantity.ts';
import { MEGA } from '../base/units.ts';
import { parseDeviceLog } from '../calibration/measured/device-log.ts';
import { recogniseMeasured } from '../calibration/measured/kinds.ts';
import { type MeasuredRun, parseOnnxProfile } from '../calibration/measured/onnx-profile.ts';
import type { Run } from '../engine/run.ts';
import type { Counter } from '../engine/timeline.ts';
import { readUserFile } from '../load.ts';
import type { Args, OptionSpec } from './command.ts';
import { textsOf } from './model-file.ts';
import { renderTable } from './terminal.ts';

export const overlayOptions = {
  overlay: {
    type: 'array',
    summary: 'lay measurements over the run: a log of the phone (CSV) or a profile of ONNX Runtime',
    value: 'FILE',
  },
  match: {
    type: 'array',
    summary: 'which predicted curve a measured column belongs to, where its name does not tell',
    value: 'COLUMN=CURVE',
  },
  'overlay-shift': {
    type: 'string',
    summary: 'the measured clock starts so long after the run, such as "12 s"',
    value: 'TIME',
  },
} as const satisfies Record<string, OptionSpec>;

/** Measurements as read, before there is a run to lay them over. */
export interface Measurements {
  readonly counters: readonly Counter[];
  readonly profile: MeasuredRun | undefined;
  readonly ignored: readonly string[];
  readonly match: Readonly<Record<string, string>>;
  readonly shift: number;
}

/**
 * Reads the files, before a simulation is spent on them; nothing where none is named.
 * @throws SpecError for files of no known kind, faulty rows, and options that need a file.
 */
export function measurementsOf(args: Args): Measurements | undefined {
  const files = textsOf(args['overlay']);
  const match = Object.fromEntries(textsOf(args['match']).map(splitMatch));
  const shift = shiftOf(args['overlay-shift']);
  if (files.length === 0) {
    const lonely = ['match', 'overlay-shift'].filter((name) => args[name] !== undefined);
    if (lonely.length === 0) return undefined;
    const message = `${lonely.map((name) => `--${name}`).join(' and ')} need --overlay FILE`;
    throw new SpecError([{ message }]);
  }
  const read = files.map(readMeasured);
  return {
    counters: read.flatMap(({ counters }) => counters),
    profile: read.find(({ profile }) => profile !== undefined)?.profile,
    ignored: read.flatMap(({ ignored }) => ignored),
    match,
    shift,
  };
}

type Reading = Pick<Measurements, 'counters' | 'profile' | 'ignored'>;

function readMeasured(path: string): Reading {
  const { text } = readUserFile(path);
  const kind = recogniseMeasured(text, path);
  if (kind === 'device-log') return { ...parseDeviceLog(text, path), profile: undefined };
  if (kind === 'onnx-profile') {
    return { counters: [], profile: parseOnnxProfile(text, path), ignored: [] };
  }
  const message = 'results of llama-bench have no course over time to lay over a run';
  const hint =
    'socsim import FILE --soc NAME --out rows.csv, then socsim calibrate device rows.csv';
  throw new SpecError([{ file: path, message, hint }]);
}

function splitMatch(text: string): [string, string] {
  const cut = text.indexOf('=');
  if (cut > 0 && cut < text.length - 1) return [text.slice(0, cut), text.slice(cut + 1)];
  throw new SpecError([{ path: '--match', message: 'expected COLUMN=CURVE', got: text }]);
}

function shiftOf(text: unknown): number {
  if (text === undefined) return 0;
  const parsed = parseQuantity(String(text), 'time');
  if ('value' in parsed) return parsed.value;
  throw new SpecError([{ path: '--overlay-shift', message: parsed.fault, got: String(text) }]);
}

export function layOver(run: Run, measured: Measurements): Overlay {
  const overlay = overlayRun(run, measured.counters, measured);
  const ignored = measured.ignored.map((name) => ({ name, reason: 'its name tells no unit' }));
  return {
    ...overlay,
    unmatched: [...overlay.unmatched, ...ignored],
    operators: measured.profile && operatorsOf(run, measured.profile),
  };
}

/**
 * A predicted operator is of the type that the profile knows under its name; as the runtime renames what it fuses,
 * else of the type that is a word of its name, as in `backbone.Conv.3`.
 */
function operatorsOf(run: Run, { spans }: MeasuredRun): MeasuredOperators {
  const types = new Map(spans.map(({ name, operator }) => [name, operator]));
  const known = new Set(types.values());
  const typeOf = (name: string) =>
    types.get(name) ?? name.split(/[^A-Za-z0-9]+/).find((word) => known.has(word)) ?? '';
  const predicted = predictedOperators(run).map(
    (span): OperatorSpan => ({
      ...span,
      operator: typeOf(span.name),
    }),
  );
  return { predicted, measured: spans };
}

/** Gap of every pair, as text. */
export function describeOverlay({ pairs, unmatched, operators }: Overlay): string {
  const rows = pairs.map(({ measured, predicted, samples, mean, rms, worst }) => [
    measured.name,
    predicted.name,
    String(samples),
    gapText(mean, measured),
    gapText(rms, measured),
    gapText(worst, measured),
  ]);
  const table = renderTable(
    [
      { header: 'measured' },
      { header: 'predicted' },
      { header: 'samples', align: 'right' },
      { header: 'mean gap', align: 'quantity' },
      { header: 'rms gap', align: 'quantity' },
      { header: 'largest gap', align: 'quantity' },
    ],
    rows,
  );
  const total = (spans: readonly OperatorSpan[]) =>
    spans.reduce((sum, { start, end }) => sum + end - start, 0);
  return [
    ...(rows.length > 0 ? [table, 'A gap is predicted less measured.'] : []),
    ...(operators
      ? [
          `operators: predicted ${formatQuantity(total(operators.predicted), 'time')} in ${operators.predicted.length}, ` +
            `measured ${formatQuantity(total(operators.measured), 'time')} in ${operators.measured.length}`,
        ]
      : []),
    ...unmatched.map(({ name, reason }) => `not laid over: ${name} (${reason})`),
  ].join('\n');
}

/** Less than this share of what was measured is rounding. */
const ROUNDING = 1e-9;

/** Differences of temperature are kelvins. */
function gapText(gap: number, { quantity, unit, value: measured }: Counter): string {
  const size = measured.reduce((most, next) => Math.max(most, Math.abs(next)), 0);
  const value = Math.abs(gap) < ROUNDING * size ? 0 : gap;
  const sized = Number(value.toPrecision(3));
  if (quantity === 'temperature') return `${sized} K`;
  if (quantity === 'frequency') return `${Number((value / MEGA).toPrecision(3))} MHz`;
  if (quantity === 'share') return `${Number((value * 100).toPrecision(3))} %`;
  return quantity === 'rate' ? `${sized} tok/s` : `${sized} ${unit}`;
}

/** The same as plain data, for `run.json`. */
export function overlayFacts({ pairs, unmatched }: Overlay) {
  return {
    pairs: pairs.map(({ measured, predicted, samples, mean, rms, worst }) => ({
      measured: measured.name,
      predicted: predicted.name,
      quantity: measured.quantity,
      unit: measured.quantity === 'temperature' ? 'K' : measured.unit,
      samples,
      mean_gap: mean,
      rms_gap: rms,
      largest_gap: worst,
    })),
    unmatched,
  };
}
