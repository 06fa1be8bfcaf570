/** Frequency governors that do not look at the load: performance, powersave, userspace. */
import { quantity, z } from '../../base/schema.ts';
import type { Hertz } from '../../base/units.ts';
import type { Governor } from '../governor.ts';
import { factory } from './entry.ts';

export const performance = factory(
  'performance',
  'always the fastest operating point',
  z.strictObject({}),
  (): Governor => ({ choose: (view) => view.frequencies.length - 1 }),
);

export const powersave = factory(
  'powersave',
  'always the slowest operating point',
  z.strictObject({}),
  (): Governor => ({ choose: () => 0 }),
);

export const userspace = factory(
  'userspace',
  'a fixed frequency: the slowest operating point at or above it',
  z.strictObject({ frequency: quantity('frequency').optional() }),
  ({ frequency }): Governor => ({
    choose: (view) =>
      frequency === undefined
        ? view.frequencies.length - 1
        : pointAtLeast(view.frequencies, frequency),
  }),
);

/** Index of the slowest point that is not below `frequency`; the fastest where none is. */
export function pointAtLeast(frequencies: readonly Hertz[], frequency: Hertz): number {
  const last = frequencies.length - 1;
  for (let i = 0; i < last; i++) {
    // Tables hold decimal megahertz: a request for the same megahertz must find its own point.
    if ((frequencies[i] as number) >= frequency * (1 - 1e-9)) return i;
  }
  return last;
}
