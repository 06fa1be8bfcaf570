/**
 * What counts as time when a product runs on a systolic array: the rules on which simulators of the field differ.
 * One model, switched; no rule knows single results.
 *
 * Shipped NPUs follow `phone`: every multiplier has a second weight register, so the next tile loads behind the
 * running one, and a fold enters while the one before it drains. Serial folds would cost 2.5 times as much for
 * 128 tokens on a 64 × 64 array, which no measured prefill shows.
 */
import type { Entry } from '../../base/registry.ts';

export interface Accounting {
  /**
   * How array and memory meet.
   * - `overlapped`: transfers run beside the folds, the longer of the two counts.
   * - `temporal`: loop iterations alone, no fill or drain of the array; results and inputs share the on-chip memory.
   * - `streams`: one prefetching buffer per operand, followed cycle by cycle.
   * - `tiles`: tiles through a double-buffered scratchpad, one memory queue.
   */
  readonly timeline: 'overlapped' | 'temporal' | 'streams' | 'tiles';
  /** Folds follow each other without draining the array. */
  readonly overlapFolds: boolean;
  /** The next stationary tile loads behind the running fold. */
  readonly hidePreload: boolean;
  /** Filling local memory before the first fold, and writing the last results back, take time of their own. */
  readonly countFill: boolean;
  readonly countWriteBack: boolean;
  /** The total is the index of the last cycle, one less than their number. */
  readonly lastCycleIndex: boolean;
  /** Inputs are fetched as the loop order with the least traffic needs them, or again for every tile of outputs across. */
  readonly inputReads: 'least' | 'per-tile';
  /** Inputs, weights and results share one memory port, or have one each. */
  readonly ports: 'shared' | 'separate';
}

export interface AccountingRule extends Entry, Accounting {}

const overlapped = {
  timeline: 'overlapped',
  overlapFolds: true,
  hidePreload: true,
  countFill: false,
  countWriteBack: false,
  lastCycleIndex: false,
  inputReads: 'least',
  ports: 'shared',
} as const satisfies Accounting;

export const accountingRules = {
  phone: {
    summary: 'what shipped NPUs do: overlapped folds, double-buffered preload, one shared port',
    ...overlapped,
  },
  'scale-sim': {
    summary: 'SCALE-Sim: serial folds, three ports, first fill and last write-back not counted',
    ...overlapped,
    timeline: 'streams',
    overlapFolds: false,
    hidePreload: false,
    lastCycleIndex: true,
    ports: 'separate',
  },
  onnxim: {
    summary:
      'ONNXim: weight-stationary tiles, inputs again for every output tile, everything counted',
    ...overlapped,
    timeline: 'tiles',
    countFill: true,
    countWriteBack: true,
    inputReads: 'per-tile',
  },
  zigzag: {
    summary: 'ZigZag: loop iterations without skew, the best loop order, on-loading counted',
    ...overlapped,
    timeline: 'temporal',
    countFill: true,
  },
} as const satisfies Record<string, AccountingRule>;

export type AccountingRuleName = keyof typeof accountingRules;
