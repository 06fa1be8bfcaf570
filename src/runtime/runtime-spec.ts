/**
 * Inference runtimes: how much of what the silicon offers their kernels reach, by kind of unit.
 *
 * Engines differ tenfold on the same phone, so kernel quality is a property of the runtime. What chips differ by beside
 * their descriptions stands with the runtime too (`chips`): builds, drivers and schedulers of the measured phones are in it.
 */
import { checkReferences } from '../base/provenance.ts';
import { checkSpec, type Infer, sourced, sourcedValue, z } from '../base/schema.ts';
import type { SpecFile } from '../base/spec-file.ts';
import { DTYPE_BITS, type DType, type Work } from '../base/work.ts';
import type { KernelClass } from '../hardware/units/unit-options.ts';
import { tuneKernels } from './kernel-tuning.ts';

const dtype = z.enum(Object.keys(DTYPE_BITS) as [DType, ...DType[]]);

const kernels = z.strictObject({
  /**
   * Reached over attainable multiply–accumulate rate, by format of the activations. Above one where an engine's kernels
   * reach more than those that the unit's own share describes.
   */
  matrixShare: z.partialRecord(dtype, sourced('ratio', { max: 3 })).optional(),
  /**
   * The same of products with weights of floating point, where these have better kernels than products of activations
   * (attention). CPUs only.
   */
  weightShare: z.partialRecord(dtype, sourced('ratio', { max: 1 })).optional(),
  /** Reached over peak rate in products of one row with weights, by format of the weights; absent where memory alone holds them. */
  rowShare: z.partialRecord(dtype, sourced('ratio', { max: 1 })).optional(),
  /** Weights of packed formats are unpacked again for every row, as plain dot products do. CPUs only. */
  unpackPerRow: z.boolean().optional(),
  /**
   * Instructions that products of integers were built with, where these are fewer than cores have: `widening` ones of
   * every ARMv8 core, `dot` products. CPUs only.
   */
  integerProducts: sourcedValue(z.enum(['widening', 'dot'])).optional(),
  /** It has kernels for the outer-product unit (SME) of a cluster. CPUs only. */
  outerProducts: sourcedValue(z.boolean()).optional(),
  /** Products with integer weights are dot products of one row each: a row alone costs what each of many does. CPUs only. */
  dotPerRow: z.boolean().optional(),
  /** Reached over what plain formats reach, where weights lie in super-blocks with scales of scales (K-quants). */
  superblockShare: sourced('ratio', { max: 1 }).optional(),
  /**
   * Reached share of what the unit's memory port could draw. Ports are known from decode of language models: engines
   * that fetch whole tensors ahead may reach more.
   */
  bandwidthShare: sourced('ratio', { max: 1.5 }).optional(),
  /** Per operator; replaces the unit's own. */
  dispatch: sourced('time', { min: 0 }).optional(),
  /** Call into the driver, once for each run of consecutive operators; replaces the unit's own. */
  call: sourced('time', { min: 0 }).optional(),
  /** Attention runs on the vector lanes at this share of their rate, by format of the activations, unless exported head by head; absent: on the matrix engine. */
  attentionShare: z.partialRecord(dtype, sourced('ratio', { max: 1 })).optional(),
  /** Graphs have a projection for each attention head, not one for all. NPUs only. */
  splitHeads: sourcedValue(z.boolean()).optional(),
  /**
   * Convolutions of volumes run on the vector lanes, at this share of their rate in half precision, by format of the
   * activations; absent: as those of planes. NPUs only.
   */
  volumeShare: z.partialRecord(dtype, sourced('ratio', { max: 1 })).optional(),
  /**
   * Reached over the rate of the vector lanes in recurrent token mixers (gated delta rule), which take one token after
   * the other.
   */
  recurrenceShare: sourced('ratio', { max: 1 }).optional(),
  /**
   * Recurrences are made of element-wise kernels for want of one of their own: more launches, and states that move with
   * each. GPUs and NPUs only.
   */
  recurrenceChain: sourcedValue(z.boolean()).optional(),
  /** Times that the key–value cache moves in attention: what packing an operand anew for every call adds. */
  cachePasses: sourced('ratio', { min: 1, max: 5 }).optional(),
  /**
   * Weights that it has no kernels for on units of this kind, by width (`int3`) or by format (`q4_k`, with all mixtures
   * of that name): products with them run elsewhere.
   */
  withoutWeights: sourcedValue(z.array(z.string())).optional(),
  /** Operators that it has no kernels for on units of this kind, by their ONNX names: they run elsewhere. */
  withoutOperators: sourcedValue(z.array(z.string())).optional(),
  /** Widest output of a product with quantised weights that its kernels take; heads of vocabularies run elsewhere. */
  widestOutput: sourcedValue(z.int().positive()).optional(),
  /** Makers of the SoCs whose units of this kind it has kernels for; all where absent. */
  vendors: z.array(z.string()).optional(),
  /** Makers of the SoCs whose units of this kind it has none for. */
  notVendors: z.array(z.string()).optional(),
  /**
   * Share of one CPU core, at its top clock, that the thread which feeds the unit keeps busy while that has work: 1 polls,
   * near 0 sleeps until the driver's interrupt; 0 where absent.
   */
  hostThread: sourced('ratio', { min: 0, max: 1 }).optional(),
  /** Runs networks compiled ahead of time: what descriptions of units say of these applies, and weights are fetched ahead. */
  compiled: z.boolean().default(false),
  /** Convolutions of 3 × 3 at stride 1 are computed by Winograd's method. CPUs and GPUs only. */
  winograd: sourcedValue(z.boolean()).optional(),
  /** Vector pipes of a core that its kernels keep busy, where a core has more. CPUs only. */
  pipes: sourced('count', { min: 1 }).optional(),
  /** Layouts hold the same pixel of several channels together: depthwise convolutions fill vectors with channels. CPUs only. */
  channelBlocks: sourcedValue(z.boolean()).optional(),
  /**
   * Reached over what its other convolutions reach in those of images of fewer channels than its layouts hold together:
   * their pixels are gathered one by one. CPUs only.
   */
  stemShare: sourced('ratio', { max: 1 }).optional(),
  /**
   * Vector operations per element of operators that it has kernels for in single precision alone, whatever the network's
   * format, by their ONNX names. CPUs only.
   */
  singlePrecision: z.record(z.string(), sourced('count', { min: 0 })).optional(),
  /** Threads get equal parts of an operator, whatever the speed of their cores, and wait for the slowest. CPUs only. */
  equalParts: sourcedValue(z.boolean()).optional(),
  /** Activations are quantised to int8 on the fly where weights are integers. */
  quantiseActivations: sourcedValue(z.boolean()).optional(),
});

/** What its kernels reach on the units of one SoC, as factors on what the class says of all. */
const onChip = z.strictObject({
  /** On every matrix rate. */
  compute: sourced('ratio', { min: 0 }).optional(),
  bandwidth: sourced('ratio', { min: 0 }).optional(),
  /** On the time of launching an operator. */
  launch: sourced('ratio', { min: 0 }).optional(),
});

const graphShape = z.strictObject({
  /** Tokens per prefill call, or the lengths that its graphs have; the whole prompt at once when absent. */
  chunk: sourcedValue(z.union([z.int().positive(), z.array(z.int().positive()).min(1)])).optional(),
  /** Prefill hands out no logits: the first answer comes from a decode step on the last prompt token. */
  firstTokenDecodes: sourcedValue(z.boolean()).optional(),
  /** Compute whole chunks even where fewer tokens are left, as graphs of fixed shape do. */
  pads: sourcedValue(z.boolean()).optional(),
  /** With several lengths: what is left goes to shorter ones, even where it fills half of a longer. */
  cascades: sourcedValue(z.boolean()).optional(),
  /** With several lengths: what is left of the longest is one call of the shortest that holds it, whatever `cascades` says. */
  covers: sourcedValue(z.boolean()).optional(),
  /** Prefill graphs end at the last layer with a cache of its own: later ones read the last token alone. */
  prunes: sourcedValue(z.boolean()).optional(),
  /** Layers with a sliding window read the whole cache under a mask, as graphs do whose caches all have one length. */
  masksWindows: sourcedValue(z.boolean()).optional(),
  /** Prefill graphs hand out logits of every token, not of the last alone. */
  logits: sourcedValue(z.enum(['last', 'all'])).optional(),
  /**
   * Graphs of fixed shape: attention reads the whole allocated context, filled or not. Where nothing says how long that
   * is, it is the next multiple of this.
   */
  context: sourcedValue(z.int().positive()).optional(),
});

const requestShape = graphShape.extend({
  /** Kinds of units whose graphs have this shape; all where absent. */
  on: z.array(z.enum(['cpu', 'gpu', 'npu'])).optional(),
  /** What graphs for one kind of unit have otherwise. */
  cpu: graphShape.optional(),
  gpu: graphShape.optional(),
  npu: graphShape.optional(),
});

export const runtimeSpec = z.strictObject({
  version: z.literal(1),
  name: z.string(),
  summary: z.string(),
  references: z.record(
    z.string(),
    z.strictObject({ title: z.string(), url: z.string().optional() }),
  ),
  /** Names under which tables of measurements know it. */
  aliases: z.array(z.string()).default([]),
  /** Which of these are engines of one maker of SoCs, and run on no other's. */
  madeFor: z.record(z.string(), z.array(z.string())).default({}),
  /**
   * Pattern over what a measurement says of its source, engine and notes: rows of an alias that match belong to this
   * class (an older build, an application around the engine) rather than to the one without a pattern.
   */
  when: z.string().optional(),
  /** Class of which this is another build, or an application around it: measurements of either say something of both. */
  family: z.string().optional(),
  /** Host work for every result handed out: sampling, tokeniser, bridge to the application. */
  host: z
    .strictObject({
      perOutput: sourced('time', { min: 0 }).optional(),
      /** Copying and converting inputs and results between the application's format and the graph's. */
      copy: sourced('bandwidth').optional(),
    })
    .optional(),
  /**
   * Class whose NPU kernels run plain networks (image generators and encoders, ONNX models), by maker of the SoC; its
   * own where absent.
   */
  networks: z.record(z.string(), z.string()).default({}),
  /** How it builds models, for predicting a measurement that gives nominal bits only. */
  models: z
    .strictObject({
      /** Row of weight-formats.csv by nominal bits of the weights (`4`, `8`, `fp16`, …). */
      formats: z.record(z.string(), z.string()).default({}),
      /** Formats of the layers' weights that it stands for, where its family describes what builds did with others. */
      only: sourcedValue(z.array(z.string())).optional(),
      /** Of embedding and output head where they differ from the layers. */
      headFormat: z.string().optional(),
      /** Number format of activations, by kind of unit. */
      activations: z.partialRecord(z.enum(['cpu', 'gpu', 'npu']), dtype).default({}),
      /** What it makes of a request; what a workload says of itself goes first. */
      request: requestShape.prefault({}),
      /** Weight format of the key-value cache where it is not FP16, by kind of unit. */
      kvCache: z.partialRecord(z.enum(['cpu', 'gpu', 'npu']), z.string()).default({}),
    })
    .prefault({}),
  /** Kind of unit that takes what another has no kernels for; the fastest one where absent. */
  refuge: sourcedValue(z.enum(['cpu', 'gpu', 'npu'])).optional(),
  /** By kind of unit; an empty entry runs at the unit's own rates, a kind without one is not supported. */
  kernels: z.strictObject({
    cpu: kernels.optional(),
    gpu: kernels.optional(),
    npu: kernels.optional(),
  }),
  /** By SoC, then by kind of unit, where measurements tell; a SoC without an entry has what the class says. */
  chips: z.record(z.string(), z.partialRecord(z.enum(['cpu', 'gpu', 'npu']), onChip)).default({}),
});

export type RuntimeSpec = Infer<typeof runtimeSpec>;

/** @throws SpecError with every fault of the file in one go. */
export function parseRuntime(spec: SpecFile): RuntimeSpec {
  return checkSpec(spec, runtimeSpec, [checkReferences]);
}

/** A runtime with what another class knows of whole networks on the NPU, calls of an application included. */
export function withNetworks(runtime: RuntimeSpec, networks: RuntimeSpec): RuntimeSpec {
  const { npu } = networks.kernels;
  return {
    ...runtime,
    ...(networks.host && { host: { ...runtime.host, ...networks.host } }),
    kernels: { ...runtime.kernels, ...(npu && { npu }) },
  };
}

/** Whether a runtime has kernels for a kind of unit. */
export function runsOn(runtime: RuntimeSpec, kind: string, vendor?: string): boolean {
  if (!Object.hasOwn(runtime.kernels, kind)) return false;
  if (vendor === undefined) return true;
  const { vendors, notVendors } = runtime.kernels[kind as keyof RuntimeSpec['kernels']] ?? {};
  return (vendors?.includes(vendor) ?? true) && !notVendors?.includes(vendor);
}

/** Why a class is not the one for weights of a format; nothing where it is. */
export function foreignFormat(
  { name, family, models: { only } }: RuntimeSpec,
  format: string,
): { readonly message: string; readonly expected: string; readonly hint: string } | undefined {
  const plain = format.replace(/-file$/, '');
  if (!only || only.is.includes(plain)) return undefined;
  return {
    message: `runtime class ${name} stands for weights of ${only.is.join(', ')} alone, not of ${plain}`,
    expected: `one of ${only.is.join(', ')}`,
    hint: `take runtime ${family}`,
  };
}

/** What of an operator the kernels on units of a kind lack: the operator itself, or the format of its weights. */
export function lackingKernels(runtime: RuntimeSpec, kind: string, work: Work): string | undefined {
  const kernels = runtime.kernels[kind as keyof RuntimeSpec['kernels']];
  if (kernels?.withoutOperators?.is.includes(work.operator)) return work.operator;
  if (work.weightBytes === 0 || hasWeights(runtime, kind, work)) return undefined;
  return `${work.storage ?? work.weightDType} weights`;
}

/** Whether a product with such weights has kernels where others have. */
export function hasWeights(
  runtime: RuntimeSpec,
  kind: string,
  { weightDType, storage = weightDType, form }: Pick<Work, 'weightDType' | 'storage' | 'form'>,
): boolean {
  const kernels = runtime.kernels[kind as keyof RuntimeSpec['kernels']];
  const name = storage.replace(/-file$/, '');
  const missing = (one: string) =>
    one === weightDType || one === name || name.startsWith(`${one}_`);
  if (kernels?.withoutWeights?.is.some(missing)) return false;
  const widest = kernels?.widestOutput?.is ?? Number.POSITIVE_INFINITY;
  const quantised = weightDType.startsWith('int');
  return !(quantised && form.kind === 'matmul' && form.n > widest);
}

type UnitKind = keyof RuntimeSpec['kernels'];

/**
 * Kernel quality of a runtime on one kind of unit.
 * @param soc whose units those are; of any SoC where absent.
 */
export function kernelsOf(runtime: RuntimeSpec, kind: UnitKind, soc?: string): KernelClass {
  const entry = runtime.kernels[kind];
  if (!entry) return {};
  const own = soc === undefined ? undefined : runtime.chips[soc]?.[kind];
  if (!own) return ofClass(entry);
  const { compute, bandwidth, launch } = own;
  return tuneKernels(ofClass(entry), {
    ...(compute && { compute: compute.is }),
    ...(bandwidth && { bandwidth: bandwidth.is }),
    ...(launch && { launch: launch.is }),
  });
}

function plain(shares: Readonly<Record<string, { readonly is: number }>>): Record<string, number> {
  return Object.fromEntries(Object.entries(shares).map(([name, value]) => [name, value.is]));
}

function ofClass(entry: Infer<typeof kernels>): KernelClass {
  return {
    matrixShare: plain(entry.matrixShare ?? {}),
    ...(entry.weightShare && { weightShare: plain(entry.weightShare) }),
    ...(entry.rowShare && { rowShare: plain(entry.rowShare) }),
    ...(entry.unpackPerRow !== undefined && { unpackPerRow: entry.unpackPerRow }),
    ...(entry.integerProducts && { integerProducts: entry.integerProducts.is }),
    ...(entry.outerProducts && { outerProducts: entry.outerProducts.is }),
    ...(entry.dotPerRow !== undefined && { dotPerRow: entry.dotPerRow }),
    ...(entry.superblockShare && { superblockShare: entry.superblockShare.is }),
    ...(entry.bandwidthShare && { bandwidthShare: entry.bandwidthShare.is }),
    ...(entry.dispatch && { dispatchSeconds: entry.dispatch.is }),
    ...(entry.call && { callSeconds: entry.call.is }),
    ...(entry.attentionShare && { attentionShare: plain(entry.attentionShare) }),
    ...(entry.volumeShare && { volumeShare: plain(entry.volumeShare) }),
    ...(entry.cachePasses && { cachePasses: entry.cachePasses.is }),
    ...(entry.hostThread && { hostThread: entry.hostThread.is }),
    ...waysOf(entry),
  };
}

/** What is done rather than how well, and how well recurrences are. */
function waysOf(entry: Infer<typeof kernels>): KernelClass {
  const { recurrenceShare: share, recurrenceChain: chain } = entry;
  return {
    ...(share && { recurrenceShare: share.is }),
    ...(chain && { recurrenceChain: chain.is }),
    ...(entry.compiled && { compiled: true }),
    ...(entry.splitHeads && { splitHeads: entry.splitHeads.is }),
    ...(entry.winograd && { winograd: entry.winograd.is }),
    ...(entry.pipes && { pipes: entry.pipes.is }),
    ...(entry.equalParts && { equalParts: entry.equalParts.is }),
    ...(entry.channelBlocks && { channelBlocks: entry.channelBlocks.is }),
    ...(entry.stemShare && { stemShare: entry.stemShare.is }),
    ...(entry.singlePrecision && { singlePrecision: plain(entry.singlePrecision) }),
    ...(entry.quantiseActivations && { quantiseActivations: entry.quantiseActivations.is }),
  };
}
