import { describe, expect, it } from 'vitest';
import type { Work } from '../../../src/base/work.ts';
import { operatorsAsRun, worksAsRun } from '../../../src/calibration/as-run.ts';
import * as op from '../../../src/calibration/operators.ts';
import { finish, input, newSketch } from '../../../src/calibration/sketch.ts';
import { binary, reshape, resize, unary } from '../../../src/calibration/vector-operators.ts';
import { buildCpu } from '../../../src/hardware/units/cpu.ts';
import type { ListedOperator } from '../../../src/workload/fusion/operator-list.ts';
import { common, kryo } from '../../support/phone-units.ts';

describe('operatorsAsRun', () => {
  it('merges an activation into the convolution before it', () => {
    const sketch = newSketch('conv-relu');
    const conv = op.conv(sketch, input(sketch, [1, 8, 16, 16]), { out: 8, kernel: 3 });
    const { list } = finish(sketch, unary(sketch, conv, 'Relu'));
    expect(list.operators).toHaveLength(2);
    const [run, ...rest] = operatorsAsRun(list);
    expect(rest).toEqual([]);
    expect(run?.parts).toEqual(['Conv', 'Relu']);
  });

  it('leaves element-wise operators apart', () => {
    const sketch = newSketch('relu-sigmoid');
    const x = unary(sketch, input(sketch, [4, 4]), 'Relu');
    expect(operatorsAsRun(finish(sketch, unary(sketch, x, 'Sigmoid')).list)).toHaveLength(2);
  });

  it('keeps a result apart while somebody else still reads what it was made of', () => {
    const sketch = newSketch('swish');
    const x = unary(sketch, input(sketch, [4, 4]), 'Relu');
    const gate = unary(sketch, x, 'Sigmoid');
    const { list } = finish(sketch, binary(sketch, x, gate, 'Mul'));
    const apart = operatorsAsRun(list).map(({ works }) =>
      works.map(({ form }) => form.kind === 'vector' && form.apart === true),
    );
    // The model's own input stays as it is; `x` is read again by the product, which may take its place or the gate's.
    expect(apart).toEqual([[true], [true], [false]]);
  });

  it('keeps sizes by the nearest element on one thread, and interpolated ones on all', () => {
    const sketch = newSketch('resize');
    const x = unary(sketch, input(sketch, [1, 8, 16, 16]), 'Relu');
    const near = resize(sketch, x, 2, 'nearest', 'floor');
    const { list } = finish(sketch, resize(sketch, near, 2, 'linear'));
    const forms = operatorsAsRun(list).flatMap(({ works }) => works.map(({ form }) => form));
    expect(forms[1]).toEqual({ kind: 'move', doubled: true, serial: true });
    expect(forms[2]?.kind).toBe('vector');
  });

  it('copies the cache before attention reads it', () => {
    const sketch = newSketch('cached');
    const query = input(sketch, [1, 1, 256]);
    const kv = input(sketch, [1, 1, 128]);
    const cache = [input(sketch, [1, 2, 99, 64]), input(sketch, [1, 2, 99, 64])];
    const shape = { heads: 4, kvHeads: 2, past: 99 };
    const y = op.groupQueryAttention(sketch, [query, kv, kv], shape, cache);
    const [run] = operatorsAsRun(finish(sketch, y).list);
    const [copy, attention] = run?.works ?? [];
    // Keys and values of 2 heads of 64 floats: 1024 bytes per token.
    expect(copy).toMatchObject({
      form: { kind: 'move' },
      macs: 0,
      inputBytes: 0,
      kvReadBytes: 99 * 1024,
      outputBytes: 100 * 1024,
    });
    // The query of one token, its key, which is also its value, and the copy: heads that share keys find them in L2.
    const token = 4 * (256 + 128);
    expect(attention).toMatchObject({ inputBytes: token + 100 * 1024, kvReadBytes: 0 });
    expect(attention?.macs).toBe(4 * 100 * 128);
  });
});

describe('attention as ONNX Runtime has it', () => {
  const scores = 4 * 8 * 1024 * 1024;
  const of = (list: Parameters<typeof operatorsAsRun>[0]) =>
    operatorsAsRun(list).flatMap(({ works }) =>
      works.filter(({ form }) => form.kind === 'attention'),
    );

  it('keeps scores in the nearest cache with several heads, and writes them out with grouped ones', () => {
    const sketch = newSketch('heads');
    const x = input(sketch, [1, 1024, 320]);
    const [several] = of(finish(sketch, op.multiHeadAttention(sketch, [x, x, x], 8)).list);
    const other = newSketch('groups');
    const y = input(other, [1, 1024, 320]);
    const shape = { heads: 8, kvHeads: 8, past: 0 };
    const [grouped] = of(finish(other, op.groupQueryAttention(other, [y, y, y], shape)).list);
    const cpu = buildCpu(kryo, common('cpu', 'cpu'));
    const moved = (work: Work) => cpu.estimate(work).sramBytes;
    expect(several?.form).toMatchObject({ blocked: true });
    expect(grouped?.form).not.toHaveProperty('blocked');
    // Written and read back once each, and nothing else of that size is moved.
    expect(moved(grouped as Work)).toBeGreaterThan(2 * scores);
    expect(moved(several as Work)).toBeLessThan(scores);
  });
});

describe('blocks of MultiHeadAttention', () => {
  const sketch = newSketch('heads');
  const x = input(sketch, [1, 64, 320]);
  const { list } = finish(sketch, op.multiHeadAttention(sketch, [x, x, x], 8));
  const [attention] = list.operators;
  const blocked = (work: Partial<Work>, traits: Partial<ListedOperator['traits']> = {}) => {
    const changed = {
      ...(attention as ListedOperator),
      work: { ...attention!.work, ...work },
      traits: { ...attention!.traits, ...traits },
    };
    const [run] = operatorsAsRun({ ...list, operators: [changed, ...list.operators.slice(1)] });
    return run!.works.some(({ form }) => form.kind === 'attention' && form.blocked === true);
  };

  it('are its own where nothing but query, key and value is given', () => {
    expect(blocked({})).toBe(true);
  });

  it('are not taken with masks, caches, halves or earlier tokens alone', () => {
    const form = attention!.work.form as Extract<Work['form'], { kind: 'attention' }>;
    const operands = [...attention!.traits.operands];
    const mask = { position: 4, dims: [1, 64], dtype: 'int32', bytes: 256 } as const;
    expect(blocked({ form: { ...form, causal: true } })).toBe(false);
    expect(blocked({ kvWriteBytes: 1 })).toBe(false);
    expect(blocked({ kvReadBytes: 1 })).toBe(false);
    expect(blocked({ activationDType: 'fp16' })).toBe(false);
    expect(blocked({}, { constants: [mask] })).toBe(false);
    expect(blocked({}, { operands: [...operands.slice(0, 3), '', '', 'x0'] })).toBe(false);
  });
});

describe('worksAsRun', () => {
  it('dispatches views, which move nothing', () => {
    const sketch = newSketch('view');
    const x = reshape(sketch, input(sketch, [4, 4]), [16]);
    const works = worksAsRun(finish(sketch, unary(sketch, x, 'Relu')));
    expect(works.map(({ operator }) => operator)).toEqual(['Relu', 'Reshape']);
    expect(works[1]).toMatchObject({ inputBytes: 0, outputBytes: 0, macs: 0, vectorOps: 0 });
  });
});
