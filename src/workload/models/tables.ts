/** All model tables together, parsed from the files under `workloads/models/`. */
import type { SpecFile } from '../../base/spec-file.ts';
import {
  type AudioLanguageModel,
  parseAudioLanguageModels,
} from '../audio/audio-language-model.ts';
import { parseSpeechModels, type SpeechModel } from '../audio/speech-model.ts';
import { type DiffusionComponent, parseDiffusionComponents } from '../diffusion/component.ts';
import type { ByteSource } from '../onnx/wire-skim.ts';
import {
  parseVisionEncoders,
  parseVisionLanguageModels,
  type VisionEncoder,
  type VisionLanguageModel,
} from '../vision/vision-model.ts';
import { type DecodingTrick, parseDecodingTricks } from './decoding-tricks.ts';
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
  readonly audioLanguage: Readonly<Record<string, AudioLanguageModel>>;
  /** By drafting method. */
  readonly decodingTricks: Readonly<Record<string, DecodingTrick>>;
  /** Opens a model file for reading piece by piece, where there are files; throws SpecError where it is none. */
  readonly openModel?: (path: string) => ByteSource;
}

/** Where each table is kept, relative to the folder that holds `workloads`. */
const MODEL_FILES = {
  formats: 'workloads/models/weight-formats.csv',
  llm: 'workloads/models/llm.csv',
  diffusion: 'workloads/models/diffusion.yaml',
  vision: 'workloads/models/vision.csv',
  visionLanguage: 'workloads/models/vlm.csv',
  speech: 'workloads/models/asr.csv',
  audioLanguage: 'workloads/models/audio-language.csv',
  decodingTricks: 'workloads/models/decoding-tricks.csv',
} as const satisfies Record<string, string>;

type Text = Pick<SpecFile, 'file'> & { readonly text: string };

/**
 * Tables that are read through `read`, which turns a path into its text, when they are first looked at:
 * a chat does not parse the diffusion models.
 * @throws SpecError, on that first look, with every fault of the file.
 */
export function parseModelTables(
  read: (path: string) => Text,
  openModel?: ModelTables['openModel'],
): ModelTables {
  const table = <T>(path: string, parse: (text: string, file: string) => T): (() => T) => {
    let parsed: { readonly value: T } | undefined;
    return () => {
      if (parsed) return parsed.value;
      const { text, file } = read(path);
      parsed = { value: parse(text, file) };
      return parsed.value;
    };
  };
  const formats = table(MODEL_FILES.formats, parseWeightFormats);
  const llm = table(MODEL_FILES.llm, parseLlmTable);
  const diffusion = table(MODEL_FILES.diffusion, parseDiffusionComponents);
  const vision = table(MODEL_FILES.vision, parseVisionEncoders);
  const visionLanguage = table(MODEL_FILES.visionLanguage, parseVisionLanguageModels);
  const speech = table(MODEL_FILES.speech, parseSpeechModels);
  const decodingTricks = table(MODEL_FILES.decodingTricks, parseDecodingTricks);
  const audioLanguage = table(MODEL_FILES.audioLanguage, parseAudioLanguageModels);
  return {
    get formats() {
      return formats();
    },
    get llm() {
      return llm();
    },
    get diffusion() {
      return diffusion();
    },
    get vision() {
      return vision();
    },
    get visionLanguage() {
      return visionLanguage();
    },
    get speech() {
      return speech();
    },
    get decodingTricks() {
      return decodingTricks();
    },
    get audioLanguage() {
      return audioLanguage();
    },
    ...(openModel && { openModel }),
  };
}
