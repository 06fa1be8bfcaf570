/** Files that were cut, overwritten or lengthened: a reading or one clear refusal, never a crash and never a figure that is none. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpecError } from '../../src/base/errors.ts';
import { importOnnx } from '../../src/workload/onnx/import.ts';
import { buildOnnxRequest } from '../../src/workload/onnx/request.ts';
import { sourceOf } from '../../src/workload/onnx/wire-skim.ts';

const graph = (name: string) =>
  new Uint8Array(readFileSync(`test/validation/data/graphs/${name}.onnx`));
const MODELS = ['alexnet', 'squeezenet1_1', 'mobilenet_v3_small'].map((name) => ({
  name,
  bytes: graph(name),
}));

/** Where in the file, as a share of it. */
const place = fc.double({ min: 0, max: 0.999999, noNaN: true });
const damage = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), at: place }),
  fc.record({ kind: fc.constant('flip' as const), at: place, bit: fc.nat(7) }),
  fc.record({
    kind: fc.constant('drop' as const),
    at: place,
    count: fc.integer({ min: 1, max: 16 }),
  }),
  // A length that reaches far beyond the file.
  fc.record({ kind: fc.constant('lengthen' as const), at: place }),
);
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function damaged(bytes: Uint8Array, one: Damage): Uint8Array {
  const at = Math.floor(one.at * bytes.length);
  switch (one.kind) {
    case 'cut':
      return bytes.slice(0, at);
    case 'flip': {
      const copy = bytes.slice();
      copy[at] = (copy[at] as number) ^ (1 << one.bit);
      return copy;
    }
    case 'drop':
      return Uint8Array.from([...bytes.slice(0, at), ...bytes.slice(at + one.count)]);
    case 'lengthen':
      return Uint8Array.from([...bytes.slice(0, at), 255, 255, 255, 255, 15, ...bytes.slice(at)]);
  }
}

describe('damaged ONNX files', () => {
  it('are read with figures that are numbers, or refused by name', () => {
    const outcomes = { read: 0, refused: 0 };
    fc.assert(
      fc.property(
        fc.constantFrom(...MODELS),
        fc.array(damage, { minLength: 1, maxLength: 3 }),
        ({ name, bytes }, changes) => {
          const broken = changes.reduce(damaged, bytes);
          try {
            const model = importOnnx(sourceOf(broken), `${name}.onnx`, {});
            buildOnnxRequest(name, model, {});
            for (const { work } of model.list.operators)
              for (const value of [work.macs, work.vectorOps, work.weightBytes, work.outputBytes])
                expect(Number.isFinite(value) && value >= 0).toBe(true);
            outcomes.read++;
          } catch (error) {
            if (!(error instanceof SpecError)) throw error;
            expect(error.message).toContain(`${name}.onnx`);
            outcomes.refused++;
          }
        },
      ),
      { numRuns: 250 },
    );
    // Names of nodes may change without harm; most other bytes matter.
    expect(outcomes.read).toBeGreaterThan(5);
    expect(outcomes.refused).toBeGreaterThan(50);
  });

  it('are known as such when cut anywhere', () => {
    const { bytes } = MODELS[0] as (typeof MODELS)[0];
    for (let length = 0; length < bytes.length; length += 97)
      expect(() => importOnnx(sourceOf(bytes.slice(0, length)), 'cut.onnx', {})).toThrow(SpecError);
  });
});
