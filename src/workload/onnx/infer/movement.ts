/** Shapes of operators that rearrange data without computing: reshape, transpose, slice, concatenate, gather, pad. */
import { elementsOf } from '../element-type.ts';
import {
  axesOf,
  dataAt,
  formatDims,
  type Inferred,
  inputAt,
  intOf,
  type NodeView,
  numbersOf,
  shapeFault,
  UnknownShape,
  wrapAxis,
} from '../node-view.ts';
import { broadcast } from './elementwise.ts';
import type { Inferer } from './inferer.ts';
import { sliceRanges } from './slice-range.ts';

function reshape(view: NodeView): Inferred[] {
  const x = inputAt(view, 0);
  const wanted = numbersOf(view, 'shape') ?? dataAt(view, 1) ?? [];
  const keepZero = intOf(view, 'allowzero', 0) === 0;
  const dims = wanted.map((dim, i) => (dim === 0 && keepZero ? (x.dims[i] ?? 0) : dim));
  const rest = dims.reduce((product, dim) => (dim === -1 ? product : product * dim), 1);
  const total = elementsOf(x.dims);
  const free = rest === 0 ? 0 : total / rest;
  const out = dims.map((dim) => (dim === -1 ? free : dim));
  if (elementsOf(out) !== total || !out.every(Number.isInteger)) {
    throw shapeFault(
      'the number of elements does not fit the new shape',
      formatDims(wanted),
      `${formatDims(x.dims)}, ${total} elements`,
    );
  }
  return [{ dims: out, type: x.type }];
}

function transpose(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const order = numbersOf(view, 'perm') ?? dims.map((_, i) => dims.length - 1 - i);
  if (order.length !== dims.length) {
    throw shapeFault('perm does not fit the rank', `${dims.length} axes`, formatDims(order));
  }
  return [{ dims: order.map((axis) => dims[axis] as number), type }];
}

function concat(view: NodeView): Inferred[] {
  const parts = view.inputs.filter((value) => value !== undefined);
  const first = inputAt(view, 0);
  const axis = wrapAxis(intOf(view, 'axis', 0), first.dims.length);
  let sum = 0;
  for (const part of parts) {
    const fits =
      part.dims.length === first.dims.length &&
      part.dims.every((dim, i) => i === axis || dim === first.dims[i]);
    if (!fits) {
      const shown = parts.map((value) => formatDims(value.dims)).join(', ');
      throw shapeFault(`inputs differ outside axis ${axis}`, 'equal dimensions', shown);
    }
    sum += part.dims[axis] as number;
  }
  return [{ dims: first.dims.map((dim, i) => (i === axis ? sum : dim)), type: first.type }];
}

function split(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const axis = wrapAxis(intOf(view, 'axis', 0), dims.length);
  const size = dims[axis] as number;
  const count = intOf(view, 'num_outputs', view.node.outputs.length);
  const sizes = numbersOf(view, 'split') ?? dataAt(view, 1) ?? evenSplit(size, count);
  const sum = sizes.reduce((total, part) => total + part, 0);
  if (sum !== size) {
    throw shapeFault('parts do not add up to the axis', String(size), formatDims(sizes));
  }
  return sizes.map((part) => ({ dims: dims.map((dim, i) => (i === axis ? part : dim)), type }));
}

/** Since opset 18 the last part may be smaller. */
function evenSplit(size: number, count: number): number[] {
  const part = Math.ceil(size / count);
  return Array.from({ length: count }, (_, i) => Math.min(part, size - part * i));
}

function slice(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const out = [...dims];
  for (const range of sliceRanges(view)) out[range.axis] = range.count;
  return [{ dims: out, type }];
}

function gather(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const axis = wrapAxis(intOf(view, 'axis', 0), dims.length);
  return [
    { dims: [...dims.slice(0, axis), ...inputAt(view, 1).dims, ...dims.slice(axis + 1)], type },
  ];
}

const gatherElements: Inferer = (view) => [
  { dims: inputAt(view, 1).dims, type: inputAt(view, 0).type },
];

function gatherNd(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const indices = inputAt(view, 1).dims;
  const batch = intOf(view, 'batch_dims', 0);
  const depth = indices.at(-1) ?? 0;
  return [{ dims: [...indices.slice(0, -1), ...dims.slice(batch + depth)], type }];
}

function squeeze(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const axes = axesOf(view, 1)?.map((axis) => wrapAxis(axis, dims.length));
  const gone = new Set(axes ?? dims.flatMap((dim, i) => (dim === 1 ? [i] : [])));
  const bad = [...gone].find((axis) => dims[axis] !== 1);
  if (bad !== undefined) {
    throw shapeFault(`axis ${bad} cannot be squeezed`, 'extent 1', formatDims(dims));
  }
  return [{ dims: dims.filter((_, i) => !gone.has(i)), type }];
}

function unsqueeze(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const axes = axesOf(view, 1) ?? [];
  const rank = dims.length + axes.length;
  const added = new Set(axes.map((axis) => wrapAxis(axis, rank)));
  let next = 0;
  const out = Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : (dims[next++] ?? 1)));
  return [{ dims: out, type }];
}

function flatten(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const axis = intOf(view, 'axis', 1);
  const cut = axis < 0 ? axis + dims.length : axis;
  return [{ dims: [elementsOf(dims.slice(0, cut)), elementsOf(dims.slice(cut))], type }];
}

function expand(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  return [{ dims: broadcast([dims, dataAt(view, 1) ?? []]), type }];
}

function tile(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const repeats = dataAt(view, 1) ?? [];
  return [{ dims: dims.map((dim, i) => dim * (repeats[i] ?? 1)), type }];
}

function pad(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const pads = numbersOf(view, 'pads') ?? dataAt(view, 1) ?? [];
  const axes = dataAt(view, 3)?.map((axis) => wrapAxis(axis, dims.length)) ?? dims.map((_, i) => i);
  if (pads.length !== axes.length * 2) {
    throw shapeFault(
      'pads need a begin and an end per axis',
      `${axes.length * 2}`,
      formatDims(pads),
    );
  }
  const out = [...dims];
  for (const [i, axis] of axes.entries()) {
    out[axis] = (dims[axis] as number) + (pads[i] as number) + (pads[i + axes.length] as number);
  }
  return [{ dims: out, type }];
}

function depthToSpace(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const [n, c, h, w] = dims as [number, number, number, number];
  const block = intOf(view, 'blocksize', 1);
  return [{ dims: [n, c / block ** 2, h * block, w * block], type }];
}

function spaceToDepth(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const [n, c, h, w] = dims as [number, number, number, number];
  const block = intOf(view, 'blocksize', 1);
  return [{ dims: [n, c * block ** 2, Math.floor(h / block), Math.floor(w / block)], type }];
}

/** How many entries survive is known only at run time, unless the condition is constant. */
function compress(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const kept = (dataAt(view, 1) ?? []).filter(Boolean).length;
  if (!view.node.attributes.has('axis')) return [{ dims: [kept], type }];
  const axis = wrapAxis(intOf(view, 'axis', 0), dims.length);
  return [{ dims: dims.map((dim, i) => (i === axis ? kept : dim)), type }];
}

const same: Inferer = (view) => {
  const { dims, type } = inputAt(view, 0);
  return [{ dims, type }];
};

/** `Col2Im` folds columns back into an image. */
function col2im(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const image = dataAt(view, 1) ?? [];
  const block = elementsOf(dataAt(view, 2) ?? []);
  return [{ dims: [dims[0] as number, (dims[1] as number) / block, ...image], type }];
}

function centerCropPad(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const shape = dataAt(view, 1) ?? [];
  const axes = numbersOf(view, 'axes')?.map((axis) => wrapAxis(axis, dims.length));
  const out = [...dims];
  for (const [i, size] of shape.entries()) out[axes?.[i] ?? i] = size;
  return [{ dims: out, type }];
}

/** Distinct values can be counted only when they are known. */
const unique: Inferer = () => {
  throw new UnknownShape('the number of distinct values is known at run time only');
};

export const movement: Readonly<Record<string, Inferer>> = {
  Reshape: reshape,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  Scatter: same,
  ScatterElements: same,
  ScatterND: same,
  TensorScatter: same,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Flatten: flatten,
  Expand: expand,
  Tile: tile,
  Pad: pad,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Compress: compress,
  Col2Im: col2im,
  CenterCropPad: centerCropPad,
  Unique: unique,
  'com.microsoft.QLinearConcat': (view) => {
    // Scale and zero point of the result come first, then tensor, scale, zero point in turn.
    const inputs = view.inputs.slice(2).filter((_, i) => i % 3 === 0);
    return concat({ ...view, inputs });
  },
};
