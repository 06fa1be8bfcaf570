/** Network files: JSON in the units that HotSpot uses (K, W/K, J/K) to a checked network in Celsius. */
import { type Fault, SpecError } from '../../base/errors.ts';
import { checkSpec, z } from '../../base/schema.ts';
import type { SpecFile } from '../../base/spec-file.ts';
import { MICRO, MILLI } from '../../base/units.ts';
import { floorplanFaults } from './floorplan.ts';
import { type NetworkSpec, networkFaults, ZERO_CELSIUS_KELVIN } from './network.ts';

/** Extra keys (the configuration a tool built the network from) are kept out, not refused. */
const networkFileSchema = z.looseObject({
  name: z.string(),
  units: z.record(z.string(), z.string()).optional(),
  ambient_K: z.number().positive(),
  n_blocks: z.number().int().positive(),
  nodes: z.array(z.string()),
  capacity: z.array(z.number()),
  links: z.array(z.tuple([z.number(), z.number(), z.number()])),
  ambient_links: z.array(z.tuple([z.number(), z.number()])),
  floorplan_mm: z
    .array(
      z.object({
        name: z.string(),
        w: z.number(),
        h: z.number(),
        x: z.number(),
        y: z.number(),
      }),
    )
    .optional(),
});

export interface NetworkFile {
  readonly spec: NetworkSpec;
  /** Names of the nodes that take power, without the layer prefix (`die:`), first nodes first. */
  readonly blocks: readonly string[];
  /** Area of each block in m², where the file has a floorplan. */
  readonly areas: readonly number[] | undefined;
}

/** @throws SpecError with every fault of the file, each with its line and column. */
export function parseNetworkFile(source: SpecFile): NetworkFile {
  const data = checkSpec(source, networkFileSchema);
  const spec: NetworkSpec = {
    name: data.name,
    ambient: data.ambient_K - ZERO_CELSIUS_KELVIN,
    nodes: data.nodes,
    capacities: data.capacity,
    links: data.links.map(([a, b, conductance]) => ({ a, b, conductance })),
    ambientLinks: data.ambient_links.map(([node, conductance]) => ({ node, conductance })),
  };
  const faults = networkFaults(spec);
  if (data.n_blocks > data.nodes.length) {
    faults.push({
      path: 'n_blocks',
      message: 'more blocks than nodes',
      expected: `at most ${data.nodes.length}`,
      got: String(data.n_blocks),
    });
  }
  faults.push(...planFaults(data.floorplan_mm ?? []));
  if (faults.length > 0) {
    throw new SpecError(
      faults.map((fault) => ({
        file: source.file,
        ...source.locate((fault.path ?? '').split('.')),
        ...fault,
      })),
    );
  }
  const blocks = data.nodes.slice(0, data.n_blocks).map((name) => name.replace(/^.*:/, ''));
  const areas = data.floorplan_mm?.map((block) => block.w * block.h * MICRO);
  return { spec, blocks, areas };
}

/** The plan that the network was made from must be one: blocks with an area, none over another. */
function planFaults(
  plan: readonly { name: string; x: number; y: number; w: number; h: number }[],
): Fault[] {
  if (plan.length === 0) return [];
  const flat = plan.flatMap(({ name, w, h }, i) =>
    w > 0 && h > 0
      ? []
      : [
          {
            path: `floorplan_mm.${i}`,
            message: `block "${name}" has no area`,
            got: `${w} x ${h} mm`,
          },
        ],
  );
  const blocks = plan.map(({ name, x, y, w, h }) => ({
    name,
    x: x * MILLI,
    y: y * MILLI,
    width: w * MILLI,
    height: h * MILLI,
  }));
  const overlaps = floorplanFaults(blocks).map((fault) => ({
    ...fault,
    path: (fault.path ?? '').replace('floorplan', 'floorplan_mm'),
  }));
  return [...flat, ...overlaps];
}
