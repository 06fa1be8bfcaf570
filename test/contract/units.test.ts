import { describe, expect, it } from 'vitest';
import { DTYPE_BITS, type DType, type Work, type WorkKind } from '../../src/base/work.ts';
import type { ComputeUnit } from '../../src/hardware/compute-unit.ts';
import { buildUnit, type UnitKindName, unitKinds } from '../../src/hardware/units/index.ts';
import type { UnitSpec } from '../../src/hardware/units/unit-spec.ts';
import {
  adreno,
  attention,
  common,
  conv,
  hexagon,
  kryo,
  matmul,
  move,
  vector,
} from '../support/phone-units.ts';

const samples = { npu: hexagon, gpu: adreno, cpu: kryo } satisfies Record<UnitKindName, UnitSpec>;

/** Ordinary and awkward works of every form. */
const works: Readonly<Record<WorkKind, readonly Work[]>> = {
  matmul: [
    matmul(1, 1, 1),
    matmul(128, 4096, 4096),
    matmul(1, 32_000, 4096, { weight: 'int4', activation: 'fp16' }),
    matmul(77, 64, 40, { weight: 'fp16', activation: 'fp16', batch: 16 }),
    { ...matmul(64, 64, 64), weightBytes: 0, inputBytes: 2 * 64 * 64 },
    // Nothing to do, as with an empty list of boxes.
    matmul(0, 64, 64),
  ],
  conv: [
    conv({}),
    conv({ groups: 64 }),
    conv({ batch: 4, outHeight: 1, outWidth: 3000, kernelHeight: 1 }, 'fp16'),
    conv({ inChannels: 3, outChannels: 7, strideHeight: 2, strideWidth: 2 }, 'fp16'),
  ],
  attention: [
    attention({}),
    attention({ kvHeads: 8, queries: 1, context: 4096 }),
    attention({ queries: 4096, context: 4096, causal: false, headDim: 40, valueDim: 40 }),
  ],
  vector: [vector(1), vector(4096 * 4096, 6, 3), { ...vector(1000), vectorOps: 0 }],
  move: [move(0), move(1), move(10 ** 9)],
};

describe.each(Object.keys(unitKinds) as UnitKindName[])('unit kind %s', (kind) => {
  const spec = samples[kind];
  const unit: ComputeUnit = buildUnit(spec, common('unit', 'domain'));

  it('is built by its entry, which describes it', () => {
    expect(unitKinds[kind].summary).toMatch(/^[a-z].*[^.]$/);
    expect(Object.keys(unitKinds[kind].shape)).toContain('kind');
    expect(unit.kind).toBe(kind);
    expect(unit.name).toBe('unit');
  });

  it('has clock domains and adds up their speed', () => {
    expect(unit.domains.length).toBeGreaterThan(0);
    expect(unit.speed(unit.domains.map(() => 1e9))).toBeCloseTo(1e9, 3);
    expect(unit.speed(unit.domains.map(() => 0))).toBe(0);
  });

  describe.each(Object.keys(works) as WorkKind[])('costs %s', (form) => {
    it('with numbers that fit together', () => {
      for (const work of works[form]) {
        if (!unit.supports(work).ok) continue;
        const cost = unit.estimate(work);
        for (const [name, value] of Object.entries(cost)) {
          expect(Number.isFinite(value), `${name} of ${JSON.stringify(work.form)}`).toBe(true);
          expect(value, `${name} of ${JSON.stringify(work.form)}`).toBeGreaterThanOrEqual(0);
        }
        expect(cost.matrixCycles).toBeLessThanOrEqual(cost.cycles * (1 + 1e-12));
        expect(cost.vectorCycles).toBeLessThanOrEqual(cost.cycles * (1 + 1e-12));
        expect(cost.utilisation).toBeLessThanOrEqual(1);
        const read = work.weightBytes + work.inputBytes + work.kvReadBytes;
        expect(cost.readBytes).toBeGreaterThanOrEqual(read * (1 - 1e-12));
        const written = work.outputBytes + work.kvWriteBytes;
        expect(cost.writeBytes).toBeGreaterThanOrEqual(written * (1 - 1e-12));
        // Each tensor comes at least once, and none takes what belongs to another.
        expect(cost.weightReadBytes).toBeGreaterThanOrEqual(work.weightBytes * (1 - 1e-12));
        expect(cost.kvReadBytes).toBeGreaterThanOrEqual(work.kvReadBytes * (1 - 1e-12));
        expect(cost.kvWriteBytes).toBeGreaterThanOrEqual(work.kvWriteBytes * (1 - 1e-12));
        const inputs = cost.readBytes - cost.weightReadBytes - cost.kvReadBytes;
        expect(inputs).toBeGreaterThanOrEqual(work.inputBytes - 1e-12 * cost.readBytes);
        const results = cost.writeBytes - cost.kvWriteBytes;
        expect(results).toBeGreaterThanOrEqual(work.outputBytes - 1e-12 * cost.writeBytes);
      }
    });

    it('with the quality of the kernels it is told', () => {
      const slow = buildUnit(spec, common('unit', 'domain'), {
        kernels: {
          matrixShare: Object.fromEntries(
            (Object.keys(DTYPE_BITS) as DType[]).map((dtype) => [dtype, 0.1]),
          ),
          dispatchSeconds: 1,
        },
      });
      for (const work of works[form]) {
        if (!unit.supports(work).ok) continue;
        expect(slow.estimate(work).cycles).toBeGreaterThanOrEqual(unit.estimate(work).cycles);
        expect(slow.estimate(work).launchSeconds).toBeGreaterThanOrEqual(1);
        expect(slow.estimate(work).readBytes).toBe(unit.estimate(work).readBytes);
      }
    });
  });

  it('tells why it cannot run something', () => {
    const banned = { ...spec, operators: { except: ['MatMul'] } } as UnitSpec;
    const answer = buildUnit(banned, common('unit', 'domain')).supports(matmul(1, 1, 1));
    expect(answer).toEqual({
      ok: false,
      reason: 'no kernel for MatMul',
      lever: 'MatMul out of operators.except',
    });
  });

  it('drives its port as far as the kernels do', () => {
    const half = buildUnit(spec, common('unit', 'domain'), { kernels: { bandwidthShare: 0.5 } });
    expect(half.port.bandwidth).toBe(unit.port.bandwidth / 2);
    expect(half.port.outstandingBytes).toBe(unit.port.outstandingBytes / 2);
  });
});
