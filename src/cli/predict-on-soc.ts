/** Times of single operators on a SoC, each on the unit that runs it fastest, alone and at full clock. */
import { pick } from '../base/registry.ts';
import type { Work } from '../base/work.ts';
import { prepareMachine } from '../engine/prepare.ts';
import { type AlonePrediction, predictAlone } from '../engine/task-table.ts';
import { fileSources } from '../load.ts';
import type { OperatorPrediction } from './operator-table.ts';

/** What operators are predicted on. */
export interface ProbeMachine {
  readonly soc: string;
  readonly runtime?: string | undefined;
  /** Family of the workload. */
  readonly family?: string | undefined;
  /** The only unit; the fastest one for every operator where absent. */
  readonly unit?: string | undefined;
}

/** Undefined where no unit can run it. */
export type PredictOperator = (work: Work) => OperatorPrediction | undefined;

/** @throws SpecError for an unknown SoC, runtime or unit. */
export function predictOnSoc({ soc, runtime, family, unit }: ProbeMachine): PredictOperator {
  const machine = prepareMachine(soc, fileSources(), runtime, family);
  const names = Object.fromEntries(machine.units.map((one, index) => [one.unit.name, index]));
  const units = unit === undefined ? Object.values(names) : [pick(names, unit, 'unit')];
  return (work) => {
    const answers = units.flatMap((u) => {
      const found = predictAlone(machine, u, work);
      return found ? [{ unit: machine.units[u]?.unit.name ?? '', ...found }] : [];
    });
    const best = answers.sort((a, b) => a.seconds - b.seconds)[0];
    if (!best) return undefined;
    const { seconds, dramBytes } = best;
    return { unit: best.unit, seconds, dramBytes, bound: boundOf(best) };
  };
}

function boundOf({ launch, compute, stream }: AlonePrediction): string {
  if (launch > Math.max(compute, stream)) return 'launch';
  return compute >= stream ? 'compute' : 'bandwidth';
}
