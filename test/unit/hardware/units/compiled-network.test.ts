/** What measurements of whole networks say of an NPU applies to engines that compile networks, and to no other. */
import { describe, expect, it } from 'vitest';
import type { Work } from '../../../../src/base/work.ts';
import { withValues } from '../../../../src/calibration/device/vision-fit.ts';
import { parseSoc } from '../../../../src/hardware/soc-spec.ts';
import { buildUnit } from '../../../../src/hardware/units/index.ts';
import type { KernelClass } from '../../../../src/hardware/units/unit-options.ts';
import {
  attentionWork,
  convWork,
  matmulWork,
  vectorWork,
} from '../../../../src/workload/operator-cost.ts';
import { sources } from '../../../support/sources.ts';

const written = parseSoc(sources.soc('snapdragon-8-gen-3')).units['npu']!;
const fp16 = sources.tables.formats['fp16']!;
const int8 = sources.tables.formats['int8-per-channel']!;
const port = { bandwidth: 60e9, outstandingBytes: 5000 };
const build = (kernels: KernelClass, values: Readonly<Record<string, number>> = {}) =>
  buildUnit(
    withValues(written, Object.keys(values), Object.values(values)),
    { name: 'npu', domains: ['npu'], port },
    { kernels },
  );
const conv = convWork(
  {
    outHeight: 56,
    outWidth: 56,
    inChannels: 256,
    outChannels: 256,
    kernelHeight: 3,
    kernelWidth: 3,
  },
  fp16,
  'fp16',
);
const silu = vectorWork({ operator: 'Swish', elements: 1e6, opsPerElement: 4 }, 'fp16');

describe('an engine that compiles networks', () => {
  it('pays the time per operator that measurements found', () => {
    const unit = build({ compiled: true }, { 'compiled.operator': 3e-6 });
    expect(unit.estimate(conv).launchSeconds).toBe(3e-6);
    expect(build({}).estimate(conv).launchSeconds).toBe(written.launch.operator.is);
    expect(build({ compiled: true, dispatchSeconds: 9e-6 }).estimate(conv).launchSeconds).toBe(
      9e-6,
    );
  });

  it('computes at its share of the matrix rate, other engines at the whole rate', () => {
    const half = build({ compiled: true }, { 'compiled.matrix.fp16': 0.5 }).estimate(conv).cycles;
    const whole = build({ compiled: true }, { 'compiled.matrix.fp16': 1 }).estimate(conv).cycles;
    expect(half / whole).toBeCloseTo(2, 1);
    expect(build({}, { 'compiled.matrix.fp16': 0.5 }).estimate(conv).cycles).toBeCloseTo(whole, 6);
  });

  it('reaches with 16-bit integers what it reaches with 8-bit ones, in twice the passes', () => {
    const large = { outHeight: 64, outWidth: 64, inChannels: 512, outChannels: 512 };
    const of = (activation: 'int8' | 'int16') =>
      convWork({ ...large, kernelHeight: 3, kernelWidth: 3 }, int8, activation);
    const share = 0.6;
    const one = build({ compiled: true }, { 'compiled.matrix.int8': share });
    const passes = one.estimate(of('int16')).cycles / one.estimate(of('int8')).cycles;
    expect(passes).toBeCloseTo(2, 1); // w8a16 runs at 0.5 of int8, socs/parts/hexagon-v75.yaml
  });

  it('makes three operators of a product with 16-bit integers: two halves and their sum', () => {
    const shape = { m: 64, n: 64, k: 64 };
    const launchOf = (kernels: KernelClass, activation: 'int8' | 'int16') =>
      build(kernels, { 'compiled.operator': 1e-6 }).estimate(matmulWork(shape, int8, activation))
        .launchSeconds;
    expect(launchOf({ compiled: true }, 'int8')).toBe(1e-6);
    expect(launchOf({ compiled: true }, 'int16')).toBeCloseTo(3e-6, 12);
    expect(launchOf({}, 'int16')).toBe(written.launch.operator.is);
  });

  it('leaves functions of results behind their product where no table holds them', () => {
    const results = 56 * 56 * 256;
    // A bias and Swish: what the output stage does not do is a look-up of two operations, socs/parts/hexagon-v75.yaml has 256 lanes.
    const swished = (dtype: 'fp16' | 'int8') =>
      ({ ...conv, weightDType: dtype, activationDType: dtype, vectorOps: 6 * results }) as Work;
    const plain = (dtype: 'fp16' | 'int8') => ({ ...swished(dtype), vectorOps: results });
    const one = { 'compiled.operator': 1e-6, 'compiled.lanes': 1 };
    const cost = (work: Work) => build({ compiled: true }, one).estimate(work);
    expect(cost(swished('fp16')).launchSeconds).toBeCloseTo(2e-6, 12);
    expect(cost(swished('fp16')).cycles - cost(plain('fp16')).cycles).toBeCloseTo(
      (2 * results) / 256,
      3,
    );
    expect(cost(swished('int8')).launchSeconds).toBe(1e-6);
    expect(cost(swished('int8')).cycles).toBe(cost(plain('int8')).cycles);
    expect(build({}).estimate(swished('fp16')).launchSeconds).toBe(written.launch.operator.is);
  });

  it('multiplies 8-bit weights with half-precision activations no faster than two halves', () => {
    const shape = { m: 4096, n: 4096, k: 4096 };
    const npu = build({ compiled: true });
    const mixed = npu.estimate(matmulWork(shape, int8, 'fp16')).cycles;
    const halves = npu.estimate(matmulWork(shape, fp16, 'fp16')).cycles;
    expect(mixed).toBeGreaterThanOrEqual(halves * (1 - 1e-9));
  });

  it('moves vector work with the lanes', () => {
    const at = (lanes: number) =>
      build({ compiled: true }, { 'compiled.lanes': lanes }).estimate(silu).vectorCycles;
    expect(at(0.5) / at(1)).toBeCloseTo(2, 9);
  });
});

describe('convolutions of volumes', () => {
  const volume = { ...conv, form: { ...conv.form, volume: true } as Work['form'] };
  const kernels = { volumeShare: { fp16: 0.25, int8: 0.125 } };

  it('run on the lanes at the share of their rate in half precision, whatever the format', () => {
    const lanes = 256; // fp16 operations per clock, socs/parts/hexagon-v75.yaml
    const cost = build(kernels).estimate(volume);
    expect(cost.cycles).toBeCloseTo((56 * 56 * 256 * 256 * 9) / (lanes * 0.25), 0);
    expect(cost.matrixCycles).toBe(0);
    const integer = { ...volume, weightDType: 'int8', activationDType: 'int8' } as const;
    expect(build(kernels).estimate(integer).cycles / cost.cycles).toBeCloseTo(2, 9);
  });

  it('are as those of planes without such a share, and those of planes with one', () => {
    expect(build({}).estimate(volume)).toEqual(build({}).estimate(conv));
    expect(build(kernels).estimate(conv)).toEqual(build({}).estimate(conv));
  });
});

describe('attention on the lanes', () => {
  const shape = { heads: 12, kvHeads: 12, queries: 197, context: 197, headDim: 64, valueDim: 64 };
  const work = attentionWork({ ...shape, causal: false }, 'fp16');

  it('takes its products over the share of the lane rate, softmax on top', () => {
    const lanes = 256; // fp16 operations per clock, socs/parts/hexagon-v75.yaml
    const cost = build({ attentionShare: { fp16: 0.5 } }).estimate(work);
    const products = 2 * 12 * 197 * 197 * 64;
    expect(cost.cycles).toBeCloseTo(products / (lanes * 0.5) + work.vectorOps / lanes, 3);
    expect(cost.matrixCycles).toBe(0);
  });

  it('goes to the matrix engine where the graph names each head', () => {
    const split = attentionWork({ ...shape, causal: false, headwise: true }, 'fp16');
    const cost = build({ attentionShare: { fp16: 0.5 } }).estimate(split);
    expect(cost).toEqual(build({}).estimate(work));
    expect(cost.matrixCycles).toBeGreaterThan(0);
  });

  it('goes to the matrix engine where the engine has no such share for the format', () => {
    expect(build({ attentionShare: { int8: 0.5 } }).estimate(work)).toEqual(
      build({}).estimate(work),
    );
  });
});
