/** One chart per measured run over time and quantity: what was measured, with what its run predicts. */

import { slug } from '../../src/calibration/device/llm-rows.ts';
import type { SustainedPredictions } from '../../src/calibration/device/sustained.ts';
import type { Series, SeriesPoint } from '../../src/calibration/device/sustained-rows.ts';
import { type Point, writeOverlay } from './overlay-chart.ts';

/** Fewer than two points are no curve. */
const LEAST = 2;

const DRAWN: Readonly<
  Partial<Record<SeriesPoint['quantity'], { title: string; unit: string; from: number }>>
> = {
  decode: { title: 'Decode rate', unit: 'tokens/s', from: 0 },
  temperature: { title: 'Temperature', unit: '°C', from: 20 },
  score: { title: 'Score', unit: '', from: 0 },
  gpu_clock: { title: 'GPU clock', unit: 'MHz', from: 0 },
};

/** @returns markdown, one line per chart. */
export function sustainedCharts(
  all: readonly Series[],
  found: SustainedPredictions,
  subtitleOf: (series: Series) => string,
): string[] {
  const names = new Map<string, number>();
  // Two units of one phone may be two series of one name.
  const fresh = (name: string) => {
    const count = (names.get(name) ?? 0) + 1;
    names.set(name, count);
    return count === 1 ? name : `${name}-${count}`;
  };
  return all.flatMap((series) =>
    Object.entries(DRAWN).flatMap(([quantity, shown]) => {
      const pairs = pairsOf(series, found, quantity);
      if (pairs.length < LEAST) return [];
      const own = found.runs.get(series.id)!.trials.filter(({ series: id }) => id === series.id);
      const name = fresh(slug(series.id) + (quantity === 'decode' ? '' : `-${slug(quantity)}`));
      const trials = own.map(({ start, rate }) => ({ time: start, value: rate }));
      return [
        writeOverlay({
          name,
          title: titleOf(series),
          subtitle: subtitleOf(series),
          quantity: shown.title,
          unit: shown.unit,
          from: shown.from,
          predicted: quantity === 'decode' ? trials : pairs.map(({ predicted }) => predicted),
          measured: pairs.map(({ measured }) => measured),
        }),
      ];
    }),
  );
}

function titleOf({ device, model, unit }: Series): string {
  return `${device}: ${model || 'run'} on the ${unit.toUpperCase()}`;
}

/** Points with a place in time that the run has a value for. */
function pairsOf(series: Series, found: SustainedPredictions, quantity: string) {
  const run = found.runs.get(series.id);
  if (!run) return [];
  const trials = run.trials.filter((trial) => trial.series === series.id);
  const pairs: { readonly measured: Point; readonly predicted: Point }[] = [];
  for (const point of series.points) {
    const row = found.rows.find(
      (one) => one.series === series && one.id === point.id && one.quantity === quantity,
    );
    const time =
      point.time ?? trials.find(({ number }) => number === (point.iteration ?? 1))?.start;
    if (!row || point.quantity !== quantity || point.statistic !== 'point') continue;
    if (time === undefined) continue;
    pairs.push({
      measured: { time, value: point.reference },
      predicted: { time, value: row.predicted },
    });
  }
  return pairs;
}
