import { describe, expect, it } from 'vitest';
import type { SpecError } from '../../../../src/base/errors.ts';
import { GridNetwork, type GridSpec, gridFaults } from '../../../../src/hardware/thermal/grid.ts';
import { buildModalNetwork } from '../../../../src/hardware/thermal/modal.ts';
import type { NetworkSpec } from '../../../../src/hardware/thermal/network.ts';

const spec: GridSpec = {
  width: 6e-3,
  height: 4e-3,
  cellsX: 3,
  cellsY: 2,
  layers: [
    { name: 'lid', thickness: 4e-4, conductivity: 390, heatCapacity: 3.45e6 },
    { name: 'glue', thickness: 2e-4, conductivity: 1.5, heatCapacity: 2e6 },
    { name: 'die', thickness: 1e-4, conductivity: 110, heatCapacity: 1.63e6 },
  ],
  sourceLayer: 2,
  topCoefficient: 900,
  ambient: 25,
  floorplan: [
    { name: 'left', x: 0, y: 0, width: 2e-3, height: 4e-3 },
    { name: 'right', x: 2e-3, y: 0, width: 4e-3, height: 4e-3 },
  ],
};

/** The same 18 cells as a plain node network, cell by cell. */
function asNodes(): NetworkSpec {
  const [dx, dy] = [spec.width / 3, spec.height / 2];
  const nodes: string[] = [];
  const links: { a: number; b: number; conductance: number }[] = [];
  const index = (l: number, i: number, j: number) => (l * 3 + i) * 2 + j;
  for (const [l, layer] of spec.layers.entries()) {
    const { thickness: t, conductivity: k } = layer;
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 2; j++) {
        nodes.push(`${layer.name} ${i} ${j}`);
        const a = index(l, i, j);
        if (i < 2) links.push({ a, b: index(l, i + 1, j), conductance: (k * t * dy) / dx });
        if (j < 1) links.push({ a, b: index(l, i, j + 1), conductance: (k * t * dx) / dy });
        const below = spec.layers[l + 1];
        if (below) {
          const halves = t / 2 / k + below.thickness / 2 / below.conductivity;
          links.push({ a, b: index(l + 1, i, j), conductance: (dx * dy) / halves });
        }
      }
    }
  }
  const { thickness, conductivity } = spec.layers[0]!;
  const top = (dx * dy) / (thickness / 2 / conductivity + 1 / spec.topCoefficient);
  return {
    name: 'cells',
    ambient: 25,
    nodes,
    capacities: spec.layers.flatMap((layer) =>
      Array<number>(6).fill(layer.thickness * layer.heatCapacity * dx * dy),
    ),
    links,
    ambientLinks: Array.from({ length: 6 }, (_, node) => ({ node, conductance: top })),
  };
}

/** Power of `left` and `right` spread over the cells of the bottom layer. */
function cellWatts([left, right]: readonly [number, number]): Float64Array {
  const watts = new Float64Array(18);
  for (const j of [12, 13]) watts[j] = left / 2;
  for (const j of [14, 15, 16, 17]) watts[j] = right / 4;
  return watts;
}

describe('layer stack solved by waves', () => {
  it('has the steady state of its cells', () => {
    const grid = new GridNetwork(spec);
    grid.settle([2, 0.5]);
    const nodes = buildModalNetwork(asNodes()).steadyState(cellWatts([2, 0.5]));
    for (const [c, t] of grid.cells().entries()) expect(t).toBeCloseTo(nodes[12 + c]!, 9);
    expect(grid.blockMeans[0]).toBeCloseTo((nodes[12]! + nodes[13]!) / 2, 9);
    expect(grid.blockMaxima()[1]).toBeCloseTo(Math.max(...nodes.slice(14, 18)), 9);
  });

  it('moves exactly as its cells do', () => {
    const grid = new GridNetwork(spec);
    const nodes = buildModalNetwork(asNodes());
    for (const [seconds, power] of [
      [0.01, [2, 0.5]],
      [3, [0, 1]],
      [0.2, [5, 0]],
    ] as const) {
      grid.advance(seconds, power);
      nodes.advance(seconds, cellWatts(power));
      for (const [c, t] of grid.cells().entries())
        expect(t).toBeCloseTo(nodes.temperatures[12 + c]!, 8);
    }
  });

  it('converges to exact time with the first power of the Euler step', () => {
    const end = (steps: number) => {
      const grid = new GridNetwork(spec);
      for (let i = 0; i < steps; i++) grid.advance(1 / steps, [2, 0.5], 'backward-euler');
      return grid.blockMeans[0] as number;
    };
    const exact = new GridNetwork(spec);
    exact.advance(1, [2, 0.5]);
    const [coarse, fine] = [50, 100].map((steps) => end(steps) - (exact.blockMeans[0] as number));
    expect(coarse! / fine!).toBeCloseTo(2, 0.7);
  });

  it('stores what came in less what it shed', () => {
    const grid = new GridNetwork(spec);
    let shed = 0;
    const h = 0.01;
    for (let i = 0; i < 300; i++) {
      grid.advance(h, [1.5, 0.5], 'backward-euler');
      // Backward Euler sheds at the end-of-step rate, exactly.
      shed += grid.shedWatts() * h;
    }
    expect(grid.storedJoules() + shed).toBeCloseTo(2 * 300 * h, 9);
  });

  it('refuses stacks that cannot be', () => {
    const bad = {
      ...spec,
      sourceLayer: -1,
      layers: [{ ...spec.layers[0]!, thickness: 0 }],
      floorplan: [{ name: 'wide', x: 5e-3, y: 0, width: 2e-3, height: 1e-3 }],
    };
    try {
      new GridNetwork(bad);
      expect.unreachable();
    } catch (error) {
      const { faults } = error as SpecError;
      expect(faults.map(({ path }) => path)).toEqual([
        'layers.0.thickness',
        'sourceLayer',
        'floorplan.0',
      ]);
    }
  });

  it('refuses more cells than memory holds, before it tries', () => {
    const faultsOf = (cellsX: number, cellsY: number) => gridFaults({ ...spec, cellsX, cellsY });
    expect(faultsOf(500, 500)).toEqual([]);
    expect(faultsOf(5900, 5500)).toEqual([
      {
        path: 'cellsX',
        message: 'too many cells in a layer',
        expected: 'cellsX × cellsY of at most 250000',
        got: '5900 × 5500 = 32450000',
      },
    ]);
  });
});
