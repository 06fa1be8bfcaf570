/** Shapes of reductions, sorting and selection. */
import {
  axesOf,
  dataAt,
  type Inferred,
  inputAt,
  intOf,
  type NodeView,
  UnknownShape,
  wrapAxis,
} from '../node-view.ts';
import type { Inferer } from './inferer.ts';

/** The axes that vanish: all of them when none is named, unless the operator is told to do nothing. */
export function reducedAxes(view: NodeView): readonly number[] {
  const rank = inputAt(view, 0).dims.length;
  const axes = axesOf(view, 1);
  if (axes && axes.length > 0) return axes.map((axis) => wrapAxis(axis, rank));
  if (intOf(view, 'noop_with_empty_axes', 0) === 1) return [];
  return Array.from({ length: rank }, (_, i) => i);
}

const reduce: Inferer = (view) => {
  const { dims, type } = inputAt(view, 0);
  return [{ dims: without(dims, reducedAxes(view), intOf(view, 'keepdims', 1) === 1), type }];
};

function without(dims: readonly number[], axes: readonly number[], keep: boolean): number[] {
  const gone = new Set(axes);
  if (keep) return dims.map((dim, i) => (gone.has(i) ? 1 : dim));
  return dims.filter((_, i) => !gone.has(i));
}

function argument(view: NodeView): Inferred[] {
  const { dims } = inputAt(view, 0);
  const axis = wrapAxis(intOf(view, 'axis', 0), dims.length);
  return [{ dims: without(dims, [axis], intOf(view, 'keepdims', 1) === 1), type: 'int64' }];
}

/** `k` is an attribute before opset 10. */
function topK(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const axis = wrapAxis(intOf(view, 'axis', -1), dims.length);
  const k = intOf(view, 'k', -1) >= 0 ? intOf(view, 'k', 0) : (dataAt(view, 1)?.[0] ?? 0);
  const out = dims.map((dim, i) => (i === axis ? k : dim));
  return [
    { dims: out, type },
    { dims: out, type: 'int64' },
  ];
}

function nonZero(view: NodeView): Inferred[] {
  const x = inputAt(view, 0);
  if (!x.data) throw new UnknownShape('the number of non-zero elements is known at run time only');
  const found = x.data.flatMap((value, i) => (value === 0 ? [] : [i]));
  return [{ dims: [x.dims.length, found.length], type: 'int64' }];
}

/** The number of boxes kept depends on the scores. */
const nonMaxSuppression: Inferer = () => {
  throw new UnknownShape('the number of boxes kept is known at run time only');
};

function det(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  return [{ dims: dims.slice(0, -2), type }];
}

const REDUCTIONS =
  'ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare';

export const reduction: Readonly<Record<string, Inferer>> = {
  ...Object.fromEntries(REDUCTIONS.split(' ').map((name) => [name, reduce])),
  ArgMax: argument,
  ArgMin: argument,
  TopK: topK,
  NonZero: nonZero,
  NonMaxSuppression: nonMaxSuppression,
  Det: det,
};
