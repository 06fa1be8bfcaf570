/** Registry of operator costs; `domain.Operator` outside the standard domain. */
import type { Work } from '../../../base/work.ts';
import { elementsOf } from '../element-type.ts';
import { numbersOf } from '../node-view.ts';
import { attentions } from './attention.ts';
import { type Coster, type CostView, workOf } from './coster.ts';
import { movements } from './movement.ts';
import { products } from './products.ts';
import { vectors } from './vectors.ts';

export const costers: Readonly<Record<string, Coster>> = {
  ...products,
  ...attentions,
  ...vectors,
  ...movements,
};

/** Closed-form work of one node, or nothing when its operator has no cost model. */
export function estimateWork(view: CostView): Work | undefined {
  const coster = costers[view.key];
  return coster && workOf(view, coster(view));
}

/** Operators that give their input another shape or name and touch no byte. */
const RENAMING = new Set(['Identity', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Dropout']);

/** True where the result is the input as it lies in memory, so that no machine runs anything. */
export function isView(view: CostView): boolean {
  const x = view.inputs[0];
  const y = view.outputs[0];
  if (!x || !y || view.outputs.length !== 1) return false;
  if (RENAMING.has(view.key)) return true;
  const sameSize = elementsOf(x.dims) === elementsOf(y.dims);
  if (view.key === 'Cast' || view.key === 'CastLike') return x.type === y.type;
  if (view.key === 'Expand' || view.key === 'Slice' || view.key === 'Tile')
    return sameSize && !reverses(view);
  return view.key === 'Transpose' && keepsOrder(x.dims, numbersOf(view, 'perm'));
}

/** A slice with a negative step may keep the size and still move everything. */
function reverses(view: CostView): boolean {
  return view.key === 'Slice' && (view.inputs[4]?.data ?? []).some((step) => step < 0);
}

/** Axes of extent 1 may go anywhere. */
function keepsOrder(dims: readonly number[], order: readonly number[] | undefined): boolean {
  const real = (order ?? dims.map((_, i) => dims.length - 1 - i)).filter(
    (axis) => dims[axis] !== 1,
  );
  return real.every((axis, i) => i === 0 || axis > (real[i - 1] as number));
}
