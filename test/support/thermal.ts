/** Small networks, a floorplan and phones for tests of heat. */
import { readFileSync } from 'node:fs';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { MILLI } from '../../src/base/units.ts';
import type { Floorplan } from '../../src/hardware/thermal/floorplan.ts';
import type { NetworkSpec } from '../../src/hardware/thermal/network.ts';
import { type Phone, parsePhone } from '../../src/hardware/thermal/phone-spec.ts';

/** A chain of nodes, the last one tied to ambient; conductances in W/K. */
export function chain(
  capacities: readonly number[],
  between: readonly number[],
  toAmbient: number,
  ambient = 25,
): NetworkSpec {
  return {
    name: 'chain',
    ambient,
    nodes: capacities.map((_, i) => `n${i}`),
    capacities,
    links: between.map((conductance, i) => ({ a: i, b: i + 1, conductance })),
    ambientLinks: [{ node: capacities.length - 1, conductance: toAmbient }],
  };
}

/** Six blocks of an 11.8 × 11.0 mm die, in millimetres. */
const BLOCKS: readonly (readonly [string, number, number, number, number])[] = [
  ['cpu-big', 0, 7, 3.2, 4],
  ['cpu-mid', 3.2, 7, 3.4, 4],
  ['npu', 6.6, 7, 5.2, 4],
  ['gpu', 0, 0, 4.2, 7],
  ['other', 4.2, 0, 4.8, 7],
  ['modem', 9, 0, 2.8, 7],
];

export const DIE: Floorplan = BLOCKS.map(([name, x, y, width, height]) => ({
  name,
  x: x * MILLI,
  y: y * MILLI,
  width: width * MILLI,
  height: height * MILLI,
}));

export const PHONES = ['vivo-x100', 'galaxy-s24', 'galaxy-s24-ultra', 'xiaomi-14'] as const;

export function phoneText(name: string): string {
  return readFileSync(new URL(`../../socs/phones/${name}.yaml`, import.meta.url), 'utf8');
}

export function loadPhone(name: string, edit: (text: string) => string = (text) => text): Phone {
  const file = `socs/phones/${name}.yaml`;
  return parsePhone(parseSpecFile(edit(phoneText(name)), file));
}

/** Watts by node name, in the order of `nodes`. */
export function wattsAt(
  nodes: readonly string[],
  heat: Readonly<Record<string, number>>,
): Float64Array {
  return Float64Array.from(nodes, (name) => heat[name] ?? 0);
}
