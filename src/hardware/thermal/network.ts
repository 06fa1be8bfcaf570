/** A resistor–capacitor heat network as plain data, its checks, and the contract of its solvers. */
import { type Fault, SpecError } from '../../base/errors.ts';
import { nearestHint } from '../../base/registry.ts';
import type { Celsius, JoulesPerKelvin, Seconds } from '../../base/units.ts';

/** 0 °C in kelvin, by the definition of the Celsius scale (BIPM SI brochure, 2019). */
export const ZERO_CELSIUS_KELVIN = 273.15;

/** Heat path between two nodes, by index; conductance in W/K. */
export interface ThermalLink {
  readonly a: number;
  readonly b: number;
  readonly conductance: number;
}

/** Heat path from a node to the surrounding air; conductance in W/K. */
export interface AmbientLink {
  readonly node: number;
  readonly conductance: number;
}

/** `C·dT/dt = P − G·T + g·T_ambient` as data. */
export interface NetworkSpec {
  readonly name: string;
  readonly ambient: Celsius;
  readonly nodes: readonly string[];
  /** Heat capacity of each node, in the order of `nodes`. */
  readonly capacities: readonly JoulesPerKelvin[];
  readonly links: readonly ThermalLink[];
  readonly ambientLinks: readonly AmbientLink[];
}

/**
 * A network over simulated time. Temperatures start at ambient unless set.
 *
 * Called once per control period with the mean power of that period; must not allocate in `advance`.
 */
export interface ThermalNetwork {
  readonly nodes: readonly string[];
  /** One value per node, °C; overwritten by `advance`, and may be set through `setTemperatures` only. */
  readonly temperatures: Float64Array;
  /** Moves time on by `seconds` with `watts[i]` of heat entering node i throughout. */
  advance(seconds: Seconds, watts: Float64Array): void;
  /** Temperatures after `watts` have been held for ever, °C. */
  steadyState(watts: Float64Array): Float64Array;
  setTemperatures(celsius: ArrayLike<number>): void;
}

/** @returns the index of node `name`; an unknown one fails with the nearest valid name. */
export function nodeIndex(nodes: readonly string[], name: string): number {
  const index = nodes.indexOf(name);
  if (index >= 0) return index;
  throw new SpecError([
    { message: `unknown thermal node "${name}"`, hint: nearestHint(name, nodes) },
  ]);
}

/**
 * Everything that would make the network unsolvable or unphysical: sizes, signs, stray indices,
 * duplicate names, and parts from which heat can never reach the air.
 */
export function networkFaults(spec: NetworkSpec): Fault[] {
  const faults = [...nodeFaults(spec), ...linkFaults(spec)];
  return faults.length > 0 ? faults : disconnected(spec);
}

function nodeFaults({ nodes, capacities }: NetworkSpec): Fault[] {
  const faults: Fault[] = [];
  if (nodes.length === 0) {
    faults.push({ path: 'nodes', message: 'a network needs at least one node' });
  }
  if (capacities.length !== nodes.length) {
    const message = `one capacity per node is needed (${nodes.length})`;
    faults.push({ path: 'capacity', message, got: String(capacities.length) });
  }
  for (const [i, name] of nodes.entries()) {
    if (nodes.indexOf(name) !== i) {
      faults.push({ path: `nodes.${i}`, message: `node "${name}" is given twice` });
    }
  }
  for (const [i, value] of capacities.entries()) {
    if (value > 0 && Number.isFinite(value)) continue;
    const message = `capacity of "${nodes[i] ?? i}" must be above zero`;
    faults.push({ path: `capacity.${i}`, message, got: String(value) });
  }
  return faults;
}

function linkFaults({ nodes, links, ambientLinks }: NetworkSpec): Fault[] {
  const check = (path: string, ends: readonly number[], conductance: number): Fault[] => {
    const stray = ends.filter((end) => nodes[end] === undefined);
    const faults: Fault[] = stray.map((end) => ({
      path,
      message: 'no such node',
      expected: `0 to ${nodes.length - 1}`,
      got: String(end),
    }));
    if (ends.length === 2 && ends[0] === ends[1]) {
      faults.push({ path, message: 'a link needs two different nodes', got: String(ends[0]) });
    }
    if (!(conductance > 0 && Number.isFinite(conductance))) {
      faults.push({ path, message: 'conductance must be above zero', got: String(conductance) });
    }
    return faults;
  };
  return [
    ...links.flatMap(({ a, b, conductance }, i) => check(`links.${i}`, [a, b], conductance)),
    ...ambientLinks.flatMap(({ node, conductance }, i) =>
      check(`ambient_links.${i}`, [node], conductance),
    ),
  ];
}

/** Throws `SpecError` with every fault, or returns the spec. */
export function checkNetwork(spec: NetworkSpec): NetworkSpec {
  const faults = networkFaults(spec);
  if (faults.length > 0) throw new SpecError(faults);
  return spec;
}

/** Symmetric conductance matrix, row by row: off-diagonal −g, diagonal the sum of all paths of the node. */
export function conductanceMatrix(spec: NetworkSpec): Float64Array {
  const n = spec.nodes.length;
  const matrix = new Float64Array(n * n);
  const add = (row: number, column: number, value: number) => {
    matrix[row * n + column] = (matrix[row * n + column] as number) + value;
  };
  for (const { a, b, conductance } of spec.links) {
    add(a, a, conductance);
    add(b, b, conductance);
    add(a, b, -conductance);
    add(b, a, -conductance);
  }
  for (const { node, conductance } of spec.ambientLinks) add(node, node, conductance);
  return matrix;
}

/** Flood fill from the air: a node that is not reached could only heat up for ever. */
function disconnected(spec: NetworkSpec): Fault[] {
  const reached = new Set(spec.ambientLinks.map((link) => link.node));
  const queue = [...reached];
  while (queue.length > 0) {
    const node = queue.pop() as number;
    for (const { a, b } of spec.links) {
      const other = a === node ? b : b === node ? a : -1;
      if (other >= 0 && !reached.has(other)) {
        reached.add(other);
        queue.push(other);
      }
    }
  }
  return spec.nodes.flatMap((name, i) =>
    reached.has(i)
      ? []
      : [
          {
            path: `nodes.${i}`,
            message: `node "${name}" is disconnected: no path leads its heat to ambient`,
          },
        ],
  );
}
