/** One unit for the compute-bound stage, another for the bandwidth-bound one: prefill here, decode there. */
import type { SchedulingPolicy } from '../scheduling-policy.ts';
import { singleUnit } from './single-unit.ts';

/** Phases that generate step by step; everything else counts as preparation. */
const GENERATING = new Set(['first-token', 'decode']);

export function stageWise(prepare: string, generate: string, refuge?: string): SchedulingPolicy {
  const first = singleUnit(prepare, refuge);
  const second = singleUnit(generate, refuge);
  return { place: (view) => (GENERATING.has(view.phase) ? second : first).place(view) };
}
