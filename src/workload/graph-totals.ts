/** Sums over a graph: arithmetic, bytes, and the activations that are alive at once. */
import type { Bytes } from '../base/units.ts';
import { totalBytes } from '../base/work.ts';
import { type Graph, type Phase, workAt } from './graph.ts';

export interface GraphTotals {
  readonly operators: number;
  readonly macs: number;
  readonly vectorOps: number;
  /** Multiply–accumulates by the operator's own name, such as `MatMul`. */
  readonly macsByOperator: Readonly<Record<string, number>>;
  readonly weightBytes: Bytes;
  readonly kvReadBytes: Bytes;
  readonly kvWriteBytes: Bytes;
  readonly bytes: Bytes;
}

/** One pass over the graph at a context length. */
export function sumGraph(graph: Graph, context: number): GraphTotals {
  const uses = new Float64Array(graph.works.length);
  for (const { work } of graph.operators) uses[work] = (uses[work] ?? 0) + 1;
  const macsByOperator: Record<string, number> = {};
  const totals = {
    macs: 0,
    vectorOps: 0,
    weightBytes: 0,
    kvReadBytes: 0,
    kvWriteBytes: 0,
    bytes: 0,
  };
  uses.forEach((count, index) => {
    const work = workAt(graph, index, context);
    totals.macs += count * work.macs;
    totals.vectorOps += count * work.vectorOps;
    totals.weightBytes += count * work.weightBytes;
    totals.kvReadBytes += count * work.kvReadBytes;
    totals.kvWriteBytes += count * work.kvWriteBytes;
    totals.bytes += count * totalBytes(work);
    macsByOperator[work.operator] = (macsByOperator[work.operator] ?? 0) + count * work.macs;
  });
  return { operators: graph.operators.length, macsByOperator, ...totals };
}

/** Largest sum of results that wait for a later reader, over the last (longest) step of a phase. */
export function peakActivationBytes({ graph, contextStart, contextStride, steps }: Phase): Bytes {
  const context = contextStart + (steps - 1) * contextStride;
  const sizes = graph.works.map((_, index) => workAt(graph, index, context).outputBytes);
  const lastUse = new Int32Array(graph.operators.length);
  graph.operators.forEach(({ inputs }, index) => {
    lastUse[index] = index;
    for (const input of inputs) lastUse[input] = index;
  });
  const ends = Array.from(lastUse, () => 0);
  let live = 0;
  let peak = 0;
  graph.operators.forEach(({ work }, index) => {
    const size = sizes[work] ?? 0;
    live += size;
    const end = lastUse[index] ?? index;
    ends[end] = (ends[end] ?? 0) + size;
    // Inputs are still there while the operator writes its result.
    peak = Math.max(peak, live);
    live -= ends[index] ?? 0;
  });
  return peak;
}
