/**
 * Heat paths between the blocks of a die, taken from cells of one to two millimetres.
 *
 * Model    every block is cut into cells: a silicon sheet sideways, the area share of the die's resistances up
 *          (to DRAM) and down (to the package). Copper of the package close to the die, below its bumps and above
 *          its moulding, is a sheet of the same cells, so that a small hot block uses more than its own area of
 *          both ways out. The conductance across each border of blocks is the one at which the effective
 *          resistance between the two block means equals that of the cells; paths up and down keep their area
 *          share, which is exact for an even load, with sheets or without
 * Ignores  what heat the sheets hold (their nodes have it), the package beyond the edge of the die, spreading in DRAM
 *          and board, gradients over the thickness (0.1–0.2 mm against millimetres)
 * Valid    block means, within 6 % of a block's own rise; not the peak inside a block
 * Source   own derivation. Centre-to-centre conductances, as compact models take them, overstate how far
 *          a hot block stands above its neighbours by 30–65 % in HotSpot's own comparison with its grid
 * Checked  test/unit/hardware/thermal/die.test.ts against the cells themselves, test/validation/thermal.test.ts
 *          against HotSpot's grid
 */
import type { KelvinPerWatt, Metres } from '../../base/units.ts';
import { factorise, solveFactorised } from './cholesky.ts';
import { type SparseLink, solveSparse } from './conjugate.ts';
import { borders, type Floorplan, floorplanArea } from './floorplan.ts';
import type { ThermalLink } from './network.ts';

/** W/m/K of thin doped silicon at 60–90 °C: HotSpot and 3D-ICE sample files, 100–148. */
export const SILICON_CONDUCTIVITY = 110;
/** J/m³/K of silicon: HotSpot and 3D-ICE sample files. */
export const SILICON_HEAT_CAPACITY = 1.63e6;
/** Largest cell, at least two a side: block means within 6 % of cells of 0.5 mm, in milliseconds. */
const CELL: Metres = 1e-3;
/** Rounds of matching; each shrinks the mismatch by about half. */
const ROUNDS = 60;

/** Metal that lies along a face of the die, with what lies between. */
export interface PackageSheet {
  /** Between die and metal, m²·K/W: part of the way up or down. */
  readonly film: number;
  /** Conductivity × thickness, W/K. */
  readonly along: number;
}

/** W/m/K along a layer of copper and resin: Therminator's Nexus 5 board, 45; three 15 µm layers three quarters full in 0.3 mm give 44. */
const LAMINATE_CONDUCTIVITY = 45;
/** Bumps and underfill, 60 µm at 11 W/m/K, and metal stack, 10 µm at 2.25 W/m/K (3D-ICE sample files); a substrate of 0.3 mm. */
export const SUBSTRATE: PackageSheet = {
  film: 60e-6 / 11 + 10e-6 / 2.25,
  along: LAMINATE_CONDUCTIVITY * 0.3e-3,
};
/** Moulding over the die, 50 µm at 1 W/m/K; interposer and substrate of the DRAM package, 0.1 mm each (general knowledge of stacked packages). */
export const INTERPOSER: PackageSheet = {
  film: 50e-6 / 1,
  along: LAMINATE_CONDUCTIVITY * 0.2e-3,
};
/** Most of a way out that the film can be: behind it the sheet still has to get rid of the heat. */
const FILM_SHARE = 0.5;

export interface DiePaths {
  readonly thickness: Metres;
  /** Whole die to what lies above and below. */
  readonly up: KelvinPerWatt;
  readonly down: KelvinPerWatt;
  /** Metal on the way up and down; none unless given. */
  readonly above?: PackageSheet;
  readonly below?: PackageSheet;
}

/** Dies of a sweep are mostly one and the same, and cutting one into cells takes as long as reading its whole scenario. */
const KEPT = 16;
const kept = new Map<string, readonly ThermalLink[]>();

/** Links between touching blocks, W/K. */
export function dieLinks(blocks: Floorplan, paths: DiePaths, cell: Metres = CELL): ThermalLink[] {
  const key = JSON.stringify([blocks, paths, cell]);
  const links = kept.get(key) ?? fitLinks(blocks, paths, cell);
  if (kept.size >= KEPT) kept.clear();
  kept.set(key, links);
  return links.map((link) => ({ ...link }));
}

function fitLinks(blocks: Floorplan, paths: DiePaths, cell: Metres): ThermalLink[] {
  const n = blocks.length;
  const across = borders(blocks);
  const target = blockResistances(blocks, paths, cell);
  const spans = across.map(({ a, b }) => span(target, n, a, b));
  const whole = blocks.map((_, block) =>
    Float64Array.from(blocks, (_b, i) => (i === block ? 1 : 0)),
  );
  const conductances = across.map(({ length, distance }) => sheet(paths, length) / distance);
  for (let round = 0; round < ROUNDS; round++) {
    const links = across.map(({ a, b }, i) => ({ a, b, conductance: conductances[i] as number }));
    const now = meanResistances(matrixOf(blocks, paths, links), whole);
    for (const [i, { a, b }] of across.entries()) {
      conductances[i] = (conductances[i] as number) * (span(now, n, a, b) / (spans[i] as number));
    }
  }
  return across.map(({ a, b }, i) => ({ a, b, conductance: conductances[i] as number }));
}

/** Rise of the mean of block i per watt spread over block j, with both sides held cold; `[i·n + j]`, K/W. */
export function blockResistances(
  blocks: Floorplan,
  paths: DiePaths,
  cell: Metres = CELL,
): Float64Array {
  const { plan, owner } = cutBlocks(blocks, cell);
  const { links, losses } = cellNetwork(plan, paths);
  const rises = blocks.map((block, index) => {
    const share = new Float64Array(losses.length);
    for (const [i, { width, height }] of plan.entries()) {
      if (owner[i] === index) share[i] = (width * height) / (block.width * block.height);
    }
    return { share, rise: solveSparse(links, losses, share) };
  });
  const n = blocks.length;
  const result = new Float64Array(n * n);
  for (const [j, { rise }] of rises.entries()) {
    for (const [i, { share }] of rises.entries()) {
      let mean = 0;
      for (let c = 0; c < plan.length; c++) mean += share[c]! * rise[c]!;
      result[i * n + j] = mean;
    }
  }
  return result;
}

/** Cells of the die, then those of each sheet, with what lies beyond at zero. */
function cellNetwork(plan: Floorplan, paths: DiePaths) {
  const area = floorplanArea(plan);
  const across = borders(plan);
  const count = plan.length;
  const sideways = (first: number, along: number): SparseLink[] =>
    across.map(({ a, b, length, distance }) => ({
      a: first + a,
      b: first + b,
      conductance: (along * length) / distance,
    }));
  const links = sideways(0, SILICON_CONDUCTIVITY * paths.thickness);
  const losses = new Array<number>(count).fill(0);
  const ways = [
    { way: paths.up, metal: paths.above },
    { way: paths.down, metal: paths.below },
  ];
  for (const { way, metal } of ways) {
    const whole = way * area;
    if (!metal) {
      for (const [i, { width, height }] of plan.entries()) losses[i]! += (width * height) / whole;
      continue;
    }
    const first = losses.length;
    const film = Math.min(metal.film, FILM_SHARE * whole);
    links.push(...sideways(first, metal.along));
    for (const [i, { width, height }] of plan.entries()) {
      links.push({ a: i, b: first + i, conductance: (width * height) / film });
      losses.push((width * height) / (whole - film));
    }
  }
  return { links, losses };
}

/** QᵀG⁻¹Q for the columns `shares` of Q; uses up `matrix`. */
function meanResistances(matrix: Float64Array, shares: readonly Float64Array[]): Float64Array {
  const count = shares[0]?.length ?? 0;
  const n = shares.length;
  const factor = factorise(matrix, count);
  const result = new Float64Array(n * n);
  for (const [j, share] of shares.entries()) {
    const rise = solveFactorised(factor, count, share.slice());
    for (const [i, weights] of shares.entries()) {
      let mean = 0;
      for (let c = 0; c < count; c++) mean += weights[c]! * rise[c]!;
      result[i * n + j] = mean;
    }
  }
  return result;
}

function sheet({ thickness }: DiePaths, length: Metres): number {
  return SILICON_CONDUCTIVITY * thickness * length;
}

/** Effective resistance between two nodes, K/W. */
function span(resistances: Float64Array, n: number, a: number, b: number): number {
  const at = (i: number, j: number) => resistances[i * n + j] as number;
  return at(a, a) + at(b, b) - 2 * at(a, b);
}

/** Conductance matrix with what lies above and below held at zero. */
function matrixOf(
  plan: Floorplan,
  { up, down }: DiePaths,
  links: readonly ThermalLink[],
): Float64Array {
  const count = plan.length;
  const matrix = new Float64Array(count * count);
  const add = (i: number, j: number, value: number) => {
    matrix[i * count + j] = (matrix[i * count + j] as number) + value;
  };
  const sides = (1 / up + 1 / down) / floorplanArea(plan);
  for (const [i, { width, height }] of plan.entries()) add(i, i, width * height * sides);
  for (const { a, b, conductance } of links) {
    add(a, a, conductance);
    add(b, b, conductance);
    add(a, b, -conductance);
    add(b, a, -conductance);
  }
  return matrix;
}

function cutBlocks(blocks: Floorplan, cell: Metres) {
  const plan: { name: string; x: Metres; y: Metres; width: Metres; height: Metres }[] = [];
  const owner: number[] = [];
  for (const [index, block] of blocks.entries()) {
    const columns = Math.max(2, Math.ceil(block.width / cell - 1e-9));
    const rows = Math.max(2, Math.ceil(block.height / cell - 1e-9));
    const [width, height] = [block.width / columns, block.height / rows];
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j < rows; j++) {
        const name = `${block.name} ${i} ${j}`;
        plan.push({ name, x: block.x + i * width, y: block.y + j * height, width, height });
        owner.push(index);
      }
    }
  }
  return { plan, owner };
}
