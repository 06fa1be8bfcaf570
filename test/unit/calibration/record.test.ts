import { describe, expect, it } from 'vitest';
import type { HostFit, Residual } from '../../../src/calibration/host-fit.ts';
import { initialValues } from '../../../src/calibration/parameters.ts';
import { buildRecord, groupErrors, type RecordInputs } from '../../../src/calibration/record.ts';

const residual = (id: string, threads: number, error: number, spread = 0.02): Residual => ({
  id,
  family: id.split('/')[0] as string,
  threads,
  measured: 1e-3,
  predicted: 1e-3 * (1 + error),
  error,
  spread,
});
const residuals = [
  residual('a/1', 1, 0.1),
  residual('a/1', 2, -0.3),
  residual('b/1', 1, 0.02),
  residual('b/1', 2, 0.04),
];
const fit: HostFit = {
  values: initialValues(),
  parameters: [{ name: 'clock', value: 3e9, uncertainty: 0.02, undetermined: false }],
  residuals,
};
const inputs: RecordInputs = {
  date: '2024-05-01T12:00:00.000Z',
  host: {
    processor: 'Test CPU',
    architecture: 'x64',
    system: 'linux',
    threads: 2,
    memoryBytes: 2 ** 34,
    clockHertz: 3e9,
    l2Bytes: 2 ** 20,
    lastLevelBytes: 2 ** 25,
    nodeVersion: 'v20',
  },
  threads: [1, 2],
  quick: true,
  copies: [{ workingSet: 16_384, bandwidth: 1e11 }],
  fit,
  crossValidated: [residual('a/1', 1, 0.5), residual('b/1', 1, -0.1)],
  refused: [{ id: 'c/1', reason: 'no kernel' }],
  waitedShare: 0.01,
};

describe('buildRecord', () => {
  const record = buildRecord(inputs);

  it('keeps date, host and what could not run', () => {
    expect(record).toMatchObject({
      version: 1,
      kind: 'host',
      date: inputs.date,
      refused: [{ id: 'c/1', reason: 'no kernel' }],
    });
  });

  it('says what each parameter means, and its uncertainty', () => {
    expect(record.parameters).toEqual([
      {
        name: 'clock',
        value: 3e9,
        uncertainty: 0.02,
        undetermined: false,
        meaning: 'clock at which FP32 GEMM reaches its share',
        dimension: 'frequency',
      },
    ]);
  });

  it('tells in-sample from left-out errors', () => {
    expect(record.errors.inSample.worst).toBe(0.3);
    expect(record.errors.byThreads['1']?.worst).toBe(0.1);
    expect(record.errors.leaveFamilyOut['a']?.median).toBe(0.5);
  });

  it('changes its hash with any measured time, and with nothing else', () => {
    const moved = residuals.map((one, i) => (i === 0 ? { ...one, measured: 1.001e-3 } : one));
    const later = { ...inputs, date: '2025-01-01T00:00:00.000Z' };
    expect(buildRecord({ ...inputs, fit: { ...fit, residuals: moved } }).inputsHash).not.toBe(
      record.inputsHash,
    );
    expect(buildRecord(later).inputsHash).toBe(record.inputsHash);
    expect(record.inputsHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('marks a busy machine', () => {
    const noisy = residuals.map((one) => ({ ...one, spread: 0.2 }));
    expect(record.noise.noisy).toBe(false);
    expect(buildRecord({ ...inputs, fit: { ...fit, residuals: noisy } }).noise).toEqual({
      medianSpread: 0.2,
      waitedShare: 0.01,
      noisy: true,
    });
    expect(buildRecord({ ...inputs, waitedShare: 0.3 }).noise.noisy).toBe(true);
  });

  it('survives a trip through JSON', () => {
    expect(JSON.parse(JSON.stringify(record))).toEqual(record);
  });
});

describe('groupErrors', () => {
  it('has one summary per key', () => {
    const groups = groupErrors(residuals, ({ family }) => family);
    expect(Object.keys(groups)).toEqual(['a', 'b']);
    expect(groups['b']).toMatchObject({ count: 2, worst: 0.04 });
  });
});
