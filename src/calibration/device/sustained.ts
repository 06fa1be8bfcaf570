/**
 * Predicts measured runs over time, point by point, and three figures of every series: initial and sustained rate, time
 * of the drop. Nothing is fitted here; bodies and vendors' set points are those of the phone descriptions.
 */
import { InfeasibleError } from '../../base/errors.ts';
import type { Sources } from '../../engine/prepare.ts';
import { mappingTables } from './predict.ts';
import { compareSeries, type SustainedPrediction } from './sustained-compare.ts';
import type { Series, SeriesPoint } from './sustained-rows.ts';
import { runSeries, type SimulatedRun } from './sustained-run.ts';
import { type SeriesScenario, scenarioOf } from './sustained-scenario.ts';

export interface SustainedPredictions {
  readonly rows: readonly SustainedPrediction[];
  readonly unmapped: readonly { readonly id: string; readonly reason: string }[];
  /** By series: the run that predicted it, for charts. */
  readonly runs: ReadonlyMap<string, SimulatedRun>;
}

/** @param tell hears of every run that is done, out of how many. */
export function predictSustained(
  all: readonly Series[],
  sources: Sources,
  tell: (done: number, total: number) => void = () => {},
): SustainedPredictions {
  const tables = mappingTables(sources);
  const rows: SustainedPrediction[] = [];
  const runs = new Map<string, SimulatedRun>();
  const { groups, unmapped } = groupsOf(all, tables, sources);
  for (const [done, members] of groups.entries()) {
    tell(done, groups.length);
    try {
      const fitted = members.map((one) => withPrompt(one, tables, sources));
      const simulated = runSeries(fitted, sources);
      for (const one of fitted) {
        const found = compareSeries(one, simulated);
        if (found.length === 0) unmapped.push({ id: one.series.id, reason: NOTHING });
        else runs.set(one.series.id, simulated);
        rows.push(...found);
      }
    } catch (error) {
      if (!(error instanceof InfeasibleError)) throw error;
      for (const { series } of members) unmapped.push({ id: series.id, reason: error.message });
    }
  }
  return { rows, unmapped, runs };
}

const NOTHING = 'measures nothing that a run predicts';

/** Series that were one session run together; every other one by itself. */
function groupsOf(
  all: readonly Series[],
  tables: Parameters<typeof scenarioOf>[1],
  sources: Sources,
): { groups: SeriesScenario[][]; unmapped: { id: string; reason: string }[] } {
  const unmapped: { id: string; reason: string }[] = [];
  const groups = new Map<string, SeriesScenario[]>();
  for (const series of all) {
    const found = scenarioOf(series, tables, sources);
    if ('reason' in found) {
      unmapped.push({ id: series.id, reason: found.reason });
      continue;
    }
    const { soc, device, unit, runtime } = series;
    const key = found.protocol.session ? [soc, device, unit, runtime].join('/') : series.id;
    groups.set(key, [...(groups.get(key) ?? []), found]);
  }
  return { groups: [...groups.values()], unmapped };
}

/** Where the prompt is given by the time it took: as many tokens as the unit processes in that. */
function withPrompt(
  one: SeriesScenario,
  tables: Parameters<typeof scenarioOf>[1],
  sources: Sources,
): SeriesScenario {
  const { prefillSeconds, prompt } = one.protocol;
  if (prefillSeconds === undefined || prompt !== undefined) return one;
  const { run } = runSeries(
    [{ ...one, series: { ...one.series, points: [probePoint(one)] } }],
    sources,
  );
  const rate = run.metrics['prefill_tokens_per_second'];
  if (rate === undefined) return one;
  const promptTokens = Math.max(1, Math.round(rate * prefillSeconds));
  const again = scenarioOf(one.series, tables, sources, { promptTokens });
  if ('reason' in again) return one;
  const assumptions = [
    ...again.assumptions,
    `prompt of ${promptTokens} tokens takes the measured time`,
  ];
  return { ...again, assumptions };
}

/** Makes a run of one request. */
function probePoint({ series }: SeriesScenario): SeriesPoint {
  return { ...series.points[0]!, time: undefined, iteration: 1 };
}
