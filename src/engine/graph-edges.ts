/** Which operators wait for which, in columns: who is ready first, and whom an operator's end sets free. */
import type { Graph } from '../workload/graph.ts';

export function edges(graph: Graph) {
  const count = graph.operators.length;
  const inputCount = new Int32Array(count);
  const fanOut = new Int32Array(count + 1);
  const roots: number[] = [];
  for (const [i, { inputs }] of graph.operators.entries()) {
    inputCount[i] = inputs.length;
    if (inputs.length === 0) roots.push(i);
    for (const input of inputs) fanOut[input + 1]!++;
  }
  const successorStart = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) successorStart[i + 1] = successorStart[i]! + fanOut[i + 1]!;
  const successors = new Int32Array(successorStart[count]!);
  const next = successorStart.slice();
  for (const [i, { inputs }] of graph.operators.entries()) {
    for (const input of inputs) successors[next[input]!++] = i;
  }
  return { inputCount, roots: Int32Array.from(roots), successorStart, successors };
}
