/**
 * A stack of layers cut into equal cells, such as 3D-ICE solves, without a sparse solver.
 *
 * Model    one node per cell, conductance area / Σ(half thickness / k) between cells, a heat-transfer coefficient
 *          in series with the top half cell, adiabatic elsewhere. Layers are uniform sideways, so cosine waves
 *          are eigenvectors of the cell grid and every wave (p, q) is a ladder of one node per layer: exactly
 *          the same equations, cell count × layers operations a step
 * Ignores  layers wider than the die, conductivity that changes with place or temperature, liquid cooling
 * Valid    up to 250 000 cells a layer; backward Euler of a fixed step (as the tool) or exact in time
 * Source   3D-ICE 4.0 manual for the cell model; discrete cosine transform II for the waves
 * Checked  test/validation/thermal.test.ts (3D-ICE runs ≤ 0.05 K), test/unit/hardware/thermal/grid.test.ts
 */
import { type Fault, SpecError } from '../../base/errors.ts';
import type { Celsius, Metres, Seconds } from '../../base/units.ts';
import { type Floorplan, floorplanFaults } from './floorplan.ts';
import { decompose, ModalNetwork } from './modal.ts';
import type { NetworkSpec } from './network.ts';

interface GridLayer {
  readonly name: string;
  readonly thickness: Metres;
  /** W/m/K. */
  readonly conductivity: number;
  /** J/m³/K. */
  readonly heatCapacity: number;
}

export interface GridSpec {
  readonly width: Metres;
  readonly height: Metres;
  readonly cellsX: number;
  readonly cellsY: number;
  /** From the cooled top down. */
  readonly layers: readonly GridLayer[];
  /** Index of the layer in which the floorplan's power enters. */
  readonly sourceLayer: number;
  /** Heat-transfer coefficient of the top, W/m²K. */
  readonly topCoefficient: number;
  readonly ambient: Celsius;
  readonly floorplan: Floorplan;
}

/** Backward Euler at a fixed step, or exact for power that is constant over each step. */
export type GridScheme = 'backward-euler' | 'exact';

/** Ladder of one wave: conductance to the layer below, loss of each layer, capacity of each layer. */
interface Ladder {
  readonly down: readonly number[];
  readonly loss: readonly number[];
  readonly capacity: readonly number[];
}

/** Cells of a layer: 25 µm cells over a die of 150 mm², a hundred times finer than blocks need; more run out of memory. */
const MAX_CELLS = 250_000;

export function gridFaults(spec: GridSpec): Fault[] {
  const faults = floorplanFaults(spec.floorplan);
  const positive: readonly (readonly [string, number])[] = [
    ['width', spec.width],
    ['height', spec.height],
    ['cellsX', spec.cellsX],
    ['cellsY', spec.cellsY],
    ['topCoefficient', spec.topCoefficient],
    ...spec.layers.flatMap(
      (layer, i) =>
        [
          [`layers.${i}.thickness`, layer.thickness],
          [`layers.${i}.conductivity`, layer.conductivity],
          [`layers.${i}.heatCapacity`, layer.heatCapacity],
        ] as const,
    ),
  ];
  for (const [path, value] of positive) {
    if (!(value > 0)) faults.push({ path, message: 'must be above zero', got: String(value) });
  }
  const cells = spec.cellsX * spec.cellsY;
  if (cells > MAX_CELLS) {
    faults.push({
      path: 'cellsX',
      message: 'too many cells in a layer',
      expected: `cellsX × cellsY of at most ${MAX_CELLS}`,
      got: `${spec.cellsX} × ${spec.cellsY} = ${cells}`,
    });
  }
  if (spec.layers[spec.sourceLayer] === undefined) {
    faults.push({ path: 'sourceLayer', message: 'no such layer', got: String(spec.sourceLayer) });
  }
  for (const [i, block] of spec.floorplan.entries()) {
    const wide = block.x + block.width > spec.width * (1 + 1e-9);
    const high = block.y + block.height > spec.height * (1 + 1e-9);
    if (wide || high) {
      faults.push({ path: `floorplan.${i}`, message: `block "${block.name}" leaves the stack` });
    }
  }
  return faults;
}

/** The grid over simulated time; starts at ambient. */
export class GridNetwork {
  readonly spec: GridSpec;
  readonly blocks: readonly string[];
  /** Mean of the source layer over each block, °C; overwritten by `advance`. */
  readonly blockMeans: Float64Array;
  readonly #waves: number;
  readonly #ladders: readonly Ladder[];
  /** `#projection[b·waves + w]`: wave w in the mean over block b, and in one watt spread over it. */
  readonly #projection: Float64Array;
  /** Rise over ambient, layer by layer: `#rise[layer·waves + wave]`. */
  readonly #rise: Float64Array;
  readonly #power: Float64Array;
  #euler: EulerFactors | undefined;
  #exact: readonly ModalNetwork[] | undefined;
  readonly #ladderWatts: Float64Array;

  constructor(spec: GridSpec) {
    const faults = gridFaults(spec);
    if (faults.length > 0) throw new SpecError(faults);
    this.spec = spec;
    this.blocks = spec.floorplan.map(({ name }) => name);
    this.#waves = spec.cellsX * spec.cellsY;
    this.#ladders = buildLadders(spec);
    this.#projection = projectBlocks(spec);
    this.#rise = new Float64Array(spec.layers.length * this.#waves);
    this.#power = new Float64Array(this.#waves);
    this.#ladderWatts = new Float64Array(spec.layers.length);
    this.blockMeans = new Float64Array(spec.floorplan.length).fill(spec.ambient);
  }

  /** Moves time on by `seconds` with `watts` in the blocks, in one step. */
  advance(seconds: Seconds, watts: ArrayLike<number>, scheme: GridScheme = 'exact'): void {
    this.#spreadPower(watts);
    if (scheme === 'exact') this.#advanceExactly(seconds);
    else this.#advanceEuler(seconds);
    this.#averageBlocks();
  }

  /** Takes the state that `watts` would hold for ever. */
  settle(watts: ArrayLike<number>): void {
    this.#spreadPower(watts);
    const { layers } = this.spec;
    this.#solveLadders(eulerFactors(this.#ladders, layers.length, Number.POSITIVE_INFINITY));
    this.#averageBlocks();
  }

  /** Hottest cell of the source layer within each block, °C. Not for inner loops. */
  blockMaxima(): Float64Array {
    const { cellsX, cellsY, floorplan, width, height, ambient } = this.spec;
    const cells = this.#cellRises();
    return Float64Array.from(floorplan, (block) => {
      const inX = overlaps(cellsX, width, block.x, block.width);
      const inY = overlaps(cellsY, height, block.y, block.height);
      let hottest = Number.NEGATIVE_INFINITY;
      for (let i = 0; i < cellsX; i++) {
        for (let j = 0; j < cellsY; j++) {
          if (inX[i]! * inY[j]! > 1e-9) hottest = Math.max(hottest, cells[i * cellsY + j]!);
        }
      }
      return ambient + hottest;
    });
  }

  /** Temperatures of the source layer's cells, column by column, °C: what a heat map draws. */
  cells(): Float64Array {
    return this.#cellRises().map((rise) => rise + this.spec.ambient);
  }

  /** Heat above ambient stored in the whole stack, J. */
  storedJoules(): number {
    // Only the wave without ripples has a mean; its amplitude is the sum over cells divided by √cells.
    const root = Math.sqrt(this.#waves);
    const flat = this.#ladders[0] as Ladder;
    return flat.capacity.reduce((sum, c, l) => sum + c * this.#rise[l * this.#waves]! * root, 0);
  }

  /** Heat that leaves through the top now, W. */
  shedWatts(): number {
    const flat = this.#ladders[0] as Ladder;
    return (flat.loss[0] as number) * this.#rise[0]! * Math.sqrt(this.#waves);
  }

  #spreadPower(watts: ArrayLike<number>): void {
    const waves = this.#waves;
    this.#power.fill(0);
    for (let b = 0; b < this.blocks.length; b++) {
      const heat = watts[b] as number;
      if (heat === 0) continue;
      for (let w = 0; w < waves; w++) {
        this.#power[w] = this.#power[w]! + heat * this.#projection[b * waves + w]!;
      }
    }
  }

  #averageBlocks(): void {
    const waves = this.#waves;
    const source = this.spec.sourceLayer * waves;
    for (let b = 0; b < this.blocks.length; b++) {
      let mean = this.spec.ambient;
      for (let w = 0; w < waves; w++) {
        mean += this.#projection[b * waves + w]! * this.#rise[source + w]!;
      }
      this.blockMeans[b] = mean;
    }
  }

  #advanceEuler(seconds: Seconds): void {
    if (this.#euler?.seconds !== seconds) {
      this.#euler = eulerFactors(this.#ladders, this.spec.layers.length, seconds);
    }
    this.#solveLadders(this.#euler);
  }

  /** One tridiagonal solve per wave, factors precomputed; an infinite step gives the steady state. */
  #solveLadders({ below, inverse, inertia }: EulerFactors): void {
    const waves = this.#waves;
    const layers = this.spec.layers.length;
    const { sourceLayer } = this.spec;
    const rise = this.#rise;
    for (let w = 0; w < waves; w++) {
      for (let l = 0; l < layers; l++) {
        const at = l * waves + w;
        let right = inertia[at]! * rise[at]!;
        if (l === sourceLayer) right += this.#power[w]!;
        if (l > 0) right += this.#ladders[w]!.down[l - 1]! * rise[at - waves]!;
        rise[at] = right * inverse[at]!;
      }
      for (let l = layers - 2; l >= 0; l--) {
        const at = l * waves + w;
        rise[at] = rise[at]! + below[at]! * rise[at + waves]!;
      }
    }
  }

  #advanceExactly(seconds: Seconds): void {
    this.#exact ??= this.#ladders.map(exactLadder);
    const waves = this.#waves;
    const layers = this.spec.layers.length;
    const rises = this.#ladderWatts;
    for (let w = 0; w < waves; w++) {
      const ladder = this.#exact[w] as ModalNetwork;
      for (let l = 0; l < layers; l++) rises[l] = this.#rise[l * waves + w]!;
      ladder.setTemperatures(rises);
      rises.fill(0);
      rises[this.spec.sourceLayer] = this.#power[w]!;
      ladder.advance(seconds, rises);
      for (let l = 0; l < layers; l++) this.#rise[l * waves + w] = ladder.temperatures[l]!;
    }
  }

  #cellRises(): Float64Array {
    const { cellsX, cellsY, sourceLayer } = this.spec;
    const source = sourceLayer * this.#waves;
    const wavesX = cosines(cellsX);
    const wavesY = cosines(cellsY);
    const half = new Float64Array(cellsX * cellsY);
    for (let p = 0; p < cellsX; p++) {
      for (let q = 0; q < cellsY; q++) {
        const amount = this.#rise[source + p * cellsY + q]!;
        for (let j = 0; j < cellsY; j++) {
          half[p * cellsY + j] = half[p * cellsY + j]! + amount * wavesY[q]![j]!;
        }
      }
    }
    const cells = new Float64Array(cellsX * cellsY);
    for (let p = 0; p < cellsX; p++) {
      for (let i = 0; i < cellsX; i++) {
        const weight = wavesX[p]![i]!;
        for (let j = 0; j < cellsY; j++) {
          cells[i * cellsY + j] = cells[i * cellsY + j]! + weight * half[p * cellsY + j]!;
        }
      }
    }
    return cells;
  }
}

interface EulerFactors {
  readonly seconds: Seconds;
  /** Coefficient of the layer below after elimination, reciprocal pivot, and C/h; `[layer·waves + wave]`. */
  readonly below: Float64Array;
  readonly inverse: Float64Array;
  readonly inertia: Float64Array;
}

function eulerFactors(ladders: readonly Ladder[], layers: number, seconds: Seconds): EulerFactors {
  const waves = ladders.length;
  const below = new Float64Array(layers * waves);
  const inverse = new Float64Array(layers * waves);
  const inertia = new Float64Array(layers * waves);
  for (const [w, { down, loss, capacity }] of ladders.entries()) {
    for (let l = 0; l < layers; l++) {
      const at = l * waves + w;
      const lower = down[l] ?? 0;
      const upper = l > 0 ? (down[l - 1] as number) : 0;
      inertia[at] = (capacity[l] as number) / seconds;
      const eliminated = l > 0 ? upper * below[at - waves]! : 0;
      inverse[at] = 1 / (inertia[at]! + (loss[l] as number) + lower + upper - eliminated);
      below[at] = lower * inverse[at]!;
    }
  }
  return { seconds, below, inverse, inertia };
}

function exactLadder({ down, loss, capacity }: Ladder): ModalNetwork {
  const spec: NetworkSpec = {
    name: 'ladder',
    ambient: 0,
    nodes: capacity.map((_, l) => String(l)),
    capacities: capacity,
    links: down.map((conductance, l) => ({ a: l, b: l + 1, conductance })),
    ambientLinks: loss.flatMap((conductance, node) =>
      conductance > 0 ? [{ node, conductance }] : [],
    ),
  };
  return new ModalNetwork(decompose(spec));
}

/** What wave (p, q) sees: vertical conductances as they are, sideways spreading as a loss of each layer. */
function buildLadders(spec: GridSpec): Ladder[] {
  const { layers, cellsX, cellsY } = spec;
  const dx = spec.width / cellsX;
  const dy = spec.height / cellsY;
  const area = dx * dy;
  const half = layers.map(({ thickness, conductivity }) => thickness / 2 / conductivity);
  const down = half.slice(1).map((lower, l) => area / ((half[l] as number) + lower));
  const top = area / ((half[0] as number) + 1 / spec.topCoefficient);
  const capacity = layers.map(({ thickness, heatCapacity }) => thickness * heatCapacity * area);
  const ladders: Ladder[] = [];
  for (let p = 0; p < cellsX; p++) {
    const alongX = (4 * Math.sin((Math.PI * p) / (2 * cellsX)) ** 2 * dy) / dx;
    for (let q = 0; q < cellsY; q++) {
      const alongY = (4 * Math.sin((Math.PI * q) / (2 * cellsY)) ** 2 * dx) / dy;
      const loss = layers.map(
        ({ thickness, conductivity }, l) =>
          conductivity * thickness * (alongX + alongY) + (l === 0 ? top : 0),
      );
      ladders.push({ down, loss, capacity });
    }
  }
  return ladders;
}

function projectBlocks(spec: GridSpec): Float64Array {
  const { cellsX, cellsY, width, height, floorplan } = spec;
  const wavesX = cosines(cellsX);
  const wavesY = cosines(cellsY);
  const projection = new Float64Array(floorplan.length * cellsX * cellsY);
  for (const [b, block] of floorplan.entries()) {
    const inX = overlaps(cellsX, width, block.x, block.width);
    const inY = overlaps(cellsY, height, block.y, block.height);
    const x = wavesX.map((wave) => dot(wave, inX) / sum(inX));
    const y = wavesY.map((wave) => dot(wave, inY) / sum(inY));
    for (let p = 0; p < cellsX; p++) {
      for (let q = 0; q < cellsY; q++) {
        projection[(b * cellsX + p) * cellsY + q] = (x[p] as number) * (y[q] as number);
      }
    }
  }
  return projection;
}

/** Orthonormal cosine waves of `count` cells; wave 0 is flat. */
function cosines(count: number): Float64Array[] {
  return Array.from({ length: count }, (_, p) => {
    const scale = Math.sqrt((p === 0 ? 1 : 2) / count);
    return Float64Array.from(
      { length: count },
      (_unused, i) => scale * Math.cos((Math.PI * p * (i + 0.5)) / count),
    );
  });
}

/** Share of each cell that an interval covers. */
function overlaps(cells: number, size: Metres, start: Metres, length: Metres): Float64Array {
  const cell = size / cells;
  return Float64Array.from({ length: cells }, (_, i) => {
    const covered = Math.min((i + 1) * cell, start + length) - Math.max(i * cell, start);
    return Math.max(covered, 0) / cell;
  });
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((total, value, i) => total + value * b[i]!, 0);
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
