/** What one operator asks of a machine: the one word that workloads and hardware share. */
import { BITS_PER_BYTE, type Bytes } from './units.ts';

/** Number formats, by the bits of one element. Effective bits of a packed weight format (scales included) live in `Work.weightBytes`. */
export const DTYPE_BITS = {
  fp64: 64,
  fp32: 32,
  tf32: 32,
  fp16: 16,
  bf16: 16,
  fp8: 8,
  int64: 64,
  int32: 32,
  int16: 16,
  int8: 8,
  int4: 4,
  int3: 3,
  int2: 2,
  bool: 8,
} as const satisfies Record<string, number>;
export type DType = keyof typeof DTYPE_BITS;

export function bytesOf(elements: number, dtype: DType): Bytes {
  return (elements * DTYPE_BITS[dtype]) / BITS_PER_BYTE;
}

/**
 * The shape of the arithmetic; a unit's micro-architecture turns it into cycles.
 *
 * - `matmul`: `batch` independent products (m×k)·(k×n). m is tokens or pixels, k the reduction, n output features.
 * - `conv`: channels-last view; `inChannels` and `outChannels` are totals over all `groups`.
 *   Depthwise is groups = inChannels. One-dimensional convolutions have height 1.
 * - `attention`: scaled dot-product attention of `queries` new tokens against `context` tokens (themselves included),
 *   `heads` query heads over `kvHeads` key–value heads. Score and value products together; the score matrix is internal.
 * - `vector`: element-wise, normalisation, softmax, pooling: `elements` each visited `passes` times.
 * - `move`: no arithmetic; only bytes (gather, transpose, concatenation, copies).
 */
export type WorkForm =
  | {
      readonly kind: 'matmul';
      readonly batch: number;
      readonly m: number;
      readonly n: number;
      readonly k: number;
      /** Attention heads that the outputs belong to, one head after the other: exports may make a product of each. */
      readonly heads?: number;
    }
  | {
      readonly kind: 'conv';
      readonly batch: number;
      readonly outHeight: number;
      readonly outWidth: number;
      readonly outChannels: number;
      readonly inChannels: number;
      readonly kernelHeight: number;
      readonly kernelWidth: number;
      readonly strideHeight: number;
      readonly strideWidth: number;
      readonly groups: number;
      /** Of sequences: engines that lay out planes by blocks of channels leave these as they are. */
      readonly line?: boolean;
      /** Taps of the kernel are no neighbours in a plane: dilated, placed by offsets, or of several planes. */
      readonly scattered?: boolean;
      /** Of volumes: three spatial axes, of which the first is in batch and channels here. */
      readonly volume?: boolean;
    }
  | {
      readonly kind: 'attention';
      readonly batch: number;
      readonly heads: number;
      readonly kvHeads: number;
      readonly queries: number;
      readonly context: number;
      readonly headDim: number;
      readonly valueDim: number;
      readonly causal: boolean;
      /** Exported head by head: plain products, which every compiler lays out for a matrix engine. */
      readonly headwise?: true;
      /** The engine takes this one block by block, whatever it does with others: scores never leave the nearest cache. */
      readonly blocked?: true;
    }
  | {
      readonly kind: 'vector';
      readonly elements: number;
      readonly passes: number;
      /** Whatever it reads is needed again, so that the result cannot take its place. */
      readonly apart?: boolean;
    }
  | {
      readonly kind: 'move';
      /** An image at twice its size by repeating elements: no coordinates are looked up. */
      readonly doubled?: boolean;
      /** The engine does this on one thread, however many it has. */
      readonly serial?: true;
    };

export type WorkKind = WorkForm['kind'];

/**
 * Closed-form cost of one operator, independent of any machine.
 *
 * Bytes are the tensors' own sizes, each counted once; a machine whose local memory is too small moves more.
 * `weightBytes` are constants that must come from memory; `kvReadBytes`/`kvWriteBytes` are the key–value cache.
 */
export interface Work {
  /** ONNX operator type, such as `MatMul`, `Conv`, `GroupQueryAttention`. */
  readonly operator: string;
  readonly form: WorkForm;
  readonly macs: number;
  /** Scalar operations outside multiply–accumulates (activation functions, norms, softmax, dequantisation excluded). */
  readonly vectorOps: number;
  /** Format in which the weights are stored; equals `activationDType` where there are none. */
  readonly weightDType: DType;
  readonly activationDType: DType;
  readonly weightBytes: Bytes;
  readonly inputBytes: Bytes;
  readonly outputBytes: Bytes;
  readonly kvReadBytes: Bytes;
  readonly kvWriteBytes: Bytes;
  /** Weights lie in super-blocks with scales of scales (K-quants), which few kernels unpack as fast as plain ones. */
  readonly superblocks?: boolean;
  /** Every element waits for what the token before made of it: a recurrence, whose kernels leave most lanes idle. */
  readonly recurrent?: boolean;
  /** Weights have one scale for each output channel, whatever their widths come to on average. */
  readonly perChannel?: boolean;
  /** How stored weights lie beside their scales; absent where they have none, or where only an average is known. */
  readonly packing?: Packing;
  /** Name of the format that stored weights have, which decides what kernels can read them; absent where the width says all. */
  readonly storage?: string;
  /** Plain over stored bytes of weights that a decompressor has to unpack; `weightBytes` are the stored ones. */
  readonly compression?: number;
  /** Weights lack two of every four elements; `macs` and `form` count all of them. */
  readonly pruned24?: boolean;
  /** Bytes that must come from storage into memory before the operator can start. */
  readonly storageBytes?: Bytes;
}

/** What has to be taken apart before packed weights can be multiplied, on average over all of them. */
export interface Packing {
  /** Scales per weight. */
  readonly scales: number;
  /** Minima, or zero points, per weight. */
  readonly minima: number;
  /** Bits that an element has without its scales, and the part of all weights that has so many. */
  readonly widths: readonly { readonly bits: number; readonly share: number }[];
}

/** Every byte the operator touches, each tensor once. */
export function totalBytes(work: Work): Bytes {
  return (
    work.weightBytes + work.inputBytes + work.outputBytes + work.kvReadBytes + work.kvWriteBytes
  );
}

/** Whether all that the operator does is to have something brought from storage: what it gives is written by the drive. */
export function bringsOnly({ storageBytes = 0, inputBytes, macs, weightBytes }: Work): boolean {
  return storageBytes > 0 && inputBytes === 0 && macs === 0 && weightBytes === 0;
}
