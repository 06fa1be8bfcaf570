import { describe, expect, it } from 'vitest';
import { bandsBeside, bandsOf, type Unseen } from '../../../../src/calibration/device/bands.ts';

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

  it('lean on the wider group where many rows come from few models, sources or SoCs', () => {
    const many = Array.from({ length: 300 }, (_, i) => ({
      ...row('many', 1.2, 1.2, 1.2),
      model: `m${i}`,
      source: `s${i}`,
      soc: `c${i}`,
    }));
    const off = (from: (i: number) => object) =>
      Array.from({ length: 30 }, (_, i) => ({ ...row('off', 3, 3, 3), ...from(i) }));
    const widths = (rows: readonly Unseen[]) => {
      const { calibrated, uncalibrated } = bandOf([...many, ...rows], 'off');
      return [calibrated, uncalibrated];
    };
    const one = widths(off(() => ({ model: 'm', source: 's', soc: 'c' })));
    const several = widths(off((i) => ({ model: `o${i}`, source: 's', soc: 'c' })));
    const all = widths(off((i) => ({ model: `o${i}`, source: `o${i}`, soc: `o${i}` })));
    // One model says of the next one a seventh of what it would have to say to stand alone.
    expect(one[0]).toBeLessThan(Math.log(2));
    expect(several[0]).toBeGreaterThan(one[0]!);
    expect(all[1]).toBeGreaterThan(one[1]!);
    expect(all[0]).toBeLessThanOrEqual(Math.log(3));
    // Rows that say nothing of where they are from count as before, each for itself.
    expect(widths(off(() => ({})))).toEqual(all);
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

describe('bands of a small fit beside those of a large one', () => {
  const shipped = bandsOf([
    ...Array.from({ length: 200 }, () => row('a', 1.9, 2)),
    ...Array.from({ length: 200 }, () => row('b', 1.9, 2)),
  ]);
  const find = (bands: typeof shipped, runtime: string, unit = 'cpu') =>
    bands.find((band) => band.runtime === runtime && band.unit === unit)!;
  const close = (count: number) => Array.from({ length: count }, () => row('a', 1.01, 1.01));

  it('are no narrower, at any place and however well few rows agree', () => {
    const beside = bandsBeside(close(5), shipped);
    for (const [runtime, unit] of [
      ['a', 'cpu'],
      ['any', 'cpu'],
      ['any', 'any'],
    ] as const) {
      const { calibrated, uncalibrated } = find(shipped, runtime, unit);
      expect(find(beside, runtime, unit).calibrated).toBeGreaterThanOrEqual(calibrated);
      expect(find(beside, runtime, unit).uncalibrated).toBeGreaterThanOrEqual(uncalibrated);
    }
  });

  it('are their own where many rows say so, and wider where rows are further off', () => {
    const many = bandsBeside(close(60), shipped);
    expect(find(many, 'a').calibrated).toBe(find(bandsOf(close(60)), 'a').calibrated);
    expect(find(many, 'a').calibrated).toBeLessThan(find(shipped, 'a').calibrated);
    const off = Array.from({ length: 5 }, () => row('a', 5, 5));
    expect(find(bandsBeside(off, shipped), 'a').calibrated).toBeGreaterThan(
      find(shipped, 'a').calibrated,
    );
  });

  it('do not count rows without another model as judged', () => {
    const alone = Array.from({ length: 60 }, () => row('a', undefined, 1.01));
    expect(find(bandsBeside(alone, shipped), 'a').calibrated).toBeGreaterThanOrEqual(
      find(shipped, 'a').calibrated,
    );
  });

  it('are those of the large one where the small one has no rows, each place once', () => {
    const beside = bandsBeside(close(5), shipped);
    expect(find(beside, 'b')).toEqual(find(shipped, 'b'));
    const places = beside.map(({ quantity, unit, runtime }) => `${quantity} ${unit} ${runtime}`);
    expect(new Set(places).size).toBe(places.length);
  });
});
