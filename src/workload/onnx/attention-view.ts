/** What operators that attend have in common: what is known of one, and how its attributes are read. */
import type { SpecError } from '../../base/errors.ts';
import { formatInputs, intOf, type NodeView, shapeFault } from './node-view.ts';

export interface AttentionShape {
  readonly batch: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly queries: number;
  /** Tokens whose keys and values come from the cache. */
  readonly past: number;
  /** All tokens attended to, cached and new. */
  readonly context: number;
  /** Tokens the present cache has room for; more than `context` in a buffer shared between steps. */
  readonly capacity: number;
  readonly headDim: number;
  readonly valueDim: number;
  readonly causal: boolean;
  /** Query and result are [batch, heads, tokens, width] instead of [batch, tokens, heads × width]. */
  readonly headsFirst: boolean;
  /** Tokens of a sliding window; 0 when every earlier token counts. */
  readonly window: number;
  /** Pairs of query and key per batch entry and head, where neither causality nor a window tells them. */
  readonly visible?: number | undefined;
  /** Tokens of all batch entries behind one another, without padding: query and result are [tokens, width]. */
  readonly tokens?: number;
}

export const at = (dims: readonly number[], index: number): number => dims[index] ?? 1;

export function headCount(view: NodeView, name: string): number {
  const count = intOf(view, name, 0);
  if (count > 0) return count;
  throw shapeFault(`attribute ${name} is missing`);
}

export function checkHeads(view: NodeView, headDim: number): void {
  if (Number.isInteger(headDim) && headDim > 0) return;
  throw shapeFault('width is not a multiple of the heads', undefined, formatInputs(view));
}

/** A fault of one input, by its place and name. */
export function inputFault(
  view: NodeView,
  index: number,
  message: string,
  expected: string,
  got?: string,
): SpecError {
  const name = view.node.inputs[index];
  return shapeFault(`input ${index}${name ? ` "${name}"` : ''}: ${message}`, expected, got);
}
