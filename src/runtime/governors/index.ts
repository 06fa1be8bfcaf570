/** Registries of frequency governors and thermal governors: name → summary, options, factory. */
import { z } from '../../base/schema.ts';
import type { Governor } from '../governor.ts';
import { type FactoryEntry, type ThermalEntry, thermalFactory } from './entry.ts';
import { performance, powersave, userspace } from './fixed.ts';
import { guarded, junctionOptions } from './junction-guard.ts';
import { powerAllocator } from './power-allocator.ts';
import { schedutil } from './schedutil.ts';
import { simpleOndemand } from './simple-ondemand.ts';
import { skinLadder } from './skin-ladder.ts';
import { skinPid } from './skin-pid.ts';
import { stepWise } from './step-wise.ts';
import { unlimited } from './unlimited.ts';

export const governors = Object.freeze({
  performance,
  powersave,
  userspace,
  schedutil,
  'simple-ondemand': simpleOndemand,
} satisfies Record<string, FactoryEntry<Governor>>);

export const thermalGovernors = Object.freeze({
  none: thermalFactory(
    'none',
    'no limit at all: how fast it would be in a freezer',
    z.strictObject({}),
    unlimited,
  ),
  junction: thermalFactory(
    'junction',
    'junction trip and emergency only: a development board on a bench',
    z.strictObject({ junction: junctionOptions }),
    (given, limits) => guarded(unlimited(), given.junction, limits),
  ),
  'step-wise': stepWise,
  'power-allocator': powerAllocator,
  'skin-pid': skinPid,
  'skin-ladder': skinLadder,
} satisfies Record<string, ThermalEntry>);

export {
  type FactoryEntry,
  type ThermalEntry,
  type ThermalLimits,
  TYPICAL_LIMITS,
} from './entry.ts';
