import fc from 'fast-check';
import { describe, it } from 'vitest';
import { SpecError } from '../../src/base/errors.ts';
import { importOnnx } from '../../src/workload/onnx/import.ts';
import { buildModel, FLOAT } from '../support/onnx-builder.ts';
import { weight } from '../support/onnx-trial.ts';

describe('damaged files', () => {
  const whole = buildModel({
    nodes: [{ op: 'Conv', inputs: ['x', 'w'], outputs: ['y'] }],
    inputs: { x: [FLOAT, [1, 3, 8, 8]] },
    constants: { w: weight([4, 3, 3, 3]) },
    outputs: ['y'],
  });

  it('never import, and never fail in another way than by a fault of the file', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (length) => {
        try {
          importOnnx(whole.subarray(0, length), 'cut.onnx');
          return true;
        } catch (error) {
          return error instanceof SpecError;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('with bytes changed import as something else or fail by a fault of the file', () => {
    const change = fc.tuple(
      fc.integer({ min: 0, max: whole.length - 1 }),
      fc.integer({ min: 0, max: 255 }),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = Uint8Array.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          importOnnx(bytes, 'changed.onnx');
          return true;
        } catch (error) {
          return error instanceof SpecError;
        }
      }),
      { numRuns: 2000, seed: 4 },
    );
  });
});
