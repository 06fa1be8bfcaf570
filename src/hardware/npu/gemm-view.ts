/** Operators as the matrix products an engine runs: convolutions without a materialised im2col, attention per key–value head. */
import type { Work, WorkForm } from '../../base/work.ts';
import { bytesOf } from '../../base/work.ts';
import type { UnitCost } from '../compute-unit.ts';
import type { GemmShape } from './folds.ts';
import type { Operands, Tiling } from './tiling.ts';

export type ConvForm = Extract<WorkForm, { kind: 'conv' }>;
export type AttentionForm = Extract<WorkForm, { kind: 'attention' }>;

/** One product per group over the pixels of all images; k runs over taps and the group's input channels. */
export function convGemm(form: ConvForm): GemmShape {
  return {
    products: form.groups,
    m: form.batch * form.outHeight * form.outWidth,
    n: form.outChannels / form.groups,
    k: form.kernelHeight * form.kernelWidth * (form.inChannels / form.groups),
  };
}

/**
 * Mean keys that a query looks at, when blocks of `tile` queries skip the keys that causality hides from all of them.
 * `tile` 1 gives the exact mean.
 */
export function attendedKeys(form: AttentionForm, tile: number): number {
  if (!form.causal) return form.context;
  const block = Math.min(tile, form.queries);
  return Math.min(form.context, form.context - (form.queries - block) / 2);
}

/** Query heads that share keys are stacked into one taller product per key–value head. */
export function attentionRows(form: AttentionForm): number {
  return (form.queries * form.heads) / form.kvHeads;
}

/** Bytes of the three operands of one of `products`; inputs beyond the m×k operand count as weights where the operator has none. */
export function operandsOf(work: Work, gemm: GemmShape): Operands {
  const { products, m, n, k } = gemm;
  const own = work.form.kind === 'conv' ? work.inputBytes : productInputBytes(work, gemm);
  const other = work.weightBytes > 0 ? work.weightBytes : work.inputBytes - own + work.kvReadBytes;
  return {
    m,
    n,
    k,
    inputBytes: own / products,
    weightBytes: other / products,
    outputBytes: work.outputBytes / products,
  };
}

/** Weights and cache among what a tiled product reads. */
export function tensorReads(
  work: Work,
  { products }: GemmShape,
  { weightBytes }: Operands,
  { weightPasses }: Pick<Tiling, 'weightPasses'>,
): Pick<UnitCost, 'weightReadBytes' | 'kvReadBytes'> {
  // Without weights the cache is part of the other operand, and is fetched as often.
  return work.weightBytes > 0
    ? { weightReadBytes: products * weightPasses * weightBytes, kvReadBytes: work.kvReadBytes }
    : { weightReadBytes: 0, kvReadBytes: weightPasses * work.kvReadBytes };
}

/** Bytes beside the two operands of the product, such as a residual added at the end; each read once. */
export function sideBytes(work: Work, gemm: GemmShape): number {
  if (work.weightBytes === 0 || work.form.kind === 'conv') return 0;
  return work.inputBytes - productInputBytes(work, gemm) + work.kvReadBytes;
}

function productInputBytes(work: Work, gemm: GemmShape): number {
  return Math.min(work.inputBytes, bytesOf(gemm.products * gemm.m * gemm.k, work.activationDType));
}
