/** A hand-made run seen at the points of a measured series; the expected figures are worked out by hand. */
import { describe, expect, it } from 'vitest';
import { compareSeries } from '../../../../src/calibration/device/sustained-compare.ts';
import type { Series, SeriesPoint } from '../../../../src/calibration/device/sustained-rows.ts';
import type { SimulatedTrial } from '../../../../src/calibration/device/sustained-run.ts';
import type { SeriesScenario } from '../../../../src/calibration/device/sustained-scenario.ts';
import type { Counter } from '../../../../src/engine/timeline.ts';
import { sampleRun } from '../../../support/sample-run.ts';

function point(given: Partial<SeriesPoint>): SeriesPoint {
  return {
    id: 'p',
    quantity: 'decode',
    reference: 10,
    statistic: 'point',
    time: undefined,
    iteration: undefined,
    sensor: '',
    columns: {},
    ...given,
  };
}

function counter(
  subject: string,
  quantity: 'temperature' | 'frequency',
  samples: number[][],
): Counter {
  return {
    name: `${subject} ${quantity}`,
    quantity,
    unit: quantity === 'frequency' ? 'Hz' : '°C',
    subject,
    time: Float64Array.from(samples.map(([time]) => time!)),
    value: Float64Array.from(samples.map(([, value]) => value!)),
  };
}

/** Requests of 10 s each, one after the other, at these rates. */
const trialsAt = (...rates: number[]): SimulatedTrial[] =>
  rates.map((rate, i) => ({ series: 's', number: i + 1, start: 10 * i, end: 10 * (i + 1), rate }));

function compare(points: SeriesPoint[], trials: SimulatedTrial[], counters: Counter[] = []) {
  const series = { id: 's', points } as unknown as Series;
  const run = sampleRun();
  const watched = { ...run, timeline: { ...run.timeline, counters } };
  const scenario = { series, assumptions: [] } as unknown as SeriesScenario;
  return compareSeries(scenario, { run: watched, trials });
}
const values = (points: SeriesPoint[], trials: SimulatedTrial[], counters: Counter[] = []) =>
  compare(points, trials, counters)
    .filter(({ id }) => id === 'p')
    .map(({ predicted }) => predicted);

describe('rates', () => {
  const trials = trialsAt(20, 16, 12, 8);

  it('are those of the request under way, of the one of that number, or means', () => {
    expect(values([point({ time: 15 })], trials)).toEqual([16]);
    expect(values([point({ iteration: 3 })], trials)).toEqual([12]);
    expect(values([point({ statistic: 'mean' })], trials)).toEqual([14]);
    expect(values([point({ time: 10, until: 30 })], trials)).toEqual([14]);
    // A span that ends as the next request begins does not hold it.
    expect(values([point({ time: 0, until: 10 })], trials)).toEqual([20]);
  });

  it('have relative errors, and none after the run', () => {
    expect(compare([point({ time: 5, reference: 25 })], trials)[0]?.error).toBeCloseTo(-0.2, 12);
    expect(compare([point({ time: 50, until: 60 })], trials)).toEqual([]);
    expect(compare([point({ iteration: 9 })], trials)).toEqual([]);
  });

  it('of one point per request are matched in order, whatever the clock says', () => {
    const points = [0, 7, 40, 90].map((time) => point({ time }));
    expect(values(points, trials)).toEqual([20, 16, 12, 8]);
  });
});

describe('latencies', () => {
  it('are milliseconds by statistic', () => {
    const trials = [4, 1, 3, 2].map(
      (length, i): SimulatedTrial => ({
        series: 's',
        number: i + 1,
        start: 10 * i,
        end: 10 * i + length,
        rate: 1,
      }),
    );
    const at = (statistic: string) => values([point({ quantity: 'latency', statistic })], trials);
    expect(at('mean')).toEqual([2500]);
    expect([at('min'), at('max'), at('p90')]).toEqual([[1000], [4000], [4000]]);
    expect(at('spread')).toEqual([]);
  });
});

describe('temperatures and clocks', () => {
  const warm = [
    counter('skin-back', 'temperature', [
      [0, 25],
      [10, 31],
      [20, 35],
    ]),
    counter('skin-front', 'temperature', [
      [0, 25],
      [10, 32],
      [20, 34],
    ]),
    counter('battery', 'temperature', [[0, 28]]),
    counter('gpu', 'frequency', [
      [0, 900e6],
      [12, 500e6],
    ]),
  ];
  const trials = trialsAt(20, 10);

  it('are the warmest of the places a sensor may mean, held until the next sample', () => {
    const skin = (time: number) =>
      values([point({ quantity: 'temperature', sensor: 'skin', time })], trials, warm);
    expect([skin(10), skin(15), skin(25)]).toEqual([[32], [32], [35]]);
    const device = point({ quantity: 'temperature', sensor: 'device', time: 5 });
    expect(values([device], trials, warm)).toEqual([28]);
  });

  it('are means over the run where the measurement is one', () => {
    const steps = counter('gpu', 'temperature', [
      [0, 40],
      [5, 60],
    ]);
    const over = (statistic: string) =>
      values([point({ quantity: 'temperature', sensor: 'gpu', statistic })], trials, [steps]);
    // A quarter of 20 s at 40 °C, the rest at 60 °C.
    expect(over('mean')).toEqual([55]);
    expect(over('max')).toEqual([60]);
  });

  it('err in kelvin; the start and unknown sensors are not compared', () => {
    const made = compare(
      [point({ quantity: 'temperature', sensor: 'skin', time: 10, reference: 30 })],
      trials,
      warm,
    );
    expect(made[0]?.error).toBeCloseTo(2, 12);
    for (const odd of [
      { sensor: 'skin', time: 0 },
      { sensor: 'nose', time: 10 },
    ])
      expect(compare([point({ quantity: 'temperature', ...odd })], trials, warm)).toEqual([]);
  });

  it('a clock is the one in force at the end of its trial, in megahertz', () => {
    const clock = (iteration: number) =>
      values([point({ quantity: 'gpu_clock', iteration })], trials, warm);
    expect([clock(1), clock(2)]).toEqual([[900], [500]]);
  });
});

describe('scores', () => {
  it('of loops scale with the first loop measured; percentages with the best minute', () => {
    const trials: SimulatedTrial[] = [8, 4].map((rate, i) => ({
      series: 's',
      number: i + 1,
      start: 60 * i,
      end: 60 * (i + 1),
      rate,
    }));
    const loops = [
      point({ id: 'first', quantity: 'score', iteration: 1, reference: 5000 }),
      point({ quantity: 'score', iteration: 2 }),
    ];
    expect(values(loops, trials)).toEqual([2500]);
    expect(values([point({ quantity: 'score', time: 120 })], trials)).toEqual([50]);
  });
});

describe('figures of a run that slows', () => {
  const points = [20, 20, 12, 10, 10].map((reference, i) => point({ time: 10 * i, reference }));
  const figures = (trials: SimulatedTrial[]) =>
    Object.fromEntries(
      compare(points, trials)
        .filter(({ id }) => id === 's')
        .map(({ quantity, reference, predicted }) => [quantity, [reference, predicted]]),
    );

  it('are the initial and the sustained rate, and the time of the drop', () => {
    // Sustained: mean of the last two of five. The drop: the first of three in a row below the middle.
    expect(figures(trialsAt(22, 12, 11, 11, 11))).toEqual({
      initial_rate: [20, 22],
      sustained_rate: [10, 11],
      drop_time: [20, 10],
    });
  });

  it('have no time of a drop where the prediction holds its rate', () => {
    expect(figures(trialsAt(20, 20, 20, 19, 19))).toEqual({
      initial_rate: [20, 20],
      sustained_rate: [10, 19],
    });
  });
});
