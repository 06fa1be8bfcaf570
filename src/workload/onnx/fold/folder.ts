/** The contract of constant folding: one function per operator. */
import type { Inferred, NodeView } from '../node-view.ts';

/**
 * Elements of a node's outputs from those of its inputs, all known and few.
 *
 * Called after shape inference with its results. Covers the operators that exporters build shape
 * arithmetic of; an operator without a folder ends the chain, it is not an error.
 */
export type Folder = (
  view: NodeView,
  outputs: readonly Inferred[],
) => readonly (readonly number[])[];

/** Elements of an input; the caller has checked that they are there. */
export function elementsAt(view: NodeView, index: number): readonly number[] {
  return view.inputs[index]?.data ?? [];
}
