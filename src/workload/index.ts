/** Registry of workload families: a file under `workloads/` names one of these as its `family`. */
import { audioLanguageFamily } from './audio/audio-language.ts';
import { speechFamily } from './audio/family.ts';
import { diffusionFamily } from './diffusion/family.ts';
import type { WorkloadFamily } from './family.ts';
import { llmFamily } from './llm/family.ts';
import { onnxFamily } from './onnx/family.ts';
import { visionFamily, visionLanguageFamily } from './vision/family.ts';

export const workloadFamilies = {
  llm: llmFamily,
  diffusion: diffusionFamily,
  'vision-language': visionLanguageFamily,
  vision: visionFamily,
  speech: speechFamily,
  'audio-language': audioLanguageFamily,
  onnx: onnxFamily,
} satisfies Record<string, WorkloadFamily>;
