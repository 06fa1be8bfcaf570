/**
 * Host calibration against this very machine: operators measured, a SoC fitted, unseen models predicted.
 * Bounds are loose, because a test cannot know who else is using the machine; the printed table is the result.
 */
import { describe, expect, it } from 'vitest';
import { reportRows } from '../../src/analysis/row-report.ts';
import { calibrateHost } from '../../src/calibration/calibrate.ts';
import { checkModels } from '../../src/calibration/check-models.ts';
import { accuracyLine, recordAccuracy } from '../support/accuracy.ts';
import { realCandidates } from '../support/real-models.ts';

const MINUTES = 60_000;
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const errorOf = ({ residual }: { readonly residual: { readonly error: number } }) => residual.error;

describe('host calibration', () => {
  it(
    'predicts whole models that the fit has not seen',
    async () => {
      const checks = [...checkModels(true), ...realCandidates()];
      const { record, checks: checked } = await calibrateHost({
        quick: true,
        date: '1970-01-01T00:00:00.000Z',
        checks,
      });
      const rows = checked.map(({ residual }) => ({
        id: `${residual.id}@${residual.threads}`,
        quantity: 'latency',
        predicted: residual.predicted,
        reference: residual.measured,
        error: residual.error,
        group: `${residual.threads} threads`,
      }));
      const report = reportRows(rows);
      console.table(
        rows.map(({ id, predicted, reference, error }) => ({
          id,
          measured_ms: Number((1000 * reference).toPrecision(3)),
          predicted_ms: Number((1000 * predicted).toPrecision(3)),
          error: `${(100 * error).toFixed(0)} %`,
        })),
      );
      const left = Object.values(record.errors.leaveFamilyOut).map(({ median }) => median);
      recordAccuracy({
        topic: 'host',
        order: 70,
        title: 'ONNX models on this host',
        text: `A quick calibration of the machine that ran the validation (${record.host.processor}, ${record.threads.join(' and ')} threads), fitted to chains of single operators; whole models measured in the same run. The whole suite three times over, on sixteen networks each: [HOST.md](HOST.md), by \`npm run validate:host\`. Median spread between bursts ${percent(record.noise.medianSpread)}${record.noise.noisy ? ': the machine was busy, so these figures are worse than the model' : ''}.`,
        lines: [
          ...record.threads.map((threads) =>
            accuracyLine(
              `whole models, ${threads} threads`,
              checked.filter(({ residual }) => residual.threads === threads).map(errorOf),
              { unit: '%', sample: 'no fit', note: 'models unseen by the fit' },
            ),
          ),
          accuracyLine(
            'operator chains',
            record.residuals.map(({ error }) => error),
            { unit: '%', sample: 'in-sample' },
          ),
          accuracyLine('operator families left out', left, {
            unit: '%',
            sample: 'cross-validated',
            note: 'median of each family',
          }),
        ],
      });
      expect(record.refused).toEqual([]);
      expect(checked).toHaveLength(checks.length * record.threads.length);
      const one = report.summary.find(({ group }) => group === '1 threads');
      expect(one?.median).toBeLessThan(0.4);
      expect(record.errors.byThreads['1']?.median).toBeLessThan(0.3);
    },
    5 * MINUTES,
  );
});
