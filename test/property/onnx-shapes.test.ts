import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/workload/onnx/import.ts';
import { type BuiltGraph, buildModel } from '../support/onnx-builder.ts';
import { runShapes } from '../support/onnx-runtime.ts';
import { agree, ints } from '../support/onnx-trial.ts';
import { PRODUCTS } from '../support/onnx-trials/products.ts';
import { QUANTISED } from '../support/onnx-trials/quantised.ts';
import { bound, TENSORS } from '../support/onnx-trials/tensors.ts';
import { WINDOWS } from '../support/onnx-trials/windows.ts';

/** Values of a folded slice show as the extents of a tensor made from them. */
const chain = fc
  .tuple(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 3, maxLength: 6 }), bound, bound)
  .map(([values, start, end]) => ({ values, start, end }));

const TRIALS = { ...WINDOWS, ...TENSORS, ...PRODUCTS, ...QUANTISED };

describe('shapes of single operators agree with ONNX Runtime', () => {
  it.each(Object.entries(TRIALS))('%s', async (_, arbitrary) => {
    let accepted = 0;
    const property = fc.asyncProperty(arbitrary, async (trial) => {
      if (await agree(trial)) accepted++;
    });
    await fc.assert(property, { numRuns: 25, seed: 4 });
    // A generator that ONNX Runtime refuses throughout would prove nothing.
    expect(accepted).toBeGreaterThan(4);
  });

  it('folds slices and concatenations to the values that ONNX Runtime computes', async () => {
    const property = fc.asyncProperty(chain, async ({ values, start, end }) => {
      const graph: BuiltGraph = {
        nodes: [
          { op: 'Slice', inputs: ['v', 's', 'e'], outputs: ['cut'] },
          { op: 'Gather', inputs: ['v', 'last'], outputs: ['one'] },
          { op: 'Mul', inputs: ['one', 'two'], outputs: ['double'] },
          { op: 'Concat', inputs: ['cut', 'double'], outputs: ['dims'], attributes: { axis: 0 } },
          { op: 'ConstantOfShape', inputs: ['dims'], outputs: ['y'] },
        ],
        constants: {
          v: ints(...values),
          s: ints(start),
          e: ints(end),
          last: ints(-1),
          two: ints(2),
        },
        outputs: ['y'],
      };
      const bytes = buildModel(graph);
      const theirs = await runShapes(bytes, {});
      expect(importOnnx(bytes, 'chain.onnx').shapes.get('y')).toEqual(theirs['y']);
    });
    await fc.assert(property, { numRuns: 40, seed: 4 });
  });
});
