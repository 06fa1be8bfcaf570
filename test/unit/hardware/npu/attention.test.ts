import { describe, expect, it } from 'vitest';
import { attentionLoad, attentionTraffic } from '../../../../src/hardware/npu/attention.ts';
import type { MatrixArray } from '../../../../src/hardware/npu/folds.ts';
import { attendedKeys, attentionRows } from '../../../../src/hardware/npu/gemm-view.ts';
import { attention } from '../../../support/phone-units.ts';

const array: MatrixArray = {
  engines: 1,
  rows: 64,
  columns: 64,
  dataflow: 'weight-stationary',
  overlapFolds: true,
  doubleBufferPreload: true,
};
const memory = (bytes: number) => ({ bytes, accumulatorBytes: 0, granule: 64 });
const formOf = (work: ReturnType<typeof attention>) => {
  if (work.form.kind !== 'attention') throw new Error('not attention');
  return work.form;
};

describe('attention', () => {
  it('stacks the query heads that share keys', () => {
    expect(attentionRows(formOf(attention({ heads: 24, kvHeads: 8, queries: 5 })))).toBe(15);
  });

  it('looks at the mean of the visible keys when causal', () => {
    // Queries 1…4 of a context of 4 see 1, 2, 3, 4 keys.
    const form = formOf(attention({ queries: 4, context: 4 }));
    expect(attendedKeys(form, 1)).toBe(2.5);
    expect(attendedKeys({ ...form, causal: false }, 1)).toBe(4);
    // A block of all four queries looks at whatever any of them sees.
    expect(attendedKeys(form, 64)).toBe(4);
    // One new token sees everything.
    expect(attendedKeys(formOf(attention({ queries: 1, context: 900 })), 64)).toBe(900);
  });

  it('keeps scores on chip when fused', () => {
    const work = attention({ queries: 128, context: 1024 });
    const form = formOf(work);
    const fused = attentionTraffic(memory(2 ** 23), work, form, true);
    expect(fused.readBytes).toBe(work.inputBytes + work.kvReadBytes);
    expect(fused.writeBytes).toBe(work.outputBytes + work.kvWriteBytes);
    const apart = attentionTraffic(memory(2 ** 23), work, form, false);
    // Written and read back before and after the softmax, two bytes each.
    const scores = 32 * 128 * 1024 * 2;
    expect(apart.readBytes - fused.readBytes).toBe(2 * scores);
    expect(apart.writeBytes - fused.writeBytes).toBe(2 * scores);
  });

  it('fetches keys again for every block of queries when they do not fit', () => {
    const work = attention({ kvHeads: 1, queries: 2048, context: 8192 });
    const form = formOf(work);
    const once = attentionTraffic(memory(2 ** 24), work, form, true);
    const often = attentionTraffic(memory(2 ** 19), work, form, true);
    expect(often.readBytes - work.inputBytes).toBeGreaterThan(
      2 * (once.readBytes - work.inputBytes),
    );
  });

  it('takes the cycles of its two products', () => {
    const work = attention({ heads: 1, kvHeads: 1, queries: 64, context: 64, causal: false });
    const load = attentionLoad(array, memory(2 ** 23), work, formOf(work), true);
    // Two folds of 64 rows for the scores (k = 128), two for the values (n = 128), and fill and drain of both.
    expect(load.arrayCycles).toBe(2 * (2 * 64 + 64 + 126));
  });

  it('counts local-memory traffic at least once per byte', () => {
    const work = attention({});
    const load = attentionLoad(array, memory(2 ** 23), work, formOf(work), true);
    expect(load.sramBytes).toBeGreaterThanOrEqual(load.otherReadBytes + load.writeBytes);
  });
});
