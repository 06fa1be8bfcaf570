/** The contract of a fusion pass. */
import type { OperatorList } from './operator-list.ts';

/**
 * Rewrites a list into one with fewer launches or fewer bytes.
 *
 * Reads the list alone; multiply–accumulates stay what they were, tensors the model hands out stay, and the
 * order of the result is an order of execution. A pass that finds nothing returns its input.
 */
export interface Fusion {
  readonly summary: string;
  apply(list: OperatorList): OperatorList;
}
