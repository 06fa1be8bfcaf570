/** Times of single operators on a SoC, each on the unit that runs it fastest, alone and at full clock. */
import { pick } from '../base/registry.ts';
import type { Work } from '../base/work.ts';
import { prepareMachine } from '../engine/prepare.ts';
import { type AlonePrediction, predictAlone } from '../engine/task-table.ts';
import type { ComputeUnit } from '../hardware/compute-unit.ts';
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

export interface PredictOperator {
  /** Undefined where no unit can run it. */
  (work: Work): OperatorPrediction | undefined;
  /** Why no unit can, in words. */
  readonly whyNot?: (work: Work) => string;
}

/** @throws SpecError for an unknown SoC, runtime or unit. */
export function predictOnSoc({ soc, runtime, family, unit }: ProbeMachine): PredictOperator {
  const machine = prepareMachine(soc, fileSources(), runtime, family);
  const names = Object.fromEntries(machine.units.map((one, index) => [one.unit.name, index]));
  const units = unit === undefined ? Object.values(names) : [pick(names, unit, 'unit')];
  const predict = (work: Work): OperatorPrediction | undefined => {
    const answers = units.flatMap((u) => {
      const found = predictAlone(machine, u, work);
      return found ? [{ unit: machine.units[u]?.unit.name ?? '', ...found }] : [];
    });
    const best = answers.sort((a, b) => a.seconds - b.seconds)[0];
    if (!best) return undefined;
    const { seconds, dramBytes } = best;
    return { unit: best.unit, seconds, dramBytes, bound: boundOf(best) };
  };
  const parts = units.map((u) => machine.units[u]!.unit);
  return Object.assign(predict, { whyNot: (work: Work) => refusalOf(parts, work) });
}

/** `gpu, npu: no kernel for it`: units that give the same reason together. */
function refusalOf(units: readonly ComputeUnit[], work: Work): string {
  const reasons = new Map<string, string[]>();
  for (const unit of units) {
    const support = unit.supports(work);
    if (!support.ok)
      reasons.set(support.reason, [...(reasons.get(support.reason) ?? []), unit.name]);
  }
  return [...reasons].map(([reason, names]) => `${names.join(', ')}: ${reason}`).join('; ');
}

function boundOf({ launch, compute, stream }: AlonePrediction): string {
  if (launch > Math.max(compute, stream)) return 'launch';
  return compute >= stream ? 'compute' : 'bandwidth';
}
