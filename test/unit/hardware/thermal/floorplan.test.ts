import { describe, expect, it } from 'vitest';
import {
  blocksOutside,
  borders,
  type FloorplanBlock,
  floorplanArea,
  floorplanFaults,
  floorplanOf,
} from '../../../../src/hardware/thermal/floorplan.ts';
import { DIE } from '../../../support/thermal.ts';

const block = (name: string, x: number, y: number, width: number, height: number) =>
  ({ name, x, y, width, height }) satisfies FloorplanBlock;

describe('floorplan', () => {
  it('accepts blocks that touch, with decimals that do not add up exactly', () => {
    expect(floorplanFaults(DIE)).toEqual([]);
    const tenths = [block('a', 0, 0, 0.1, 1), block('b', 0.1, 0, 0.2, 1), block('c', 0.3, 0, 1, 1)];
    expect(floorplanFaults(tenths)).toEqual([]);
    expect(borders(tenths)).toHaveLength(2);
  });

  it('names both blocks of an overlap, and a name given twice', () => {
    const faults = floorplanFaults([
      block('npu', 0, 0, 2, 2),
      block('gpu', 1, 1, 2, 2),
      block('npu', 5, 5, 1, 1),
    ]);
    expect(faults.map(({ path, message }) => `${path} ${message}`)).toEqual([
      'floorplan.1 block "gpu" overlaps block "npu"',
      'floorplan.2 block "npu" is given twice',
    ]);
    expect(floorplanFaults([])).toHaveLength(1);
  });

  it('finds blocks beyond the die, not those that end on its edge', () => {
    const plan = [
      block('in', 0, 0, 2, 2),
      block('wide', 2, 0, 1.1, 2),
      block('high', 0, 2, 2, 1.1),
    ];
    expect(blocksOutside(plan, 3, 3).map(({ name }) => name)).toEqual(['wide', 'high']);
    expect(blocksOutside([block('tenths', 0.1, 0, 0.2, 0.3)], 0.3, 0.3)).toEqual([]);
  });

  it('measures shared edges, not corners', () => {
    const found = borders([
      block('a', 0, 0, 2, 2),
      block('b', 2, 1, 4, 3),
      block('c', 0, 2, 1, 1),
      block('corner', 6, 4, 1, 1),
    ]);
    expect(found).toEqual([
      { a: 0, b: 1, length: 1, distance: 3 },
      { a: 0, b: 2, length: 1, distance: 1.5 },
    ]);
  });

  it('sums areas and reads maps', () => {
    expect(floorplanArea(DIE)).toBeCloseTo(11.8e-3 * 11e-3, 12);
    expect(floorplanOf({ npu: { x: 1, y: 2, width: 3, height: 4 } })).toEqual([
      block('npu', 1, 2, 3, 4),
    ]);
  });
});
