/** The contract of shape inference: one function per operator. */
import type { Inferred, NodeView } from '../node-view.ts';

/**
 * Shapes and types of a node's outputs from those of its inputs.
 *
 * Depends on the view alone. Throws `SpecError` where the shapes contradict each other and `UnknownShape`
 * where they follow from values that exist only at run time. Results beyond the node's outputs are ignored.
 */
export type Inferer = (view: NodeView) => readonly Inferred[];
