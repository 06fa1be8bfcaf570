/** Cores that work beside the operators of a run: for models on their way, and for what the drive brings encrypted. */
import type { Joules, Seconds, Watts } from '../base/units.ts';
import type { Execution } from './execution.ts';

/** What the cores of CPU unit `cpu` draw while they copy or decipher; nothing where there is no such unit. */
export function coreWatts({ stalledWatts, vectorWatts }: Execution, cpu: number): Watts {
  return cpu < 0 ? 0 : stalledWatts[cpu]! + vectorWatts[cpu]!;
}

/** Books `seconds` of all its cores. @returns joules that they drew, which no row of the ledger carries yet. */
export function burnCores(execution: Execution, cpu: number, seconds: Seconds): Joules {
  if (cpu < 0 || seconds === 0) return 0;
  const joules = coreWatts(execution, cpu) * seconds;
  execution.busySeconds[cpu]! += seconds;
  execution.unitJoules[cpu]! += joules;
  return joules;
}
