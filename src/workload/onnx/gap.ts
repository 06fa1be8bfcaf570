/** Operators that are not understood: they keep their place and their bytes, and are reported. */
import type { Bytes } from '../../base/units.ts';
import type { ConstantTrait } from '../fusion/operator-list.ts';
import type { Gap } from './report.ts';
import { pushOperator, type Sink, type WalkState } from './walk-state.ts';

export interface GapTraffic {
  readonly operands: readonly string[];
  readonly outputs: readonly string[];
  readonly constants: readonly ConstantTrait[];
}

export function pushGap(state: WalkState, sink: Sink, gap: Gap, traffic: GapTraffic): void {
  const { operands, outputs, constants } = traffic;
  sink.gaps.push(gap);
  pushOperator(state, sink, gap.node, {
    outputs,
    traits: { operands, constants },
    work: {
      operator: gap.operator.split('.').at(-1) ?? gap.operator,
      form: { kind: 'move' },
      macs: 0,
      vectorOps: 0,
      weightDType: constants[0]?.dtype ?? 'fp32',
      activationDType: 'fp32',
      weightBytes: constants.reduce((sum, constant) => sum + constant.bytes, 0),
      inputBytes: bytesOf(state, [...new Set(operands)]),
      outputBytes: bytesOf(state, outputs),
      kvReadBytes: 0,
      kvWriteBytes: 0,
    },
  });
}

function bytesOf(state: WalkState, names: readonly string[]): Bytes {
  return names.reduce((sum, name) => sum + (state.tensors.get(name)?.bytes ?? 0), 0);
}

/** Operators and multiply–accumulates of a body, what is behind its own gaps included. */
export function totalsOf(sink: Sink): { operators: number; macs: number } {
  const behind = sink.gaps.reduce((sum, gap) => sum + gap.operators, 0);
  const hidden = sink.gaps.reduce((sum, gap) => sum + gap.macs, 0);
  return {
    operators: sink.operators.length - sink.gaps.length + behind,
    macs: sink.operators.reduce((sum, operator) => sum + operator.work.macs, hidden),
  };
}
