/** What a cold start says of itself, so that two ways of reading a model are not taken for protection and none. */
import type { SecurityPlan } from './secure-plan.ts';

/** Of a model that is read plainly. */
export const READS_WHOLE =
  'a plain cold start reads the whole model before anything runs; a restore in a pipeline runs on what has come so far, and may be sooner for that reason alone';
/** Of one that comes in a pipeline. */
export const RUNS_AS_IT_COMES =
  'the restore is a pipeline: work begins while the rest of the model comes from storage, whereas a plain cold start reads all of it first; what it is sooner is no gain of protection';

/** @param plans by workload; none where nothing is protected. */
export function coldNotes(cold: boolean, plans: readonly SecurityPlan[] = []): string[] {
  if (!cold) return [];
  const flows = plans.some(({ strategy }) => strategy.restore === 'pipelined');
  if (flows) return [RUNS_AS_IT_COMES];
  return plans.length === 0 ? [READS_WHOLE] : [];
}
