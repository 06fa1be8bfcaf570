/** An encoder before a language model: its phase first, its weights and activations in the memory demand. */
import type { Phase, RequestPlan } from './graph.ts';
import { peakActivationBytes } from './graph-totals.ts';
import type { Network } from './network/network-builder.ts';

export function prependEncoder(
  answer: RequestPlan,
  name: string,
  network: Network,
  steps: number,
): RequestPlan {
  const phase: Phase = {
    name,
    graph: network.graph,
    steps,
    contextStart: 0,
    contextStride: 0,
    outputsPerStep: 0,
  };
  return {
    ...answer,
    phases: [phase, ...answer.phases],
    memory: {
      ...answer.memory,
      weights: answer.memory.weights + network.weightBytes,
      activations: Math.max(answer.memory.activations, peakActivationBytes(phase)),
    },
  };
}
