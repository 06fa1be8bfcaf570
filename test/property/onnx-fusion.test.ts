import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FUSION_NAMES, fuse } from '../../src/workload/fusion/index.ts';
import {
  graphOfList,
  listTotals,
  type OperatorList,
  peakActivationBytes,
} from '../../src/workload/fusion/operator-list.ts';
import { castList, PRECISIONS } from '../../src/workload/fusion/precision.ts';
import { importOnnx } from '../../src/workload/onnx/import.ts';

const folder = new URL('../validation/data/graphs/', import.meta.url);
const lists = readdirSync(folder)
  .filter((name) => /alexnet|mobilenet_v3|shufflenet|vit|densenet|squeezenet/.test(name))
  .map((name): OperatorList => importOnnx(readFileSync(new URL(name, folder)), name).list);

const anyList = fc.constantFrom(...lists);
const anyPasses = fc.subarray([...FUSION_NAMES]);

describe('any choice of passes on any model', () => {
  it('keeps arithmetic and results, never adds launches or bytes, and leaves an order of execution', () => {
    fc.assert(
      fc.property(anyList, anyPasses, (list, passes) => {
        const { list: fused, savings } = fuse(list, passes);
        const [before, after] = [listTotals(list), listTotals(fused)];
        expect(after.macs).toBe(before.macs);
        expect(after.launches).toBeLessThanOrEqual(before.launches);
        expect(after.bytes).toBeLessThanOrEqual(before.bytes);
        const saved = savings.reduce((sum, { launches }) => sum + launches, 0);
        expect(saved).toBe(before.launches - after.launches);
        const made = new Set(fused.operators.flatMap(({ outputs }) => outputs));
        expect(fused.results.every((name) => made.has(name))).toBe(true);
        // Throws when an operator comes before what it reads.
        expect(graphOfList(fused).operators).toHaveLength(after.launches);
      }),
      { numRuns: 60, seed: 4 },
    );
  });

  it('runs everything that was there: every part of every launch is an operator of the model', () => {
    fc.assert(
      fc.property(anyList, anyPasses, (list, passes) => {
        const count = (l: OperatorList) => l.operators.flatMap(({ parts }) => parts).length;
        const { list: fused, savings } = fuse(list, passes);
        // Transpositions that cancel are the only operators that may vanish.
        const vanished = savings.find(({ fusion }) => fusion === 'layout')?.launches ?? 0;
        expect(count(list) - count(fused)).toBeLessThanOrEqual(vanished);
      }),
      { numRuns: 40, seed: 4 },
    );
  });

  it('fusing twice finds nothing new in merged convolutions and products', () => {
    for (const list of lists) {
      const once = fuse(list, ['convolution', 'product']).list;
      const activations = (l: OperatorList) =>
        l.operators.filter(({ parts }) => parts.length === 1).length;
      expect(activations(fuse(once, ['convolution', 'product']).list)).toBeLessThanOrEqual(
        activations(once),
      );
    }
  });
});

describe('precision', () => {
  it('halves every byte of a model in single precision that runs in half', () => {
    for (const list of lists) {
      const before = listTotals(list);
      const half = castList(list, PRECISIONS.fp16);
      expect(listTotals(half)).toEqual({ ...before, bytes: before.bytes / 2 });
      expect(peakActivationBytes(half)).toBe(peakActivationBytes(list) / 2);
    }
  });

  it('commutes with fusion, which looks at structure alone', () => {
    for (const list of lists) {
      const castFirst = listTotals(fuse(castList(list, PRECISIONS.fp16)).list);
      const fusedFirst = listTotals(castList(fuse(list).list, PRECISIONS.fp16));
      expect(castFirst.launches).toBe(fusedFirst.launches);
      expect(castFirst.bytes / fusedFirst.bytes).toBeCloseTo(1, 3);
    }
  });
});
