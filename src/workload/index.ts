/** Registry of workload families: a file under `workloads/` names one of these as its `family`. */
import { diffusionFamily } from './diffusion/family.ts';
import type { WorkloadFamily } from './family.ts';
import { llmFamily } from './llm/family.ts';

export const workloadFamilies = {
  llm: llmFamily,
  diffusion: diffusionFamily,
} satisfies Record<string, WorkloadFamily>;

export type WorkloadFamilyName = keyof typeof workloadFamilies;
