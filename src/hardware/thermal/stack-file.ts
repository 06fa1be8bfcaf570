/** Layer-stack files: YAML or JSON with units to a checked grid, and how a file is told from a network file. */
import { SpecError } from '../../base/errors.ts';
import { checkSpec, quantity, z } from '../../base/schema.ts';
import type { SpecFile } from '../../base/spec-file.ts';
import { floorplanOf } from './floorplan.ts';
import { type GridSpec, gridFaults } from './grid.ts';

const rectangle = z.strictObject({
  x: quantity('length', { min: 0 }),
  y: quantity('length', { min: 0 }),
  width: quantity('length'),
  height: quantity('length'),
});

const stackSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal('stack'),
  name: z.string(),
  source: z.string().optional(),
  width: quantity('length'),
  height: quantity('length'),
  cellsX: z.number().int().positive(),
  cellsY: z.number().int().positive(),
  ambient: quantity('temperature', { min: -273.15 }),
  /** W/m²K, from the top layer to the air. */
  topCoefficient: z.number().positive(),
  /** Cooled top first; conductivity in W/m/K, heat capacity in J/m³/K. */
  layers: z
    .array(
      z.strictObject({
        name: z.string(),
        thickness: quantity('length'),
        conductivity: z.number(),
        heatCapacity: z.number(),
      }),
    )
    .min(1),
  /** Name of the layer that the floorplan heats. */
  sourceLayer: z.string(),
  floorplan: z.record(z.string(), rectangle),
});

export interface StackFile {
  readonly name: string;
  readonly grid: GridSpec;
}

export function isStackFile(source: SpecFile): boolean {
  return (source.data as { kind?: unknown } | null)?.kind === 'stack';
}

/** @throws SpecError with every fault of the file, each with its line and column. */
export function parseStackFile(source: SpecFile): StackFile {
  const data = checkSpec(source, stackSchema);
  const { name, floorplan, sourceLayer } = data;
  const grid: GridSpec = {
    width: data.width,
    height: data.height,
    cellsX: data.cellsX,
    cellsY: data.cellsY,
    ambient: data.ambient,
    topCoefficient: data.topCoefficient,
    layers: data.layers,
    sourceLayer: data.layers.findIndex((layer) => layer.name === sourceLayer),
    floorplan: floorplanOf(floorplan),
  };
  const faults = gridFaults(grid);
  if (faults.length > 0) {
    throw new SpecError(
      faults.map((fault) => ({
        file: source.file,
        ...source.locate((fault.path ?? '').split('.')),
        ...fault,
      })),
    );
  }
  return { name, grid };
}
