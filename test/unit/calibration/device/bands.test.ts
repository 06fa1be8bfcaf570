import { describe, expect, it } from 'vitest';
import { bandsOf, type Unseen } from '../../../../src/calibration/device/bands.ts';

const row = (runtime: string, model: number | undefined, soc: number, source?: number): Unseen => ({
  quantity: 'decode',
  unit: 'cpu',
  runtime,
  reference: 10,
  withoutModel: model === undefined ? undefined : 10 * model,
  withoutSource: source === undefined ? undefined : 10 * source,
  withoutSoc: 10 * soc,
});
const bandOf = (rows: readonly Unseen[], runtime: string, unit = 'cpu') =>
  bandsOf(rows).find((band) => band.runtime === runtime && band.unit === unit)!;

describe('bands', () => {
  it('hold four fifths of what was off, in both directions alike', () => {
    const rows = [1.1, 1 / 1.1, 1.2, 1 / 1.2, 1.9].map((off) => row('a', off, off));
    const any = bandOf(rows, 'any', 'any');
    const inside = rows.filter(
      ({ withoutModel }) => Math.abs(Math.log(withoutModel! / 10)) <= any.calibrated + 1e-9,
    );
    expect(inside.length).toBeGreaterThanOrEqual(4);
    expect(any.calibrated).toBeLessThan(Math.log(1.9));
  });

  it('lean on the wider group where rows are few', () => {
    const many = Array.from({ length: 40 }, () => row('many', 1.5, 1.5));
    const few = bandOf([...many, row('few', 1.05, 1.05)], 'few');
    expect(few.calibrated).toBeGreaterThan(Math.log(1.3));
    expect(few.calibrated).toBeLessThan(Math.log(1.5));
  });

  it('are never narrower for a SoC without measurements', () => {
    const rows = [row('a', 1.4, 1.01), row('a', 1.5, 1.02)];
    const { calibrated, uncalibrated } = bandOf(rows, 'a');
    expect(uncalibrated).toBeGreaterThanOrEqual(calibrated);
  });

  it('count rows whose SoC has no other model for unmeasured SoCs only', () => {
    const alone = row('a', undefined, 3);
    const others = [row('a', 1.1, 1.1)];
    const { calibrated, uncalibrated } = bandOf([alone, ...others], 'any', 'any');
    expect(calibrated).toBe(bandOf(others, 'any', 'any').calibrated);
    expect(uncalibrated).toBeGreaterThan(bandOf(others, 'any', 'any').uncalibrated);
  });

  it('are wide where a fit had next to nothing to be judged by', () => {
    const one = bandOf([row('a', undefined, 1.01)], 'a');
    expect(one.calibrated).toBeGreaterThan(Math.log(1.3));
    const two = bandOf([row('a', 1.01, 1.01), row('a', 1.02, 1.02)], 'a');
    expect(two.calibrated).toBeGreaterThan(Math.log(1.2));
    const many = Array.from({ length: 200 }, () => row('a', 1.1, 1.1));
    expect(bandOf(many, 'any', 'any').calibrated).toBeLessThan(Math.log(1.12));
  });

  it('hold four fifths of rows of sources that no fit has seen, where those are further off', () => {
    const offs = [1.05, 1.1, 1.2, 1.3, 1.4, 1 / 1.1, 1 / 1.2, 1 / 1.3, 1 / 1.4, 3];
    const rows = [...offs, ...offs, ...offs, ...offs].map((off) => row('a', 1.02, 1.02, off));
    const any = bandOf(rows, 'any', 'any');
    const away = rows.map(({ withoutSource }) => Math.abs(Math.log(withoutSource! / 10)));
    expect(away.filter((one) => one <= any.calibrated).length / away.length).toBe(0.9);
    expect(any.calibrated).toBeLessThan(Math.log(1.5));
    expect(any.uncalibrated).toBeGreaterThanOrEqual(any.calibrated);
  });

  it('are not narrowed by sources that agree where models do not', () => {
    const models = Array.from({ length: 40 }, () => row('a', 1.5, 1.5));
    const both = models.map((one) => ({ ...one, withoutSource: one.reference * 1.01 }));
    expect(bandOf(both, 'any', 'any').calibrated).toBe(bandOf(models, 'any', 'any').calibrated);
  });

  it('lean on other engines for sources, where an engine is known by one source alone', () => {
    const many = Array.from({ length: 40 }, () => row('many', 1.1, 1.1, 2));
    const alone = Array.from({ length: 40 }, () => row('alone', 1.1, 1.1));
    expect(bandOf([...many, ...alone], 'alone').calibrated).toBeGreaterThan(Math.log(1.7));
    expect(bandOf(alone, 'alone').calibrated).toBeLessThan(Math.log(1.3));
  });

  it('hold more of the rows of few sources, whose errors go together, than of many', () => {
    const offs = Array.from({ length: 40 }, (_, i) => 1 + i / 40);
    const among = (sources: number) =>
      bandOf(
        offs.map((off, i) => ({ ...row('a', 1.02, 1.02, off), source: `s${i % sources}` })),
        'any',
        'any',
      ).calibrated;
    expect(among(2)).toBe(among(5)); // nine rows of ten at most
    expect(among(10)).toBeLessThan(among(5));
    expect(among(40)).toBeLessThan(among(10));
    const held = (width: number) => offs.filter((off) => Math.log(off) <= width).length / 40;
    expect(held(among(2))).toBeLessThanOrEqual(0.9);
    expect(held(among(40))).toBeGreaterThanOrEqual(0.75);
  });
});
