/** Every template is a file that `--check` takes as it is. */
import { describe, expect, it } from 'vitest';
import { predictFile } from '../../../src/calibration/device/predict-file.ts';
import { parseSustained } from '../../../src/calibration/device/sustained-rows.ts';
import { templateCsv } from '../../../src/cli/calibrate-templates.ts';
import { sustainedKind } from '../../../src/cli/sustained-report.ts';
import { sources } from '../../support/sources.ts';

describe('templates', () => {
  it.each([
    ['llm', ['decode', 'prefill']],
    ['energy', ['decode', 'energy_per_token', 'prefill']],
    ['bandwidth', ['bandwidth']],
    ['diffusion', ['unet_step']],
  ])('%s is predicted, within a factor of two of its example', (kind, quantities) => {
    const { rows, unmapped } = predictFile(
      templateCsv(kind),
      `${kind}.csv`,
      sources,
      () => undefined,
    );
    expect(unmapped).toEqual([]);
    expect(rows.map(({ quantity }) => quantity).sort()).toEqual(quantities);
    for (const { predicted, reference } of rows)
      expect(Math.abs(Math.log(predicted / reference))).toBeLessThan(Math.log(2));
  });

  it('for networks wants only their graphs', () => {
    const { unmapped } = predictFile(templateCsv('vision'), 'v.csv', sources, () => undefined);
    expect(unmapped).toEqual([{ id: 'mine-1', reason: 'no graph resnet50.onnx (--graphs DIR)' }]);
  });

  it('for runs over time is told by its columns', () => {
    const text = templateCsv('sustained.csv');
    expect(sustainedKind(text)).toBe(parseSustained);
    expect(parseSustained(text, 's.csv')[0]?.points.map(({ quantity }) => quantity)).toEqual([
      'decode',
      'temperature',
    ]);
  });

  it('is that of language models where no kind is given, and names the nearest kind otherwise', () => {
    expect(templateCsv()).toBe(templateCsv('llm'));
    expect(() => templateCsv('visoin')).toThrow(/unknown kind of measurement "visoin"/);
  });
});
