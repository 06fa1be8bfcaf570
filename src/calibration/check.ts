/**
 * Compares predictions with whole models, operator by operator and end to end.
 *
 * End to end from undisturbed calls; per operator from one more session with ONNX Runtime's profiler on, because
 * profiling slows the calls down.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Seconds } from '../base/units.ts';
import { operatorsAsRun, type RunOperator } from './as-run.ts';
import type { Candidate } from './collect.ts';
import { openModel } from './measure.ts';
import { type HostModel, operatorSeconds, unitFor } from './predict.ts';
import { type ProfiledOperator, parseProfile } from './profile.ts';
import { medianOf } from './statistics.ts';

interface CheckedOperator {
  readonly name: string;
  readonly operator: string;
  readonly measured: Seconds;
  readonly predicted: Seconds;
  /** predicted / measured − 1. */
  readonly error: number;
}

export interface OperatorCheck {
  /** Those that both sides know, longest first. */
  readonly operators: readonly CheckedOperator[];
  /** Executed under a name the file does not have: layout changes, fused forms. */
  readonly extra: readonly ProfiledOperator[];
  /** Predicted but not executed under their own name: part of another operator. */
  readonly absorbed: readonly string[];
  /** Share of the measured time in `operators`. */
  readonly covered: number;
}

const WARM_UP = 2;
const RUNS = 12;
/** Shorter operators drown in what tracing adds, which differs by several microseconds from one to the next. */
const RESOLVED: Seconds = 50e-6;
/** Operators that do nothing but pass a buffer on: what the profile says of them is its own time. */
const IDLE = new Set(['Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Identity']);

/** Runs one candidate under the profiler and sets its operators beside the prediction. */
export async function checkOperators(candidate: Candidate, host: HostModel, threads: number) {
  const model = candidate.build();
  const profile = await profileRuns(model, threads);
  return matchOperators(profile, model.list, host);
}

async function profileRuns(
  { source, inputs }: ReturnType<Candidate['build']>,
  threads: number,
): Promise<ProfiledOperator[]> {
  const folder = mkdtempSync(join(tmpdir(), 'socsim-'));
  try {
    const open = await openModel(source, inputs, { threads, profilePrefix: join(folder, 'p') });
    for (let run = 0; run < WARM_UP + RUNS; run++) await open.run();
    await open.close();
    const [file] = readdirSync(folder);
    return parseProfile(readFileSync(join(folder, file as string), 'utf8'), WARM_UP);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What tracing adds to each operator of this profile; nothing where no operator is idle. */
function tracingSeconds(profile: readonly ProfiledOperator[]): Seconds {
  const idle = profile.filter(({ operator }) => IDLE.has(operator)).map(({ seconds }) => seconds);
  return idle.length > 0 ? medianOf(idle) : 0;
}

/** The profile times kernels and itself, so the prediction leaves dispatch out, and tracing is taken off. */
export function matchOperators(
  profile: readonly ProfiledOperator[],
  list: Parameters<typeof operatorsAsRun>[0],
  host: HostModel,
): OperatorCheck {
  const predicted = operatorsAsRun(list);
  const unit = unitFor(
    host,
    predicted.flatMap(({ works }) => works),
  );
  const byName = new Map(profile.map((one) => [one.name, one]));
  const namesOf = ({ name, outputs }: RunOperator) => [name, ...outputs];
  const profileOf = (operator: RunOperator) =>
    namesOf(operator).flatMap((name) => byName.get(name) ?? [])[0];
  const tracing = tracingSeconds(profile);
  const total = profile.reduce((sum, { seconds }) => sum + Math.max(0, seconds - tracing), 0);
  const operators = predicted.flatMap((operator): CheckedOperator[] => {
    const traced = profileOf(operator);
    const { name, works } = operator;
    const measured = (traced?.seconds ?? 0) - tracing;
    if (!traced || measured < RESOLVED) return [];
    const seconds = works.reduce(
      (sum, work) => sum + operatorSeconds(host, unit, work) - unit.estimate(work).launchSeconds,
      0,
    );
    return [
      {
        name,
        operator: traced.operator,
        measured,
        predicted: seconds,
        error: seconds / measured - 1,
      },
    ];
  });
  const names = new Set(predicted.flatMap(namesOf));
  return {
    operators: operators.sort((a, b) => b.measured - a.measured),
    extra: profile.filter(({ name }) => !names.has(name)),
    absorbed: predicted.filter((one) => !profileOf(one)).map(({ name }) => name),
    covered: total > 0 ? operators.reduce((sum, one) => sum + one.measured, 0) / total : 0,
  };
}
