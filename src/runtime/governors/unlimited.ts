/** A thermal governor that never limits: the inner part of a bare junction guard, and `none` by itself. */
import type { Cap, ThermalGovernor, ThermalView } from '../governor.ts';
import { Caps } from './caps.ts';

export function unlimited(): ThermalGovernor {
  const caps = new Caps();
  return {
    limit: (view: ThermalView): readonly Cap[] => {
      caps.fit(view.devices);
      return caps.list;
    },
  };
}
