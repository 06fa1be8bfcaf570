/** What one operator asks of a matrix engine and its local memory, before number formats and kernel quality. */

import type { Bytes, Cycles } from '../../base/units.ts';
import { bytesOf, type Work } from '../../base/work.ts';
import { foldCycles, type GemmShape, type MatrixArray, planFolds } from './folds.ts';
import { operandsOf, sideBytes } from './gemm-view.ts';
import {
  ACCUMULATOR_BYTES,
  type LocalMemory,
  type Operands,
  planTiling,
  type Tiling,
} from './tiling.ts';

export interface MatrixLoad {
  /** At the rate of the reference format. */
  readonly arrayCycles: Cycles;
  /** Those in which operands stream, so that multipliers switch; weights loading and draining draw little. */
  readonly activeCycles: Cycles;
  readonly weightReadBytes: Bytes;
  /** Inputs, cache and side inputs. */
  readonly otherReadBytes: Bytes;
  readonly writeBytes: Bytes;
  readonly sramBytes: Bytes;
  /** Weight elements fetched, each fetch counted; packed formats are expanded that often. */
  readonly weightFetches: number;
}

/**
 * A plain (batched) product.
 * @param parts products that it is computed as, where these are others; what moves is the same.
 */
export function productLoad(
  array: MatrixArray,
  memory: LocalMemory,
  work: Work,
  gemm: GemmShape,
  parts = gemm,
): MatrixLoad {
  const operands = operandsOf(work, gemm);
  const tiling = planTiling(operands, memory);
  const cycles = foldCycles(array, parts);
  const load = loadOf(array, memory, work, gemm, operands, tiling, cycles);
  return { ...load, activeCycles: Math.min(cycles, streamCycles(array, parts)) };
}

/** The products of single heads, each as wide as what one of them occupies. */
export function headProducts(gemm: GemmShape, heads: number, columns: number): GemmShape {
  const n = columns * Math.ceil(gemm.n / heads / columns);
  return { ...gemm, products: gemm.products * heads, n };
}

export function loadOf(
  array: MatrixArray,
  memory: LocalMemory,
  work: Work,
  gemm: GemmShape,
  operands: Operands,
  tiling: Tiling,
  arrayCycles: Cycles,
): MatrixLoad {
  const { products } = gemm;
  const inputs = operands.inputBytes * tiling.inputPasses * products;
  const weights = operands.weightBytes * tiling.weightPasses * products;
  const side = sideBytes(work, gemm);
  const isWeight = work.weightBytes > 0;
  return {
    arrayCycles,
    activeCycles: Math.min(arrayCycles, streamCycles(array, gemm)),
    weightReadBytes: isWeight ? weights : 0,
    otherReadBytes: inputs + side + (isWeight ? 0 : weights),
    writeBytes: work.outputBytes + work.kvWriteBytes,
    sramBytes: inputs + weights + feedBytes(array, memory, work, gemm, operands),
    weightFetches: isWeight ? products * gemm.n * gemm.k * tiling.weightPasses : 0,
  };
}

/** Cycles in which operands stream through the folds. */
export function streamCycles(array: MatrixArray, gemm: GemmShape): Cycles {
  const { folds, stream } = planFolds(array, gemm);
  return (gemm.products * folds * stream) / array.engines;
}

/** Local-memory traffic of feeding the array: the streamed operand again for every fold across, and partial sums without accumulators. */
function feedBytes(
  array: MatrixArray,
  memory: LocalMemory,
  work: Work,
  gemm: GemmShape,
  operands: Operands,
): Bytes {
  const { rows, columns, engines, dataflow, rate = 1 } = array;
  const { products, m, n, k } = gemm;
  const across = Math.ceil(n / columns);
  const down = Math.ceil(m / rows);
  const kFolds = Math.ceil(k / (rows * Math.max(1, rate)));
  const outputs = 2 * bytesOf(products * m * n, work.activationDType);
  const { inputBytes, weightBytes } = operands;
  if (dataflow === 'output-stationary') {
    return products * (inputBytes * Math.ceil(across / engines) + weightBytes * down) + outputs;
  }
  const spilled = memory.accumulatorBytes > 0 ? 0 : 2 * ACCUMULATOR_BYTES * m * n * (kFolds - 1);
  const streamed =
    dataflow === 'weight-stationary'
      ? inputBytes * Math.ceil(across / engines) + weightBytes
      : inputBytes + weightBytes * Math.ceil(m / (columns * engines));
  return products * (streamed + spilled) + outputs;
}
