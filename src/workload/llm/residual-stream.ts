/** The residual stream: results wait to be added until the next norm, which a fused operator does in one go. */
import type { GraphBuilder } from '../graph-builder.ts';
import type { LlmModel } from '../models/llm-model.ts';
import { addWork, normWork } from '../operator-cost.ts';
import type { LlmGraphOptions } from './options.ts';

export interface ResidualStream {
  /** Adds `index` to the stream; a second one that waits is summed with the first under `name`. */
  push(index: number, name?: string): void;
  norm(name: string, rows?: number): number;
  /** A norm beside the stream. */
  plainNorm(name: string, input: number): number;
  /** The stream as one tensor: adds what waits, under `name`. */
  settle(name: string): number;
  /** Continues the stream from another operator; nothing may wait. */
  replace(index: number): void;
}

export function openStream(
  graph: GraphBuilder,
  model: LlmModel,
  { tokens, formats, fusion }: LlmGraphOptions,
  start: number,
): ResidualStream {
  let base = start;
  let waiting: number | undefined;
  const width = model.hidden;
  const work = (rows: number, skip: boolean) =>
    normWork({ rows, width, kind: model.norm, skip }, formats.weights, formats.activation);
  const plain = work(tokens, false);
  const skip = work(tokens, true);
  const sum = addWork(tokens * width, formats.activation);
  const take = (): number | undefined => {
    const other = waiting;
    waiting = undefined;
    return other;
  };
  return {
    push: (index, name) => {
      waiting = waiting === undefined ? index : graph.add(name ?? 'sum', sum, [waiting, index]);
    },
    norm: (name, rows = tokens) => {
      const other = take();
      if (other === undefined)
        return graph.add(name, rows === tokens ? plain : work(rows, false), [base]);
      if (fusion.residualNorm) {
        base = graph.add(name, rows === tokens ? skip : work(rows, true), [base, other]);
        return base;
      }
      const rowSum = rows === tokens ? sum : addWork(rows * width, formats.activation);
      base = graph.add(`${name}.residual`, rowSum, [base, other]);
      return graph.add(name, rows === tokens ? plain : work(rows, false), [base]);
    },
    plainNorm: (name, input) => graph.add(name, plain, [input]),
    settle: (name) => {
      const other = take();
      if (other !== undefined) base = graph.add(name, sum, [base, other]);
      return base;
    },
    replace: (index) => {
      base = index;
    },
  };
}
