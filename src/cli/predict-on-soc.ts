/** Times of single operators on a SoC, each on the unit that runs it fastest, alone and at full clock. */
import { prepareMachine } from '../engine/prepare.ts';
import { type AlonePrediction, predictAlone } from '../engine/task-table.ts';
import { fileSources } from '../load.ts';
import { type Graph, workAt } from '../workload/graph.ts';
import type { OperatorPrediction } from './operator-table.ts';

/** One entry per operator, in order; absent where no unit can run it. @throws SpecError for an unknown SoC. */
export async function predictOnSoc(
  soc: string,
  graph: Graph,
  context: number,
): Promise<readonly (OperatorPrediction | undefined)[]> {
  const machine = prepareMachine(soc, fileSources());
  const byClass = graph.works.map((_, index): OperatorPrediction | undefined => {
    const work = workAt(graph, index, context);
    const answers = machine.units.flatMap(({ unit }, u) => {
      const found = predictAlone(machine, u, work);
      return found ? [{ unit: unit.name, ...found }] : [];
    });
    const best = answers.sort((a, b) => a.seconds - b.seconds)[0];
    return best && { unit: best.unit, seconds: best.seconds, bound: boundOf(best) };
  });
  return graph.operators.map(({ work }) => byClass[work]);
}

function boundOf({ launch, compute, stream }: AlonePrediction): string {
  if (launch > Math.max(compute, stream)) return 'launch';
  return compute >= stream ? 'compute' : 'bandwidth';
}
