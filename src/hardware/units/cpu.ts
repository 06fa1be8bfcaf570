/**
 * CPU clusters that run one operator together on worker threads.
 *
 * Model    a unit cycle is one clock of all cores in use; speed = Σ wᵢ·fᵢ with wᵢ the cluster's part of the SIMD width,
 *          so work is shared in proportion to speed. Per 128-bit pipe and clock: 4 FP32, 8 FP16, 16 int8 dot or
 *          32 int8 matrix multiply–accumulates. Group scales cost one conversion, one multiply and one add per
 *          four outputs and group; integer weights against float activations run in int8 after dynamic quantisation.
 * Ignores  cache-line conflicts, unequal thread speeds within a cluster, the operating system
 * Valid    1 … all cores; tuned kernels
 * Source   pipes and instructions per core from socs/*.yaml
 * Checked  test/unit/hardware/units/cpu.test.ts, test/contract/units.test.ts
 */
import { BITS_PER_BYTE } from '../../base/units.ts';
import { bytesOf, DTYPE_BITS, type DType, type Packing, type Work } from '../../base/work.ts';
import type { ComputeUnit, MemoryPort, Support, UnitCost } from '../compute-unit.ts';
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
import { allowedClusters, type CoreGroup, coresInUse, macsPerClock, speedOf } from './cpu-cores.ts';
import {
  type Caches,
  type CpuKernel,
  cachesOf,
  functionOps,
  kernelOf,
  measuredShare,
  outputBlock,
  placementCycles,
  serve,
} from './cpu-kernels.ts';
import { supportedStorage } from './formats.ts';
import { laneShare } from './recurrence.ts';
import {
  drivenPort,
  type KernelClass,
  launchOf,
  type UnitCommon,
  type UnitOptions,
} from './unit-options.ts';
import type { CpuKernelsSpec, CpuSpec } from './unit-spec.ts';
import { transformed } from './winograd.ts';

/** Output rows and columns that a register-blocked kernel keeps at once. */
const REGISTER_TILE = 8;
/**
 * Conversion, multiply and add that fold one group's scale into four outputs; with the integer scales of K-quants it is
 * a sum over the vector, multiply and add (ggml_vec_dot_q4_K_q8_K and its like in ggml/src/ggml-cpu/arch/arm/quants.c).
 */
const SCALE_OPS = 3;
/** Multiply–add of a group's minimum with the sum of its inputs, which is known once for all outputs. */
const MINIMUM_OPS = 1;
const OUTPUTS_PER_VECTOR = 4;
/** Columns that ONNX Runtime's SGEMM packs together (MLAS, sgemm.cpp); positions of a sequence become columns. */
const SEQUENCE_PANEL = 16;
/** Find the largest magnitude, scale, round. */
const QUANTISE_OPS = 3;
/**
 * Share of the cycles by which a kernel misses the peak that draw as much as multiply–accumulates do: loads, unpacking
 * and address arithmetic fill issue slots, dependencies and caches leave them empty. Between 0 and 1; the middle taken.
 */
const OTHER_INSTRUCTIONS = 0.5;
/** A group of packed weights carries one scale of this many bits, where nothing is said of it. */
const SCALE_BITS = DTYPE_BITS.fp16;

interface Cpu {
  readonly cores: readonly CoreGroup[];
  readonly matrixShare: number;
  readonly kernelShare: Readonly<Partial<Record<DType, number>>>;
  readonly weightShare: Readonly<Partial<Record<DType, number>>>;
  readonly rowShare: Readonly<Partial<Record<DType, number>>>;
  readonly superblockShare: number;
  readonly quantise: boolean;
  readonly unpackPerRow: boolean;
  readonly winograd: boolean;
  readonly dotPerRow: boolean;
  readonly cache: LocalMemory;
  readonly fusedAttention: boolean;
  readonly launchSeconds: number;
  /** Bits of SIMD all cores in use work on per clock. */
  readonly simdBits: number;
  /** Multiply–accumulates per clock of all cores in use, by format the kernel computes in. */
  readonly macs: Readonly<Record<DType, number>>;
  /** Worker threads, one per core. */
  readonly used: number;
  readonly barrierSeconds: number;
  /** 8×8 int8 matrix instructions. */
  readonly paired: boolean;
  /** Measured quality of the runtime's kernels, where the description has it. */
  readonly kernels: CpuKernelsSpec | undefined;
  readonly caches: Caches | undefined;
  readonly runtime: KernelClass | undefined;
}

export function buildCpu(
  spec: CpuSpec,
  common: UnitCommon,
  options: UnitOptions = {},
): ComputeUnit {
  const cpu = cpuOf(spec, options);
  const speed = speedOf(cpu.cores, options.kernels?.equalParts ?? false);
  return {
    name: common.name,
    kind: spec.kind,
    domains: cpu.cores.map((group) => group.clock),
    port: drivenPort(corePort(common.port, cpu), options),
    speed,
    supports: (work): Support => supportedStorage(spec.operators, work),
    estimate: (work) => estimate(cpu, work),
  };
}

function cpuOf(spec: CpuSpec, options: UnitOptions): Cpu {
  const threads = options.threads ?? spec.threads.is;
  const cores = coresInUse(allowedClusters(spec), threads, options.kernels?.pipes);
  const { integerProducts: integers = 'matrix', outerProducts = false } = options.kernels ?? {};
  const privateBytes = cores.reduce((sum, group) => sum + group.used * group.l2, 0);
  const used = cores.reduce((sum, group) => sum + group.used, 0);
  return {
    cores,
    matrixShare: spec.matrixShare.is,
    kernelShare: options.kernels?.matrixShare ?? {},
    weightShare: options.kernels?.weightShare ?? {},
    rowShare: options.kernels?.rowShare ?? {},
    superblockShare: options.kernels?.superblockShare ?? 1,
    quantise: options.kernels?.quantiseActivations ?? true,
    unpackPerRow: options.kernels?.unpackPerRow ?? false,
    winograd: options.kernels?.winograd ?? false,
    dotPerRow: options.kernels?.dotPerRow ?? false,
    cache: {
      bytes: Math.max(spec.l3.is, privateBytes),
      accumulatorBytes: 0,
      granule: REGISTER_TILE,
    },
    fusedAttention: options.fusedAttention ?? spec.fusedAttention,
    launchSeconds: launchOf(spec.launch.operator.is, options),
    used,
    barrierSeconds: used > 1 ? spec.barrier.is * (options.kernels?.launchScale ?? 1) : 0,
    paired: integers === 'matrix' && cores.some((group) => group.cluster.i8mm),
    kernels: spec.kernels,
    runtime: options.kernels,
    caches: cachesOf(spec, { cores: used, l2Bytes: privateBytes }, options.cachedShare),
    simdBits: cores.reduce((sum, group) => sum + group.used * group.simdPipes * group.simdBits, 0),
    macs: macsPerClock(cores, { integers, outerProducts }),
  };
}

/** Few cores cannot fill the port that all of them share. */
function corePort(port: MemoryPort, cpu: Cpu): MemoryPort {
  const one = cpu.kernels?.coreBandwidth?.is ?? Number.POSITIVE_INFINITY;
  return { ...port, bandwidth: Math.min(port.bandwidth, cpu.used * one) };
}

function estimate(cpu: Cpu, work: Work): UnitCost {
  const { form } = work;
  switch (form.kind) {
    case 'matmul': {
      const gemm = { products: form.batch, m: form.m, n: form.n, k: form.k };
      return productCost(cpu, work, gemm, gemm);
    }
    case 'conv': {
      const fast = cpu.winograd ? transformed(work, form) : undefined;
      if (fast) return productCost(cpu, fast.work, fast.gemm, fast.gemm, fast.transformOps);
      const gemm = convGemm(form);
      const layer = { products: 1, m: gemm.m, n: form.outChannels, k: gemm.k };
      // Where planes are laid out by blocks of channels, sequences are not: there positions fill the lanes.
      const turned = form.line === true && cpu.kernels?.outputBlock !== undefined;
      const panels = SEQUENCE_PANEL * Math.ceil(gemm.m / SEQUENCE_PANEL);
      const shape = turned ? { ...gemm, m: gemm.n, n: panels } : gemm;
      return productCost(cpu, work, shape, layer);
    }
    case 'attention': {
      const fused = cpu.fusedAttention || form.blocked === true;
      const products = form.batch * form.kvHeads;
      const m = attentionRows(form);
      const keys = fused ? attendedKeys(form, REGISTER_TILE) : form.context;
      const format = work.activationDType;
      const kernel = kernelOf(work);
      const arithmetic =
        kernelCycles(cpu, { products, m, n: keys, k: form.headDim }, format, kernel) +
        kernelCycles(cpu, { products, m, n: form.valueDim, k: keys }, format, kernel);
      const traffic = attentionTraffic(cpu.cache, work, form, fused);
      const scores = fused ? 0 : bytesOf(form.batch * form.heads * form.queries * keys, format);
      // Written and read back, before and after the softmax.
      const load = { ...traffic, weightReadBytes: 0, cycles: arithmetic, scratch: 4 * scores };
      return costOf(cpu, work, format, load);
    }
    default:
      return vectorCost(cpu, work);
  }
}

/** @param steps vector operations before and behind the product. */
function productCost(cpu: Cpu, work: Work, gemm: GemmShape, layer: GemmShape, steps = 0): UnitCost {
  const operands = operandsOf(work, layer);
  const tiling = planTiling(operands, cpu.cache);
  const format = computeFormat(cpu, work);
  const quantised = format !== work.activationDType;
  const weights = layer.products * layer.n * layer.k;
  const extraOps = steps + (quantised ? QUANTISE_OPS * layer.products * layer.m * layer.k : 0);
  const plain = kernelCycles(cpu, gemm, format, kernelOf(work));
  const extra = scaleShare(cpu, work, format, weights) + unpackShare(cpu, work, weights);
  const packing = work.superblocks ? cpu.superblockShare : 1;
  const scaled = (plain * (1 + extra)) / packing;
  const row = (rowCycles(cpu, work, format) * (1 + unpackShare(cpu, work, weights))) / packing;
  return costOf(cpu, work, format, {
    cycles: Math.max(scaled, row),
    extraOps,
    readBytes: layer.products * tiling.readBytes + sideBytes(work, layer),
    writeBytes: work.outputBytes + work.kvWriteBytes,
    ...tensorReads(work, layer, operands, tiling),
  });
}

/** Integer weights pull the whole product to int8: float activations are quantised on the fly. */
function computeFormat(cpu: Cpu, work: Work): DType {
  const { weightDType, activationDType } = work;
  if (work.weightBytes === 0 || weightDType === activationDType) return activationDType;
  const integer = weightDType.startsWith('int') && DTYPE_BITS[weightDType] <= BITS_PER_BYTE;
  if (integer && cpu.quantise) return 'int8';
  return DTYPE_BITS[weightDType] > DTYPE_BITS[activationDType] ? weightDType : activationDType;
}

/** Instructions for group scales per multiply–accumulate instruction. */
function scaleShare(cpu: Cpu, work: Work, format: DType, weights: number): number {
  if (format !== 'int8' || work.weightBytes === 0 || work.perChannel) return 0;
  const { scales, minima } = work.packing ?? impliedPacking(work, weights);
  const perInstruction = (cpu.macs.int8 * 128) / cpu.simdBits;
  return ((SCALE_OPS * scales + MINIMUM_OPS * minima) * perInstruction) / OUTPUTS_PER_VECTOR;
}

/** Where only bytes are known: whole bits are elements, and what is left of them scales of half precision. */
function impliedPacking(work: Work, weights: number): Packing {
  const bits = (work.weightBytes * BITS_PER_BYTE) / weights;
  const nominal = Math.min(DTYPE_BITS[work.weightDType], Math.floor(bits));
  const scales = Math.max(0, bits - nominal) / SCALE_BITS;
  return { scales, minima: 0, widths: [{ bits: nominal, share: 1 }] };
}

/**
 * Instructions that put 16 weights together before their dot product, which is one: bytes need none, nibbles about as
 * many as their dot product saves in loads, other widths are gathered from two planes (ggml: vec_dot kernels of K-quants).
 */
const UNPACK: Readonly<Record<number, number>> = { 2: 0.2, 3: 0.4, 5: 0.5, 6: 0.7 };

/**
 * The same for formats that look up four or eight weights at once in a code-book of 256 to 2048 entries and put signs on
 * them, which vector tables cannot hold. With what their scales cost, prompts take as long as measured: 3.6 times as long
 * with IQ3_M as with IQ4_XS (llama.cpp on Armv8.2, one thread: github.com/ikawrakow/ik_llama.cpp issue 308); IQ2_XXS,
 * IQ2_XS and IQ2_M are 1.4, 1.6 and 1.1 times as fast as IQ3_M (M2 Max: github.com/mozilla-ai/llamafile pull request 464),
 * IQ1_M 1.9 times (ik_llama.cpp pull request 553).
 */
const LOOK_UP: Readonly<Record<string, number>> = { iq1: 2.1, iq2: 2.8, iq3: 4.2 };

function unpackShare(cpu: Cpu, work: Work, weights: number): number {
  if (!cpu.unpackPerRow || work.weightBytes === 0) return 0;
  const lookUp = LOOK_UP[work.storage?.slice(0, 3) ?? ''];
  if (lookUp !== undefined) return lookUp;
  const { widths } = work.packing ?? impliedPacking(work, weights);
  return widths.reduce((sum, { bits, share }) => sum + share * (UNPACK[bits] ?? 0), 0);
}

function kernelCycles(cpu: Cpu, gemm: GemmShape, format: DType, kernel: CpuKernel): number {
  const { products, m, n, k } = gemm;
  const alike = format === 'int8' && cpu.dotPerRow;
  // Matrix instructions take two rows at a time; a single row wastes one.
  const paired = format === 'int8' && cpu.paired && !alike;
  const rows = paired && m > 1 ? 2 * Math.ceil(m / 2) : m;
  const single = paired && m === 1 ? 0.5 : 1;
  const measured = measuredShare(cpu.kernels, kernel);
  const reached = measured ?? cpu.matrixShare;
  // Runtimes carry kernels of their own for matrix–vector products; their quality is the bandwidth they reach.
  const quality = m > 1 || alike ? qualityOf(cpu, format, kernel) : 1;
  // Calibrations may say more of formats that no measurement tells about: only a measured kernel tells of other pipes.
  const most = measured === undefined ? 1 : Number.POSITIVE_INFINITY;
  const share = Math.min(most, reached * quality) * single;
  const block = outputBlock(cpu.kernels, kernel, cpu.runtime) ?? OUTPUTS_PER_VECTOR;
  const padded = products * rows * block * Math.ceil(n / block) * k;
  const macs = cpu.macs[format] * share;
  // Threads split output columns, or rows where there are more of them.
  const { used } = cpu;
  const blocks = products * Math.max(Math.ceil(n / REGISTER_TILE), Math.ceil(m / REGISTER_TILE));
  const idle = blocks >= used ? 1 : used / blocks;
  return (padded / macs) * idle;
}

function qualityOf(cpu: Cpu, format: DType, kernel: CpuKernel): number {
  const weights = kernel === 'weights' ? cpu.weightShare[format] : undefined;
  const stem = kernel === 'stem' ? cpu.runtime?.stemShare : undefined;
  return (weights ?? cpu.kernelShare[format] ?? 1) * (stem ?? 1);
}

/** What the runtime's own kernels for one row take, where they are known not to keep up with memory; more rows are no faster. */
function rowCycles(cpu: Cpu, work: Work, format: DType): number {
  const share = work.weightBytes > 0 ? cpu.rowShare[work.weightDType] : undefined;
  const rows = work.form.kind === 'matmul' ? work.form.m : 0;
  return rows > 0 && share !== undefined ? work.macs / rows / (cpu.macs[format] * share) : 0;
}

interface Load {
  /** Of multiply–accumulates, all cores in use together. */
  readonly cycles: number;
  readonly extraOps?: number;
  readonly readBytes: number;
  readonly writeBytes: number;
  readonly weightReadBytes: number;
  readonly kvReadBytes: number;
  /** Written and read again inside the operator, both directions. */
  readonly scratch?: number;
}

function costOf(cpu: Cpu, work: Work, format: DType, load: Load): UnitCost {
  const ops = work.vectorOps + functionOps(cpu.kernels, work) + (load.extraOps ?? 0);
  const vectorCycles = ops / vectorRate(cpu, work.activationDType);
  const busy = load.cycles + vectorCycles + placementCycles(cpu, work);
  return settle(cpu, work, format, { ...load, busy, vectorCycles });
}

function vectorCost(cpu: Cpu, work: Work): UnitCost {
  const { form } = work;
  const elements = form.kind === 'vector' ? form.elements : 0;
  const passes = form.kind === 'vector' ? form.passes : 1;
  const read = work.inputBytes + work.weightBytes + work.kvReadBytes;
  const write = work.outputBytes + work.kvWriteBytes;
  const again = Math.max(0, passes - 1) * bytesOf(elements, work.activationDType);
  const single = cpu.runtime?.singlePrecision?.[work.operator];
  const counted = single === undefined ? work.vectorOps : single * elements;
  const ops = form.kind === 'vector' ? counted + functionOps(cpu.kernels, work) : 0;
  const format = single === undefined ? work.activationDType : 'fp32';
  const vectorCycles = ops / (vectorRate(cpu, format) * laneShare(work, cpu.runtime));
  // Loads and stores move one vector per pipe and clock at best.
  const moveCycles = ((read + write + again) * BITS_PER_BYTE) / cpu.simdBits;
  const busy = Math.max(vectorCycles + placementCycles(cpu, work), moveCycles);
  return settle(cpu, work, work.activationDType, {
    cycles: 0,
    vectorCycles,
    busy,
    readBytes: read,
    writeBytes: write,
    weightReadBytes: work.weightBytes,
    kvReadBytes: work.kvReadBytes,
    again,
  });
}

/** Operations per clock of all cores in use. */
function vectorRate(cpu: Cpu, format: DType): number {
  const bits = laneBits(format);
  const measured = cpu.kernels?.vectorOps;
  return measured ? (measured.is * cpu.used * DTYPE_BITS.fp32) / bits : cpu.simdBits / bits;
}

interface Settled extends Load {
  readonly busy: number;
  readonly vectorCycles: number;
  /** Later passes over the same elements. */
  readonly again?: number;
}

/** Serves the traffic from caches and spreads the cycles over threads. */
function settle(cpu: Cpu, work: Work, format: DType, load: Settled): UnitCost {
  const service = cpu.caches && serve(cpu.caches, work, load.scratch ?? 0);
  const wanted = Math.max(load.busy, service?.cycles ?? 0) + (service?.stallCycles ?? 0);
  const alone = work.form.kind === 'move' && work.form.serial === true;
  const long = wanted * cpu.used >= (cpu.kernels?.splitCycles?.is ?? 0);
  const split = cpu.used > 1 && !alone && long;
  const cycles = split ? wanted / (cpu.kernels?.threadShare?.is ?? 1) : wanted * cpu.used;
  const weights = Math.min(load.readBytes, work.weightBytes);
  const kv = Math.min(load.readBytes - weights, load.kvReadBytes);
  const miss = service?.missShare ?? 1;
  const lost = service?.lostShare ?? 1;
  const useful = work.macs / cpu.macs[format];
  return {
    cycles,
    matrixCycles: useful + OTHER_INSTRUCTIONS * Math.max(load.cycles - useful, 0),
    vectorCycles: load.vectorCycles,
    readBytes: lost * (weights + kv) + miss * (load.readBytes - weights - kv),
    writeBytes: miss * load.writeBytes,
    weightReadBytes: lost * weights + miss * (load.weightReadBytes - weights),
    kvReadBytes: lost * load.kvReadBytes,
    kvWriteBytes: miss * work.kvWriteBytes,
    sramBytes: load.readBytes + load.writeBytes + (load.again ?? 0),
    launchSeconds: cpu.launchSeconds + (split ? cpu.barrierSeconds : 0),
    utilisation: useful > 0 ? useful / cycles : 0,
  };
}

/** SIMD arithmetic has no lanes below a byte. */
function laneBits(dtype: DType): number {
  return Math.max(BITS_PER_BYTE, DTYPE_BITS[dtype]);
}
