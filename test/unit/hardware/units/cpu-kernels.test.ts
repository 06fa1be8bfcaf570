import { describe, expect, it } from 'vitest';
import type { Work, WorkForm } from '../../../../src/base/work.ts';
import { buildCpu } from '../../../../src/hardware/units/cpu.ts';
import {
  type Caches,
  functionOps,
  kernelOf,
  measuredShare,
  placements,
  serve,
} from '../../../../src/hardware/units/cpu-kernels.ts';
import { cpuSpec } from '../../../../src/hardware/units/unit-spec.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

function work(operator: string, form: WorkForm, parts: Partial<Work> = {}): Work {
  return {
    operator,
    form,
    macs: 0,
    vectorOps: 0,
    weightDType: 'fp32',
    activationDType: 'fp32',
    weightBytes: 0,
    inputBytes: 0,
    outputBytes: 0,
    kvReadBytes: 0,
    kvWriteBytes: 0,
    ...parts,
  };
}
const vector = (operator: string, elements: number, passes = 1) =>
  work(
    operator,
    { kind: 'vector', elements, passes },
    {
      vectorOps: elements,
      inputBytes: 4 * elements,
      outputBytes: 4 * elements,
    },
  );
const convolution = (inChannels: number, groups: number) =>
  work(
    'Conv',
    {
      kind: 'conv',
      batch: 1,
      outHeight: 8,
      outWidth: 8,
      outChannels: inChannels,
      inChannels,
      kernelHeight: 3,
      kernelWidth: 3,
      strideHeight: 1,
      strideWidth: 1,
      groups,
    },
    { weightBytes: 4 },
  );
const attention = (queries: number) =>
  work('GroupQueryAttention', {
    kind: 'attention',
    batch: 1,
    heads: 4,
    kvHeads: 2,
    queries,
    context: 100,
    headDim: 64,
    valueDim: 64,
    causal: true,
  });

describe('kernelOf', () => {
  const packed = (group: number) =>
    product({
      weightBytes: 36,
      weightDType: 'int4',
      packing: { scales: 1 / group, minima: 0, widths: [{ bits: 4, share: 1 }] },
    });
  const product = (parts: Partial<Work>) =>
    work('MatMul', { kind: 'matmul', batch: 1, m: 1, n: 8, k: 8 }, parts);

  it.each([
    ['weights', product({ weightBytes: 256 })],
    ['activations', product({})],
    ['int8', product({ weightBytes: 64, weightDType: 'int8' })],
    ['int4', product({ weightBytes: 40, weightDType: 'int4' })],
    ['int4', packed(32)],
    ['int4Long', packed(64)],
    ['stem', convolution(3, 1)],
    ['conv', convolution(4, 2)],
    ['conv', convolution(16, 1)],
    ['conv', convolution(16, 2)],
    ['depthwise', convolution(16, 16)],
    ['attention', attention(32)],
    ['attentionRow', attention(1)],
  ])('picks %s', (kernel, one) => {
    expect(kernelOf(one)).toBe(kernel);
  });
});

describe('measuredShare', () => {
  const share = (is: number) => ({ is, from: 'fit', trust: 'fitted' as const });
  it('takes the nearest kernel where nobody measured one apart', () => {
    const shares = { int4: share(0.4), conv: share(0.9) };
    expect(measuredShare({ shares }, 'int4Long')).toBe(0.4);
    expect(measuredShare({ shares }, 'stem')).toBe(0.9);
    expect(measuredShare({ shares: { ...shares, stem: share(0.7) } }, 'stem')).toBe(0.7);
    expect(measuredShare({ shares }, 'int8')).toBeUndefined();
  });
});

describe('serve', () => {
  const caches: Caches = {
    cores: 1,
    l2Bytes: MIB,
    l3Bytes: 16 * MIB,
    l2BytesPerClock: 32,
    l3BytesPerClock: 8,
    stallBytesPerClock: 4,
    keptShare: 0,
  };
  const reading = (bytes: number) =>
    work(
      'Softmax',
      { kind: 'vector', elements: bytes / 8, passes: 2 },
      {
        inputBytes: bytes / 2,
        outputBytes: bytes / 2,
      },
    );

  it('serves what fits from L2 at its rate', () => {
    expect(serve(caches, reading(512 * KIB), 0)).toEqual({
      cycles: (512 * KIB) / 32,
      stallCycles: 0,
      missShare: 0,
      lostShare: 1,
    });
  });

  it('serves what fits only in L3 at the slower rate', () => {
    expect(serve(caches, reading(8 * MIB), 0).cycles).toBe((8 * MIB) / 8);
  });

  it('falls linearly to DRAM between one size and two', () => {
    expect(serve(caches, reading(24 * MIB), 0).missShare).toBeCloseTo(0.5, 12);
    expect(serve(caches, reading(40 * MIB), 0)).toMatchObject({ cycles: 0, missShare: 1 });
  });

  it('holds arithmetic up for what comes from DRAM', () => {
    expect(serve(caches, reading(16 * MIB), 0).stallCycles).toBe(0);
    expect(serve(caches, reading(40 * MIB), 0).stallCycles).toBe((40 * MIB) / 4);
  });

  it('lets element-wise operators write where they read', () => {
    const bytes = 20 * MIB;
    const unary = work(
      'Relu',
      { kind: 'vector', elements: bytes / 4, passes: 1 },
      {
        inputBytes: bytes / 2,
        outputBytes: bytes / 2,
      },
    );
    expect(serve(caches, unary, 0)).toMatchObject({ missShare: 0, cycles: bytes / 2 / 8 });
    const needed = { ...unary, form: { ...unary.form, apart: true } as typeof unary.form };
    expect(serve(caches, needed, 0)).toMatchObject({ missShare: 0.25 });
    expect(serve(caches, reading(bytes), 0).missShare).toBeCloseTo(0.25, 12);
  });

  it('reads weights and key–value caches from DRAM unless a share of them stays', () => {
    const form = { kind: 'matmul', batch: 1, m: 1, n: 1, k: 1 } as const;
    for (const one of [
      work('MatMul', form, { weightBytes: MIB }),
      work('Concat', { kind: 'move' }, { kvReadBytes: MIB }),
    ]) {
      expect(serve(caches, one, 0)).toMatchObject({ lostShare: 1, stallCycles: MIB / 4 });
      expect(serve({ ...caches, keptShare: 0.25 }, one, 0)).toEqual({
        missShare: 0,
        lostShare: 0.75,
        cycles: (0.25 * MIB) / 8,
        stallCycles: (0.75 * MIB) / 4,
      });
    }
  });

  it('holds the scores of as many heads as there are cores', () => {
    const scores = 8 * MIB;
    const one = serve(caches, attention(8), scores);
    const four = serve({ ...caches, cores: 4, l2BytesPerClock: 128 }, attention(8), scores);
    // Four heads of 1 MiB, written and read: one at a time fits the L2 of one core, four at a time do not.
    expect(one.cycles).toBe(scores / 32);
    expect(four.cycles).toBe(scores / 8);
  });
});

describe('functionOps', () => {
  const sourced = (is: number) => ({ is, from: 'fit', trust: 'fitted' as const });
  const kernels = {
    shares: {},
    exponential: sourced(3),
    errorFunction: sourced(7),
    division: sourced(4),
  };

  it('adds what a function costs beyond the one step it is counted as', () => {
    expect(functionOps(kernels, vector('Sigmoid', 100))).toBe(200);
    expect(functionOps(kernels, vector('Gelu', 100))).toBe(600);
    expect(functionOps(kernels, vector('Div', 100))).toBe(300);
    expect(functionOps(kernels, vector('Relu', 100))).toBe(0);
  });

  it('takes one exponential per score of attention', () => {
    expect(functionOps(kernels, attention(2))).toBe(2 * 4 * 2 * 100);
  });

  it('adds nothing where nothing was measured', () => {
    expect(functionOps(undefined, vector('Sigmoid', 100))).toBe(0);
    expect(functionOps(undefined, attention(2))).toBe(0);
  });
});

describe('placements', () => {
  it('counts elements that change their place', () => {
    const move = (operator: string) => work(operator, { kind: 'move' }, { outputBytes: 400 });
    expect(placements(move('Transpose'))).toBe(100);
    expect(placements(move('Resize'))).toBe(300);
    expect(placements(move('Concat'))).toBe(0);
  });

  it('counts half of them where an image is doubled by repeating', () => {
    expect(placements(work('Resize', { kind: 'move', doubled: true }, { outputBytes: 400 }))).toBe(
      50,
    );
  });

  it('counts every product of a transposed convolution', () => {
    const form = { kind: 'matmul', batch: 2, m: 25, n: 16, k: 6 } as const;
    expect(placements(work('ConvTranspose', form))).toBe(800);
    expect(placements(work('MatMul', form))).toBe(0);
  });
});

describe('a CPU with measured kernels', () => {
  const from = (is: unknown) => ({ is, from: 'test', trust: 'fitted' });
  const plain = {
    kind: 'cpu',
    clusters: [
      {
        name: 'c',
        core: 'c',
        count: from(2),
        clock: 'cpu',
        simdPipes: from(2),
        simdBits: from(256),
        i8mm: false,
        l2: from('1 MiB'),
      },
    ],
    l3: from('16 MiB'),
    threads: from(2),
    barrier: from('10 us'),
    matrixShare: from(0.8),
    launch: { operator: from('1 us') },
  };
  const build = (kernels: object | undefined, threads: number) =>
    buildCpu(
      cpuSpec.parse(kernels ? { ...plain, kernels } : plain),
      { name: 'cpu', domains: ['cpu'], port: { bandwidth: 40e9, outstandingBytes: 1e6 } },
      { threads },
    );
  const conv = { ...convolution(64, 1), macs: 64 * 64 * 64 * 9, weightBytes: 4 * 64 * 64 * 9 };

  it('runs each kernel at its own share', () => {
    const shares = { conv: from(0.4) };
    const half = build({ shares }, 1).estimate(conv).cycles;
    expect(half / build(undefined, 1).estimate(conv).cycles).toBeCloseTo(2, 6);
  });

  it('leaves lanes idle where a convolution has few output channels', () => {
    const wide = build({ shares: {}, outputBlock: from(48) }, 1).estimate(conv).cycles;
    // 64 channels in blocks of 48 take as long as 96.
    expect(wide / build({ shares: {} }, 1).estimate(conv).cycles).toBeCloseTo(1.5, 6);
  });

  it('fills lanes with positions where it convolves a sequence', () => {
    const line = (positions: number): Work => ({
      ...convolution(64, 1),
      form: {
        ...convolution(64, 1).form,
        outHeight: 1,
        outWidth: positions,
        kernelHeight: 1,
        line: true,
      } as WorkForm,
      macs: positions * 64 * 64 * 3,
    });
    const { estimate } = build({ shares: {}, outputBlock: from(16) }, 1);
    // Four positions take as long as sixteen, and seventeen as long as thirty-two.
    expect(estimate(line(4)).cycles).toBeCloseTo(estimate(line(16)).cycles, 6);
    expect(estimate(line(17)).cycles).toBeCloseTo(estimate(line(32)).cycles, 6);
    expect(estimate(line(32)).cycles).toBeCloseTo(2 * estimate(line(16)).cycles, 6);
  });

  it('puts the products of a transposed convolution in place after them', () => {
    const form = { kind: 'matmul', batch: 1, m: 100, n: 64, k: 16 } as const;
    const parts = { macs: 100 * 64 * 16, weightBytes: 4096 };
    const { estimate } = build({ shares: {}, reorder: from(0.5) }, 1);
    const [spread, plain] = ['ConvTranspose', 'MatMul'].map(
      (name) => estimate(work(name, form, parts)).cycles,
    );
    expect(spread! - plain!).toBeCloseTo(6400 / 0.5, 6);
  });

  it('keeps a short operator on one core, without a barrier', () => {
    const small = vector('Add', 64);
    const split = build({ shares: {} }, 2).estimate(small);
    const kept = build({ shares: {}, splitCycles: from(1000) }, 2).estimate(small);
    expect(kept.cycles).toBeCloseTo(2 * split.cycles, 9);
    expect(split.launchSeconds - kept.launchSeconds).toBeCloseTo(10e-6, 12);
  });

  it('keeps what the engine does on one thread on one core, however long it is', () => {
    const grow = (serial: object) =>
      work('Resize', { kind: 'move', ...serial }, { inputBytes: 4e5, outputBytes: 16e5 });
    const kernels = { shares: {}, reorder: from(0.5) };
    const [one, two] = [1, 2].map((threads) => build(kernels, threads));
    expect(two!.estimate(grow({})).cycles).toBeCloseTo(one!.estimate(grow({})).cycles / 2, 6);
    const serial = grow({ serial: true });
    expect(two!.estimate(serial).cycles).toBeCloseTo(one!.estimate(serial).cycles, 6);
    expect(two!.estimate(serial).launchSeconds).toBe(one!.estimate(serial).launchSeconds);
  });

  it('draws no more from DRAM than its cores can', () => {
    const kernels = { shares: {}, coreBandwidth: from('15 GB/s') };
    expect(build(kernels, 1).port.bandwidth).toBe(15e9);
    expect(build(kernels, 2).port.bandwidth).toBe(30e9);
    expect(build(undefined, 2).port.bandwidth).toBe(40e9);
  });

  it('moves nothing to or from DRAM that its caches hold', () => {
    const caches = { l2: from(32), l3: from(16) };
    const cost = build({ shares: {}, caches }, 1).estimate(vector('Add', 1000));
    expect([cost.readBytes, cost.writeBytes]).toEqual([0, 0]);
    expect(build(undefined, 1).estimate(vector('Add', 1000)).readBytes).toBe(4000);
  });
});
