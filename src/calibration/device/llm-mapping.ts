/** From a measured row to the scenario that should reproduce it, or the reason why none does. */
import { nearestHint } from '../../base/registry.ts';
import { hasFixedContext } from '../../runtime/request-shape.ts';
import { foreignFormat, type RuntimeSpec } from '../../runtime/runtime-spec.ts';
import { effectiveBits, type WeightFormat } from '../../workload/models/weight-format.ts';
import { ggufType, isType } from './gguf-type.ts';
import { headFormatOf } from './head-format.ts';
import { conditionsOf } from './llm-conditions.ts';
import {
  type Chip,
  type Found,
  findModel,
  findPhone,
  findRuntime,
  findSoc,
  type MappingTables,
  type Missing,
} from './llm-names.ts';
import type { LlmRow } from './llm-rows.ts';
import { type PlainRow, plainRow } from './plain-row.ts';

export interface MappedRow {
  readonly row: LlmRow;
  /** Scenario keys; `workload` is built, not named. */
  readonly scenario: Readonly<Record<string, unknown>> & {
    readonly soc: string;
    readonly runtime: string;
    readonly unit: UnitKind;
  };
  /** A workload description of family `llm`. */
  readonly workload: Readonly<Record<string, unknown>> & {
    readonly model: string;
    readonly weightFormat: string;
  };
  /** Where the prediction departs from the row: stand-ins and assumed values. */
  readonly assumptions: readonly string[];
  /** The SoC is another one than the row's. */
  readonly standInSoc: boolean;
}

export type Mapping = MappedRow | { readonly row: LlmRow; readonly reason: string };
type UnitKind = 'cpu' | 'gpu' | 'npu';
const UNITS = ['cpu', 'gpu', 'npu', 'hybrid'];

/** Prompt where a row gives none: a short question, as decode benchmarks use. */
const DEFAULT_PROMPT = 64;
/** Answer where a row does not say how long it was. */
const DEFAULT_ANSWER = 64;

export function mapLlmRow(row: LlmRow, tables: MappingTables): Mapping {
  // What a reader sees of the row is what was written.
  return { ...mapPlainRow(plainRow(row, tables.models.formats), tables), row };
}

function mapPlainRow(row: PlainRow, tables: MappingTables): Mapping {
  const named = namesOf(row, tables);
  if ('reason' in named) return { row, ...named };
  const { soc, placement, engine, model, chip } = named;
  const { kind } = placement;
  const { runtime } = engine;
  const format = formatOf(row, runtime, model.id, tables);
  if ('reason' in format) return { row, reason: format.reason };
  const foreign = foreignFormat(runtime, format.keys.weightFormat);
  if (foreign) return { row, reason: `${foreign.message} (${foreign.hint})` };
  const longest = tables.models.llm.models[model.id]?.maxContext;
  const tokens = tokensOf(row, hasFixedContext(runtime, kind), longest);
  if ('reason' in tokens) return { row, reason: tokens.reason };
  const conditions = conditionsOf(row, kind, chip);
  if ('reason' in conditions) return { row, reason: conditions.reason };
  const { phone, memory } = findPhone(row, tables);
  const set = [
    ...(placement.set ?? []),
    ...(memory ? [`phone.memory.capacity=${memory}`] : []),
    ...conditions.set,
  ];
  return {
    row,
    scenario: {
      soc: soc.id,
      ...(phone ? { phone } : {}),
      runtime: runtime.name,
      ...placement.scenario,
      unit: kind,
      ...(set.length > 0 ? { set } : {}),
    },
    workload: {
      version: 1,
      family: 'llm',
      summary: `measured row ${row.id}`,
      model: model.id,
      ...format.keys,
      ...numbersOf(row, runtime, kind),
      ...tokens.keys,
    },
    assumptions: [
      ...soc.assumptions,
      ...engine.assumptions,
      ...placement.assumptions,
      ...model.assumptions,
      ...format.assumptions,
      ...tokens.assumptions,
      ...conditions.assumptions,
    ],
    standInSoc: soc.assumptions.some((text) => text.includes('stand-in')),
  };
}

interface Names {
  readonly soc: Found;
  readonly placement: Placement;
  readonly engine: Exclude<ReturnType<typeof findRuntime>, Missing>;
  readonly model: Found;
  readonly chip: Chip;
}

/** What a row names, or all of it that is not known. */
function namesOf(row: LlmRow, tables: MappingTables): Names | Missing {
  const soc = findSoc(row, tables);
  const placement = placementOf(row);
  const model = findModel(row, tables);
  const chip = ('id' in soc && tables.chips[soc.id]) || {};
  // Which engines there are depends on the unit and the maker.
  const engine =
    'reason' in placement || 'reason' in soc
      ? undefined
      : findRuntime(row, { kind: placement.kind, vendor: chip.vendor }, languageRuntimes(tables));
  if (
    'reason' in soc ||
    'reason' in placement ||
    'reason' in model ||
    engine === undefined ||
    'reason' in engine
  ) {
    const reasons = [soc, placement, engine, model].flatMap((one) =>
      one && 'reason' in one ? [one.reason] : [],
    );
    return { reason: reasons.join('; ') };
  }
  return { soc, placement, engine, model, chip };
}

/** Names of a row that nothing is known by, however wrong its numbers are. */
export function unknownNames(row: LlmRow, tables: MappingTables): string | undefined {
  const named = namesOf(plainRow(row, tables.models.formats), tables);
  return 'reason' in named ? named.reason : undefined;
}

/** Classes that build language models; others run networks alone. */
function languageRuntimes({ runtimes }: MappingTables): Pick<MappingTables, 'runtimes'> {
  const known = Object.entries(runtimes).filter(
    ([, { models }]) => Object.keys(models.formats).length > 0,
  );
  return { runtimes: Object.fromEntries(known) };
}

interface Placement {
  readonly kind: UnitKind;
  readonly scenario: Readonly<Record<string, string>>;
  readonly set?: readonly string[];
  readonly assumptions: readonly string[];
}

function placementOf(row: LlmRow): Placement | Missing {
  const { unit, runtime } = row;
  if (unit === 'cpu' || unit === 'gpu' || unit === 'npu')
    return { kind: unit, scenario: {}, assumptions: [] };
  if (unit !== 'hybrid') return { reason: `unknown unit "${unit}" (${nearestHint(unit, UNITS)})` };
  if (/NPU prefill, CPU decode/.test(runtime))
    return {
      kind: 'npu',
      scenario: { policy: 'stage-wise', decodeUnit: 'cpu' },
      assumptions: [],
    };
  if (/GPU\+NPU/.test(runtime))
    return {
      kind: 'npu',
      scenario: {},
      // Both ports stream parts of one operator: the bytes in flight of two, HeteroInfer's Figure on joint bandwidth.
      set: ['npu.port.outstanding=10 KiB'],
      assumptions: [
        'the NPU with the bytes in flight of both units stands for products cut in two',
      ],
    };
  if (/PowerInfer/.test(runtime))
    return {
      reason:
        'weights picked by activation sparsity and streamed from flash are no workload that can be described yet',
    };
  return { reason: `several units at once in one operator ("${runtime}") are not modelled yet` };
}

interface ChosenFormat {
  readonly keys: {
    readonly weightFormat: string;
    readonly embeddingFormat?: string;
    readonly headFormat?: string;
  };
  readonly assumptions: readonly string[];
}

const NOMINAL_BITS = [2, 3, 4, 5, 6, 8, 16];

function layersFormat(
  row: PlainRow,
  formats: RuntimeSpec['models']['formats'],
  model: string,
  known: MappingTables['models']['formats'],
) {
  const assumptions: string[] = [];
  const gguf = Object.values(formats).some((name) => /^q\d/.test(name));
  const { named, file } = gguf ? ggufType(row.typeText, known) : {};
  let bits = row.weightBits;
  if (file !== undefined) {
    if (!isType(file, named)) assumptions.push(`${file.toUpperCase()} for GGUF type ${named}`);
    if (!agrees(bits, known[file])) assumptions.push(`${named} for weight_bits of ${bits}`);
    return { format: file, bits, assumptions };
  }
  if (named !== undefined) assumptions.push(`GGUF type ${named} is not known`);
  if (bits === '') {
    // Publishers' own bundles of some models mix widths by layer, and no one width is given.
    const mixture = `${model}-mixed`;
    if (!gguf && Object.hasOwn(known, mixture))
      return { format: mixture, bits, assumptions: ['weights as the publisher mixes them'] };
    bits = bitsFromSize(row) ?? '4';
    assumptions.push(`${bits}-bit weights assumed`);
  }
  return { format: publishedFormat(row, known) ?? formats[bits], bits, assumptions };
}

/**
 * Files that Meta publishes for ExecuTorch: four bits in groups of 32, whatever the engine's converters take else
 * (model card of Llama-3.2-3B-Instruct-SpinQuant_INT4_EO8; preq_group_size in examples/models/llama of pytorch/executorch).
 * The file has scales of single precision, by its size (2.55 GB); XNNPACK computes with half of these bits, so what is read
 * for every token is less (pytorch/executorch pull request 11031: converted to bfloat16 before they are handed over).
 */
function publishedFormat(row: LlmRow, known: MappingTables['models']['formats']) {
  const format = 'int4-g32-fp16scale';
  const published =
    /^ExecuTorch/.test(row.runtime) && /spinquant|qlora|qat\+lora/i.test(row.remarks);
  return published && row.weightBits === '4' && Object.hasOwn(known, format) ? format : undefined;
}

/** Reduction of a layer of usual size: scales per row hardly count there. */
const USUAL_INPUTS = 4096;

/** Whether a stated width may mean a format: its elements alone, or with their scales. */
function agrees(bits: string, format: WeightFormat | undefined): boolean {
  const stated = Number(bits.replace(/^(fp|bf)/, ''));
  if (bits === '' || !format || !Number.isFinite(stated)) return true;
  const whole = effectiveBits(format, USUAL_INPUTS);
  return stated > format.elementBits - HALF && stated < whole + HALF;
}
/** Widths are rounded to whole bits. */
const HALF = 0.5;

/** GGUF type where the row names one, nominal bits otherwise; bits from the stored size where none are given. */
function formatOf(
  row: PlainRow,
  runtime: RuntimeSpec,
  model: string,
  tables: MappingTables,
): ChosenFormat | Missing {
  const { formats, headFormat } = runtime.models;
  const known = tables.models.formats;
  const { format, bits, assumptions } = layersFormat(row, formats, model, known);
  if (format === undefined)
    return {
      reason: `runtime class ${runtime.name} has no format for weight_bits "${bits}"; it has ${Object.keys(formats).join(', ')}`,
    };
  const mixed = known[format]?.scope === 'model' || (known[format]?.elementBits ?? 16) >= 8;
  const usual = mixed ? undefined : headFormat;
  const { format: head, assumption } = headFormatOf(row, { model, layers: format, usual }, tables);
  if (assumption) assumptions.push(assumption);
  const keys = {
    weightFormat: format,
    ...(head === undefined ? {} : { embeddingFormat: head, headFormat: head }),
  };
  return { keys, assumptions };
}

function bitsFromSize({ weightGigabytes, billions }: LlmRow): string | undefined {
  if (weightGigabytes === undefined || billions === undefined) return undefined;
  const bits = (8 * weightGigabytes) / billions;
  // Scales and wider tables make files larger than nominal: the widest format below it by a fifth.
  const nominal = NOMINAL_BITS.filter((one) => one <= 1.05 * bits).at(-1) ?? 2;
  return nominal === 16 ? 'fp16' : String(nominal);
}

function numbersOf(row: LlmRow, runtime: RuntimeSpec, kind: UnitKind) {
  const { activations } = runtime.models;
  const float = kind === 'npu' && /^(fp|bf)/.test(row.activationBits);
  // A cache follows the activations of its graphs; whole numbers are the class's to say.
  const cache = { '8': 'int8', '16': 'fp16' }[row.cacheBits] ?? (float ? 'fp16' : undefined);
  // Kernels for single precision keep it from end to end; none narrows its inputs to half.
  const single = row.weightBits === 'fp32';
  return {
    activations: single ? 'fp32' : float ? 'fp16' : (activations[kind] ?? 'fp16'),
    ...(cache === undefined ? {} : { kvCache: cache }),
  };
}

/** Share of a prompt that must fit beside the answer for its rate to stand for that of the whole. */
const KEPT = 0.5;

/**
 * Prompt, answer and cache; what the engine makes of them is its class's to say, where the row does not.
 * @param fixed whether its graphs attend the whole context that they were compiled for.
 */
function tokensOf(row: LlmRow, fixed: boolean, longest = Number.POSITIVE_INFINITY) {
  const assumptions: string[] = [];
  const stated = statedPrompt(row);
  if (stated === undefined) assumptions.push(`${DEFAULT_PROMPT} prompt tokens assumed`);
  const prompt = stated ?? DEFAULT_PROMPT;
  const cached = depthOf(row, prompt);
  if (stated !== undefined && row.contextTokens !== undefined && prompt > row.contextTokens)
    return {
      reason: `a prompt of ${prompt} tokens does not fit the context of ${row.contextTokens} that the row gives`,
    };
  const generated = answerOf(row, cached + prompt);
  const most = longest - generated;
  if (most - cached < KEPT * prompt)
    return {
      reason: `${cached + prompt} tokens of prompt and cache and an answer of ${generated} do not fit the model's context of ${longest}`,
    };
  if (cached + prompt > most) assumptions.push('prompt cut to the context of the model');
  const total = Math.min(cached + prompt, most);
  const { contextTokens } = row;
  // One call of a compiled graph processed the whole prompt.
  const single = /prompt.processor/.test(row.remarks);
  return {
    assumptions,
    keys: {
      promptTokens: total,
      generatedTokens: generated,
      ...(cached > 0 ? { cachedTokens: cached } : {}),
      ...(single ? { prefillChunk: prompt } : {}),
      ...(fixed && contextTokens !== undefined
        ? { contextBucket: Math.max(contextTokens, total + generated) }
        : {}),
    },
  };
}

function statedPrompt(row: LlmRow): number | undefined {
  const { promptTokens, prefillPerSecond, firstTokenSeconds } = row;
  if (promptTokens !== undefined) return Math.round(promptTokens);
  // Rate times time is what was processed.
  if (prefillPerSecond === undefined || firstTokenSeconds === undefined) return undefined;
  if (/image/.test(row.remarks)) return undefined;
  return Math.max(1, Math.round(prefillPerSecond * firstTokenSeconds));
}

/** Tokens that were in the cache before the prompt came. */
function depthOf(row: LlmRow, prompt: number): number {
  const depth = Number(/at depth (\d+)/.exec(row.remarks)?.[1] ?? 0);
  return depth > prompt ? depth : 0;
}

const ANSWER = /(\d+)[- ]token decode|tg(\d+)|(\d+) output tokens|\/ ?(\d+) out\b/;

function answerOf(row: LlmRow, before: number): number {
  const found = ANSWER.exec(row.remarks)?.slice(1).find(Boolean);
  if (found) return Math.max(2, Number(found));
  const room = (row.contextTokens ?? 0) - before;
  return room >= 2 && room < DEFAULT_ANSWER ? room : DEFAULT_ANSWER;
}
