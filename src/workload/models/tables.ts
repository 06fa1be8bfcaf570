/** All model tables together, parsed from the files under `workloads/models/`. */
import type { SpecFile } from '../../base/spec-file.ts';
import { parseSpeechModels, type SpeechModel } from '../audio/speech-model.ts';
import { type DiffusionComponent, parseDiffusionComponents } from '../diffusion/component.ts';
import {
  parseVisionEncoders,
  parseVisionLanguageModels,
  type VisionEncoder,
  type VisionLanguageModel,
} from '../vision/vision-model.ts';
import { type LlmTable, parseLlmTable } from './llm-model.ts';
import { parseWeightFormats, type WeightFormat } from './weight-format.ts';

export interface ModelTables {
  readonly formats: Readonly<Record<string, WeightFormat>>;
  readonly llm: LlmTable;
  /** By component name. */
  readonly diffusion: Readonly<Record<string, DiffusionComponent>>;
  readonly vision: Readonly<Record<string, VisionEncoder>>;
  readonly visionLanguage: Readonly<Record<string, VisionLanguageModel>>;
  readonly speech: Readonly<Record<string, SpeechModel>>;
}

/** Where each table is kept, relative to the folder that holds `workloads`. */
const MODEL_FILES = {
  formats: 'workloads/models/weight-formats.csv',
  llm: 'workloads/models/llm.csv',
  diffusion: 'workloads/models/diffusion.yaml',
  vision: 'workloads/models/vision.csv',
  visionLanguage: 'workloads/models/vlm.csv',
  speech: 'workloads/models/asr.csv',
} as const satisfies Record<string, string>;

type Text = Pick<SpecFile, 'file'> & { readonly text: string };

/**
 * Reads every table through `read`, which turns a path into its text.
 * @throws SpecError with every fault of the first file that has any.
 */
export function parseModelTables(read: (path: string) => Text): ModelTables {
  const parse = <T>(path: string, parser: (text: string, file: string) => T): T => {
    const { text, file } = read(path);
    return parser(text, file);
  };
  return {
    formats: parse(MODEL_FILES.formats, parseWeightFormats),
    llm: parse(MODEL_FILES.llm, parseLlmTable),
    diffusion: parse(MODEL_FILES.diffusion, parseDiffusionComponents),
    vision: parse(MODEL_FILES.vision, parseVisionEncoders),
    visionLanguage: parse(MODEL_FILES.visionLanguage, parseVisionLanguageModels),
    speech: parse(MODEL_FILES.speech, parseSpeechModels),
  };
}
