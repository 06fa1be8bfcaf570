/** What governors see of a clock domain, as objects that are made once and written anew at every look. */
import type { Celsius, Watts } from '../base/units.ts';
import { fullLoadWatts } from '../hardware/power.ts';
import { type Machine, type MachineDomain, SCREEN } from './machine.ts';

/** Temperature at which the powers shown to thermal governors are evaluated, as energy models are: warm silicon. */
const TABLE_TEMPERATURE: Celsius = 60;

export function topPoint({ clock }: MachineDomain): number {
  return clock.points.length - 1;
}

export function viewOf({ clock }: MachineDomain) {
  return {
    name: clock.name,
    frequencies: clock.points.map(({ frequency }) => frequency),
    current: clock.points.length - 1,
    busyShare: 1,
    period: 0,
  };
}
export type MutableView = ReturnType<typeof viewOf>;

export function deviceOf(domain: MachineDomain) {
  const { clock, node, cores = 1 } = domain;
  const { name, points } = clock;
  const powers = domainPowers(domain);
  return {
    name,
    powers,
    requested: powers.at(-1)!,
    busyShare: 1,
    drawn: 0,
    current: points.length - 1,
    temperature: 0,
    node,
    cores,
  };
}
export type MutableDevice = ReturnType<typeof deviceOf>;

/** What the phone drew beside its devices, screen aside: bodies are rated without it. */
export function othersOf({ platform }: Machine, watts: Watts, devices: readonly MutableDevice[]) {
  let rest = watts;
  for (let d = 0; d < devices.length; d++) rest -= devices[d]!.drawn;
  for (let i = 0; i < platform.length; i++) {
    if (platform[i]!.name === SCREEN) rest -= platform[i]!.watts;
  }
  return Math.max(rest, 0);
}

/** Warmest of these nodes now. */
export function hottest({ thermal }: Machine, nodes: readonly number[]): Celsius {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < nodes.length; i++) most = Math.max(most, thermal.temperatures[nodes[i]!]!);
  return most;
}

/** Power of a domain at each point with everything busy, for thermal governors. */
function domainPowers({ clock, power }: MachineDomain): Watts[] {
  return clock.points.map(
    (point) => fullLoadWatts(power, point) + power.leakage(point.voltage, TABLE_TEMPERATURE),
  );
}
