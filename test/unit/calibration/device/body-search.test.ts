import { describe, expect, it } from 'vitest';
import {
  type BodyFactors,
  plainest,
  requireEvidence,
  searchBody,
  undetermined,
} from '../../../../src/calibration/device/body-search.ts';
import { parseSustained } from '../../../../src/calibration/device/sustained-rows.ts';

const grid = {
  resistance: [0.4, 0.5, 0.6, 0.75, 0.9, 1, 1.1, 1.3, 1.6, 2],
  capacity: [0.5, 0.7, 1, 1.4, 2],
};
/** Loss that grows with the distance from one body, on both axes. */
const bowl = (resistance: number, capacity: number) => (at: BodyFactors) =>
  Math.abs(Math.log(at.resistance / resistance)) + Math.abs(Math.log(at.capacity / capacity));

describe('the search for a body', () => {
  it('finds any body of the grid, having tried far from all of them', () => {
    for (const resistance of grid.resistance) {
      for (const capacity of grid.capacity) {
        const loss = bowl(resistance, capacity);
        const tried = new Set<string>();
        const found = searchBody((at) => {
          tried.add(JSON.stringify(at));
          return loss(at);
        }, grid);
        expect(found).toEqual({ resistance, capacity });
        expect(tried.size).toBeLessThan(25);
      }
    }
  });

  it('leaves a factor as described that makes next to no difference', () => {
    const loss = ({ resistance, capacity }: BodyFactors) =>
      1 + Math.abs(Math.log(resistance / 0.6)) - 0.01 * Number(capacity === 2);
    const found = { resistance: 0.6, capacity: 2 };
    expect(plainest(found, loss)).toEqual({ resistance: 0.6, capacity: 1 });
  });
});

describe('a body that runs determine', () => {
  const inside = { resistance: 0.6, capacity: 1 };

  it('explains a share of the error and lies within the grid', () => {
    expect(undetermined(inside, { before: 0.2, after: 0.1 }, grid)).toEqual([]);
  });

  it.each([
    [inside, 0.19, /no body reduces the error/],
    [{ resistance: 0.4, capacity: 1 }, 0.1, /0.4 on resistance is at the edge of 0.4 to 2/],
    [{ resistance: 0.6, capacity: 2 }, 0.1, /2 on capacity is at the edge of 0.5 to 2/],
  ])('is not %o with %d of 0.2 left over', (factors, after, reason) => {
    expect(undetermined(factors, { before: 0.2, after }, grid)).toEqual([
      expect.stringMatching(reason),
    ]);
  });
});

describe('evidence of a body', () => {
  const HEADER =
    'series_id,soc,device,unit,runtime,model,statistic,time_s,iteration,tok_s,temp_c,temp_sensor';
  const runs = (...points: readonly (readonly [number, number | '', number | ''])[]) =>
    parseSustained(
      [
        HEADER,
        ...points.map(
          ([time, rate, warm]) =>
            `a,Chip,Phone,cpu,llama.cpp,Llama,point,${time},,${rate},${warm},skin`,
        ),
      ].join('\n'),
      'runs.csv',
    );

  it('is four points over which something warms or slows', () => {
    const warms = runs([0, '', 25], [60, '', 30], [120, '', 33], [180, '', 35], [240, '', 36]);
    const slows = runs([0, 15, ''], [60, 15, ''], [120, 14, ''], [180, 12, '']);
    expect(() => requireEvidence(warms, 'pixel-6a')).not.toThrow();
    expect(() => requireEvidence(slows, 'pixel-6a')).not.toThrow();
  });

  it.each([
    [runs([60, 15, 38]), /too few points \(expected at least 4 points in time.*got 1\)/],
    // A temperature at the start is where the run starts, not what it shows.
    [runs([0, '', 25], [60, '', 38], [300, '', 42], [900, '', 44]), /too few points.*got 3/],
    [runs([0, 15, 60], [60, 15, 20], [300, 15, 12], [900, 15, 10]), /nothing warms up or slows/],
  ])('is not in %#', (series, message) => {
    expect(() => requireEvidence(series, 'pixel-6a')).toThrow(message);
  });
});
