import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../../src/base/spec-file.ts';
import { parseNetworkFile } from '../../../../src/hardware/thermal/network-file.ts';
import { isStackFile, parseStackFile } from '../../../../src/hardware/thermal/stack-file.ts';

const NETWORK = {
  name: 'two',
  ambient_K: 298.15,
  n_blocks: 1,
  nodes: ['die:NPU', 'body'],
  capacity: [0.5, 100],
  links: [[0, 1, 0.25]],
  ambient_links: [[1, 0.2]],
  floorplan_mm: [{ name: 'NPU', w: 4, h: 5, x: 0, y: 0 }],
};
const network = (edit: object = {}) =>
  parseNetworkFile(parseSpecFile(JSON.stringify({ ...NETWORK, ...edit }, null, 1), 'net.json'));

describe('network files', () => {
  it('become Celsius, metres and block names', () => {
    const { spec, blocks, areas } = network();
    expect(spec.ambient).toBeCloseTo(25, 12);
    expect(blocks).toEqual(['NPU']);
    expect(areas?.[0]).toBeCloseTo(20e-6, 12);
    expect(spec.links).toEqual([{ a: 0, b: 1, conductance: 0.25 }]);
  });

  it('report bad networks with their line', () => {
    expect(() => network({ capacity: [0.5, -1] })).toThrow(/net.json:\d+:\d+: capacity.1/);
    expect(() => network({ links: [] })).toThrow(/"die:NPU" is disconnected/);
    expect(() => network({ n_blocks: 3 })).toThrow(/more blocks than nodes/);
    expect(() => network({ nodes: undefined })).toThrow(/nodes: missing/);
    const [block] = NETWORK.floorplan_mm;
    const over = { ...block, name: 'GPU', x: 3 };
    expect(() => network({ floorplan_mm: [block, over] })).toThrow(/"GPU" overlaps block "NPU"/);
    expect(() => network({ floorplan_mm: [block, { ...over, x: 4 }] })).not.toThrow();
    expect(() => network({ floorplan_mm: [{ ...block, w: 0 }] })).toThrow(/"NPU" has no area/);
  });
});

const STACK = `
version: 1
kind: stack
name: thin
width: 4 mm
height: 2 mm
cellsX: 4
cellsY: 2
ambient: 25 °C
topCoefficient: 500
layers:
  - { name: lid, thickness: 300 um, conductivity: 390, heatCapacity: 3.45e6 }
  - { name: die, thickness: 100 um, conductivity: 110, heatCapacity: 1.63e6 }
sourceLayer: die
floorplan:
  npu: { x: 0 mm, y: 0 mm, width: 2 mm, height: 2 mm }
  gpu: { x: 2 mm, y: 0 mm, width: 2 mm, height: 2 mm }
`;
const stack = (from = '', to = '') => parseSpecFile(STACK.replace(from, to), 'stack.yaml');

describe('stack files', () => {
  it('become grids, and are told from networks', () => {
    expect(isStackFile(stack())).toBe(true);
    expect(isStackFile(parseSpecFile(JSON.stringify(NETWORK), 'net.json'))).toBe(false);
    const { grid } = parseStackFile(stack());
    expect(grid.sourceLayer).toBe(1);
    expect(grid.layers[0]?.thickness).toBeCloseTo(3e-4, 12);
    expect(grid.floorplan.map(({ name }) => name)).toEqual(['npu', 'gpu']);
  });

  it('report overlaps and missing layers with their line', () => {
    const overlap = () => parseStackFile(stack('gpu: { x: 2 mm', 'gpu: { x: 1 mm'));
    expect(overlap).toThrow(/stack.yaml:\d+:\d+: floorplan.*overlaps block "npu"/);
    expect(() => parseStackFile(stack('sourceLayer: die', 'sourceLayer: dye'))).toThrow(
      /no such layer/,
    );
    expect(() => parseStackFile(stack('thickness: 300 um', 'thickness: 300 W'))).toThrow(/length/);
  });
});
