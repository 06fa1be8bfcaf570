/** Shapes of attention and of what stands around it in exported language models. */
import { ATTENTION, PROJECTING } from '../attention-shape.ts';
import type { AttentionShape } from '../attention-view.ts';
import {
  formatDims,
  type Inferred,
  inputAt,
  intOf,
  type NodeView,
  shapeFault,
} from '../node-view.ts';
import type { Inferer } from './inferer.ts';

function attend(view: NodeView, read: (view: NodeView) => AttentionShape): Inferred[] {
  const shape = read(view);
  const type = inputAt(view, 0).type;
  const { batch, heads, kvHeads, queries, capacity, headDim, valueDim } = shape;
  const result = shape.headsFirst
    ? [batch, heads, queries, valueDim]
    : [...(shape.tokens === undefined ? [batch, queries] : [shape.tokens]), heads * valueDim];
  return [
    { dims: result, type },
    { dims: [batch, kvHeads, capacity, headDim], type },
    { dims: [batch, kvHeads, capacity, valueDim], type },
    { dims: [batch, heads, queries, shape.context], type },
  ];
}

/** `com.microsoft.Attention` keeps keys and values in one tensor. */
function attendPacked(view: NodeView, read: (view: NodeView) => AttentionShape): Inferred[] {
  const [result, key] = attend(view, read) as [Inferred, Inferred];
  const type = view.node.operator === 'QAttention' ? 'float' : result.type;
  return [
    { dims: result.dims, type },
    { dims: [2, ...key.dims], type },
  ];
}

const same: Inferer = (view) => {
  const { dims, type } = inputAt(view, 0);
  return [{ dims, type }];
};

/** Rows of a table quantised in blocks: indices pick along `gather_axis`. */
function gatherBlockQuantized(view: NodeView): Inferred[] {
  const table = inputAt(view, 0);
  const packing = table.type === 'uint8' ? 8 / intOf(view, 'bits', 4) : 1;
  const axis = intOf(view, 'gather_axis', 0);
  const dims = table.dims.map((dim, i) => (i === table.dims.length - 1 ? dim * packing : dim));
  const out = [...dims.slice(0, axis), ...inputAt(view, 1).dims, ...dims.slice(axis + 1)];
  return [{ dims: out, type: inputAt(view, 2).type }];
}

function mixtureOfExperts(view: NodeView): Inferred[] {
  const x = inputAt(view, 0);
  const router = inputAt(view, 1).dims;
  const experts = inputAt(view, 2).dims[0];
  if (router.at(-1) !== experts) {
    throw shapeFault(
      'router and expert weights differ',
      `${experts} experts`,
      `router${formatDims(router)}`,
    );
  }
  return [{ dims: x.dims, type: x.type }];
}

const readers = Object.entries(ATTENTION).map(([name, read]): [string, Inferer] => {
  return [
    name,
    PROJECTING.has(name) ? (view) => attendPacked(view, read) : (view) => attend(view, read),
  ];
});

export const attention: Readonly<Record<string, Inferer>> = {
  ...Object.fromEntries(readers),
  RotaryEmbedding: same,
  'com.microsoft.RotaryEmbedding': same,
  'com.microsoft.MoE': mixtureOfExperts,
  'com.microsoft.QMoE': mixtureOfExperts,
  'com.microsoft.GatherBlockQuantized': gatherBlockQuantized,
};
