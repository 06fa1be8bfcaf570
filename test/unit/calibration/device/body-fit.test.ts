import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../../src/base/spec-file.ts';
import { fitBody } from '../../../../src/calibration/device/body-fit.ts';
import { predictSustained } from '../../../../src/calibration/device/sustained.ts';
import { parseSustained, type Series } from '../../../../src/calibration/device/sustained-rows.ts';
import { bodyText } from '../../../../src/cli/body-fit-report.ts';
import { applyOverrides } from '../../../../src/engine/overrides.ts';
import type { Sources } from '../../../../src/engine/prepare.ts';
import { parsePhone, phoneSchema } from '../../../../src/hardware/thermal/phone-spec.ts';
import { fileSources } from '../../../../src/load.ts';

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
const sources = fileSources();
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
    Array.from({ length: 13 }, () => 5),
  );
  const { rows } = predictSustained([blank], other);
  const rates = rows.filter(({ quantity }) => quantity === 'decode');
  return seriesOf(
    id,
    rates.map(({ predicted }) => predicted),
  );
}

describe('a body fitted to runs over time', () => {
  const grid = { resistance: [0.5, 1], capacity: [1] };
  const runs = [measuredWith(0.5, 'a'), measuredWith(0.5, 'b')];
  const done: number[] = [];
  const fit = fitBody(runs, 'pixel-6a', sources, (count) => done.push(count), grid);

  it('is the one that made them', () => {
    expect(fit.factors).toEqual({ resistance: 0.5, capacity: 1 });
    expect(fit.after).toBeLessThan(0.01);
    expect(fit.before).toBeGreaterThan(0.02);
    expect(fit.values.boardToFrame).toBeCloseTo(0.5 * described.thermal.boardToFrame.is, 9);
    expect(fit.values.board).toBe(described.thermal.board.is);
    expect(done).toEqual([1, 2]);
  });

  it('is judged by series that the fit to the others had not seen', () => {
    expect(fit.heldOut.map(({ series }) => series)).toEqual(['a', 'b']);
    for (const { before, after } of fit.heldOut) expect(after).toBeLessThan(before / 2);
  });

  it('stays as described where the runs are those of the description', () => {
    const same = fitBody([measuredWith(1, 'a')], 'pixel-6a', sources, undefined, grid);
    expect(same.factors).toEqual({ resistance: 1, capacity: 1 });
    expect(same.after).toBe(same.before);
    expect(same.heldOut).toEqual([]);
  });

  it('prints a description that is like the phone, with its residuals', () => {
    const text = bodyText(fit);
    expect(text).toMatch(/# left out, a: \d+ % as described, 0 % by the others/);
    const spec = parseSpecFile(text, 'fitted.yaml');
    expect(spec.data).toMatchObject({
      like: 'pixel-6a',
      thermal: {
        boardToFrame: { is: expect.stringMatching(/^[\d.]+ K\/W$/), from: 'runs', trust: 'fitted' },
        board: { is: expect.stringMatching(/^[\d.]+ J\/K$/) },
      },
    });
  });

  it('needs a run of that phone', () => {
    expect(() => fitBody(runs, 'pixel-9', sources, undefined, grid)).toThrow(
      /no run over time that could be predicted is of phone "pixel-9"/,
    );
  });
});
