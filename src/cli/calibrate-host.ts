/** `socsim calibrate host`: measures real ONNX operators here, fits a `host` SoC, and checks it on whole models. */
import { accessSync, constants, statSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { SpecError } from '../base/errors.ts';
import { fileReason } from '../base/file-reason.ts';
import type { CalibrateOptions, HostCalibration } from '../calibration/calibrate.ts';
import type { Candidate } from '../calibration/collect.ts';
import { openModelFile } from '../load.ts';
import type { DimBindings } from '../workload/onnx/bindings.ts';
import { checkReport, describeCalibration } from './calibrate-host-report.ts';
import type { Args, Command } from './command.ts';
import { DIM_OPTION, parseDims, textsOf } from './model-file.ts';
import { needs } from './parse.ts';
import { startProgress } from './terminal.ts';

/** What `--check` takes instead of a file to mean the project's own unseen models. */
const GENERATED = 'generated';
const PERCENT = 100;

export const calibrateHost: Command = {
  name: 'calibrate host',
  summary: 'measure ONNX operators on this machine, fit a host SoC, predict whole models with it',
  examples: [
    'socsim calibrate host --out host.yaml',
    'socsim calibrate host --quick --check generated',
    'socsim calibrate host --check model.onnx@batch=1,sequence=128 --chart check.svg',
  ],
  options: {
    quick: { type: 'boolean', summary: 'a third of the suite, in under a minute' },
    check: {
      type: 'array',
      summary: `models to run and predict; "${GENERATED}" for decoder, encoder, backbone and U-net blocks`,
      value: 'MODEL.onnx[@DIM=N,…]',
    },
    dim: DIM_OPTION,
    threads: {
      type: 'number',
      summary: 'threads to calibrate for; all by default',
      value: 'N',
    },
    out: {
      type: 'string',
      summary: 'SoC description to write; the record goes beside it as .calibration.json',
      value: 'FILE',
      alias: 'o',
    },
    chart: {
      type: 'string',
      summary: 'SVG of predicted against measured',
      value: 'FILE',
    },
    json: { type: 'boolean', summary: 'print JSON for machines' },
  },
  run: async (args) => {
    needs(args, 'dim', 'check');
    const threads = threadsOf(args);
    const checks = await checksOf(args);
    // Before minutes of measuring, so that a folder that is not there costs nobody a calibration.
    for (const file of [args['out'], args['chart']]) if (typeof file === 'string') claimFile(file);
    const result = await calibrate({
      quick: args['quick'] === true,
      date: new Date().toISOString(),
      checks,
      ...(threads === undefined ? {} : { threads }),
    });
    const written = await writeFiles(args, result);
    if (args['json'] === true) {
      console.log(JSON.stringify({ ...checkReport(result), record: result.record }, undefined, 2));
      return undefined;
    }
    console.log(describeCalibration(result));
    for (const file of written) console.log(`wrote ${file}`);
    return undefined;
  },
};

function claimFile(file: string): void {
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch (error) {
    throw new SpecError([{ file, message: `cannot be written: ${fileReason(error)}` }]);
  }
}

async function calibrate(options: CalibrateOptions): Promise<HostCalibration> {
  const { calibrateHost: run } = await import('../calibration/calibrate.ts');
  const progress = startProgress('calibrating', PERCENT);
  try {
    return await run({
      ...options,
      progress: (share) => progress.update(Math.round(PERCENT * share)),
    });
  } finally {
    progress.stop();
  }
}

function threadsOf(args: Args): number | undefined {
  const threads = args['threads'];
  if (threads === undefined) return undefined;
  if (typeof threads === 'number' && Number.isInteger(threads) && threads > 0) return threads;
  throw new SpecError([
    {
      path: '--threads',
      message: 'not a number of threads',
      expected: '1 or more',
      got: String(threads),
    },
  ]);
}

/** @throws SpecError with the faults of every file, before anything is measured. */
async function checksOf(args: Args): Promise<Candidate[]> {
  const dims = parseDims(textsOf(args['dim']));
  const named = textsOf(args['check']);
  const { checkModels } = await import('../calibration/check-models.ts');
  const faults = [];
  const candidates: Candidate[] = [];
  for (const name of named) {
    try {
      if (name === GENERATED) candidates.push(...checkModels(args['quick'] === true));
      else candidates.push(await openCandidate(name, dims));
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      faults.push(...error.faults);
    }
  }
  if (faults.length > 0) throw new SpecError(faults);
  return candidates;
}

/** `model.onnx@batch=1,sequence=128`: what follows the sign binds for this model, on top of `--dim`. */
async function openCandidate(argument: string, shared: DimBindings): Promise<Candidate> {
  const [, path = argument, own] = /^(.*\.\w+)@([^@]*=[^@]*)$/.exec(argument) ?? [];
  const dims = { ...shared, ...(own === undefined ? {} : parseDims([own])) };
  const { importOnnx } = await import('../workload/onnx/import.ts');
  const { fileCandidate } = await import('../calibration/model-file.ts');
  const imported = importOnnx(openModelFile(path), path, { dims });
  return fileCandidate({ path, name: basename(path), size: statSync(path).size, dims, imported });
}

async function writeFiles(args: Args, result: HostCalibration): Promise<string[]> {
  const written: string[] = [];
  const write = (file: string, text: string) => {
    writeFileSync(file, text);
    written.push(file);
  };
  const { out, chart } = args;
  if (typeof out === 'string') {
    const { hostDescription } = await import('../calibration/host-soc.ts');
    const { dumpYaml } = await import('./dump-yaml.ts');
    write(out, dumpYaml(hostDescription(result.fit, result.host, result.shape)));
    write(recordName(out), `${JSON.stringify(result.record, undefined, 2)}\n`);
  }
  if (typeof chart === 'string') {
    const { renderScatter } = await import('../analysis/charts/scatter.ts');
    const svg = renderScatter({
      name: 'host',
      title: 'ONNX models on this host',
      quantity: 'Time of one run',
      unit: 's',
      points: pointsOf(result),
    });
    if (svg !== undefined) write(chart, svg);
  }
  return written;
}

/** The checked models where there are any, otherwise the suite. */
function pointsOf({ checks, fit }: HostCalibration) {
  const rows = checks.length > 0 ? checks.map(({ residual }) => residual) : fit.residuals;
  return rows.map(({ id, family, threads, measured, predicted }) => ({
    id: `${id} (${threads})`,
    group: family,
    measured,
    predicted,
  }));
}

function recordName(out: string): string {
  return `${out.replace(/\.(ya?ml|json)$/, '')}.calibration.json`;
}
