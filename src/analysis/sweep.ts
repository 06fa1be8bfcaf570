/** Axes → tasks: every combination of values, expressions evaluated, unknown paths refused before anything runs. */
import { dimensionOf, formatQuantity, parseQuantity } from '../base/quantity.ts';
import { GIBI, KIBI, MEBI } from '../base/units.ts';
import { resolvePath, valueAt } from '../engine/overrides.ts';
import { overrideRoots, type Sources } from '../engine/prepare.ts';
import { evaluateExpression, isExpression, loadMath, type ValueOf } from './expression.ts';
import { type SweepTask, scenarioFile } from './sweep-run.ts';
import type { SweepPoint, SweepSpec } from './sweep-spec.ts';

/**
 * Turns points into tasks; axes named `scenario.x` or a scenario key set the scenario, all others a description.
 * @throws SpecError for unknown paths and expressions that cannot be computed, before anything runs.
 */
export async function sweepTasks(
  spec: SweepSpec,
  points: readonly SweepPoint[],
  sources: Sources,
  file: string,
): Promise<SweepTask[]> {
  const texts = points.flatMap(({ values }) => Object.values(values));
  const math = texts.some(isExpression) ? await loadMath() : undefined;
  const baselines = new Map<string, ValueOf>();
  return points.map(({ index, values }) => {
    const axes = Object.entries(values).map(
      ([path, text]) => [path.replace(/^scenario\./, ''), text] as const,
    );
    const chosen = axes.filter(([path]) => SCENARIO_KEYS.has(path));
    const scenario = {
      ...spec.scenario,
      ...Object.fromEntries(chosen.map(([path, text]) => [path, asScalar(text)])),
    };
    const key = JSON.stringify(scenario);
    const read = baselines.get(key) ?? baselineOf(scenario, sources, file);
    baselines.set(key, read);
    const set = axes
      .filter(([path]) => !SCENARIO_KEYS.has(path))
      .map(([path, text]) => [path, evaluated(path, text, read, math)] as const);
    return {
      index,
      scenario,
      overrides: set.map(([path, text]) => `${path}=${text}`),
      values: {
        ...values,
        ...Object.fromEntries(set.map(([path, text]) => [path, readable(text)])),
      },
    };
  });
}

/** What the descriptions say before the sweep changes them. */
function baselineOf(
  scenario: Readonly<Record<string, unknown>>,
  sources: Sources,
  file: string,
): ValueOf {
  const roots = overrideRoots(scenarioFile(scenario, file), sources);
  return (path) => String(valueAt(roots, resolvePath(roots, path)));
}

function evaluated(path: string, text: string, read: ValueOf, math: MathJs | undefined): string {
  // Reading it first makes an unknown path a fault before anything runs.
  read(path);
  return math && isExpression(text) ? evaluateExpression(math, text, path, read) : text;
}

/** `732500000 Hz` → `732.5 MHz`; sizes of whole kibibytes stay exact, for what is aligned has to stay so when it is typed. */
function readable(text: string): string {
  const dimension = dimensionOf(text);
  const parsed = dimension && parseQuantity(text, dimension);
  if (!dimension || !parsed || !('value' in parsed)) return text;
  const { value } = parsed;
  const binary = BINARY.find(([, unit]) => value > 0 && value % unit === 0);
  if (dimension === 'size' && binary) return `${value / binary[1]} ${binary[0]}`;
  return formatQuantity(value, dimension, 6);
}

const BINARY = [
  ['GiB', GIBI],
  ['MiB', MEBI],
  ['KiB', KIBI],
] as const;

type MathJs = Awaited<ReturnType<typeof loadMath>>;

/** Axes that choose descriptions or software instead of changing a number. */
const SCENARIO_KEYS = new Set([
  'soc',
  'phone',
  'workload',
  'policy',
  'unit',
  'decodeUnit',
  'governor',
  'thermalGovernor',
  'runtime',
  'calibration',
  'fidelity',
  'repeat',
  'seed',
]);

function asScalar(text: string): string | number {
  return /^\d+$/.test(text) ? Number(text) : text;
}
