import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../src/base/random.ts';
import { worksAsRun } from '../../../src/calibration/as-run.ts';
import type { Observation } from '../../../src/calibration/collect.ts';
import {
  crossValidate,
  fitHost,
  predictObservations,
  summariseErrors,
} from '../../../src/calibration/fit.ts';
import { operatorCases } from '../../../src/calibration/onnx-models.ts';
import { initialValues, type ParameterValues } from '../../../src/calibration/parameters.ts';

const shape = { threads: 2, l2Bytes: 1024 * 1024 };
const KEPT =
  /^(call|matmul-fp32|matmul-int|matmul-act|conv|attention|elementwise|softmax|transpose)/;

/** A machine unlike the starting point in every number the test looks at. */
const truth: ParameterValues = {
  ...initialValues(),
  clock: 2.2e9,
  int8: 0.5,
  int4: 0.25,
  conv: 0.55,
  depthwise: 0.9,
  vectorOps: 9,
  l2: 40,
  l3: 11,
  coreBandwidth: 9e9,
  bandwidth: 15e9,
  dispatch: 2e-6,
  call: 40e-6,
  threadShare: 0.8,
  outputBlock: 16,
  splitCycles: 16_000,
};

/** The suite as that machine would measure it: 3 % noise and a busy moment now and then. */
function observe(): Observation[] {
  const draw = randomStream(7, 'fit.test');
  const cases = operatorCases(false).filter(({ id }) => KEPT.test(id));
  const blank = cases.flatMap(({ id, family, build }) => {
    const works = worksAsRun(build());
    return [1, 2].map((threads) => ({
      id,
      family,
      threads,
      works,
      seconds: 1,
      spread: 0.02,
      bursts: 6,
    }));
  });
  const exact = predictObservations(blank, shape, truth);
  return blank.map((one, index) => {
    const noise = 1 + 0.03 * (2 * draw() - 1);
    const busy = draw() < 0.04;
    const seconds = (exact[index]?.predicted ?? 1) * noise * (busy ? 2 : 1);
    return { ...one, seconds, spread: busy ? 0.5 : 0.02 };
  });
}

describe('fitHost', () => {
  const observations = observe();
  const products = observations.filter(({ family }) => family === 'matmul-fp32');
  const fit = fitHost(observations, shape, initialValues());
  const narrow = fitHost(products, shape, initialValues());
  const found = (name: keyof ParameterValues) => fit.values[name] / truth[name];

  it.each([
    'clock',
    'int8',
    'int4',
    'conv',
    'depthwise',
    'vectorOps',
    'call',
    'dispatch',
    'coreBandwidth',
    'threadShare',
  ] as const)('finds %s again behind noise', (name) => {
    expect(found(name)).toBeGreaterThan(0.88);
    expect(found(name)).toBeLessThan(1.14);
  });

  it('says how sure it is, and covers the truth mostly', () => {
    const off = fit.parameters
      .filter(({ undetermined }) => !undetermined)
      .map(({ name, uncertainty }) => Math.abs(Math.log(found(name))) / uncertainty);
    expect(off.filter((deviations) => deviations < 3).length / off.length).toBeGreaterThan(0.9);
  });

  it('predicts what it was fitted to within the noise', () => {
    const calm = fit.residuals.filter(({ spread }) => spread < 0.1);
    expect(summariseErrors(calm).median).toBeLessThan(0.03);
    expect(summariseErrors(calm).p90).toBeLessThan(0.12);
  });

  it('is not pulled by busy moments', () => {
    const busy = fit.residuals.filter(({ spread }) => spread > 0.1);
    expect(busy.length).toBeGreaterThan(2);
    // They took twice as long as they should, so an unmoved fit is half as long.
    for (const { error } of busy) expect(error).toBeLessThan(-0.3);
  });

  it('marks what the data do not determine', () => {
    const unsure = narrow.parameters.filter(({ undetermined }) => undetermined);
    expect(unsure.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['int8', 'conv', 'depthwise', 'attention']),
    );
    expect(unsure.map(({ name }) => name)).not.toContain('clock');
  });

  it('predicts a family it has not seen from the others', () => {
    const few = observations.filter(({ family }) =>
      ['matmul-fp32', 'softmax', 'elementwise', 'call'].includes(family),
    );
    const left = crossValidate(few, shape, initialValues(), fit);
    expect(left).toHaveLength(few.length);
    const softmax = left.filter(({ family, spread }) => family === 'softmax' && spread < 0.1);
    expect(summariseErrors(softmax).median).toBeLessThan(0.2);
  });

  it('finds the steps that have no slope', () => {
    expect(fit.values.outputBlock).toBe(truth.outputBlock);
    expect(fit.values.splitCycles).toBe(truth.splitCycles);
  });

  it('gives the same numbers for the same observations', () => {
    expect(fitHost(products, shape, initialValues()).values).toEqual(narrow.values);
  });
});

describe('summariseErrors', () => {
  it('looks at sizes, not signs', () => {
    const errors = [-0.4, 0.1, 0.2].map((error) => ({ error }));
    const summary = summariseErrors(errors);
    expect(summary).toMatchObject({ count: 3, median: 0.2, worst: 0.4 });
    expect(summary.p90).toBeCloseTo(0.36, 12);
  });
});
