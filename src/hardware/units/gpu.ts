/**
 * A mobile GPU without matrix units: shader cores that run tiled kernels in waves.
 *
 * Model    time of the fullest core: tiles are dealt to cores whole, and fewer resident waves than hide latency
 *          stretch them; cycles = max(arithmetic ÷ achievable share, L2 traffic ÷ L2 width)
 *          arithmetic = padded multiply–accumulates + unpacking of packed weights per tile row + vector operations
 * Ignores  smaller tiles and split reductions that would fill idle cores: with a choice of them networks under ncnn on
 *          five phone GPUs (vision.csv, spread of ln predicted ÷ measured 0.44 against 0.40) and short prompts of
 *          language models (prefill 10.8 % off against 9.7 %) are predicted worse, small layers being slow;
 *          register spills, texture-cache hit rates beyond tile reuse, clock-gated cores
 * Valid    compute kernels alone on the GPU
 * Source   core counts, rates and shares from socs/*.yaml
 * Checked  test/unit/hardware/units/gpu.test.ts, test/contract/units.test.ts
 */
import { bytesOf, type DType, type Work } from '../../base/work.ts';
import type { ComputeUnit, UnitCost } from '../compute-unit.ts';
import { attentionTraffic } from '../npu/attention.ts';
import type { GemmShape } from '../npu/folds.ts';
import {
  attendedKeys,
  attentionRows,
  convGemm,
  operandsOf,
  sideBytes,
  tensorReads,
} from '../npu/gemm-view.ts';
import { type LocalMemory, planTiling } from '../npu/tiling.ts';
import {
  buildFormatRates,
  buildVectorRates,
  type FormatRates,
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
import type { GpuSpec } from './unit-spec.ts';
import { type Transformed, transformed } from './winograd.ts';

/** Work-group tile of a GEMM where the description gives none: what mobile kernels use, 32 outputs per work item. */
const TILE_EDGE = 64;
const OUTPUTS_PER_ITEM = 32;
/** Elements of an element-wise kernel per work item: one 128-bit vector of halves is eight. */
const ELEMENTS_PER_ITEM = 8;
/** Masking, shifting and scaling one packed weight. */
const UNPACK_OPS = 2;

interface Gpu {
  readonly cores: number;
  readonly fmaPerClock: number;
  readonly waveSize: number;
  readonly wavesPerCore: number;
  readonly tileRows: number;
  readonly tileColumns: number;
  readonly matrixRates: FormatRates;
  readonly vectorRates: Readonly<Record<DType, number | undefined>>;
  readonly matrixShare: number;
  readonly kernelShare: Readonly<Partial<Record<DType, number>>>;
  readonly rowShare: Readonly<Partial<Record<DType, number>>>;
  readonly superblockShare: number;
  readonly cache: LocalMemory;
  readonly cacheBytesPerClock: number;
  readonly fusedAttention: boolean;
  readonly launchSeconds: number;
  readonly winograd: boolean;
  readonly kernels: KernelClass | undefined;
}

export function buildGpu(
  spec: GpuSpec,
  common: UnitCommon,
  options: UnitOptions = {},
): ComputeUnit {
  const gpu = gpuOf(spec, options);
  return {
    name: common.name,
    kind: spec.kind,
    domains: common.domains,
    port: drivenPort(common.port, options),
    speed: (frequencies) => frequencies[0] ?? 0,
    supports: (work) => {
      const listed = supportedStorage(spec.operators, work);
      return listed.ok ? supportedFormat(work, gpu.matrixRates, gpu.vectorRates) : listed;
    },
    estimate: (work) => estimate(gpu, work),
  };
}

function gpuOf(spec: GpuSpec, options: UnitOptions): Gpu {
  const tileRows = spec.tile?.rows.is ?? TILE_EDGE;
  const tileColumns = spec.tile?.columns.is ?? TILE_EDGE;
  return {
    cores: spec.cores.is,
    fmaPerClock: spec.fmaPerClock.is,
    waveSize: spec.waveSize.is,
    wavesPerCore: spec.wavesPerCore.is,
    tileRows,
    tileColumns,
    matrixRates: buildFormatRates(spec.rates),
    vectorRates: buildVectorRates(spec.rates),
    matrixShare: spec.matrixShare.is,
    kernelShare: options.kernels?.matrixShare ?? {},
    rowShare: options.kernels?.rowShare ?? {},
    superblockShare: options.kernels?.superblockShare ?? 1,
    cache: {
      bytes: spec.l2.size.is,
      accumulatorBytes: 0,
      granule: Math.max(tileRows, tileColumns),
    },
    cacheBytesPerClock: Math.min(
      spec.l2.bytesPerClock.is,
      spec.texture?.bytesPerClock.is ?? Number.POSITIVE_INFINITY,
    ),
    fusedAttention: options.fusedAttention ?? spec.fusedAttention,
    launchSeconds: launchOf(spec.launch.operator.is, options),
    winograd: options.kernels?.winograd ?? false,
    kernels: options.kernels,
  };
}

function estimate(gpu: Gpu, work: Work): UnitCost {
  const { form } = work;
  switch (form.kind) {
    case 'matmul': {
      const gemm = { products: form.batch, m: form.m, n: form.n, k: form.k };
      return productCost(gpu, work, gemm, gemm);
    }
    case 'conv': {
      const fast = gpu.winograd ? transformed(work, form) : undefined;
      if (fast) return winogradCost(gpu, fast);
      const gemm = convGemm(form);
      const layer = { products: 1, m: gemm.m, n: form.outChannels, k: gemm.k };
      return productCost(gpu, work, gemm, layer);
    }
    case 'attention': {
      const { fusedAttention: fused } = gpu;
      const products = form.batch * form.kvHeads;
      const m = attentionRows(form);
      const keys = fused ? attendedKeys(form, gpu.tileRows) : form.context;
      const arithmetic =
        kernelCycles(gpu, work, { products, m, n: keys, k: form.headDim }) +
        kernelCycles(gpu, work, { products, m, n: form.valueDim, k: keys });
      const traffic = attentionTraffic(gpu.cache, work, form, fused);
      const cacheBytes =
        Math.ceil(m / gpu.tileRows) * traffic.keyValueBytes +
        traffic.readBytes +
        traffic.writeBytes;
      return costOf(gpu, work, arithmetic, 0, cacheBytes, { ...traffic, weightReadBytes: 0 });
    }
    default:
      return asChained(vectorCost(gpu, work), work, gpu.kernels);
  }
}

/** @param layer the product that is tiled for traffic: all groups of a convolution together. */
function productCost(gpu: Gpu, work: Work, gemm: GemmShape, layer: GemmShape): UnitCost {
  const operands = operandsOf(work, layer);
  const tiling = planTiling(operands, gpu.cache);
  const rowBlocks = Math.ceil(layer.m / gpu.tileRows);
  const columnBlocks = Math.ceil(gemm.n / gpu.tileColumns);
  const format = gpu.matrixRates[work.weightDType][work.activationDType];
  const packed = format?.expand && work.weightBytes > 0;
  const unpack = packed ? UNPACK_OPS * layer.products * layer.n * layer.k * rowBlocks : 0;
  const side = sideBytes(work, layer);
  const write = work.outputBytes + work.kvWriteBytes;
  const cacheBytes =
    layer.products * (operands.inputBytes * columnBlocks + operands.weightBytes * rowBlocks) +
    side +
    write;
  const read = layer.products * tiling.readBytes + side;
  const cycles = Math.max(kernelCycles(gpu, work, gemm), rowCycles(gpu, work));
  return costOf(gpu, work, cycles, unpack, cacheBytes, {
    readBytes: read,
    writeBytes: write,
    ...tensorReads(work, layer, operands, tiling),
  });
}

/** Kernels of their own transform inputs and results, and hand them on through memory. */
const WINOGRAD_KERNELS = 3;

function winogradCost(gpu: Gpu, { work, gemm, transformOps, scratchElements }: Transformed) {
  const steps = { ...work, vectorOps: work.vectorOps + transformOps };
  const cost = productCost(gpu, steps, gemm, gemm);
  const scratch = bytesOf(scratchElements, work.activationDType) / 2;
  return {
    ...cost,
    readBytes: cost.readBytes + scratch,
    writeBytes: cost.writeBytes + scratch,
    launchSeconds: WINOGRAD_KERNELS * cost.launchSeconds,
  };
}

/** What the runtime's own kernels for one row take, where they are known not to keep up with memory; more rows are no faster. */
function rowCycles(gpu: Gpu, work: Work): number {
  const share = work.weightBytes > 0 ? gpu.rowShare[work.weightDType] : undefined;
  if (share === undefined || work.form.kind !== 'matmul') return 0;
  const rate = gpu.matrixRates[work.weightDType][work.activationDType]?.rate ?? 1;
  return (
    work.macs / work.form.m / (gpu.cores * gpu.fmaPerClock * rate * share * packing(gpu, work))
  );
}

function packing(gpu: Gpu, work: Work): number {
  return work.superblocks ? gpu.superblockShare : 1;
}

function costOf(
  gpu: Gpu,
  work: Work,
  matrixCycles: number,
  unpackOps: number,
  cacheBytes: number,
  traffic: Pick<UnitCost, 'readBytes' | 'writeBytes' | 'weightReadBytes' | 'kvReadBytes'>,
): UnitCost {
  const lanes = gpu.cores * gpu.fmaPerClock * (gpu.vectorRates[work.activationDType] ?? 1);
  const vectorCycles = (unpackOps + work.vectorOps) / lanes;
  const cycles = Math.max(matrixCycles + vectorCycles, cacheBytes / gpu.cacheBytesPerClock);
  const rate = gpu.matrixRates[work.weightDType][work.activationDType]?.rate ?? 1;
  // Power follows the arithmetic done: pipes that wait for operands or run empty lanes do not switch.
  const switching = work.macs / (gpu.cores * gpu.fmaPerClock * rate);
  return {
    cycles,
    matrixCycles: switching,
    vectorCycles,
    readBytes: traffic.readBytes,
    writeBytes: traffic.writeBytes,
    weightReadBytes: traffic.weightReadBytes,
    kvReadBytes: traffic.kvReadBytes,
    kvWriteBytes: work.kvWriteBytes,
    sramBytes: cacheBytes,
    launchSeconds: gpu.launchSeconds,
    utilisation: switching > 0 ? switching / cycles : 0,
  };
}

/** Cycles of the fullest core, its waves included. */
function kernelCycles(gpu: Gpu, work: Work, gemm: GemmShape): number {
  const { products, m, n, k } = gemm;
  // Libraries carry kernels for few rows and few columns; the tile shrinks to the next power of two.
  const rows = Math.min(gpu.tileRows, nextPowerOfTwo(m));
  const columns = Math.min(gpu.tileColumns, nextPowerOfTwo(n));
  const tiles = products * Math.ceil(m / rows) * Math.ceil(n / columns);
  if (tiles === 0) return 0;
  // A kernel with few outputs splits its reduction over the work items of a wave instead.
  const items = Math.max((rows * columns) / OUTPUTS_PER_ITEM, Math.min(gpu.waveSize, k));
  const waves = Math.ceil(items / gpu.waveSize);
  const perCore = Math.ceil(tiles / gpu.cores);
  const stretch = Math.max(1, gpu.wavesPerCore / (perCore * waves));
  const format = gpu.matrixRates[work.weightDType][work.activationDType];
  // Runtimes carry kernels of their own for matrix–vector products; their quality is the bandwidth they reach.
  const quality = m > 1 ? (gpu.kernelShare[work.activationDType] ?? 1) : 1;
  const share = Math.min(1, gpu.matrixShare * quality) * packing(gpu, work);
  const macsPerClock = gpu.fmaPerClock * (format?.rate ?? 1) * share;
  // Latency bounds a lone wave, not the work it shares with others: never slower than one core alone.
  const fullest = (perCore * rows * columns * k * stretch) / macsPerClock;
  return Math.min(fullest, (tiles * rows * columns * k) / macsPerClock);
}

function vectorCost(gpu: Gpu, work: Work): UnitCost {
  const { form } = work;
  const elements = form.kind === 'vector' ? form.elements : 0;
  const passes = form.kind === 'vector' ? form.passes : 1;
  const read = work.inputBytes + work.weightBytes + work.kvReadBytes;
  const write = work.outputBytes + work.kvWriteBytes;
  const again = Math.max(0, passes - 1) * bytesOf(elements, work.activationDType);
  const waves = Math.max(1, Math.ceil(elements / ELEMENTS_PER_ITEM / gpu.waveSize));
  const occupancy = Math.min(1, waves / (gpu.cores * gpu.wavesPerCore));
  const lanes = gpu.cores * gpu.fmaPerClock * (gpu.vectorRates[work.activationDType] ?? 1);
  const share = occupancy * laneShare(work, gpu.kernels);
  const vectorCycles = form.kind === 'vector' ? work.vectorOps / (lanes * share) : 0;
  return {
    cycles: Math.max(vectorCycles, (read + write + again) / gpu.cacheBytesPerClock),
    matrixCycles: 0,
    vectorCycles,
    readBytes: read,
    writeBytes: write,
    weightReadBytes: work.weightBytes,
    kvReadBytes: work.kvReadBytes,
    kvWriteBytes: work.kvWriteBytes,
    sramBytes: read + write + again,
    launchSeconds: gpu.launchSeconds,
    utilisation: 0,
  };
}

function nextPowerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}
