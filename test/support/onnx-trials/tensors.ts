/** Random operators that cut, join, move and combine tensors. */
import fc from 'fast-check';
import { type BuiltAttribute, INT64 } from '../onnx-builder.ts';
import { floats, ints, scalar, type Trial } from '../onnx-trial.ts';
import { flag, shape, size, small } from './sizes.ts';

export const bound = fc.oneof(fc.integer({ min: -14, max: 14 }), fc.constant(2 ** 31));
const slice = fc.tuple(shape(1, 4), bound, bound, fc.integer({ min: -3, max: 3 }), fc.nat(3)).map(
  ([dims, start, end, step, axis]): Trial => ({
    op: 'Slice',
    inputs: [
      dims,
      ints(start),
      ints(end),
      ints((axis % dims.length) - dims.length),
      ints(step || 1),
    ],
  }),
);

const resize = fc
  .tuple(
    shape(3, 4),
    fc.array(fc.constantFrom(0.3, 0.5, 0.7, 1, 1.5, 2, 2.4, 3), { minLength: 4, maxLength: 4 }),
    flag,
  )
  .map(([dims, scales, bySize]): Trial => {
    const factors = dims.map((_, i) => (i < 2 ? 1 : (scales[i] ?? 1)));
    const sizes = dims.map((dim, i) => Math.max(1, Math.floor(dim * (factors[i] ?? 1))));
    return {
      op: 'Resize',
      inputs: bySize ? [dims, '', '', ints(...sizes)] : [dims, '', floats(...factors)],
      attributes: { mode: 'nearest' },
    };
  });

const pad = fc
  .tuple(shape(1, 4), fc.array(fc.integer({ min: -1, max: 3 }), { minLength: 8, maxLength: 8 }))
  .map(
    ([dims, pads]): Trial => ({
      op: 'Pad',
      inputs: [dims, ints(...pads.slice(0, dims.length * 2))],
    }),
  );
const gather = fc.tuple(shape(1, 4), shape(0, 2), fc.nat(3)).map(
  ([dims, picks, axis]): Trial => ({
    op: 'Gather',
    inputs: [dims, { dims: picks }],
    attributes: { axis: axis % dims.length },
  }),
);
const split = fc.tuple(shape(1, 3), fc.nat(2), fc.integer({ min: 1, max: 3 })).map(
  ([dims, axis, parts]): Trial => ({
    op: 'Split',
    opset: 18,
    inputs: [dims],
    outputs: parts,
    attributes: { axis: axis % dims.length, num_outputs: parts },
  }),
);
const reshape = fc.tuple(shape(2, 4), flag).map(
  ([dims, keep]): Trial => ({
    op: 'Reshape',
    inputs: [dims, ints(keep ? 0 : -1, ...(keep ? [-1] : [dims.at(-1) as number]))],
  }),
);
const transpose = shape(1, 4).chain((dims) =>
  fc
    .shuffledSubarray(
      dims.map((_, i) => i),
      { minLength: dims.length },
    )
    .map((perm): Trial => ({ op: 'Transpose', inputs: [dims], attributes: { perm } })),
);
const reduce = fc
  .tuple(
    shape(1, 4),
    fc.constantFrom('ReduceMean', 'ReduceMax', 'ReduceL2', 'ArgMax'),
    fc.integer({ min: -4, max: 3 }),
    flag,
  )
  .map(([dims, op, axis, keepdims]): Trial => {
    const at = ((axis % dims.length) + dims.length) % dims.length;
    const chosen: Record<string, BuiltAttribute> =
      op === 'ArgMax' ? { axis: at } : { axes: [at - dims.length] };
    return { op, inputs: [dims], attributes: { ...chosen, keepdims } };
  });
const topK = fc.tuple(shape(1, 3), fc.integer({ min: 1, max: 4 })).map(
  ([dims, k]): Trial => ({
    op: 'TopK',
    inputs: [dims, ints(k)],
    outputs: 2,
    attributes: { axis: -1 },
  }),
);
const broadcast = fc
  .tuple(
    shape(0, 4),
    fc.array(flag, { minLength: 4, maxLength: 4 }),
    fc.constantFrom('Add', 'Less', 'Max'),
  )
  .map(
    ([dims, keep, op]): Trial => ({
      op,
      inputs: [dims, dims.map((dim, i) => (keep[i] ? dim : 1)).slice(keep[0] ?? 0)],
    }),
  );
const tile = fc.tuple(shape(1, 3), fc.array(small, { minLength: 3, maxLength: 3 })).map(
  ([dims, repeats]): Trial => ({
    op: 'Tile',
    inputs: [dims, ints(...repeats.slice(0, dims.length))],
  }),
);
const space = fc.tuple(small, small, small, small).map(
  ([c, h, w, block]): Trial => ({
    op: 'DepthToSpace',
    inputs: [[1, c * block * block, h, w]],
    attributes: { blocksize: block },
  }),
);

const oneHot = fc.tuple(shape(0, 2), size, fc.integer({ min: -1, max: 0 })).map(
  ([dims, depth, axis]): Trial => ({
    op: 'OneHot',
    inputs: [{ type: INT64, dims }, scalar(depth), floats(0, 1)],
    attributes: { axis },
  }),
);

export const TENSORS: Readonly<Record<string, fc.Arbitrary<Trial>>> = {
  slice,
  resize,
  pad,
  gather,
  split,
  reshape,
  transpose,
  reduce,
  topK,
  broadcast,
  tile,
  space,
  oneHot,
};
