/** The fitting half of `socsim calibrate device`: bundles on disk, and what a reader must know of them. */
import { createHash } from 'node:crypto';
import { mkdirSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { SpecError } from '../base/errors.ts';
import { fileReason } from '../base/file-reason.ts';
import { parseSpecFile } from '../base/spec-file.ts';
import {
  bundleOf,
  classesOf,
  errorsOf,
  type Origin,
  socsOf,
} from '../calibration/device/bundle.ts';
import { calibrateDevices, type DeviceCalibration } from '../calibration/device/calibrate.ts';
import { conflictLines, conflictsOf } from '../calibration/device/conflicts.ts';
import { withEnergyBands } from '../calibration/device/energy-bands.ts';
import { unseenEnergy } from '../calibration/device/energy-rows.ts';
import { keyOf } from '../calibration/device/fit-parameters.ts';
import type { FittedParameter } from '../calibration/device/fit-solve.ts';
import { type LlmRow, parseLlmRows } from '../calibration/device/llm-rows.ts';
import { withOwnSoc } from '../calibration/device/predict.ts';
import { refuseOtherKind } from '../calibration/device/predict-file.ts';
import { checkCells } from '../calibration/device/row-checks.ts';
import type { Sources } from '../engine/prepare.ts';
import { fileSources, readBundled, readUserFile, type TextFile, writeUserFile } from '../load.ts';
import { buildCalibration, type ClassesSpec, parseClasses } from '../runtime/calibration-spec.ts';
import type { Args } from './command.ts';
import { renderTable, startProgress } from './terminal.ts';

/** Fits, writes what `--out` names, and prints what was found. */
export function fitDevices({ file, text }: TextFile, args: Args): void {
  if (args['energy'] === true) {
    remakeEnergy({ file, text }, args);
    return;
  }
  const given = args['soc'] as string | undefined;
  const out = args['out'] as string | undefined;
  const { files, rows } = rowsOf({ file, text }, args);
  const plain = fileSources({ calibration: 'none' });
  const own = given === undefined ? undefined : withOwnSoc(plain, given);
  const { sources = plain, name: soc } = own ?? {};
  refuseFile(soc, out);
  const shipped = shippedClasses();
  let bar: ReturnType<typeof startProgress> | undefined;
  const fitted = calibrateDevices(
    rows,
    sources,
    soc,
    (done, total) => {
      bar ??= startProgress('fit', total);
      bar.update(done);
    },
    soc === undefined ? undefined : shipped,
  );
  bar?.stop();
  const origin = originOf(files);
  const calibration = {
    ...fitted,
    energy: unseenEnergy(rows, withFit(sources, fitted, origin), sources),
  };
  const written = filesOf(calibration, soc, out, origin, shipped);
  if (args['json'] === true) {
    const printed =
      soc === undefined
        ? allClasses(calibration, origin, shipped)
        : bundleOf(calibration, soc, origin, shipped);
    console.log(JSON.stringify(printed, undefined, 2));
  } else console.log(describeFit(calibration, soc));
  for (const one of written) writeUserFile(one.path, one.text);
  if (written.length > 0 && args['json'] !== true)
    console.log(`\nWrote ${written.map(({ path }) => path).join(', ')}`);
}

/** Rows of the file and of the one beside it. */
function rowsOf(given: TextFile, args: Args) {
  const also = args['also'] as string | undefined;
  const files = [given, ...(also === undefined ? [] : [readUserFile(also)])];
  const rows = files.flatMap(({ text, file }) => {
    refuseOtherKind(text, file);
    const found = parseLlmRows(text, file);
    checkCells(found, file);
    return found;
  });
  refuseTwice(rows);
  return { files, rows };
}

/** Makes the bands of energy and power again with what is shipped, and writes the shipped classes with them. */
function remakeEnergy(given: TextFile, args: Args): void {
  const shipped = shippedClasses();
  const plain = fileSources({ calibration: 'none' });
  const rows = unseenEnergy(rowsOf(given, args).rows, fileSources(), plain);
  if (rows.length === 0)
    throw new SpecError([
      { file: given.file, message: 'no row that can be predicted tells energy' },
    ]);
  // Text as it stands, checked above: a parser puts keys in an order of its own.
  const asWritten = JSON.parse(readBundled(CLASSES).text) as ClassesSpec;
  const classes = withEnergyBands(asWritten, rows);
  const out = args['out'] as string | undefined;
  if (out !== undefined) writeUserFile(out, textOf(classes));
  if (args['json'] === true) process.stdout.write(textOf(classes));
  else console.log(energyTable(shipped, classes));
}

/** Bands of any engine before and after. */
function energyTable(before: ClassesSpec, after: ClassesSpec): string {
  const kept = new Set(after.energy.map(({ quantity }) => quantity));
  const right = 'right' as const;
  const factor = (found: ClassesSpec['bands'][number] | undefined) =>
    found ? `×÷ ${Math.exp(found.calibrated).toFixed(2)}` : '';
  return renderTable(
    [
      { header: 'quantity' },
      { header: 'unit' },
      { header: 'runtime' },
      { header: 'rows', align: right },
      { header: 'before', align: right },
      { header: 'now', align: right },
    ],
    after.bands
      .filter(({ quantity }) => kept.has(quantity))
      .map((now) => {
        const old = before.bands.find(
          ({ quantity, unit, runtime }) =>
            quantity === now.quantity && unit === now.unit && runtime === now.runtime,
        );
        const { quantity, unit, runtime, rows } = now;
        const words = quantity.replaceAll('_', ' ');
        return [words, unit, runtime, String(rows), factor(old), factor(now)];
      }),
  );
}

const textOf = (value: unknown) => `${JSON.stringify(value, undefined, 1)}\n`;

/** Descriptions with what was just fitted laid over them. */
function withFit(sources: Sources, calibration: DeviceCalibration, origin: Origin): Sources {
  const classes = classesOf(calibration, origin);
  const socs = socsOf(calibration);
  return {
    ...sources,
    calibration: (_, soc) =>
      buildCalibration(
        classes,
        socs.includes(soc) ? bundleOf(calibration, soc, origin) : undefined,
      ),
  };
}

const CLASSES = 'socs/calibrations/classes.json';

/** A fit of one SoC starts from what is shipped of runtime classes; one of all SoCs finds them anew. */
function shippedClasses(): ClassesSpec {
  const { text, file } = readBundled(CLASSES);
  return parseClasses(parseSpecFile(text, file));
}

/** A fit of so small a share of the shipped one's rows cannot know its own errors better. */
const SMALL = 0.5;

/** Classes of a fit of all SoCs; bands of one with few rows are no narrower than the shipped ones. */
function allClasses(calibration: DeviceCalibration, origin: Origin, shipped: ClassesSpec) {
  const own = classesOf(calibration, origin);
  const few = own.inputs.rows < SMALL * shipped.inputs.rows;
  return few ? classesOf(calibration, origin, shipped) : own;
}

function originOf(files: readonly TextFile[]): Origin {
  const names = files.map(({ file }) => file.split(/[/\\]/).at(-1) ?? file);
  return {
    date: new Date().toISOString().slice(0, 10),
    host: createHash('sha256').update(hostname()).digest('hex').slice(0, 12),
    file: names.join(' and '),
    sha256: createHash('sha256')
      .update(files.map(({ text }) => text).join(''))
      .digest('hex'),
  };
}

/** @throws SpecError for a row that is in both files. */
function refuseTwice(rows: readonly LlmRow[]): void {
  const ids = rows.map(({ id }) => id);
  const twice = ids.filter((id, i) => ids.indexOf(id) !== i);
  if (twice.length === 0) return;
  const got = twice.slice(0, MOST_NAMES).join(', ');
  throw new SpecError([{ path: '--also', message: 'has rows of the first file again', got }]);
}

/** Makes the folder that several files need. @throws SpecError before the fit, not after it. */
function refuseFile(soc: string | undefined, out: string | undefined): void {
  if (out === undefined) return;
  if (soc !== undefined) {
    if (!statSync(out, { throwIfNoEntry: false })?.isDirectory()) return;
    throw new SpecError([
      { path: '--out', message: 'this is a folder', expected: 'a file for the one SoC', got: out },
    ]);
  }
  if (/\.json$/.test(out))
    throw new SpecError([
      {
        path: '--out',
        message: 'a fit of several SoCs writes several files',
        expected: 'a folder, or --soc S',
        got: out,
      },
    ]);
  try {
    mkdirSync(out, { recursive: true });
  } catch (error) {
    throw new SpecError([{ file: out, message: `cannot be made: ${fileReason(error)}` }]);
  }
}

/** One bundle, or a folder of them with the classes that all share. */
function filesOf(
  calibration: DeviceCalibration,
  soc: string | undefined,
  out: string | undefined,
  origin: Origin,
  shipped: ClassesSpec,
) {
  if (out === undefined) return [];
  const text = textOf;
  if (soc !== undefined)
    return [{ path: out, text: text(bundleOf(calibration, soc, origin, shipped)) }];
  return [
    { path: `${out}/classes.json`, text: text(allClasses(calibration, origin, shipped)) },
    ...socsOf(calibration).map((name) => ({
      path: `${out}/${name}.json`,
      text: text(bundleOf(calibration, name, origin)),
    })),
  ];
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function describeFit(calibration: DeviceCalibration, soc: string | undefined): string {
  const mine = calibration.rows.filter(
    ({ observation }) => soc === undefined || observation.row.use.soc === soc,
  );
  const parameters = calibration.fit.parameters.filter(
    ({ parameter }) => soc === undefined || parameter.soc === soc,
  );
  return [
    ...(soc === undefined ? [] : [parameterTable(parameters), '']),
    errorTable(errorsOf(mine)),
    '',
    ...undeterminedLines(parameters, soc),
    ...conflictLines(conflictsOf(mine.map(asPrediction))),
    ...skippedLines(calibration),
  ].join('\n');
}

const asPrediction = ({ observation, inSample }: DeviceCalibration['rows'][number]) => ({
  id: observation.id,
  quantity: observation.quantity,
  predicted: inSample,
  reference: observation.reference,
  columns: observation.row.mapped.row.columns,
});

function parameterTable(parameters: readonly FittedParameter[]): string {
  return renderTable(
    [
      { header: 'parameter' },
      { header: 'factor on the description', align: 'right' },
      { header: 'known within', align: 'right' },
      { header: 'rows', align: 'right' },
      { header: '' },
    ],
    parameters.map((one) => [
      keyOf(one.parameter),
      one.factor.toFixed(3),
      `×÷ ${Math.exp(one.sigma).toFixed(2)}`,
      String(one.rows),
      one.undetermined ? 'not determined' : '',
    ]),
  );
}

function errorTable(errors: ReturnType<typeof errorsOf>): string {
  const lines = Object.entries(errors).flatMap(([sample, found]) =>
    found.map(({ quantity, rows, median, p80, p90, worst }) => [
      sample,
      quantity.replaceAll('_', ' '),
      String(rows),
      ...[median, p80, p90, worst].map(percent),
    ]),
  );
  const right = (header: string) => ({ header, align: 'right' as const });
  return renderTable(
    [
      { header: 'sample' },
      { header: 'quantity' },
      ...['rows', 'median', '80 %', '90 %', 'worst'].map(right),
    ],
    lines,
  );
}

function undeterminedLines(
  parameters: readonly FittedParameter[],
  soc: string | undefined,
): string[] {
  const open = parameters.filter(({ undetermined }) => undetermined);
  if (open.length === 0) return [];
  const names = open
    .slice(0, MOST_NAMES)
    .map(({ parameter, rows }) => `${keyOf(parameter)} (${rows} rows)`);
  const more = open.length > names.length ? [`… and ${open.length - names.length} more`] : [];
  const head =
    soc === undefined
      ? `${open.length} of ${parameters.length} parameters stay near the descriptions: the rows say little of them`
      : 'too few rows for these: they stay near what description and class say, until more models, precisions or prompt lengths are measured';
  return [`${head}: ${[...names, ...more].join(', ')}`];
}

const MOST_NAMES = 12;

function skippedLines({ skipped }: DeviceCalibration): string[] {
  const reasons = new Map<string, string[]>();
  for (const { id, reason } of skipped) reasons.set(reason, [...(reasons.get(reason) ?? []), id]);
  return [...reasons].map(([reason, ids]) => {
    const shown = ids.slice(0, MOST_NAMES).join(', ');
    return `not fitted, ${reason}: ${shown}${ids.length > MOST_NAMES ? ` and ${ids.length - MOST_NAMES} more` : ''}`;
  });
}
