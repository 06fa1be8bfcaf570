/** What a sweep file may say, and the grid of points it stands for. */

import { SpecError } from '../base/errors.ts';
import { nearestHint } from '../base/registry.ts';
import { checkSpec, type Infer, z } from '../base/schema.ts';
import type { SpecFile } from '../base/spec-file.ts';
import { metrics } from '../engine/metrics.ts';

const value = z.union([z.string(), z.number(), z.boolean()]);

export const sweepSpec = z.strictObject({
  version: z.literal(1),
  summary: z.string().optional(),
  /** The scenario around which the sweep varies: as in a scenario file, without its version. */
  scenario: z.record(z.string(), z.unknown()),
  /** Values by path: quantities (`"1.5 GHz"`), names, numbers, or expressions over paths (`npu.clock * 1.5`). */
  axes: z.record(z.string(), z.array(value).min(1)),
  /** What a point is judged by; the first two make the Pareto front. Rate and energy of answers unless given. */
  objectives: z.array(z.string()).min(1).optional(),
});
export interface SweepSpec extends Infer<typeof sweepSpec> {
  readonly objectives: string[];
}

const ANSWERS = ['decode_tokens_per_second', 'energy_per_token_joules'];
/** Most choices of protection move what comes before the first token, and leave answers as they are. */
const START = ['time_to_first_token_seconds', ...ANSWERS];

function objectivesFor(axes: Readonly<Record<string, unknown>>): string[] {
  const paths = Object.keys(axes).map(plainPath);
  return paths.length > 0 && paths.every((path) => path.startsWith('security.')) ? START : ANSWERS;
}

/** One point of the grid: its place, and a text per axis. */
export interface SweepPoint {
  readonly index: number;
  readonly values: Readonly<Record<string, string>>;
}

/** @throws SpecError with every fault, unknown objectives included. */
export function parseSweep(spec: SpecFile): SweepSpec {
  const written = checkSpec(spec, sweepSpec);
  const sweep = { ...written, objectives: written.objectives ?? objectivesFor(written.axes) };
  checkAxes(spec, sweep);
  const unknown = sweep.objectives.filter((name) => !Object.hasOwn(metrics, name));
  if (unknown.length === 0) return sweep;
  throw new SpecError(
    unknown.map((name) => ({
      file: spec.file,
      ...spec.locate(['objectives', sweep.objectives.indexOf(name)]),
      path: 'objectives',
      message: `unknown metric "${name}"`,
      hint: nearestHint(name, Object.keys(metrics)),
    })),
  );
}

/** The path by which an axis and an override mean the same: the scenario's own keys go without their root. */
export function plainPath(path: string): string {
  return path.trim().replace(/^scenario\./, '');
}

/** @throws SpecError for axes that `set` of the scenario fixes as well: one of the two would be lost. */
function checkAxes(spec: SpecFile, { axes, scenario }: SweepSpec): void {
  const { set } = scenario;
  const texts = Array.isArray(set) ? set.map(String) : [];
  const fixed = texts.map((text) => plainPath(text.slice(0, Math.max(0, text.indexOf('=')))));
  const both = Object.keys(axes).filter((path) => fixed.includes(plainPath(path)));
  if (both.length === 0) return;
  throw new SpecError(
    both.map((path) => ({
      file: spec.file,
      ...spec.locate(['axes', path]),
      path: 'axes',
      message: `"${path}" is also given by set of the scenario`,
      hint: 'leave one of the two out',
    })),
  );
}

/** `npu.clock=1 GHz,npu.clock * 1.5` → path and values. */
export function parseAxis(text: string): readonly [string, readonly string[]] {
  const equals = text.indexOf('=');
  const values = text
    .slice(equals + 1)
    .split(',')
    .map((part) => part.trim());
  if (equals < 1 || values.some((part) => part === '')) {
    throw new SpecError([
      {
        file: `--axis ${text}`,
        message: 'expected PATH=VALUE,VALUE,…',
        hint: 'such as --axis "npu.clock=1 GHz,npu.clock * 1.5"',
      },
    ]);
  }
  return [text.slice(0, equals).trim(), values];
}

/** The grid in file order: the last axis varies fastest. */
export function pointsOf(axes: SweepSpec['axes']): SweepPoint[] {
  let points: Record<string, string>[] = [{}];
  for (const [path, values] of Object.entries(axes)) {
    points = points.flatMap((point) => values.map((item) => ({ ...point, [path]: String(item) })));
  }
  return points.map((values, index) => ({ index, values }));
}
