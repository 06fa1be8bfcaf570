/**
 * Operators split over units by output columns: tensor parallelism inside one phone.
 *
 * Model    a product with n columns becomes parts with shares of them: weights, operations and results in proportion,
 *          the whole input read by each; who reads the result waits for all parts
 * Ignores  uneven tiles at the borders of parts (units round to their own tiles)
 * Valid    products with weights and one batch; attention, norms and the rest stay whole
 * Source   HeteroInfer (arXiv 2501.14794): weight-centric partition over GPU and NPU
 * Checked  test/unit/engine/split.test.ts
 */
import type { Work } from '../base/work.ts';
import type { PartOf } from '../runtime/scheduling-policy.ts';
import type { Graph, Operator, Phase, StepWork } from '../workload/graph.ts';

/** Columns by which an operator can be split; 0 where it cannot. */
export function columnsOf(work: Work): number {
  const { form, weightBytes, kvReadBytes, kvWriteBytes, storageBytes = 0 } = work;
  if (form.kind !== 'matmul' || form.batch !== 1 || weightBytes === 0) return 0;
  // What the drive brings comes once, however many wait for it.
  return kvReadBytes + kvWriteBytes + storageBytes > 0 ? 0 : form.n;
}

/** @param parts by operator; what is absent runs whole on its `unit`. */
export function splitPhase(
  phase: Phase,
  unit: Int32Array,
  parts: ReadonlyMap<number, readonly PartOf[]>,
): { readonly phase: Phase; readonly unit: Int32Array } {
  const { graph } = phase;
  const works: StepWork[] = [];
  const operators: Operator[] = [];
  const units: number[] = [];
  const known = new Map<string, number>();
  /** Parts of each operator, by their places in the new graph. */
  const places: number[][] = [];
  for (const [i, operator] of graph.operators.entries()) {
    const inputs = operator.inputs.flatMap((input) => places[input]!);
    const split = parts.get(i);
    const work = graph.works[operator.work]!;
    const pieces =
      split && typeof work !== 'function' ? cut(work, split) : [{ work, unit: unit[i]!, name: '' }];
    places.push(
      pieces.map((piece) => {
        const key = `${operator.work} ${piece.name}`;
        const index = known.get(key) ?? works.push(piece.work) - 1;
        known.set(key, index);
        units.push(piece.unit);
        return operators.push({ name: `${operator.name}${piece.name}`, work: index, inputs }) - 1;
      }),
    );
  }
  const split: Graph = { name: graph.name, operators, works };
  return { phase: { ...phase, graph: split }, unit: Int32Array.from(units) };
}

/** Whole columns each; they sum to all of them. */
function cut(work: Work, parts: readonly PartOf[]) {
  const columns = columnsOf(work);
  let begin = 0;
  let share = 0;
  return parts.map(({ unit, share: own }) => {
    share += own;
    const end = Math.min(columns, Math.round(share * columns));
    const part = (end - begin) / columns;
    const name = ` ${begin}:${end}`;
    begin = end;
    return { work: partOf(work, part), unit, name };
  });
}

function partOf(work: Work, share: number): Work {
  const { form } = work;
  return {
    ...work,
    form: form.kind === 'matmul' ? { ...form, n: Math.round(form.n * share) } : form,
    macs: work.macs * share,
    vectorOps: work.vectorOps * share,
    weightBytes: work.weightBytes * share,
    outputBytes: work.outputBytes * share,
  };
}
