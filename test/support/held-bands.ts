/** Whether bands hold what they were not made from: each source, model or SoC judged by bands of all the others. */
import { bandsOf, type Unseen } from '../../src/calibration/device/bands.ts';
import {
  type BandSpec,
  type BundleSpec,
  buildCalibration,
  type ClassesSpec,
} from '../../src/runtime/calibration-spec.ts';

/** What is left out, of predictions and of bands. */
const SAMPLES = { source: 'withoutSource', model: 'withoutModel', soc: 'withoutSoc' } as const;

const inputs = { file: '', sha256: '', rows: 0 };
const about = { version: 1, date: '', host: '', inputs, errors: {} } as const;

/** A SoC whose units were measured, or one without measurements, under the bands given. */
function calibrationOf(bands: BandSpec[], measured: readonly string[]) {
  const shared = { classes: {}, makers: {}, energy: [] };
  const classes: ClassesSpec = { ...about, ...shared, kind: 'classes', bands };
  const units = Object.fromEntries(measured.map((unit) => [unit, {}]));
  const bundle: BundleSpec = { ...about, kind: 'device', soc: '', units, pairs: {}, residuals: [] };
  return buildCalibration(classes, measured.length > 0 ? bundle : undefined);
}

/** Per row that can be judged: whether the measurement lies inside. */
export function heldByOthers(
  rows: readonly Unseen[],
  out: keyof typeof SAMPLES,
): { readonly quantity: string; readonly held: boolean }[] {
  const sample = SAMPLES[out];
  return [...new Set(rows.map((row) => row[out]))].flatMap((key) => {
    if (key === undefined) return [];
    const bands = bandsOf(rows.filter((row) => row[out] !== key));
    return rows.flatMap((row) => {
      const predicted = row[sample];
      if (row[out] !== key || predicted === undefined) return [];
      const measured = out === 'soc' ? [] : [row.unit];
      const band = calibrationOf(bands, measured).band(row.quantity, row.runtime, row.unit);
      if (!band) return [];
      const away = Math.abs(Math.log(predicted / row.reference));
      return [{ quantity: row.quantity, held: away <= Math.log(band.factor) }];
    });
  });
}
