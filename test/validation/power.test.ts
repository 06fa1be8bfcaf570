/** The law P = base + C·f·V² against the measured power of every CPU cluster and GPU in two phone power profiles. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../../src/base/csv.ts';
import { MEGA, MILLI } from '../../src/base/units.ts';
import { fitRail, type PowerStep, railWatts } from '../../src/hardware/power.ts';
import { parseSoc } from '../../src/hardware/soc-spec.ts';
import { type DomainSpec, voltageAt } from '../../src/hardware/spec/domain-spec.ts';
import { descriptions } from '../../src/load.ts';
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

describe('the descriptions of those phones’ SoCs', () => {
  /** Cores that a row of the profile stands for, and the domain they are on. */
  const DOMAINS: readonly (readonly [string, string, string, number])[] = [
    ['exynos-2400', 'cpu.cluster0 (A520)', 'cpu-little', 4],
    ['exynos-2400', 'cpu.cluster1 (A720 mid)', 'cpu-middle-slow', 3],
    ['exynos-2400', 'cpu.cluster2 (A720 high)', 'cpu-middle', 2],
    ['exynos-2400', 'gpu (Xclipse 940)', 'gpu', 1],
    ['dimensity-8300', 'cpu.cluster0 (A510)', 'cpu-little', 4],
    ['dimensity-8300', 'cpu.cluster1 (A715)', 'cpu-middle', 3],
    ['dimensity-8300', 'cpu.cluster2 (A715 prime)', 'cpu-prime', 1],
  ];
  /** Battery to rails, as the phones’ descriptions have it. */
  const REGULATORS = 0.87;
  const { read } = descriptions();
  const domainOf = (soc: string, name: string) =>
    parseSoc(read('soc', soc)).domains[name] as DomainSpec;
  const full = ({ power }: DomainSpec) =>
    power.stalled.is + power.matrix.is + power.leakage.power.is;

  it.each(DOMAINS)(
    '%s: %s draws at its top step what the profile says',
    (soc, row, name, cores) => {
      const steps = tables().get(`${soc} ${row}`) as PowerStep[];
      const shared = cores > 1 ? fitRail(steps).base : 0;
      const top = steps.at(-1)?.watts as number;
      const rail = (cores * (top - shared) + shared) * REGULATORS;
      expect(full(domainOf(soc, name)) / rail).toBeCloseTo(1, 1);
    },
  );

  // Little cores are left out: a third of what their rows hold does not move with the clock.
  const large = DOMAINS.filter(([, , name]) => name !== 'cpu-little');
  it.each(large)('%s: %s falls with the clock as the profile does', (soc, row, name) => {
    const domain = domainOf(soc, name);
    const top = domain.clock.is;
    const relative = (frequency: number) => {
      const volts = voltageAt(domain, frequency as never) / voltageAt(domain, top);
      const leak = domain.power.leakage.power.is / full(domain);
      return (1 - leak) * (frequency / top) * volts ** 2 + leak * volts;
    };
    const steps = tables().get(`${soc} ${row}`) as PowerStep[];
    const topWatts = steps.at(-1)?.watts as number;
    const errors = steps
      .filter(({ frequency }) => frequency >= top / 2)
      .map(({ frequency, watts }) => Math.abs(relative(frequency) / (watts / topWatts) - 1))
      .sort((a, b) => a - b);
    expect(errors[Math.floor(errors.length / 2)]).toBeLessThan(0.1);
    expect(errors.at(-1)).toBeLessThan(0.22);
  });
});
