import { describe, expect, it } from 'vitest';
import { operatorsAsRun } from '../../../src/calibration/as-run.ts';
import { checkModels } from '../../../src/calibration/check-models.ts';
import { openModel } from '../../../src/calibration/measure.ts';
import { operatorCases } from '../../../src/calibration/onnx-models.ts';

const cases = operatorCases(false);
const light = cases.filter(({ id }) => !/cold|walked/.test(id));
const byId = (id: string) => {
  const found = cases.find((one) => one.id === id);
  if (!found) throw new Error(`no case ${id}`);
  return found.build();
};

describe('the calibration suite', () => {
  it('has a name for every case', () => {
    expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
  });

  it('keeps every family in the quick part', () => {
    const families = new Set(cases.map(({ family }) => family));
    expect(new Set(operatorCases(true).map(({ family }) => family))).toEqual(families);
    expect(operatorCases(true).length).toBeLessThan(cases.length / 2);
  });

  it('covers the operators that language and vision models are made of', () => {
    const seen = new Set(
      light.flatMap((one) => one.build().list.operators.map(({ work }) => work.operator)),
    );
    for (const operator of [
      'MatMul',
      'Gemm',
      'DynamicQuantizeMatMul',
      'MatMulNBits',
      'Conv',
      'GroupQueryAttention',
      'MultiHeadAttention',
      'LayerNormalization',
      'SimplifiedLayerNormalization',
      'Softmax',
      'Gather',
      'Transpose',
      'Resize',
      'Add',
      'Mul',
      'Sigmoid',
      'Gelu',
    ]) {
      expect(seen).toContain(operator);
    }
  });

  it('describes a chain of products by shapes that alternate', () => {
    const { list } = byId('matmul-fp32/1x512x1024');
    expect(list.operators.map(({ work }) => work.form)).toEqual([
      { kind: 'matmul', batch: 1, m: 1, n: 1024, k: 512 },
      { kind: 'matmul', batch: 1, m: 1, n: 512, k: 1024 },
    ]);
    expect(list.operators[0]?.work).toMatchObject({
      macs: 512 * 1024,
      weightBytes: 4 * 512 * 1024,
      inputBytes: 4 * 512,
      outputBytes: 4 * 1024,
    });
  });

  it('walks over as many bytes of weights as a case says, each with contents of its own', () => {
    const { list } = byId('weights-walked/24MiB');
    const weights = list.operators.reduce((sum, { work }) => sum + work.weightBytes, 0);
    expect(weights).toBe(24 * 2 ** 20);
  });

  it('packs 4-bit weights with one 32-bit scale per block', () => {
    const { list } = byId('matmul-int4-b32/4x1024x1024');
    expect(list.operators[0]?.work).toMatchObject({
      weightDType: 'int4',
      weightBytes: (1024 * 1024) / 2 + (4 * 1024 * 1024) / 32,
    });
  });

  it('streams more weights in cold chains than a last-level cache holds', () => {
    const cold = cases.find(({ id }) => id.endsWith('/cold'))?.build();
    const bytes = cold?.list.operators.reduce((sum, { work }) => sum + work.weightBytes, 0) ?? 0;
    expect(bytes).toBeGreaterThan(90 * 2 ** 20);
  });

  it('leaves no large result to hand over', () => {
    for (const one of light) {
      const { list } = one.build();
      const handed = list.results.map((name) => list.tensors.get(name)?.bytes ?? 0);
      expect(Math.max(...handed), one.id).toBeLessThanOrEqual(64 * 1024);
    }
  });
});

describe('ONNX Runtime', () => {
  const quick = operatorCases(true).filter(({ id }) => !/cold|pyramid|64x1024x1024|1024$/.test(id));

  it.each(quick.map((one) => [one.id, one] as const))('runs %s', async (_, one) => {
    const { source, inputs } = one.build();
    const model = await openModel(source, inputs, { threads: 1 });
    const seconds = await model.run();
    await model.close();
    expect(seconds).toBeGreaterThan(0);
  });

  it('says no to a model it cannot run', async () => {
    await expect(openModel(new Uint8Array([1, 2, 3]), [], { threads: 1 })).rejects.toThrow();
  });
});

describe('check models', () => {
  it('are models the fit has not seen', () => {
    const known = new Set(cases.map(({ id }) => id));
    expect(checkModels(false).filter(({ id }) => known.has(id))).toEqual([]);
    expect(checkModels(true).length).toBeLessThan(checkModels(false).length);
  });

  it('run a decoder layer as its formula says', () => {
    const decoder = checkModels(true).find(({ id }) => id === 'decoder-576-fp32-prefill-64');
    const operators = operatorsAsRun(decoder?.build().list as never);
    const macs = operators.flatMap(({ works }) => works).reduce((sum, work) => sum + work.macs, 0);
    // Projections of query and output, of keys and values, and three of the gated layer; 64 tokens attend causally.
    const perToken = 2 * 576 * 576 + 2 * 576 * 192 + 3 * 576 * 1536;
    const attention = 9 * ((64 * 65) / 2) * 128;
    expect(macs).toBe(4 * (64 * perToken + attention));
  });
});
