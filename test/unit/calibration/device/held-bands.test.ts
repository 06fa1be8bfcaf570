/** Bands judged by rows that they were not made from. */
import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../../src/base/random.ts';
import type { Unseen } from '../../../../src/calibration/device/bands.ts';
import { heldByOthers } from '../../../support/held-bands.ts';

const row = (source: string, off: number): Unseen => ({
  quantity: 'decode',
  unit: 'cpu',
  runtime: 'mnn',
  reference: 10,
  withoutModel: 10 * off,
  withoutSource: 10 * off,
  withoutSoc: 10 * off,
  model: source,
  source,
  soc: source,
});
const share = (rows: readonly Unseen[], out: 'source' | 'model' | 'soc') => {
  const found = heldByOthers(rows, out);
  return found.filter(({ held }) => held).length / found.length;
};
/** Normal logarithms, by source and by row. */
function world(sources: number, each: number, spread: number, own: number): Unseen[] {
  const random = randomStream(7, 'sources');
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: sources }, (_, i) => {
    const common = spread * normal();
    return Array.from({ length: each }, () => row(`s${i}`, Math.exp(common + own * normal())));
  }).flat();
}

describe('bands of all the others', () => {
  it('hold some four fifths of a source left out, however much its rows go together', () => {
    for (const [spread, own] of [
      [0.3, 0.1],
      [0.1, 0.3],
    ] as const)
      for (const out of ['source', 'model', 'soc'] as const) {
        const found = share(world(40, 6, spread, own), out);
        expect(found).toBeGreaterThan(0.72);
        expect(found).toBeLessThan(0.93);
      }
  });

  it('do not hold a source that is off by what no other is', () => {
    const others = world(40, 6, 0.1, 0.1);
    const odd = Array.from({ length: 10 }, () => row('odd', 5));
    const judged = heldByOthers([...others, ...odd], 'source');
    expect(judged).toHaveLength(others.length + odd.length);
    expect(judged.slice(-odd.length).every(({ held }) => !held)).toBe(true);
  });

  it('judge rows with a prediction and a name only', () => {
    const { source: _, ...nameless } = row('a', 1);
    const alone = { ...row('b', 1), withoutSource: undefined };
    expect(heldByOthers([nameless, alone, row('c', 1)], 'source')).toHaveLength(1);
  });
});
