import { describe, expect, it } from 'vitest';
import {
  blockResistances,
  type DiePaths,
  dieLinks,
  INTERPOSER,
  SILICON_CONDUCTIVITY,
  SUBSTRATE,
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

describe('copper of the package close to the die', () => {
  const package_: DiePaths = { ...paths, above: INTERPOSER, below: SUBSTRATE };
  const n = DIE.length;
  const bare = blockResistances(DIE, paths);
  const sheeted = blockResistances(DIE, package_);
  const own = (all: Float64Array, i: number) => all[i * n + i] as number;
  const bySize = DIE.map((_, i) => i).sort(
    (i, j) => DIE[i]!.width * DIE[i]!.height - DIE[j]!.width * DIE[j]!.height,
  );
  const [smallest, largest] = [bySize[0]!, bySize.at(-1)!];

  it('cools a block heated alone, a small one more than a large one, and warms what is far from it', () => {
    const gain = DIE.map((_, i) => own(sheeted, i) / own(bare, i));
    for (const share of gain) expect(share).toBeLessThan(1);
    expect(gain[smallest]).toBeLessThan(gain[largest]!);
    const furthest = bare
      .slice(smallest * n, smallest * n + n)
      .reduce((best, value, i, row) => (value < row[best]! ? i : best), 0);
    expect(sheeted[smallest * n + furthest]).toBeGreaterThan(bare[smallest * n + furthest]!);
  });

  it('changes nothing for an even load', () => {
    const area = floorplanArea(DIE);
    for (let i = 0; i < n; i++) {
      const rise = DIE.reduce(
        (sum, { width, height }, j) => sum + (sheeted[i * n + j]! * (5 * width * height)) / area,
        0,
      );
      expect(rise).toBeCloseTo(5 / (1 / 3 + 1 / 7), 8);
    }
  });

  it('is what the bare die was where the sheet has no metal, and one node where it has no end of it', () => {
    const film = { film: SUBSTRATE.film, along: 0 };
    const none = blockResistances(DIE, { ...paths, above: film, below: film });
    for (let i = 0; i < n; i++) expect(own(none, i)).toBeCloseTo(own(bare, i), 8);
    // Metal without resistance: only the films and the silicon set a block apart from the mean.
    const ideal = blockResistances(DIE, { ...paths, below: { film: 1e-9, along: 1e4 } });
    for (let i = 0; i < n; i++) expect(own(ideal, i)).toBeCloseTo(1 / (1 / 3 + 1 / 7), 2);
  });

  it('keeps blocks within 6 % of fine cells', () => {
    const fine = blockResistances(DIE, package_, 0.5e-3);
    for (let i = 0; i < n; i++) {
      expect(Math.abs(own(sheeted, i) / own(fine, i) - 1)).toBeLessThan(0.06);
    }
  });

  it('falls along a strip as heat in a fin does', () => {
    // A strip of cells 40 mm long and 1 mm wide, heated at one end: rise falls as exp(−x/L), L = √(k·t·r).
    const strip = Array.from({ length: 40 }, (_, i) => ({
      name: `${i}`,
      x: i * 1e-3,
      y: 0,
      width: 1e-3,
      height: 1e-3,
    }));
    const area = floorplanArea(strip);
    const alone = blockResistances(strip, { thickness: 1.5e-4, up: 10, down: 1e9 }, 1e-3);
    const length = Math.sqrt(SILICON_CONDUCTIVITY * 1.5e-4 * 10 * area);
    const ratio = alone[10]! / alone[4]!;
    expect(ratio).toBeCloseTo(Math.exp(-6e-3 / length), 1);
  });
});

describe('links of a die that was seen before', () => {
  it('are the same, and nobody’s own to change for others', () => {
    const first = dieLinks(DIE, paths);
    const again = dieLinks(DIE, paths);
    expect(again).toEqual(first);
    Object.assign(again[0]!, { conductance: 0 });
    expect(dieLinks(DIE, paths)).toEqual(first);
  });

  it('are told from those of a die that lets more heat down', () => {
    const more = { ...paths, down: 2 * paths.down };
    expect(dieLinks(DIE, more)).not.toEqual(dieLinks(DIE, paths));
  });
});
