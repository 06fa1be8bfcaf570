/**
 * Host calibration against this very machine: operators measured, a SoC fitted, unseen models predicted.
 * Bounds are loose, because a test cannot know who else is using the machine; the printed table is the result.
 */
import { describe, expect, it } from 'vitest';
import { reportRows } from '../../src/analysis/row-report.ts';
import { calibrateHost } from '../../src/calibration/calibrate.ts';
import { checkModels } from '../../src/calibration/check-models.ts';

const MINUTES = 60_000;

describe('host calibration', () => {
  it(
    'predicts whole models that the fit has not seen',
    async () => {
      const { record, checks } = await calibrateHost({
        quick: true,
        date: '1970-01-01T00:00:00.000Z',
        checks: checkModels(true),
      });
      const rows = checks.map(({ residual }) => ({
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
      console.table(report.summary);
      console.log(
        `chains: median ${(100 * record.errors.inSample.median).toFixed(1)} %, spread ${(100 * record.noise.medianSpread).toFixed(1)} %${record.noise.noisy ? ' (busy machine)' : ''}`,
      );
      expect(record.refused).toEqual([]);
      expect(checks).toHaveLength(checkModels(true).length * record.threads.length);
      const one = report.summary.find(({ group }) => group === '1 threads');
      expect(one?.median).toBeLessThan(0.4);
      expect(record.errors.byThreads['1']?.median).toBeLessThan(0.3);
    },
    5 * MINUTES,
  );
});
