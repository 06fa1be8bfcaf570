/** Folding of operators that move elements or make them from sizes. */
import { elementsOf } from '../element-type.ts';
import { reducedAxes } from '../infer/reduction.ts';
import { sliceRanges } from '../infer/slice-range.ts';
import {
  inputAt,
  intOf,
  type NodeView,
  numbersOf,
  tensorAttribute,
  wrapAxis,
} from '../node-view.ts';
import { elementsAt, type Folder } from './folder.ts';
import { broadcastStrides, offsetsOf, stridesOf } from './strides.ts';

/** The elements stay in their order; only the shape changes. */
const reshaped: Folder = (view) => [elementsAt(view, 0)];

function pickAll(data: readonly number[], offsets: readonly number[]): readonly number[] {
  return offsets.map((offset) => data[offset] as number);
}

const transpose: Folder = (view, outputs) => {
  const { dims } = inputAt(view, 0);
  const strides = stridesOf(dims);
  const order = numbersOf(view, 'perm') ?? dims.map((_, i) => dims.length - 1 - i);
  const moved = order.map((axis) => strides[axis] as number);
  return [pickAll(elementsAt(view, 0), offsetsOf(outputs[0]?.dims ?? [], moved))];
};

const slice: Folder = (view, outputs) => {
  const strides = stridesOf(inputAt(view, 0).dims);
  const steps = [...strides];
  let base = 0;
  for (const range of sliceRanges(view)) {
    base += range.start * (strides[range.axis] as number);
    steps[range.axis] = range.step * (strides[range.axis] as number);
  }
  return [pickAll(elementsAt(view, 0), offsetsOf(outputs[0]?.dims ?? [], steps, base))];
};

const expand: Folder = (view, outputs) => {
  const out = outputs[0]?.dims ?? [];
  const strides = broadcastStrides(inputAt(view, 0).dims, out);
  return [pickAll(elementsAt(view, 0), offsetsOf(out, strides))];
};

const tile: Folder = (view, outputs) => {
  const { dims } = inputAt(view, 0);
  const out = outputs[0]?.dims ?? [];
  const strides = stridesOf(dims);
  const within = (position: number) => {
    let rest = position;
    let offset = 0;
    for (let axis = out.length - 1; axis >= 0; axis--) {
      const index = rest % (out[axis] as number);
      rest = Math.floor(rest / (out[axis] as number));
      offset += (index % (dims[axis] as number)) * (strides[axis] as number);
    }
    return offset;
  };
  return [
    pickAll(
      elementsAt(view, 0),
      Array.from({ length: elementsOf(out) }, (_, i) => within(i)),
    ),
  ];
};

const gather: Folder = (view) => {
  const { dims } = inputAt(view, 0);
  const data = elementsAt(view, 0);
  const axis = wrapAxis(intOf(view, 'axis', 0), dims.length);
  const size = dims[axis] as number;
  const inner = elementsOf(dims.slice(axis + 1));
  const outer = elementsOf(dims.slice(0, axis));
  const out: number[] = [];
  for (let block = 0; block < outer; block++) {
    for (const index of elementsAt(view, 1)) {
      const start = (block * size + (index < 0 ? index + size : index)) * inner;
      out.push(...data.slice(start, start + inner));
    }
  }
  return [out];
};

const concat: Folder = (view) => {
  const axis = wrapAxis(intOf(view, 'axis', 0), inputAt(view, 0).dims.length);
  const blocks = view.inputs.map((value) => elementsOf((value?.dims ?? []).slice(axis)));
  const outer = elementsOf(inputAt(view, 0).dims.slice(0, axis));
  const out: number[] = [];
  for (let row = 0; row < outer; row++) {
    for (const [i, block] of blocks.entries()) {
      out.push(...elementsAt(view, i).slice(row * block, (row + 1) * block));
    }
  }
  return [out];
};

const split: Folder = (view, outputs) => {
  const { dims } = inputAt(view, 0);
  const data = elementsAt(view, 0);
  const axis = wrapAxis(intOf(view, 'axis', 0), dims.length);
  const strides = stridesOf(dims);
  let start = 0;
  return outputs.map((output) => {
    const part = pickAll(data, offsetsOf(output.dims, strides, start * (strides[axis] as number)));
    start += output.dims[axis] ?? 0;
    return part;
  });
};

const constantOfShape: Folder = (view, outputs) => {
  const value = tensorAttribute(view, 'value')?.values?.[0] ?? 0;
  return [new Array<number>(elementsOf(outputs[0]?.dims ?? [])).fill(value)];
};

const range: Folder = (view, outputs) => {
  const start = elementsAt(view, 0)[0] ?? 0;
  const delta = elementsAt(view, 2)[0] ?? 1;
  return [Array.from({ length: outputs[0]?.dims[0] ?? 0 }, (_, i) => start + i * delta)];
};

/** Row-major coordinates, one row per axis. */
const nonZero: Folder = (view) => {
  const { dims } = inputAt(view, 0);
  const strides = stridesOf(dims);
  const found = elementsAt(view, 0).flatMap((value, i) => (value === 0 ? [] : [i]));
  return [
    dims.flatMap((dim, axis) =>
      found.map((offset) => Math.floor(offset / (strides[axis] as number)) % dim),
    ),
  ];
};

/** Only whole updates of rows are used in shape arithmetic. */
const scatterNd: Folder = (view) => {
  const { dims } = inputAt(view, 0);
  const depth = inputAt(view, 1).dims.at(-1) ?? 0;
  const inner = elementsOf(dims.slice(depth));
  const strides = stridesOf(dims);
  const out = [...elementsAt(view, 0)];
  const indices = elementsAt(view, 1);
  const updates = elementsAt(view, 2);
  for (let row = 0; row * depth < indices.length; row++) {
    let offset = 0;
    for (let axis = 0; axis < depth; axis++) {
      const index = indices[row * depth + axis] as number;
      const positive = index < 0 ? index + (dims[axis] as number) : index;
      offset += positive * (strides[axis] as number);
    }
    for (let i = 0; i < inner; i++) out[offset + i] = updates[row * inner + i] as number;
  }
  return [out];
};

/** Folds the elements that fall into one result, in row-major order. */
function reduce(combine: (group: readonly number[]) => number): Folder {
  return (view) => {
    const { dims } = inputAt(view, 0);
    const gone = new Set(reducedAxes(view));
    const kept = dims.map((dim, i) => (gone.has(i) ? 1 : dim));
    const places = offsetsOf(dims, broadcastStrides(kept, dims));
    const groups = Array.from({ length: elementsOf(kept) }, (): number[] => []);
    for (const [i, value] of elementsAt(view, 0).entries())
      groups[places[i] as number]?.push(value);
    return [groups.map(combine)];
  };
}

const sum = (group: readonly number[]) => group.reduce((a, b) => a + b, 0);

const cumulative: Folder = (view: NodeView) => {
  if (inputAt(view, 0).dims.length !== 1) return [];
  let total = 0;
  return [elementsAt(view, 0).map((value) => (total += value))];
};

export const arrangement: Readonly<Record<string, Folder>> = {
  Identity: reshaped,
  Reshape: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Flatten: reshaped,
  Transpose: transpose,
  Slice: slice,
  Expand: expand,
  Tile: tile,
  Gather: gather,
  Concat: concat,
  Split: split,
  ConstantOfShape: constantOfShape,
  Range: range,
  NonZero: nonZero,
  ScatterND: scatterNd,
  CumSum: cumulative,
  ReduceSum: reduce(sum),
  ReduceMean: reduce((group) => sum(group) / group.length),
  ReduceProd: reduce((group) => group.reduce((a, b) => a * b, 1)),
  ReduceMax: reduce((group) => Math.max(...group)),
  ReduceMin: reduce((group) => Math.min(...group)),
};
