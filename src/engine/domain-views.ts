/** What governors see of a clock domain, as objects that are made once and written anew at every look. */
import type { Celsius, Watts } from '../base/units.ts';
import { fullLoadWatts } from '../hardware/power.ts';
import type { Machine, MachineDomain } from './machine.ts';

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

export function deviceOf(
  { clock: { name, points }, node, cores = 1 }: MachineDomain,
  powers: readonly Watts[],
) {
  return {
    name,
    powers,
    requested: powers.at(-1)!,
    busyShare: 1,
    current: points.length - 1,
    temperature: 0,
    node,
    cores,
  };
}
export type MutableDevice = ReturnType<typeof deviceOf>;

/** Warmest of these nodes now. */
export function hottest({ thermal }: Machine, nodes: readonly number[]): Celsius {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < nodes.length; i++) most = Math.max(most, thermal.temperatures[nodes[i]!]!);
  return most;
}

/** Power of a domain at each point with everything busy, for thermal governors. */
export function domainPowers({ clock, power }: MachineDomain): Watts[] {
  return clock.points.map(
    (point) => fullLoadWatts(power, point) + power.leakage(point.voltage, TABLE_TEMPERATURE),
  );
}
