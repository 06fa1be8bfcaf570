/** Units of the Snapdragon 8 Gen 3 class, and works to cost on them; shared by unit, contract and validation tests. */
import { KIBI } from '../../src/base/units.ts';
import { bytesOf, type DType, type Work, type WorkForm } from '../../src/base/work.ts';
import type { UnitCommon } from '../../src/hardware/units/unit-options.ts';
import {
  type CpuSpec,
  cpuSpec,
  type GpuSpec,
  gpuSpec,
  type NpuSpec,
  npuSpec,
} from '../../src/hardware/units/unit-spec.ts';

const from = (is: unknown) => ({ is, from: 'test', trust: 'estimated' });

/**
 * 4 × 64 × 64 int8 multipliers. Half precision as measured on a OnePlus 12 (12.03 TFLOPS, arXiv 2509.23324); 16-bit
 * activations take two passes (AI Hub's CNNs run 0.53 times as fast with 16-bit as with 8-bit activations).
 */
export const hexagon: NpuSpec = npuSpec.parse({
  kind: 'npu',
  matrix: {
    engines: from(4),
    rows: from(64),
    columns: from(64),
    dataflow: from('weight-stationary'),
    rates: { int8: from(1), fp16: from(0.275), w8a16: from(0.5), w4a16: from(0.5) },
    sparsity: from(2),
  },
  vector: { opsPerClock: { int8: from(512), fp16: from(256), fp32: from(128) } },
  decompressor: { bytesPerClock: from(64) },
  sram: { size: from('8 MiB'), bytesPerClock: from(512) },
  launch: { operator: from('5 us') },
});

export const adreno: GpuSpec = gpuSpec.parse({
  kind: 'gpu',
  cores: from(6),
  fmaPerClock: from(256),
  rates: { fp32: from(1), fp16: from(2), int8: from(4) },
  waveSize: from(128),
  wavesPerCore: from(16),
  matrixShare: from(0.3),
  l2: { size: from('1 MiB'), bytesPerClock: from(512) },
  launch: { operator: from('20 us') },
});

const core = (name: string, count: number, clock: string, pipes: number, l2: string) => ({
  name,
  core: name,
  count: from(count),
  clock,
  simdPipes: from(pipes),
  simdBits: from(128),
  l2: from(l2),
});

export const kryo: CpuSpec = cpuSpec.parse({
  kind: 'cpu',
  clusters: [
    core('little', 2, 'cpu0', 1, '512 KiB'),
    core('middle', 2, 'cpu1', 2, '512 KiB'),
    core('big', 3, 'cpu2', 2, '512 KiB'),
    core('prime', 1, 'cpu3', 4, '2 MiB'),
  ],
  l3: from('12 MiB'),
  threads: from(6),
  barrier: from('5 us'),
  matrixShare: from(0.6),
  launch: { operator: from('1 us') },
});

export const NPU_HERTZ = 1_373_000_000;
export const GPU_HERTZ = 903_000_000;

export function common(name: string, domain: string): UnitCommon {
  return {
    name,
    domains: [domain],
    port: { bandwidth: 68_200_000_000, outstandingBytes: 16 * KIBI },
  };
}

/** A work whose bytes are exactly its tensors'. */
export function matmul(
  m: number,
  n: number,
  k: number,
  formats: { weight?: DType; activation?: DType; batch?: number; weightBytes?: number } = {},
): Work {
  const { weight = 'int8', activation = 'int8', batch = 1 } = formats;
  return {
    operator: 'MatMul',
    form: { kind: 'matmul', batch, m, n, k },
    macs: batch * m * n * k,
    vectorOps: 0,
    weightDType: weight,
    activationDType: activation,
    weightBytes: formats.weightBytes ?? bytesOf(batch * n * k, weight),
    inputBytes: bytesOf(batch * m * k, activation),
    outputBytes: bytesOf(batch * m * n, activation),
    kvReadBytes: 0,
    kvWriteBytes: 0,
  };
}

export function conv(
  form: Partial<Extract<WorkForm, { kind: 'conv' }>>,
  dtype: DType = 'int8',
): Work {
  const full = {
    kind: 'conv' as const,
    batch: 1,
    outHeight: 32,
    outWidth: 32,
    outChannels: 64,
    inChannels: 64,
    kernelHeight: 3,
    kernelWidth: 3,
    strideHeight: 1,
    strideWidth: 1,
    groups: 1,
    ...form,
  };
  const pixels = full.batch * full.outHeight * full.outWidth;
  const weights =
    (full.outChannels * full.kernelHeight * full.kernelWidth * full.inChannels) / full.groups;
  const inputs = pixels * full.strideHeight * full.strideWidth * full.inChannels;
  return {
    operator: 'Conv',
    form: full,
    macs: pixels * weights,
    vectorOps: 0,
    weightDType: dtype,
    activationDType: dtype,
    weightBytes: bytesOf(weights, dtype),
    inputBytes: bytesOf(inputs, dtype),
    outputBytes: bytesOf(pixels * full.outChannels, dtype),
    kvReadBytes: 0,
    kvWriteBytes: 0,
  };
}

export function attention(
  form: Partial<Extract<WorkForm, { kind: 'attention' }>>,
  dtype: DType = 'fp16',
): Work {
  const full = {
    kind: 'attention' as const,
    batch: 1,
    heads: 32,
    kvHeads: 32,
    queries: 128,
    context: 128,
    headDim: 128,
    valueDim: 128,
    causal: true,
    ...form,
  };
  const { batch, heads, kvHeads, queries, context, headDim, valueDim } = full;
  const keys = full.causal ? context - (queries - 1) / 2 : context;
  const scores = batch * heads * queries * keys;
  return {
    operator: 'GroupQueryAttention',
    form: full,
    macs: scores * (headDim + valueDim),
    vectorOps: 5 * scores,
    weightDType: dtype,
    activationDType: dtype,
    weightBytes: 0,
    inputBytes: bytesOf(batch * heads * queries * headDim, dtype),
    outputBytes: bytesOf(batch * heads * queries * valueDim, dtype),
    kvReadBytes: bytesOf(batch * kvHeads * context * (headDim + valueDim), dtype),
    kvWriteBytes: bytesOf(batch * kvHeads * queries * (headDim + valueDim), dtype),
  };
}

export function vector(elements: number, ops = 4, passes = 1, dtype: DType = 'fp16'): Work {
  return {
    operator: 'Softmax',
    form: { kind: 'vector', elements, passes },
    macs: 0,
    vectorOps: elements * ops,
    weightDType: dtype,
    activationDType: dtype,
    weightBytes: 0,
    inputBytes: bytesOf(elements, dtype),
    outputBytes: bytesOf(elements, dtype),
    kvReadBytes: 0,
    kvWriteBytes: 0,
  };
}

export function move(bytes: number): Work {
  return {
    operator: 'Transpose',
    form: { kind: 'move' },
    macs: 0,
    vectorOps: 0,
    weightDType: 'fp16',
    activationDType: 'fp16',
    weightBytes: 0,
    inputBytes: bytes,
    outputBytes: bytes,
    kvReadBytes: 0,
    kvWriteBytes: 0,
  };
}
