/** Axes → tasks: every combination of values, expressions evaluated, unknown paths refused before anything runs. */
import { SpecError } from '../base/errors.ts';
import { dimensionOf, formatQuantity, parseQuantity } from '../base/quantity.ts';
import { GIBI, KIBI, MEBI } from '../base/units.ts';
import { applyOverrides, type OverrideRoots, resolvePath, valueAt } from '../engine/overrides.ts';
import { overrideRoots, type Sources } from '../engine/prepare.ts';
import { parseScenario } from '../engine/scenario.ts';
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
  const baselines = new Map<string, Baseline>();
  const tasks = points.map(({ index, values }) => {
    const axes = Object.entries(values).map(
      ([path, text]) => [path.replace(/^scenario\./, ''), text] as const,
    );
    const chosen = axes.filter(([path]) => SCENARIO_KEYS.has(path));
    const scenario = {
      ...spec.scenario,
      ...Object.fromEntries(chosen.map(([path, text]) => [path, asScalar(text)])),
    };
    const key = JSON.stringify(scenario);
    const baseline = baselines.get(key) ?? baselineOf(scenario, sources, file);
    baselines.set(key, baseline);
    const set = axes
      .filter(([path]) => !SCENARIO_KEYS.has(path))
      .map(([path, text]) => [path, evaluated(path, text, baseline.read, math)] as const);
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
  refuseWhatNoneTakes([...baselines.values()]);
  return tasks;
}

/** What the descriptions say before the axes change them. */
interface Baseline {
  readonly read: ValueOf;
  /** Why what the scenario itself sets cannot be set here. */
  readonly fault?: SpecError;
}

function baselineOf(
  scenario: Readonly<Record<string, unknown>>,
  sources: Sources,
  file: string,
): Baseline {
  const written = scenarioFile(scenario, file);
  const roots: OverrideRoots = overrideRoots(written, sources);
  try {
    const specs = applyOverrides(roots, parseScenario(written).set);
    const set = Object.entries(roots).map(
      ([name, root]) => [name, { ...root, spec: specs[name]! }] as const,
    );
    return { read: readerOf(Object.fromEntries(set)) };
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return { read: readerOf(roots), fault: error };
  }
}

function readerOf(roots: OverrideRoots): ValueOf {
  return (path) => String(valueAt(roots, resolvePath(roots, path)));
}

/** What one SoC of several does not have makes its points invalid; what none has would make a table of nothing else. */
function refuseWhatNoneTakes(baselines: readonly Baseline[]): void {
  const faults = baselines.flatMap(({ fault }) => fault ?? []);
  if (faults.length > 0 && faults.length === baselines.length) throw faults[0]!;
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
