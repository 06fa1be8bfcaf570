/** Shapes of the recurrent operators. */
import {
  formatDims,
  type Inferred,
  inputAt,
  intOf,
  type NodeView,
  shapeFault,
  textOf,
} from '../node-view.ts';
import type { Inferer } from './inferer.ts';

export interface RecurrentShape {
  readonly steps: number;
  readonly batch: number;
  readonly inputs: number;
  readonly hidden: number;
  readonly directions: number;
  readonly gates: number;
}

const GATES: Readonly<Record<string, number>> = { RNN: 1, GRU: 3, LSTM: 4 };

export function recurrentShape(view: NodeView): RecurrentShape {
  const x = inputAt(view, 0).dims;
  const w = inputAt(view, 1).dims;
  const gates = GATES[view.node.operator] ?? 1;
  const directions = textOf(view, 'direction', 'forward') === 'bidirectional' ? 2 : 1;
  const hidden = intOf(view, 'hidden_size', (w[1] ?? gates) / gates);
  if (w[2] !== x[2] || w[1] !== gates * hidden || w[0] !== directions) {
    throw shapeFault(
      'input weights do not fit',
      formatDims([directions, gates * hidden, x[2] ?? 0]),
      `X${formatDims(x)} and W${formatDims(w)}`,
    );
  }
  const batchFirst = intOf(view, 'layout', 0) === 1;
  const [first, second] = x as [number, number, number];
  return {
    steps: batchFirst ? second : first,
    batch: batchFirst ? first : second,
    inputs: x[2] as number,
    hidden,
    directions,
    gates,
  };
}

const recurrent: Inferer = (view): Inferred[] => {
  const { steps, batch, hidden, directions } = recurrentShape(view);
  const type = inputAt(view, 0).type;
  const batchFirst = intOf(view, 'layout', 0) === 1;
  const all = batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden];
  const last = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
  return [
    { dims: all, type },
    { dims: last, type },
    { dims: last, type },
  ];
};

export const recurrences: Readonly<Record<string, Inferer>> = {
  RNN: recurrent,
  GRU: recurrent,
  LSTM: recurrent,
};
