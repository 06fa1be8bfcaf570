import { describe, expect, it } from 'vitest';
import { buildNpu } from '../../../../src/hardware/units/npu.ts';
import type { UnitOptions } from '../../../../src/hardware/units/unit-options.ts';
import type { NpuSpec } from '../../../../src/hardware/units/unit-spec.ts';
import {
  attention,
  common,
  conv,
  hexagon,
  matmul,
  move,
  vector,
} from '../../../support/phone-units.ts';

const build = (options: UnitOptions = {}, spec: NpuSpec = hexagon) =>
  buildNpu(spec, common('npu', 'npu'), options);
const PEAK = 4 * 64 * 64;

/** Four engines of 64 columns that take those of one product at a time. */
const wide: NpuSpec = {
  ...hexagon,
  matrix: {
    ...hexagon.matrix,
    leastColumns: { is: 256, from: 'test', trust: 'estimated' as const },
  },
};
/** A projection to 32 heads of 64, as layers of 1 B parameters have it. */
const headed = (heads?: number, outputs = 2048) => {
  const work = matmul(512, outputs, 2048);
  const { form } = work;
  if (form.kind !== 'matmul' || heads === undefined) return work;
  return { ...work, form: { ...form, heads } };
};

describe('projections of attention heads', () => {
  it('leave what is wider than a head idle where graphs have one for each', () => {
    const split = build({ kernels: { splitHeads: true } }, wide);
    const whole = split.estimate(headed());
    const parts = split.estimate(headed(32));
    // 64 of 256 columns.
    expect(parts.cycles / whole.cycles).toBeCloseTo(4, 1);
    expect(parts.readBytes).toBe(whole.readBytes);
    // Heads as wide as the engines lose nothing, wider ones what they are short of a multiple.
    expect(split.estimate(headed(8)).cycles / whole.cycles).toBeCloseTo(1, 2);
    expect(split.estimate(headed(4, 1536)).cycles / whole.cycles).toBeCloseTo(1, 2);
  });

  it('are one product elsewhere', () => {
    const whole = build().estimate(headed());
    expect(build({}, wide).estimate(headed(32))).toEqual(whole);
    expect(build({ kernels: { splitHeads: true } }).estimate(headed(32))).toEqual(whole);
  });
});

describe('NPU', () => {
  it('comes close to its peak on a large product', () => {
    const cost = build().estimate(matmul(1024, 4096, 4096));
    expect(cost.utilisation).toBeGreaterThan(0.98);
    expect(cost.cycles).toBeCloseTo((1024 * 4096 * 4096) / PEAK / cost.utilisation, 3);
  });

  it('is honest about a single token: a few percent of the array, all of the weights', () => {
    const work = matmul(1, 4096, 4096);
    const cost = build().estimate(work);
    // Each of 4096 blocks of 64 × 64 weights takes 64 cycles to load and one to use.
    expect(cost.utilisation).toBeCloseTo(1 / 64, 3);
    expect(cost.readBytes).toBe(work.weightBytes + work.inputBytes);
    // At 45 GB/s and 1.373 GHz the weights take longer than the array.
    expect(cost.readBytes / 45e9).toBeGreaterThan(cost.cycles / 1.373e9);
  });

  it('counts the matrix engine as busy only while operands stream', () => {
    const one = build().estimate(matmul(1, 4096, 4096));
    // One cycle per 64 × 64 block on four engines.
    expect(one.matrixCycles).toBe((64 * 64) / 4);
    const many = build().estimate(matmul(1024, 4096, 4096));
    expect(many.matrixCycles / many.cycles).toBeGreaterThan(0.98);
  });

  it('runs each pair of formats at its rate', () => {
    const npu = build();
    const int8 = npu.estimate(matmul(1024, 4096, 4096));
    const w4a16 = npu.estimate(matmul(1024, 4096, 4096, { weight: 'int4', activation: 'int16' }));
    const fp16 = npu.estimate(matmul(1024, 4096, 4096, { weight: 'fp16', activation: 'fp16' }));
    expect(w4a16.cycles / int8.cycles).toBeCloseTo(1 / 0.5, 2);
    expect(fp16.cycles / int8.cycles).toBeCloseTo(1 / 0.275, 2);
  });

  it('expands weights of formats the array does not take', () => {
    const work = matmul(1, 4096, 4096, { weight: 'int4', activation: 'int8' });
    const lanes = build().estimate(work);
    // Two operations per weight on 512 lanes.
    expect(lanes.vectorCycles).toBe((2 * 4096 * 4096) / 512);
    const spec = {
      ...hexagon,
      dequantisation: { is: 64, from: 'test', trust: 'estimated' as const },
    };
    expect(build({}, spec).estimate(work).vectorCycles).toBe((4096 * 4096) / 64);
    const native = {
      ...hexagon.matrix,
      rates: { ...hexagon.matrix.rates, w4a8: hexagon.matrix.rates['int8']! },
    };
    expect(build({}, { ...hexagon, matrix: native }).estimate(work).vectorCycles).toBe(0);
  });

  it('is refused with local memory below one tile of its array', () => {
    const sized = (size: number) => {
      const sram = { ...hexagon.sram, size: { ...hexagon.sram.size, is: size } };
      return () => build({}, { ...hexagon, sram });
    };
    // 64 × 64: two tiles of each operand at a byte, and four bytes for each sum.
    const least = (2 + 2 + 4) * 64 * 64;
    expect(sized(least)).not.toThrow();
    expect(sized(least - 1)).toThrow(
      /one tile of the array does not fit in local memory of the NPU/,
    );
  });

  it('gains from weights pruned 2:4, on the array only', () => {
    const work = matmul(1024, 4096, 4096);
    const dense = build().estimate(work);
    const sparse = build().estimate({ ...work, pruned24: true });
    // Loading the first tile, and leaving the array, take as long as before.
    const fixed = 64 + 64 + 64 - 2;
    expect((dense.cycles - fixed) / (sparse.cycles - fixed)).toBeCloseTo(2, 12);
    // An engine without a path for them multiplies by the zeros too.
    const { sparsity: _, ...matrix } = hexagon.matrix;
    const plain = build({}, { ...hexagon, matrix });
    expect(plain.estimate({ ...work, pruned24: true })).toEqual(plain.estimate(work));
  });

  it('reads compressed weights and is limited by the decompressor', () => {
    const work = matmul(1, 4096, 4096);
    const plain = build().estimate(work);
    const packed = build().estimate({
      ...work,
      weightBytes: 0.8 * work.weightBytes,
      compression: 1.25,
    });
    expect(plain.readBytes - packed.readBytes).toBeCloseTo(0.2 * work.weightBytes, 6);
    expect(packed.cycles).toBeCloseTo(Math.max(plain.cycles, work.weightBytes / 64), 6);
    // Beyond the decompressor weights lie as ever: local memory is fed as much.
    expect(packed.sramBytes).toBeCloseTo(plain.sramBytes, 6);
  });

  it('puts a depthwise convolution where it is less slow', () => {
    const work = conv({ groups: 64 });
    const cost = build().estimate(work);
    // 512 lanes beat the 256 multipliers that a diagonal of four 64-wide arrays leaves in use.
    expect(cost.matrixCycles).toBe(0);
    expect(cost.cycles).toBe(work.macs / 512);
    expect(cost.utilisation).toBeCloseTo(512 / PEAK, 6);
    expect(build().estimate(conv({})).matrixCycles).toBeGreaterThan(0);
  });

  it('overlaps softmax with products when fused, and waits for it otherwise', () => {
    const work = attention({ queries: 512, context: 512 });
    const fused = build().estimate(work);
    const apart = build({ fusedAttention: false }).estimate(work);
    expect(fused.cycles).toBeLessThan(fused.matrixCycles + fused.vectorCycles);
    expect(apart.cycles).toBeGreaterThanOrEqual(apart.matrixCycles + apart.vectorCycles);
    expect(apart.readBytes).toBeGreaterThan(fused.readBytes);
  });

  it('moves bytes no faster than local memory does', () => {
    const cost = build().estimate(move(1024 * 1024));
    expect(cost.cycles).toBe((2 * 1024 * 1024) / 512);
    expect([cost.matrixCycles, cost.vectorCycles, cost.utilisation]).toEqual([0, 0, 0]);
  });

  it('runs vector work on its lanes', () => {
    // 20 operations on each of a million halves: 256 lanes.
    expect(build().estimate(vector(1_000_000, 20)).cycles).toBe((20 * 1_000_000) / 256);
  });

  it('keeps activations on chip between operators as far as they fit', () => {
    const resident = { is: 0.5, from: 'test', trust: 'estimated' as const };
    const keeping = { ...hexagon, sram: { ...hexagon.sram, resident } };
    const small = matmul(128, 4096, 4096);
    // One megabyte in and out: the weights alone move.
    expect(build({}, keeping).estimate(small).readBytes).toBe(small.weightBytes);
    expect(build({}, keeping).estimate(small).writeBytes).toBe(0);
    // Four of eight megabytes in and eight out stay: a third.
    const large = matmul(2048, 2048, 4096);
    const apart = build().estimate(large).writeBytes;
    expect(build({}, keeping).estimate(large).writeBytes / apart).toBeCloseTo(2 / 3, 9);
    // The cache is read, and what is new of it written, whatever fits.
    const decode = attention({ queries: 1, context: 512 });
    const cost = build({}, keeping).estimate(decode);
    expect(cost.readBytes).toBeCloseTo(decode.kvReadBytes, -4);
    expect(cost.writeBytes).toBe(decode.kvWriteBytes);
    const scale = { ...vector(4096), weightBytes: 8192 };
    expect(build({}, keeping).estimate(scale)).toMatchObject({ readBytes: 8192, writeBytes: 0 });
  });

  it('slows down by the quality of a runtime’s kernels', () => {
    const work = matmul(512, 512, 512);
    const half = build({ kernels: { matrixShare: { int8: 0.5 }, dispatchSeconds: 0.001 } });
    // A product of 512³ streams for 512³ ÷ 16384 cycles at full rate, twice as long here.
    expect(half.estimate(work).cycles).toBeCloseTo((2 * 512 ** 3) / 16384, 9);
    expect(half.estimate(work).launchSeconds).toBe(0.001);
    const narrow = build({ kernels: { bandwidthShare: 0.25 } });
    expect(narrow.port.bandwidth).toBe(build().port.bandwidth / 4);
  });

  it('loads a matrix–vector product’s weights no slower for wide operands or poor kernels', () => {
    const vector = matmul(1, 4096, 4096);
    const poor = build({ kernels: { matrixShare: { int8: 0.5 } } });
    expect(poor.estimate(vector).cycles).toBe(build().estimate(vector).cycles);
  });

  it('says what it cannot run and why', () => {
    const npu = build({}, { ...hexagon, operators: { except: ['Conv'] } });
    expect(npu.supports(conv({}))).toEqual({
      ok: false,
      reason: 'no kernel for Conv',
      lever: 'Conv out of operators.except',
    });
    expect(npu.supports(matmul(1, 1, 1))).toEqual({ ok: true });
    const doubles = npu.supports(matmul(1, 1, 1, { weight: 'fp64', activation: 'fp64' }));
    expect(doubles).toEqual({
      ok: false,
      reason: 'no matrix arithmetic for fp64 weights and fp64 activations',
      lever: 'a matrix rate for fp64',
    });
    expect(npu.supports(vector(1, 1, 1, 'fp64')).ok).toBe(false);
    expect(npu.supports(move(1)).ok).toBe(true);
  });
});
