import { describe, expect, it } from 'vitest';
import { operatorsAsRun } from '../../../src/calibration/as-run.ts';
import { interleave } from '../../../src/calibration/calibrate.ts';
import { checkOperators, matchOperators } from '../../../src/calibration/check.ts';
import type { Candidate } from '../../../src/calibration/collect.ts';
import * as op from '../../../src/calibration/operators.ts';
import { initialValues } from '../../../src/calibration/parameters.ts';
import {
  buildHostModel,
  countWorks,
  graphSeconds,
  operatorSeconds,
  unitFor,
} from '../../../src/calibration/predict.ts';
import { parseProfile } from '../../../src/calibration/profile.ts';
import { finish, input, newSketch } from '../../../src/calibration/sketch.ts';
import { softmax } from '../../../src/calibration/vector-operators.ts';

const node = (name: string, dur: number, operator = 'MatMul') => ({
  cat: 'Node',
  name: `${name}_kernel_time`,
  dur,
  ts: 0,
  args: { op_name: operator },
});

function product() {
  const sketch = newSketch('product');
  const x = op.matmul(sketch, input(sketch, [256, 512]), 512);
  return finish(sketch, softmax(sketch, x));
}
const host = buildHostModel(initialValues(), { threads: 1, l2Bytes: 2 ** 20 }, 1);

describe('parseProfile', () => {
  it('takes the lower quartile of each node and skips the warm-up', () => {
    const events = [900, 40, 41, 42, 43, 80].map((dur) => node('a', dur));
    const [a] = parseProfile(JSON.stringify(events), 1);
    expect(a).toMatchObject({ name: 'a', operator: 'MatMul' });
    expect(a?.seconds).toBeCloseTo(41e-6, 12);
  });

  it('takes suffixes of optimisations off', () => {
    const events = [node('conv1_nchwc', 5, 'Conv'), node('MatMul_token_12', 5)];
    expect(parseProfile(JSON.stringify(events)).map(({ name }) => name)).toEqual([
      'conv1',
      'MatMul',
    ]);
  });

  it('leaves sessions and fences out', () => {
    const events = [{ cat: 'Session', name: 'model_run', dur: 1 }, node('a', 5)];
    expect(parseProfile(JSON.stringify(events))).toHaveLength(1);
  });
});

describe('matchOperators', () => {
  const { list } = product();

  it('sets kernels beside predictions without dispatch', () => {
    const profile = [
      { name: 'MatMul.0', operator: 'MatMul', seconds: 2e-3 },
      { name: 'Softmax.1', operator: 'Softmax', seconds: 1e-4 },
    ];
    const check = matchOperators(profile, list, host);
    expect(check.operators.map(({ name }) => name)).toEqual(['MatMul.0', 'Softmax.1']);
    const [works] = operatorsAsRun(list).map((one) => one.works);
    const unit = unitFor(host, works ?? []);
    const whole = operatorSeconds(host, unit, works?.[0] as never);
    expect(check.operators[0]?.predicted).toBeCloseTo(whole - initialValues().dispatch, 9);
    expect(check.covered).toBe(1);
  });

  it('takes off what tracing adds to operators that do nothing, and leaves out what drowns in it', () => {
    const profile = [
      { name: 'MatMul.0', operator: 'MatMul', seconds: 2e-3 },
      { name: 'Softmax.1', operator: 'Softmax', seconds: 6e-5 },
      { name: 'view', operator: 'Reshape', seconds: 1.2e-5 },
    ];
    const { operators } = matchOperators(profile, list, host);
    expect(operators.map(({ name }) => name)).toEqual(['MatMul.0']);
    expect(operators[0]?.measured).toBeCloseTo(2e-3 - 1.2e-5, 12);
  });

  it('names what only one side knows', () => {
    const profile = [{ name: 'ReorderInput', operator: 'ReorderInput', seconds: 1e-4 }];
    const check = matchOperators(profile, list, host);
    expect(check.extra.map(({ name }) => name)).toEqual(['ReorderInput']);
    expect(check.absorbed).toEqual(['MatMul.0', 'Softmax.1']);
    expect(check.covered).toBe(0);
  });
});

describe('checkOperators', () => {
  it('profiles a model in ONNX Runtime', async () => {
    const candidate: Candidate = { id: 'product', family: 'check', build: product };
    const check = await checkOperators(candidate, host, 1);
    expect(check.operators.map(({ operator }) => operator)).toContain('MatMul');
    expect(check.covered).toBeGreaterThan(0.5);
  });
});

describe('graphSeconds', () => {
  it('adds up operators and one call', () => {
    const works = operatorsAsRun(product().list).flatMap((one) => one.works);
    const unit = unitFor(host, works);
    const single = works.map((work) => operatorSeconds(host, unit, work));
    const repeated = countWorks([...works, ...works]);
    expect(repeated.map(({ count }) => count)).toEqual([2, 2]);
    expect(graphSeconds(host, unit, repeated)).toBeCloseTo(
      host.callSeconds + 2 * single.reduce((sum, seconds) => sum + seconds, 0),
      12,
    );
  });

  it('streams weights that no cache can keep', () => {
    const large = (count: number) => {
      const works = operatorsAsRun(product().list).flatMap((one) => one.works);
      return Array.from({ length: count }, () => works).flat();
    };
    const read = (works: ReturnType<typeof large>) =>
      unitFor(host, works).estimate(works[0] as never).readBytes;
    expect(read(large(1))).toBe(0);
    // 24 MiB of weights and 1 MiB of activations walk through 16 MiB: nine sixteenths too much, so many are gone.
    expect(read(large(24)) / 2 ** 20).toBeCloseTo(9 / 16, 3);
    // A walk over twice the cache and more finds nothing of the last one.
    expect(read(large(64))).toBe(2 ** 20);
  });
});

describe('interleave', () => {
  const named = (prefix: string, count: number): Candidate[] =>
    Array.from({ length: count }, (_, i) => ({
      id: `${prefix}${i}`,
      family: prefix,
      build: product,
    }));

  it('spreads the checks among the cases', () => {
    const order = interleave(named('case', 6), named('check', 2)).map(({ id }) => id);
    expect(order).toHaveLength(8);
    expect(order.indexOf('check0')).toBeLessThan(4);
    expect(order.indexOf('check1')).toBeGreaterThan(4);
  });

  it('loses none where there are more checks than cases', () => {
    const order = interleave(named('case', 2), named('check', 5));
    expect(new Set(order.map(({ id }) => id)).size).toBe(7);
  });
});
