import { describe, expect, it } from 'vitest';
import {
  blockResistances,
  type DiePaths,
  dieLinks,
  SILICON_CONDUCTIVITY,
} from '../../../../src/hardware/thermal/die.ts';
import { floorplanArea } from '../../../../src/hardware/thermal/floorplan.ts';
import { buildModalNetwork } from '../../../../src/hardware/thermal/modal.ts';
import { DIE, wattsAt } from '../../../support/thermal.ts';

const paths: DiePaths = { thickness: 1.5e-4, up: 3, down: 7 };
/** Both sides held at 0 °C. */
const held = (links: ReturnType<typeof dieLinks>) =>
  buildModalNetwork({
    name: 'die',
    ambient: 0,
    nodes: DIE.map(({ name }) => name),
    capacities: DIE.map(() => 1),
    links,
    ambientLinks: DIE.map(({ width, height }, node) => ({
      node,
      conductance: ((width * height) / floorplanArea(DIE)) * (1 / paths.up + 1 / paths.down),
    })),
  });

describe('die condensed from cells', () => {
  const fine = blockResistances(DIE, paths, 0.5e-3);
  const n = DIE.length;

  it('stays within 6 % of fine cells for a block heated alone', () => {
    const network = held(dieLinks(DIE, paths));
    for (const [i, { name }] of DIE.entries()) {
      const rise = network.steadyState(wattsAt(network.nodes, { [name]: 1 }))[i] as number;
      expect(Math.abs(rise / fine[i * n + i]! - 1), name).toBeLessThan(0.06);
    }
  });

  it('spreads an even load evenly, whatever the cells', () => {
    const network = held(dieLinks(DIE, paths));
    const area = floorplanArea(DIE);
    const even = DIE.map(({ name, width, height }) => [name, (5 * width * height) / area]);
    const steady = network.steadyState(wattsAt(network.nodes, Object.fromEntries(even)));
    for (const t of steady) expect(t).toBeCloseTo(5 / (1 / 3 + 1 / 7), 8);
  });

  it('converges: half the cell changes a block by a few per cent', () => {
    const coarse = blockResistances(DIE, paths, 1e-3);
    for (let i = 0; i < n; i++) {
      expect(Math.abs(coarse[i * n + i]! / fine[i * n + i]! - 1)).toBeLessThan(0.04);
      for (let j = 0; j < n; j++) expect(fine[i * n + j]).toBeCloseTo(fine[j * n + i]!, 9);
    }
  });

  it('keeps every conductance positive, and conducts better than centre to centre', () => {
    const links = dieLinks(DIE, paths);
    expect(links).toHaveLength(9);
    for (const { conductance } of links) expect(conductance).toBeGreaterThan(0);
    const first = links.find(({ a, b }) => a === 0 && b === 1);
    const centre = (SILICON_CONDUCTIVITY * paths.thickness * 4e-3) / 3.3e-3;
    expect(first?.conductance).toBeGreaterThan(centre);
  });

  it('has no links for a single block', () => {
    expect(dieLinks([DIE[0]!], paths)).toEqual([]);
  });
});
