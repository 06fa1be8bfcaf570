/** Which constants of a model are parameters, as model cards count them. */
import { elementsOf, isFloat, isQuantised, tensorBytes } from './element-type.ts';
import type { OnnxNode } from './model.ts';
import type { Entry, WalkState } from './walk-state.ts';

/** Inputs that steer or scale and are no parameters, even where they are floating point. */
const STEERING: Readonly<Record<string, readonly number[]>> = {
  Resize: [1, 2, 3],
  Upsample: [1],
  Clip: [1, 2],
  Pad: [1, 2, 3],
  QuantizeLinear: [1, 2],
  DequantizeLinear: [1, 2],
  'com.microsoft.QuantizeLinear': [1, 2],
  'com.microsoft.DequantizeLinear': [1, 2],
  QLinearConv: [1, 2, 4, 5, 6, 7],
  QLinearMatMul: [1, 2, 4, 5, 6, 7],
  ConvInteger: [2, 3],
  MatMulInteger: [2, 3],
  'com.microsoft.DynamicQuantizeMatMul': [2, 3],
  'com.microsoft.MatMulIntegerToFloat': [2, 3, 4, 5],
  'com.microsoft.MatMulNBits': [2, 3, 4],
  'com.microsoft.GatherBlockQuantized': [2, 3],
  'com.microsoft.GroupQueryAttention': [7, 8],
  'com.microsoft.SparseAttention': [9, 10],
  'com.microsoft.RotaryEmbedding': [2, 3],
  RotaryEmbedding: [1, 2],
};

/** Notes every constant of the file that `node` reads, once. */
export function noteConstants(
  state: WalkState,
  key: string,
  node: OnnxNode,
  entries: readonly (Entry | undefined)[],
): void {
  for (const [position, entry] of entries.entries()) {
    const leaf = entry?.leaf;
    if (!entry || !leaf) continue;
    const parameters = STEERING[key]?.includes(position)
      ? 0
      : parametersOf(key, position, node, entry);
    const known = state.constants.get(entry.tensor);
    if (known && known.parameters >= parameters) continue;
    // 64-bit integers and booleans are shapes, indices and masks.
    const steering = leaf.type === 'int64' || leaf.type === 'bool' || leaf.type === 'string';
    const bytes = steering ? 0 : tensorBytes(leaf.dims, leaf.type);
    state.constants.set(entry.tensor, { parameters, bytes });
  }
}

function parametersOf(key: string, position: number, node: OnnxNode, entry: Entry): number {
  const leaf = entry.leaf;
  if (!leaf) return 0;
  if (position === 1 && key.startsWith('com.microsoft.MatMul')) {
    const [k, n] = [node.attributes.get('K'), node.attributes.get('N')];
    if (typeof k === 'number' && typeof n === 'number') return k * n;
  }
  // A bias is a 32-bit integer in quantised models, and reaches its operator dequantised.
  const quantised = isQuantised(leaf.type) || leaf.type === 'int32';
  const packing = key === 'com.microsoft.GatherBlockQuantized' && leaf.type === 'uint8' ? 2 : 1;
  const countable = isFloat(leaf.type) || (quantised && holdsWeights(key));
  const count = elementsOf(leaf.dims);
  return countable && leaf.dims.length > 0 && count > 1 ? count * packing : 0;
}

/** Operators whose integer constants are weights and not indices. */
function holdsWeights(key: string): boolean {
  return /Dequantize|QLinear|Integer|QGemm|QAttention|QMoE|BlockQuantized|DynamicQuantizeMatMul/.test(
    key,
  );
}
