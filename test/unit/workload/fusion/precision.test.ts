import { describe, expect, it } from 'vitest';
import { castList, PRECISIONS, weightShare } from '../../../../src/workload/fusion/precision.ts';
import { importOnnx } from '../../../../src/workload/onnx/import.ts';
import { buildOnnxRequest } from '../../../../src/workload/onnx/request.ts';
import { buildModel, FLOAT, INT64 } from '../../../support/onnx-builder.ts';

const model = importOnnx(
  buildModel({
    nodes: [
      { op: 'Gather', inputs: ['table', 'ids'], outputs: ['e'] },
      { op: 'MatMul', inputs: ['e', 'w'], outputs: ['h'] },
      { op: 'Add', inputs: ['h', 'b'], outputs: ['y'] },
    ],
    inputs: { ids: [INT64, [1, 4]] },
    constants: {
      table: { type: FLOAT, dims: [100, 16] },
      w: { type: FLOAT, dims: [16, 8] },
      b: { type: FLOAT, dims: [8] },
    },
    outputs: ['y'],
  }),
  'm.onnx',
);

describe('a floating-point model run narrower', () => {
  it('stores matrices in eight bits and vectors like activations', () => {
    const [gather, product, bias] = castList(model.list, PRECISIONS.w8a16).operators.map(
      ({ work }) => work,
    );
    expect(product).toMatchObject({
      weightDType: 'int8',
      activationDType: 'int16',
      weightBytes: 128,
      inputBytes: 4 * 16 * 2,
      outputBytes: 4 * 8 * 2,
      macs: 512,
    });
    expect(bias?.weightBytes).toBe(16);
    // Token numbers stay 64 bits wide; the rows that are read shrink.
    expect(gather).toMatchObject({ inputBytes: 32, weightBytes: 64 });
  });

  it('shrinks the memory of a request by the share of the weights', () => {
    const wide = buildOnnxRequest('r', model).plan.memory.weights;
    const narrow = buildOnnxRequest('r', model, { precision: 'fp16' }).plan.memory.weights;
    expect(narrow).toBe(wide / 2);
    expect(weightShare(model.list, castList(model.list, PRECISIONS.fp16))).toBe(0.5);
  });
});

describe('a request for an imported model', () => {
  it('repeats one graph and keeps all weights in memory', () => {
    const { plan, savings } = buildOnnxRequest('r', model, { inferences: 3 });
    expect(plan.phases).toHaveLength(1);
    expect(plan.phases[0]).toMatchObject({ name: 'inference', steps: 3, outputsPerStep: 1 });
    expect(plan.phases[0]?.graph.operators).toHaveLength(2);
    expect(plan.memory.weights).toBe((1600 + 128 + 8) * 4);
    expect(savings.find(({ fusion }) => fusion === 'product')?.launches).toBe(1);
  });

  it('leaves launches apart when no pass is named', () => {
    const { plan } = buildOnnxRequest('r', model, { fusions: [] });
    expect(plan.phases[0]?.graph.operators).toHaveLength(3);
  });
});
