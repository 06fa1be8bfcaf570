/** The law P = base + C·f·V² against the measured power of every CPU cluster and GPU in two phone power profiles. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../../src/base/csv.ts';
import { MEGA, MILLI } from '../../src/base/units.ts';
import { fitRail, type PowerStep, railWatts } from '../../src/hardware/power.ts';
import { accuracyLine, recordAccuracy } from '../support/accuracy.ts';

const text = readFileSync(new URL('./data/thermal/power_profile.csv', import.meta.url), 'utf8');

/** Voltage against share of the top clock: the quadratic through three published Tensor G1 tables; per unit. */
const voltageShape = (x: number) => Math.max(0.55, 0.49 + 0.19 * x + 0.305 * x * x);

function tables(): Map<string, PowerStep[]> {
  const found = new Map<string, [number, number][]>();
  for (const { values } of parseCsv(text, 'power_profile.csv').rows) {
    if (values['freq_mhz'] === '') continue;
    const key = `${values['soc']} ${values['component']}`;
    const points = found.get(key) ?? [];
    found.set(key, points);
    points.push([Number(values['freq_mhz']), Number(values['power_mw_at_3v85'])]);
  }
  return new Map(
    [...found].map(([key, points]) => {
      const top = Math.max(...points.map(([mhz]) => mhz));
      const steps = points.map(([mhz, mw]) => ({
        frequency: mhz * MEGA,
        voltage: voltageShape(mhz / top),
        watts: mw * MILLI,
      }));
      return [key, steps];
    }),
  );
}

const errorsOf = (steps: readonly PowerStep[], probe: readonly PowerStep[]) => {
  const fit = fitRail(steps);
  return probe
    .map(({ frequency, voltage, watts }) =>
      Math.abs(railWatts(fit, frequency, voltage) / watts - 1),
    )
    .sort((a, b) => a - b);
};

describe('power per frequency', () => {
  // The X4's last steps are a stress value: all cores at them would add up to 21.5 W.
  const clusters = [...tables()]
    .filter(([name]) => !name.includes('X4'))
    .map(([name, steps]) => ({ name, steps }));

  it('covers seven clusters and GPUs', () => expect(clusters).toHaveLength(7));

  it.each(clusters)('$name follows base + C·f·V² within 3.5 % in the median', ({ steps }) => {
    const errors = errorsOf(steps, steps);
    expect(errors[Math.floor(errors.length / 2)]).toBeLessThan(0.035);
    expect(errors.at(-1)).toBeLessThan(0.15);
  });

  it.each(clusters)('$name: every second step predicts the steps between', ({ steps }) => {
    const errors = errorsOf(
      steps.filter((_, i) => i % 2 === 0),
      steps.filter((_, i) => i % 2 === 1),
    );
    expect(errors[Math.floor(errors.length / 2)]).toBeLessThan(0.05);
    expect(errors.at(-1)).toBeLessThan(0.16);
  });

  it('is recorded', () => {
    const odd = clusters.flatMap(({ steps }) =>
      errorsOf(
        steps.filter((_, i) => i % 2 === 0),
        steps.filter((_, i) => i % 2 === 1),
      ),
    );
    recordAccuracy({
      topic: 'power-steps',
      order: 61,
      title: 'Power per operating point',
      text: 'Two numbers per cluster (base, capacitance), fitted on every second step of a phone’s power profile, predict the steps between. Voltage comes from one published curve. Not covered: the Exynos 2400 prime core, whose top steps are a stress value and follow no single law.',
      lines: [accuracyLine('cluster power', odd, { unit: '%', sample: 'cross-validated' })],
    });
    expect(odd.length).toBeGreaterThan(70);
  });

  it('does not follow the Exynos 2400 prime core, whose top steps are not one law', () => {
    const steps = [...tables()].find(([name]) => name.includes('X4'))?.[1] as PowerStep[];
    expect(errorsOf(steps, steps).at(-1)).toBeGreaterThan(0.3);
  });
});
