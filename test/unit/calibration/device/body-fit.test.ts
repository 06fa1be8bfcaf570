import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../../src/base/spec-file.ts';
import { fitBody } from '../../../../src/calibration/device/body-fit.ts';
import { predictSustained } from '../../../../src/calibration/device/sustained.ts';
import { parseSustained, type Series } from '../../../../src/calibration/device/sustained-rows.ts';
import { bodyText } from '../../../../src/cli/body-fit-report.ts';
import { applyOverrides } from '../../../../src/engine/overrides.ts';
import type { Sources } from '../../../../src/engine/prepare.ts';
import { parsePhone, phoneSchema } from '../../../../src/hardware/thermal/phone-spec.ts';
import { sources } from '../../../support/sources.ts';

/** Half minutes until it has throttled. */
const POINTS = 9;
const HEADER = 'series_id,soc,device,unit,runtime,model,statistic,time_s,iteration,tok_s,notes';
/** Decode of a Pixel 6a every half minute for six minutes: long enough to throttle. */
function seriesOf(id: string, rates: readonly number[]): Series {
  const lines = rates.map(
    (rate, i) =>
      `${id},Tensor G1,Google Pixel 6a,cpu,llama.cpp,Llama-3.2-3B-Instruct,point,${30 * i},,${rate},Q4_K_M; 4 threads; start of the trial`,
  );
  return parseSustained([HEADER, ...lines].join('\n'), 'runs.csv')[0]!;
}

const PATHS = ['boardToFrame', 'chamberToFrame', 'chamberToFront', 'chamberToBack'] as const;
const described = parsePhone(sources.phone('pixel-6a'));

/** What the model itself measures of a Pixel 6a whose paths out of the hot spot are `factor` times as long. */
function measuredWith(factor: number, id: string): Series {
  const set = PATHS.map(
    (path) => `phone.thermal.${path}=${factor * described.thermal[path].is} K/W`,
  );
  const other: Sources = {
    ...sources,
    phone: (name) =>
      applyOverrides({ phone: { spec: sources.phone(name), schema: phoneSchema } }, set).phone,
  };
  const blank = seriesOf(
    id,
    Array.from({ length: POINTS }, () => 5),
  );
  const { rows } = predictSustained([blank], other);
  const rates = rows.filter(({ quantity }) => quantity === 'decode');
  return seriesOf(
    id,
    rates.map(({ predicted }) => predicted),
  );
}

describe('a body fitted to runs over time', () => {
  /** Hot enough to throttle within the run. */
  const real = 2.6;
  const grid = { resistance: [1, real, 3.2], capacity: [1] };
  const run = measuredWith(real, 'a');
  const done: number[] = [];
  const fit = fitBody([run], 'pixel-6a', sources, (count) => done.push(count), grid);

  it('is the one that made them', () => {
    expect(fit.factors).toEqual({ resistance: real, capacity: 1 });
    expect(fit.undetermined).toEqual([]);
    expect(fit.after).toBeLessThan(0.01);
    expect(fit.before).toBeGreaterThan(0.01);
    expect(fit.values.boardToFrame).toBeCloseTo(real * described.thermal.boardToFrame.is, 9);
    expect(fit.values.board).toBeUndefined();
    expect(done).toEqual([0, 1, 2]);
  });

  it('shows what every quantity of every series is off by, before and after', () => {
    const decode = fit.residuals.find(({ quantity }) => quantity === 'decode');
    expect(decode).toMatchObject({ series: 'a', points: POINTS });
    expect(decode!.after).toBeLessThan(decode!.before / 2);
  });

  it('prints a description that is like the phone, with its residuals', () => {
    const text = bodyText(fit);
    expect(text).toMatch(/# a, decode: [\d.]+ % as described, [\d.]+ % fitted \(\d+ points\)/);
    expect(text).toMatch(/# .*need a second series/);
    expect(text).toContain('# capacity: as described, the runs do not tell it');
    const spec = parseSpecFile(text, 'fitted.yaml');
    expect(spec.data).toMatchObject({
      like: 'pixel-6a',
      thermal: {
        boardToFrame: { is: expect.stringMatching(/^[\d.]+ K\/W$/), from: 'runs', trust: 'fitted' },
      },
    });
    expect(text).not.toMatch(/J\/K/);
  });

  it('prints no body to use where the runs determine none', () => {
    const text = bodyText({ ...fit, undetermined: ['at the edge'], values: {} });
    expect(text).toMatch(/# not determined: at the edge\n# no body to use: that of pixel-6a stays/);
    expect(text).toMatch(/# a, decode: /);
    expect(text.split('\n').every((line) => line.startsWith('#'))).toBe(true);
  });

  it('shows by series what a fit to the others left over', () => {
    const unseen = [{ series: 'a', before: Math.log(1.2), after: Math.log(1.1) }];
    const text = bodyText({ ...fit, heldOut: unseen });
    expect(text).toContain('# left out, a: 20 % as described, 10 % by the others');
    expect(text).not.toMatch(/second series/);
  });

  it('needs a run of that phone', () => {
    expect(() => fitBody([run], 'pixel-9', sources, undefined, grid)).toThrow(
      /no run over time that could be predicted is of phone "pixel-9"/,
    );
  });
});
