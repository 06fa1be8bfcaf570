/**
 * A neural processor: systolic matrix engines and vector contexts around a software-managed local memory.
 *
 * Model    cycles = max(matrix, vector + expansion of packed weights, decompressor); matrix cycles from folds
 *          over the rate of the number formats, traffic from the loop order that reads least; compilers take products with
 *          16-bit integers apart into three operators and leave functions of all but 8-bit results behind their product; where a
 *          runtime's graphs have a projection for each head, one occupies the least number of columns that the engine takes at a time
 * Ignores  bank conflicts of local memory, contention between vector contexts, live ranges of tensors kept on chip
 * Valid    operators large against one launch; shapes of at least one element per dimension
 * Source   geometry and rates from socs/*.yaml; folds and tiling from src/hardware/npu
 * Checked  test/validation/npu.test.ts, test/contract/units.test.ts, test/property/units.test.ts
 */
import { bytesOf, type DType, type Work } from '../../base/work.ts';
import type { ComputeUnit, UnitCost } from '../compute-unit.ts';
import { attentionLoad } from '../npu/attention.ts';
import { convLoad } from '../npu/convolution.ts';
import type { MatrixArray } from '../npu/folds.ts';
import { headProducts, type MatrixLoad, productLoad } from '../npu/matrix-load.ts';
import { requireTiles } from '../npu/room.ts';
import type { LocalMemory } from '../npu/tiling.ts';
import { type WeightPath, weightCost } from '../npu/weight-path.ts';
import {
  buildFormatRates,
  buildVectorRates,
  type FormatRates,
  scaledRates,
  supportedFormat,
  supportedStorage,
} from './formats.ts';
import { asChained, laneShare } from './recurrence.ts';
import {
  drivenPort,
  type KernelClass,
  launchOf,
  type UnitCommon,
  type UnitOptions,
} from './unit-options.ts';
import type { NpuSpec } from './unit-spec.ts';

/** Scale with bias and clamp per result: the output stage of Hexagon's HMX (htp-ops-lib), of Gemmini and of NVDLA. */
const OUTPUT_STAGE_OPS = 2;
/** Any activation function of a result: a table look-up with linear interpolation, as vector units of NPUs have it. */
const FUNCTION_OPS = 2;
/**
 * Operators that a compiler makes of a product with 16-bit integer activations on an engine of 8-bit multipliers: one for each half of
 * the activations, and one that adds the two. Networks with w8a16 take as much longer (test/validation/vision.test.ts).
 */
const HALVES_AND_SUM = 3;
/** Unpacking and scaling one weight in vector registers. */
const EXPANSION_OPS = 2;

interface Npu {
  readonly array: MatrixArray;
  readonly leastColumns: number | undefined;
  readonly memory: LocalMemory;
  readonly matrixRates: FormatRates;
  readonly vectorRates: Readonly<Record<DType, number | undefined>>;
  readonly peakMacs: number;
  /** Gain on weights pruned 2:4, 1 where the engine has none. */
  readonly sparseGain: number;
  readonly expandPerClock: number | undefined;
  /** Plain bytes per clock that the decompressor hands on. */
  readonly unpackPerClock: number;
  readonly sramBytesPerClock: number;
  /** Part of local memory in which activations wait for the next operator. */
  readonly residentBytes: number;
  readonly fusedAttention: boolean;
  readonly matrixShare: Readonly<Partial<Record<DType, number>>>;
  readonly kernels: KernelClass | undefined;
  readonly attentionShare: Readonly<Partial<Record<DType, number>>>;
  readonly rowShare: Readonly<Partial<Record<DType, number>>>;
  readonly launchSeconds: number;
  /** Compilers take wide integers apart into operators of their own. */
  readonly takesApart: boolean;
}

/** @throws InfeasibleError for local memory below one tile of the array. */
export function buildNpu(
  spec: NpuSpec,
  common: UnitCommon,
  options: UnitOptions = {},
): ComputeUnit {
  const npu = npuOf(spec, options);
  return {
    name: common.name,
    kind: spec.kind,
    domains: common.domains,
    port: drivenPort(common.port, options),
    speed: (frequencies) => frequencies[0] ?? 0,
    supports: (work) => {
      const listed = supportedStorage(
        spec.operators,
        work,
        spec.decompressor !== undefined,
        'a decompressor (decompressor.bytesPerClock)',
      );
      return listed.ok ? supportedFormat(work, npu.matrixRates, npu.vectorRates) : listed;
    },
    estimate: (work) => estimate(npu, unpacked(work)),
  };
}

function npuOf(spec: NpuSpec, options: UnitOptions): Npu {
  const { matrix } = spec;
  const compiled = options.kernels?.compiled ? spec.compiled : undefined;
  const lanes = compiled?.lanes.is ?? 1;
  const residentBytes = spec.sram.size.is * (spec.sram.resident?.is ?? 0);
  const memory = {
    bytes: spec.sram.size.is - residentBytes,
    accumulatorBytes: matrix.accumulator?.is ?? 0,
    granule: Math.max(matrix.rows.is, matrix.columns.is),
  };
  requireTiles(memory);
  return {
    array: {
      engines: matrix.engines.is,
      rows: matrix.rows.is,
      columns: matrix.columns.is,
      dataflow: matrix.dataflow.is,
      overlapFolds: matrix.overlapFolds,
      doubleBufferPreload: matrix.doubleBufferPreload,
    },
    leastColumns: matrix.leastColumns?.is,
    memory,
    // What compiled networks reach with floating activations is a share of the rate of two floating operands.
    matrixRates: buildFormatRates(matrix.rates, compiled !== undefined),
    vectorRates: scaledRates(buildVectorRates(spec.vector.opsPerClock), lanes),
    peakMacs: matrix.engines.is * matrix.rows.is * matrix.columns.is,
    sparseGain: matrix.sparsity?.is ?? 1,
    expandPerClock: spec.dequantisation?.is,
    unpackPerClock: spec.decompressor?.bytesPerClock.is ?? 0,
    sramBytesPerClock: spec.sram.bytesPerClock.is * Math.min(1, lanes),
    residentBytes,
    fusedAttention: options.fusedAttention ?? spec.fusedAttention,
    matrixShare: sharesOf(options.kernels?.matrixShare ?? {}, compiled?.matrix ?? {}),
    kernels: options.kernels,
    attentionShare: options.kernels?.attentionShare ?? {},
    rowShare: options.kernels?.rowShare ?? {},
    launchSeconds: launchOf(compiled?.operator.is ?? spec.launch.operator.is, options),
    takesApart: compiled !== undefined,
  };
}

type Shares = Readonly<Partial<Record<DType, number>>>;

/** 16-bit integers are two passes of 8-bit ones, so what a compiler reaches with the latter holds for both. */
function sharesOf(kernels: Shares, compiled: NonNullable<NpuSpec['compiled']>['matrix']): Shares {
  const found: Partial<Record<DType, number>> = { ...kernels };
  const int16 = compiled.int16 ?? compiled.int8;
  const shares = int16 ? { ...compiled, int16 } : compiled;
  for (const [dtype, share] of Object.entries(shares) as [DType, { readonly is: number }][]) {
    found[dtype] = (kernels[dtype] ?? 1) * share.is;
  }
  return found;
}

function estimate(npu: Npu, work: Work): UnitCost {
  switch (work.form.kind) {
    case 'matmul': {
      const { batch, m, n, k, heads } = work.form;
      const gemm = { products: batch, m, n, k };
      const columns = npu.kernels?.splitHeads ? npu.leastColumns : undefined;
      const parts = columns && heads ? headProducts(gemm, heads, columns) : gemm;
      const load = productLoad(arrayOf(npu, work), npu.memory, work, gemm, parts);
      return matrixCost(npu, work, load, false);
    }
    case 'conv': {
      const load = convLoad(arrayOf(npu, work), npu.memory, work, work.form);
      return convCost(npu, work, load);
    }
    case 'attention': {
      const share = npu.attentionShare[work.activationDType];
      if (share !== undefined && !work.form.headwise) return laneAttention(npu, work, share);
      const array = arrayOf(npu, work);
      const load = attentionLoad(array, npu.memory, work, work.form, npu.fusedAttention);
      return matrixCost(npu, work, load, !npu.fusedAttention);
    }
    default:
      return asChained(vectorCost(npu, work), work, npu.kernels);
  }
}

/**
 * Attention over all heads at once as a chain of vector kernels: both operands of its products are activations, which compilers that lay out
 * stored weights for the matrix engine ahead of time cannot feed to it. Scores stay in local memory as other results do.
 */
function laneAttention(npu: Npu, work: Work, share: number): UnitCost {
  const lanes = npu.vectorRates[work.activationDType] ?? npu.vectorRates.fp16 ?? 1;
  const vectorCycles = work.macs / (lanes * share) + work.vectorOps / lanes;
  const traffic = memoryTraffic(
    npu,
    work,
    work.inputBytes + work.kvReadBytes,
    work.outputBytes + work.kvWriteBytes,
    false,
  );
  return {
    cycles: vectorCycles,
    matrixCycles: 0,
    vectorCycles,
    ...traffic,
    weightReadBytes: 0,
    sramBytes: work.inputBytes + work.outputBytes + work.kvReadBytes,
    launchSeconds: npu.launchSeconds,
    utilisation: work.macs / (vectorCycles * npu.peakMacs),
  };
}

/** Grouped convolutions go where they finish first; a depthwise one leaves most of an array idle. */
function convCost(npu: Npu, work: Work, load: MatrixLoad): UnitCost {
  const onMatrix = matrixCost(npu, work, load, false);
  const { form, activationDType } = work;
  if (form.kind !== 'conv') return onMatrix;
  const volumes = form.volume ? npu.kernels?.volumeShare?.[activationDType] : undefined;
  if (volumes !== undefined)
    return onLanes(npu, work, onMatrix, work.macs / ((npu.vectorRates.fp16 ?? 1) * volumes));
  const lanes = npu.vectorRates[activationDType];
  if (lanes === undefined || form.groups === 1) return onMatrix;
  const cycles = (work.macs + laneOps(work)) / lanes;
  return cycles >= onMatrix.cycles ? onMatrix : onLanes(npu, work, onMatrix, cycles);
}

/** The same traffic, and products on the vector lanes. */
function onLanes(npu: Npu, work: Work, onMatrix: UnitCost, cycles: number): UnitCost {
  const rate = npu.matrixRates[work.weightDType][work.activationDType]?.rate ?? 1;
  return {
    ...onMatrix,
    cycles,
    matrixCycles: 0,
    vectorCycles: cycles,
    utilisation: work.macs / (cycles * npu.peakMacs * rate),
  };
}

/** @param serial vector work waits for the products instead of running beside them. */
function matrixCost(npu: Npu, work: Work, load: MatrixLoad, serial: boolean): UnitCost {
  const format = npu.matrixRates[work.weightDType][work.activationDType];
  const rate = rateOf(npu, work);
  // What lies above one is in the depth of the folds already.
  const pace = Math.min(1, rate) * Math.min(1, npu.matrixShare[work.activationDType] ?? 1);
  const arrayCycles = Math.max(arrayTime(load, pace), rowCycles(npu, work, rate));
  const lanes = npu.vectorRates[work.activationDType] ?? npu.vectorRates.fp16 ?? 1;
  const expandPerClock = format?.expand ? (npu.expandPerClock ?? lanes / EXPANSION_OPS) : undefined;
  const path = { expandPerClock, compression: compressionOf(npu, work) };
  const weights = weightCost(path, load.weightFetches, load.weightReadBytes);
  const vectorCycles = laneOps(work) / lanes + weights.expandCycles;
  const traffic = memoryTraffic(npu, work, load.otherReadBytes, load.writeBytes, serial);
  const cycles =
    serial || hasOwnFunction(npu, work)
      ? arrayCycles + vectorCycles
      : Math.max(arrayCycles, vectorCycles, weights.unpackCycles);
  return {
    cycles,
    matrixCycles: load.activeCycles / pace,
    vectorCycles,
    ...traffic,
    readBytes: weights.readBytes + traffic.readBytes,
    weightReadBytes: weights.readBytes,
    sramBytes: load.sramBytes,
    launchSeconds: npu.launchSeconds * operatorsOf(npu, work),
    utilisation: work.macs === 0 ? 0 : work.macs / (cycles * npu.peakMacs * rate),
  };
}

/** Operators that a compiler makes of a product, by how wide its activations are and what follows it. */
function operatorsOf(npu: Npu, work: Work): number {
  const { form, weightDType, activationDType } = work;
  const halved =
    activationDType === 'int16' && weightDType !== 'int16' && form.kind !== 'attention';
  const products = npu.takesApart && halved ? HALVES_AND_SUM : 1;
  return hasOwnFunction(npu, work) ? products + 1 : products;
}

/**
 * Whether the function of a product's results is an operator of its own behind it: that of eight bits is a table in the output stage,
 * while compilers leave others where the graph has them.
 */
function hasOwnFunction({ takesApart }: Npu, work: Work): boolean {
  const { form, activationDType } = work;
  return takesApart && form.kind !== 'attention' && activationDType !== 'int8' && laneOps(work) > 0;
}

/** Weights as they lie in local memory: a decompressor stands before it. */
function unpacked(work: Work): Work {
  const { compression = 1 } = work;
  return compression === 1 ? work : { ...work, weightBytes: work.weightBytes * compression };
}

function compressionOf(npu: Npu, { compression = 1 }: Work): WeightPath['compression'] {
  return compression === 1
    ? undefined
    : { ratio: 1 / compression, bytesPerClock: npu.unpackPerClock };
}

/** Multiply–accumulates per clock and multiplier, those with zeros of pruned weights counted. */
function rateOf(npu: Npu, work: Work): number {
  const format = npu.matrixRates[work.weightDType][work.activationDType];
  return (format?.rate ?? 1) * (work.pruned24 ? npu.sparseGain : 1);
}

/** The array as an operator's formats find it: rates above one make folds deeper. */
function arrayOf(npu: Npu, work: Work): MatrixArray {
  const rate = rateOf(npu, work);
  return rate > 1 ? { ...npu.array, rate } : npu.array;
}

/** Vector operations of a matrix operator beyond what the output stage does on the way out of the accumulators. */
function laneOps({ form, vectorOps }: Work): number {
  if (form.kind === 'attention') return vectorOps;
  const results =
    form.kind === 'conv'
      ? form.batch * form.outHeight * form.outWidth * form.outChannels
      : form.kind === 'matmul'
        ? form.batch * form.m * form.n
        : 0;
  const beyond = Math.max(0, vectorOps - OUTPUT_STAGE_OPS * results);
  return Math.min(beyond, FUNCTION_OPS * results);
}

/** What the runtime's own kernels for one row take, where they are known not to keep up with memory; more rows are no faster. */
function rowCycles(npu: Npu, work: Work, rate: number): number {
  const share = work.weightBytes > 0 ? npu.rowShare[work.weightDType] : undefined;
  const rows = work.form.kind === 'matmul' ? work.form.m : 0;
  return rows > 0 && share !== undefined ? work.macs / rows / (npu.peakMacs * rate * share) : 0;
}

/**
 * Wide operands and poor kernels stretch the streaming of activations, not the loading of stationary tiles:
 * a matrix–vector product, which is all loading, hardly notices.
 */
function arrayTime(load: MatrixLoad, pace: number): number {
  if (pace >= 1) return load.arrayCycles / pace;
  return Math.max(load.arrayCycles, load.activeCycles / pace);
}

/**
 * DRAM bytes beside the weights. An explicit memory keeps whatever part of the activations fits; the key–value cache
 * outlives the operator and always moves.
 * @param spilled scores go through DRAM, so nothing is kept.
 */
function memoryTraffic(npu: Npu, work: Work, read: number, write: number, spilled: boolean) {
  const activations = work.inputBytes + work.outputBytes;
  const kept = spilled || activations === 0 ? 0 : Math.min(1, npu.residentBytes / activations);
  const kvReadBytes = (read * work.kvReadBytes) / (work.inputBytes + work.kvReadBytes || 1);
  const { kvWriteBytes } = work;
  if (kept === 0) return { readBytes: read, writeBytes: write, kvReadBytes, kvWriteBytes };
  return {
    readBytes: kvReadBytes + (1 - kept) * (read - kvReadBytes),
    writeBytes: kvWriteBytes + (1 - kept) * (write - kvWriteBytes),
    kvReadBytes,
    kvWriteBytes,
  };
}

function vectorCost(npu: Npu, work: Work): UnitCost {
  const { form } = work;
  const passes = form.kind === 'vector' ? form.passes : 1;
  const elements = form.kind === 'vector' ? form.elements : 0;
  const read = work.inputBytes + work.weightBytes + work.kvReadBytes;
  const write = work.outputBytes + work.kvWriteBytes;
  // Every pass after the first finds its elements in local memory.
  const again = Math.max(0, passes - 1) * bytesOf(elements, work.activationDType);
  const sramBytes = 2 * (read + write) + again;
  const lanes = npu.vectorRates[work.activationDType] ?? 1;
  const share = laneShare(work, npu.kernels);
  const vectorCycles = form.kind === 'vector' ? work.vectorOps / (lanes * share) : 0;
  const traffic = memoryTraffic(npu, work, read - work.weightBytes, write, false);
  return {
    cycles: Math.max(vectorCycles, (read + write + again) / npu.sramBytesPerClock),
    matrixCycles: 0,
    vectorCycles,
    ...traffic,
    readBytes: work.weightBytes + traffic.readBytes,
    weightReadBytes: work.weightBytes,
    sramBytes,
    launchSeconds: npu.launchSeconds,
    utilisation: 0,
  };
}
