import { describe, expect, it } from 'vitest';
import { buildCpu } from '../../../../src/hardware/units/cpu.ts';
import {
  allowedClusters,
  coresInUse,
  macsPerClock,
} from '../../../../src/hardware/units/cpu-cores.ts';
import type { UnitOptions } from '../../../../src/hardware/units/unit-options.ts';
import { common, kryo, matmul, move, vector } from '../../../support/phone-units.ts';

const build = (options: UnitOptions = {}) => buildCpu(kryo, common('cpu', ''), options);

describe('CPU', () => {
  it('fills the fastest cluster first', () => {
    const groups = coresInUse(kryo.clusters, 6);
    expect(groups.map(({ clock, used }) => [clock, used])).toEqual([
      ['cpu3', 1],
      ['cpu2', 3],
      ['cpu1', 2],
    ]);
    expect(build({ threads: 1 }).domains).toEqual(['cpu3']);
    expect(build({ threads: 100 }).domains).toEqual(['cpu3', 'cpu2', 'cpu1', 'cpu0']);
  });

  it('keeps threads on the clusters that they are held on', () => {
    const [slowest, , , fastest] = kryo.clusters;
    const held = { ...kryo, affinity: `${fastest!.name} ${slowest!.name}` };
    expect(allowedClusters(held)).toEqual([slowest, fastest]);
    expect(allowedClusters(kryo)).toBe(kryo.clusters);
    const groups = coresInUse(allowedClusters({ ...kryo, affinity: fastest!.name }), 8);
    expect(groups.map(({ clock, used }) => [clock, used])).toEqual([['cpu3', 1]]);
  });

  it('has no more pipes than kernels feed', () => {
    const fp16 = (fed?: number) => macsPerClock(coresInUse(kryo.clusters, 2, fed)).fp16;
    // A prime core of four pipes and one of two.
    expect([fp16(), fp16(3), fp16(1)]).toEqual([6 * 8, 5 * 8, 2 * 8]);
  });

  it('adds up its clusters by the width of their pipes', () => {
    const cpu = build();
    // 4 + 3 × 2 + 2 × 2 pipes.
    expect(cpu.speed([3.3e9, 3.1e9, 3e9])).toBeCloseTo((4 * 3.3e9 + 6 * 3.1e9 + 4 * 3e9) / 14, 0);
  });

  it('waits for its slowest core where threads get equal parts', () => {
    const even = (threads: number) => build({ threads, kernels: { equalParts: true } });
    // Six cores as fast as one of two pipes at 3 GHz, of 14 pipes in all.
    expect(even(6).speed([3.3e9, 3.1e9, 3e9])).toBeCloseTo((6 * 2 * 3e9) / 14, 0);
    expect(even(6).speed([3.3e9, 3.1e9, 3e9])).toBeLessThan(build().speed([3.3e9, 3.1e9, 3e9]));
    // One core, or cores that are alike, lose nothing.
    expect(even(1).speed([3.3e9])).toBe(3.3e9);
    const alike = { ...kryo, clusters: [kryo.clusters[2]!] };
    const pair = buildCpu(alike, common('cpu', ''), { threads: 2, kernels: { equalParts: true } });
    expect(pair.speed([3e9])).toBeCloseTo(3e9, 3);
  });

  it('multiplies as its instructions do', () => {
    const macs = macsPerClock(coresInUse(kryo.clusters, 6));
    expect([macs.fp32, macs.fp16, macs.int8]).toEqual([14 * 4, 14 * 8, 14 * 32]);
    const old = kryo.clusters.map((cluster) => ({ ...cluster, i8mm: false, fp16: false }));
    const before = macsPerClock(coresInUse(old, 6));
    expect([before.fp16, before.int8]).toEqual([14 * 4, 14 * 16]);
    const plain = old.map((cluster) => ({ ...cluster, dot: false }));
    expect(macsPerClock(coresInUse(plain, 6)).int8).toBe(14 * 8);
  });

  it('shares one outer-product unit per cluster', () => {
    const matrixUnit = { int8: { is: 4096, from: 'test', trust: 'estimated' as const } };
    const clusters = [{ ...kryo.clusters[3]!, matrixUnit }];
    const macs = (threads: number, outerProducts: boolean) =>
      macsPerClock(coresInUse(clusters, threads), { outerProducts }).int8;
    expect([macs(1, true), macs(2, true)]).toEqual([4096, 4096]);
    // Engines without kernels for it stay on the pipes of the one core.
    expect([macs(1, false), macs(2, false)]).toEqual([4 * 32, 4 * 32]);
  });

  it('quantises activations for integer weights unless the runtime does not', () => {
    const work = matmul(256, 4096, 4096, { weight: 'int4', activation: 'fp16' });
    const dynamic = build().estimate(work);
    const plain = build({ kernels: { quantiseActivations: false } }).estimate(work);
    // 32 int8 against 8 half-precision multiply–accumulates per instruction.
    expect(plain.cycles / dynamic.cycles).toBeCloseTo(4, 1);
    expect(dynamic.vectorCycles).toBeGreaterThan(plain.vectorCycles);
  });

  it('pays for the scales of weight groups', () => {
    const format = { weight: 'int4', activation: 'fp16' } as const;
    const channel = build().estimate(matmul(256, 4096, 4096, format));
    const groups = build().estimate(
      matmul(256, 4096, 4096, { ...format, weightBytes: (4096 * 4096 * 4.5) / 8 }),
    );
    // A group of 32 is four matrix instructions per four outputs, and three more for its scale.
    expect(groups.cycles / channel.cycles).toBeCloseTo(1.75, 2);
  });

  it('scales with threads', () => {
    const work = matmul(256, 2048, 2048);
    const one = build({ threads: 1 }).estimate(work);
    const six = build().estimate(work);
    expect(one.cycles / six.cycles).toBeCloseTo(14 / 4, 6);
    expect(six.launchSeconds - one.launchSeconds).toBeCloseTo(5e-6, 12);
  });

  it('switches between what its arithmetic and what its instructions take', () => {
    const work = matmul(256, 2048, 2048);
    const { cycles, matrixCycles, utilisation } = build().estimate(work);
    expect(matrixCycles / cycles).toBeGreaterThan(utilisation);
    expect(matrixCycles).toBeLessThan(cycles);
    // Halfway: a kernel at 0.6 of the peak draws as much as one at 0.8 that issued nothing else.
    expect(matrixCycles / cycles).toBeCloseTo((1 + utilisation) / 2, 2);
    // A better kernel does the same work with less of the rest.
    const better = build({ kernels: { matrixShare: { int8: 1.5, fp16: 1.5 } } }).estimate(work);
    expect(better.matrixCycles).toBeLessThan(matrixCycles);
    expect(better.cycles).toBeLessThan(cycles);
  });

  it('moves and computes element by element at the width of its pipes', () => {
    expect(build().estimate(move(14 * 16)).cycles).toBe(2);
    // Eight halves per pipe.
    expect(build().estimate(vector(14 * 8 * 100, 10)).cycles).toBe(1000);
  });

  it('runs everything but what its description leaves out', () => {
    expect(build().supports(matmul(1, 1, 1, { weight: 'fp64', activation: 'fp64' })).ok).toBe(true);
    const cpu = buildCpu({ ...kryo, operators: { only: ['Conv'] } }, common('cpu', ''));
    expect(cpu.supports(matmul(1, 1, 1))).toEqual({
      ok: false,
      reason: 'no kernel for MatMul',
      lever: 'MatMul in operators.only',
    });
  });
});
