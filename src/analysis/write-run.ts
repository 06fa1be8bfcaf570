/** A run as files in a folder: `run.json`, trace, charts and report. */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SpecError } from '../base/errors.ts';
import type { Run } from '../engine/run.ts';
import type { ChartOptions } from './charts/index.ts';
import { chartSummaries } from './charts/summaries.ts';
import { drawCharts, renderReport } from './report.ts';
import { renderTrace, TRACE_NAMES, type TraceOptions } from './trace.ts';

/**
 * Makes sure that `folder` exists and takes files; call it before a long simulation.
 * @throws SpecError that names the folder.
 */
export function claimFolder(folder: string): void {
  try {
    makeFolders(folder);
    if (!statSync(folder).isDirectory()) throw new Error('not a folder');
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw folderFault(folder, error);
  }
}

/** Level by level: Node's own recursive mode never returns where the system answers ENOENT, as below /proc. */
function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  const parent = dirname(resolve(folder));
  if (parent !== resolve(folder)) makeFolders(parent);
  mkdirSync(folder);
}

/** Everything of a run but the timeline, which the trace holds: plain data for other programs. */
export function summariseRun(run: Run): Omit<Run, 'timeline'> {
  const { timeline: _, ...summary } = run;
  return summary;
}

/**
 * Writes all files, report last, so that a report on disk means a complete folder.
 * @returns their paths.
 * @throws SpecError that names the folder when it cannot be written.
 */
export async function writeRun(
  run: Run,
  folder: string,
  options: TraceOptions & ChartOptions = {},
): Promise<readonly string[]> {
  claimFolder(folder);
  claimFolder(join(folder, 'charts'));
  const drawn = await drawCharts(run, options);
  const trace = renderTrace(run, options);
  const json = { ...summariseRun(run), trace: { file: trace.name, ...trace.metadata } };
  const files: (readonly [string, string | Uint8Array])[] = [
    ['run.json', `${JSON.stringify(json, undefined, 2)}\n`],
    [trace.name, trace.bytes],
    ...[...drawn].map(([name, svg]) => [join('charts', `${name}.svg`), svg] as const),
    ['report.html', renderReport(run, drawn)],
  ];
  dropStale(folder, new Set(files.map(([name]) => name)));
  return files.map(([name, content]) => {
    const path = join(folder, name);
    try {
      writeFileSync(path, content);
    } catch (error) {
      throw folderFault(folder, error);
    }
    return path;
  });
}

/** Removes what an earlier run left under our own names, so that a folder never mixes two runs. */
function dropStale(folder: string, written: ReadonlySet<string>): void {
  const charts = Object.keys(chartSummaries).map((name) => join('charts', `${name}.svg`));
  for (const name of [...TRACE_NAMES, ...charts]) {
    if (!written.has(name)) rmSync(join(folder, name), { force: true });
  }
}

function folderFault(folder: string, error: unknown): SpecError {
  const code = (error as NodeJS.ErrnoException).code;
  const reasons: Readonly<Record<string, string>> = {
    EACCES: 'no permission to write',
    EROFS: 'the file system is read-only',
    ENOENT: 'the system takes no folder there',
    EEXIST: 'a file of that name is in the way',
    ENOTDIR: 'part of the path is a file, not a folder',
    ENOSPC: 'no space left on the device',
  };
  const reason = reasons[code ?? ''] ?? (error as Error).message;
  return new SpecError([
    {
      message: `cannot write to output folder "${folder}": ${reason}`,
      hint: 'name another one with --out DIR',
    },
  ]);
}
