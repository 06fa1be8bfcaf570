/** Constant folding: elements of small tensors that shapes are computed from. */
import { elementsOf } from '../element-type.ts';
import type { Inferred, NodeView } from '../node-view.ts';
import { arithmetic } from './arithmetic.ts';
import { arrangement } from './arrangement.ts';
import type { Folder } from './folder.ts';

const folders: Readonly<Record<string, Folder>> = { ...arithmetic, ...arrangement };

/** Shape arithmetic works on vectors as long as a tensor's rank; masks and position tables reach a few thousand. */
const MOST_ELEMENTS = 4096;

/** Adds the elements of the outputs where all inputs are known and an operator can be folded. */
export function foldConstants(
  key: string,
  view: NodeView,
  outputs: readonly Inferred[],
): readonly Inferred[] {
  const folder = folders[key];
  if (!folder || outputs.every((output) => output.data)) return outputs;
  if (!view.inputs.every((value) => value === undefined || value.data)) return outputs;
  if (outputs.some((output) => elementsOf(output.dims) > MOST_ELEMENTS)) return outputs;
  const folded = folder(view, outputs);
  return outputs.map((output, i) => (folded[i] ? { ...output, data: folded[i] } : output));
}
