/** Registry of workload families: a file under `workloads/` names one of these as its `family`. */
import type { WorkloadFamily } from './family.ts';
import { llmFamily } from './llm/family.ts';

export const workloadFamilies = {
  llm: llmFamily,
} satisfies Record<string, WorkloadFamily>;

export type WorkloadFamilyName = keyof typeof workloadFamilies;
