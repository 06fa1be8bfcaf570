/**
 * Work of single operators, from their shapes.
 *
 * Model    matmul: macs = batch·m·n·k; convolution: out pixels · out channels · in channels/groups · kernel;
 *          attention: macs = visible (query, key) pairs · heads · (key width + value width);
 *          bytes = elements × bits of the format, scales included, each tensor once
 * Ignores  padding to a machine's tile sizes and re-fetching, which are the machine's business
 * Valid    any shape; widths of scales need the reduction to be a multiple of the group to be exact
 * Source   operator definitions of ONNX and its contributed operators
 * Checked  test/unit/workload/operator-cost.test.ts, test/validation/model-counts.test.ts
 */
import { BITS_PER_BYTE, type Bytes } from '../base/units.ts';
import {
  bytesOf,
  DTYPE_BITS,
  type DType,
  type Packing,
  type Work,
  type WorkForm,
} from '../base/work.ts';
import {
  effectiveBits,
  formatFor,
  storedBytes,
  type WeightFormat,
} from './models/weight-format.ts';

/** Scalar operations per element; an exponential, a division and a square root count as one each. */
export const OPS_PER_ELEMENT = {
  /** square, add to the sum, scale, multiply by the weight */
  rmsNorm: 4,
  /** add to the sum, subtract the mean, square, add to the sum, scale, multiply, add */
  layerNorm: 7,
  /** maximum, subtract, exponential, add to the sum, divide */
  softmax: 5,
  /** negate, exponential, add one, divide, (multiply folded into the division) */
  silu: 4,
  /** tanh form: cube (2), scale and add (2), scale, tanh, add one, halve and multiply (2) */
  gelu: 9,
  quickGelu: 5,
  relu: 1,
  /** two products and a sum per rotated element */
  rotary: 3,
} as const;

export type Activation = 'silu' | 'gelu' | 'quickGelu' | 'relu';

const ACTIVATION_OPERATOR: Readonly<Record<Activation, string>> = {
  silu: 'Swish',
  gelu: 'Gelu',
  quickGelu: 'QuickGelu',
  relu: 'Relu',
};

/** Norm weights and biases stay in a plain format: 16 bits, or the weights' own when those are wider. */
export function plainBytes(elements: number, format: WeightFormat): Bytes {
  return bytesOf(elements, DTYPE_BITS[format.dtype] > DTYPE_BITS.fp16 ? format.dtype : 'fp16');
}

interface Parts {
  readonly macs?: number;
  readonly vectorOps?: number;
  readonly weightDType?: DType;
  readonly weightBytes?: Bytes;
  readonly inputBytes: Bytes;
  readonly outputBytes: Bytes;
  readonly kvReadBytes?: Bytes;
  readonly kvWriteBytes?: Bytes;
  readonly superblocks?: boolean;
  readonly storage?: string;
  readonly perChannel?: boolean;
  readonly packing?: Packing | undefined;
}

function work(operator: string, form: WorkForm, activationDType: DType, parts: Parts): Work {
  return {
    operator,
    form,
    activationDType,
    macs: parts.macs ?? 0,
    vectorOps: parts.vectorOps ?? 0,
    weightDType: parts.weightDType ?? activationDType,
    weightBytes: parts.weightBytes ?? 0,
    inputBytes: parts.inputBytes,
    outputBytes: parts.outputBytes,
    kvReadBytes: parts.kvReadBytes ?? 0,
    kvWriteBytes: parts.kvWriteBytes ?? 0,
    ...(parts.superblocks && { superblocks: true }),
    ...(parts.perChannel && { perChannel: true }),
    ...(parts.packing && { packing: parts.packing }),
    ...(parts.storage !== undefined && { storage: parts.storage }),
  };
}

export interface MatmulShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly bias?: boolean;
  /** Independent products with weights of their own, each with `m` rows. */
  readonly batch?: number;
  /** Rows really computed over all of the batch, where tokens do not spread evenly; defaults to batch × m. */
  readonly rows?: number;
  /** Distinct input rows, where several products read the same ones; defaults to `rows`. */
  readonly inputRows?: number;
  readonly operator?: string;
}

/** A product with stored weights. */
export function matmulWork(shape: MatmulShape, format: WeightFormat, activation: DType): Work {
  const { m, n, k, batch = 1, bias = false } = shape;
  const rows = shape.rows ?? batch * m;
  const stored = formatFor(format, k);
  return work(shape.operator ?? 'MatMul', { kind: 'matmul', batch, m, n, k }, activation, {
    macs: rows * n * k,
    vectorOps: bias ? rows * n : 0,
    weightDType: stored.dtype,
    superblocks: stored.superblocks,
    perChannel: stored.perChannel,
    packing: stored.packing,
    ...(stored.name !== stored.dtype && { storage: stored.name }),
    weightBytes: batch * (storedBytes(format, n * k, k) + (bias ? plainBytes(n, format) : 0)),
    inputBytes: bytesOf((shape.inputRows ?? rows) * k, activation),
    outputBytes: bytesOf(rows * n, activation),
  });
}

/** A product of two activations; either may instead come from the key–value cache (`kvReadBytes`). */
export function productWork(
  shape: { readonly batch: number; readonly m: number; readonly n: number; readonly k: number },
  activation: DType,
  cached: { readonly kvReadBytes: Bytes; readonly rightElements: number } | undefined = undefined,
): Work {
  const { batch, m, n, k } = shape;
  const right = cached?.rightElements ?? batch * n * k;
  return work('MatMul', { kind: 'matmul', ...shape }, activation, {
    macs: batch * m * n * k,
    inputBytes: bytesOf(batch * m * k + right, activation),
    outputBytes: bytesOf(batch * m * n, activation),
    kvReadBytes: cached?.kvReadBytes ?? 0,
  });
}

export interface AttentionShape {
  readonly batch?: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly queries: number;
  /** Keys that exist, the queries' own tokens included. */
  readonly context: number;
  readonly headDim: number;
  readonly valueDim: number;
  /** Query i sees the keys up to itself; otherwise every query sees every key. */
  readonly causal: boolean;
  /** A query sees at most this many keys, itself included. */
  readonly window?: number;
  /**
   * Head by head, as exports of language models, image generators and speech for phones are; exporters of other
   * networks write one product over all heads.
   */
  readonly headwise?: boolean;
  readonly operator?: string;
}

/** The cache of one layer: elements that one token stores, and how. */
export interface CacheLayout {
  readonly elementsPerToken: number;
  readonly format: WeightFormat;
  /** Length of one quantised row, for per-row scales. */
  readonly rowLength: number;
  /** False when the layer reads a cache that another layer writes. */
  readonly writes: boolean;
}

/** Bytes that one token takes in the cache of one layer. */
export function cacheBytesPerToken(cache: CacheLayout): Bytes {
  return (cache.elementsPerToken * effectiveBits(cache.format, cache.rowLength)) / BITS_PER_BYTE;
}

/** Pairs of query and key that attention has to score, per head. */
export function visiblePairs(shape: AttentionShape): number {
  const { queries, context, causal } = shape;
  const window = shape.window ?? context;
  if (!causal) return queries * Math.min(context, window);
  const past = context - queries;
  // Query i (from 1) sees min(past + i, window) keys: a rising part, then a flat one.
  const rising = Math.min(Math.max(window - past, 0), queries);
  return rising * past + (rising * (rising + 1)) / 2 + (queries - rising) * window;
}

/**
 * Fused attention: scores never leave the unit.
 *
 * Without a cache, keys and values are inputs. With one, the tokens before the queries are read from it and the
 * queries' own keys and values are inputs that it gains. Where a window bites in the middle of a chunk the form
 * shows the average number of keys per query, so that form and `macs` agree.
 */
export function attentionWork(shape: AttentionShape, activation: DType, cache?: CacheLayout): Work {
  const { batch = 1, heads, kvHeads, queries, context, headDim, valueDim } = shape;
  const pairs = batch * heads * visiblePairs(shape);
  const windowed = shape.window !== undefined && shape.window < context;
  const form: WorkForm = {
    kind: 'attention',
    batch,
    heads,
    kvHeads,
    queries,
    context: windowed ? Math.ceil(visiblePairs(shape) / queries) : context,
    headDim,
    valueDim,
    causal: shape.causal && !windowed,
    ...(shape.headwise ? { headwise: true } : {}),
  };
  const keys = cache ? queries : context;
  const past = cache ? context - queries : 0;
  const seen = Math.min(past, (shape.window ?? context) - 1);
  const perToken = cache ? batch * cacheBytesPerToken(cache) : 0;
  return work(shape.operator ?? 'GroupQueryAttention', form, activation, {
    macs: pairs * (headDim + valueDim),
    vectorOps: pairs * OPS_PER_ELEMENT.softmax,
    inputBytes: bytesOf(
      batch * (queries * heads * headDim + keys * kvHeads * (headDim + valueDim)),
      activation,
    ),
    outputBytes: bytesOf(batch * queries * heads * valueDim, activation),
    kvReadBytes: seen * perToken,
    kvWriteBytes: cache?.writes ? queries * perToken : 0,
  });
}

export interface ConvShape {
  readonly batch?: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideHeight?: number;
  readonly strideWidth?: number;
  readonly groups?: number;
  readonly bias?: boolean;
}

/** A convolution with stored weights, padded so that the output has input / stride pixels. */
export function convWork(shape: ConvShape, format: WeightFormat, activation: DType): Work {
  const { batch = 1, strideHeight = 1, strideWidth = 1, groups = 1, bias = true, ...rest } = shape;
  const { outHeight, outWidth, inChannels, outChannels, kernelHeight, kernelWidth } = rest;
  const reduction = (inChannels / groups) * kernelHeight * kernelWidth;
  const outputs = batch * outHeight * outWidth * outChannels;
  return work(
    'Conv',
    { kind: 'conv', batch, ...rest, strideHeight, strideWidth, groups },
    activation,
    {
      macs: outputs * reduction,
      vectorOps: bias ? outputs : 0,
      weightDType: format.dtype,
      weightBytes:
        storedBytes(format, outChannels * reduction, reduction) +
        (bias ? plainBytes(outChannels, format) : 0),
      inputBytes: bytesOf(
        batch * outHeight * strideHeight * outWidth * strideWidth * inChannels,
        activation,
      ),
      outputBytes: bytesOf(outputs, activation),
    },
  );
}

export interface VectorShape {
  readonly operator: string;
  /** Elements that the unit walks over. */
  readonly elements: number;
  readonly passes?: number;
  readonly opsPerElement: number;
  /** Input elements per walked element: 2 for a sum of two tensors. */
  readonly inputs?: number;
  readonly outputs?: number;
  readonly weightBytes?: Bytes;
}

/** Anything element by element. */
export function vectorWork(shape: VectorShape, activation: DType): Work {
  const { elements, passes = 1, inputs = 1, outputs = 1 } = shape;
  return work(shape.operator, { kind: 'vector', elements, passes }, activation, {
    vectorOps: elements * shape.opsPerElement,
    weightBytes: shape.weightBytes ?? 0,
    ...(shape.weightBytes ? { weightDType: 'fp16' as const } : {}),
    inputBytes: bytesOf(elements * inputs, activation),
    outputBytes: bytesOf(elements * outputs, activation),
  });
}

/** Normalisation of `rows` vectors of `width`; with `skip` a second input is added first and the sum is kept. */
export function normWork(
  shape: {
    readonly rows: number;
    readonly width: number;
    readonly kind: 'rms' | 'layer';
    readonly skip?: boolean;
    /** Without weights (as in adaptive norms). */
    readonly plain?: boolean;
  },
  format: WeightFormat,
  activation: DType,
): Work {
  const { rows, width, kind, skip = false, plain = false } = shape;
  const rms = kind === 'rms';
  const ops = rms ? OPS_PER_ELEMENT.rmsNorm : OPS_PER_ELEMENT.layerNorm;
  return vectorWork(
    {
      operator: `${skip ? 'Skip' : ''}${rms ? 'Simplified' : ''}LayerNormalization`,
      elements: rows * width,
      passes: 2,
      opsPerElement: ops + (skip ? 1 : 0),
      inputs: skip ? 2 : 1,
      outputs: skip ? 2 : 1,
      weightBytes: plain ? 0 : plainBytes(rms ? width : 2 * width, format),
    },
    activation,
  );
}

/** An activation function; `gated` multiplies a second input by it. */
export function activationWork(
  elements: number,
  kind: Activation,
  gated: boolean,
  activation: DType,
): Work {
  return vectorWork(
    {
      operator: ACTIVATION_OPERATOR[kind],
      elements,
      opsPerElement: OPS_PER_ELEMENT[kind] + (gated ? 1 : 0),
      inputs: gated ? 2 : 1,
    },
    activation,
  );
}

/** A second tensor of the same size scaled by the sigmoid of the first: negate, exponential, add one, divide into it. */
export function sigmoidGateWork(elements: number, activation: DType): Work {
  return vectorWork({ operator: 'Mul', elements, opsPerElement: 4, inputs: 2 }, activation);
}

/** Rotary positions on the `rotated` share of `elements` query and key elements. */
export function rotaryWork(elements: number, rotated: number, activation: DType): Work {
  return vectorWork(
    { operator: 'RotaryEmbedding', elements, opsPerElement: OPS_PER_ELEMENT.rotary * rotated },
    activation,
  );
}

/** Rows of a table, one per token: only the rows that are looked up are read. */
export function gatherWork(
  rows: number,
  width: number,
  format: WeightFormat,
  activation: DType,
): Work {
  return work('Gather', { kind: 'move' }, activation, {
    weightDType: format.dtype,
    weightBytes: storedBytes(format, rows * width, width),
    inputBytes: bytesOf(rows, 'int32'),
    outputBytes: bytesOf(rows * width, activation),
  });
}

/** Copies: concatenation, transpose, slice, nearest-neighbour resize. */
export function moveWork(
  operator: string,
  inputElements: number,
  outputElements: number,
  activation: DType,
): Work {
  return work(operator, { kind: 'move' }, activation, {
    inputBytes: bytesOf(inputElements, activation),
    outputBytes: bytesOf(outputElements, activation),
  });
}

/** The sum of two tensors. */
export function addWork(elements: number, activation: DType): Work {
  return vectorWork({ operator: 'Add', elements, opsPerElement: 1, inputs: 2 }, activation);
}

export function softmaxWork(elements: number, activation: DType): Work {
  return vectorWork(
    { operator: 'Softmax', elements, passes: 2, opsPerElement: OPS_PER_ELEMENT.softmax },
    activation,
  );
}
