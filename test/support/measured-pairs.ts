/**
 * How far measurements of one thing lie apart; a prediction that does not know the source is off by 1/√2 of it at best.
 *
 * Model    a row predicted by another row of the same SoC, unit, runtime class and format: its measurement times the ratio of
 *          what a fit says of both (other model, length of prompt, threads); of several, the median of their absolute errors
 * Ignores  that the fit has seen both rows
 * Valid    pairs of rows whose ratio the fit knows better than either source knows its phone
 * Source   cross-validation by the nearest neighbour
 * Checked  test/unit/calibration/device/measured-pairs.test.ts
 */
import { medianOf } from '../../src/calibration/statistics.ts';

export interface MeasuredRow {
  readonly quantity: string;
  /** SoC, unit, runtime class and format: rows of one place may be compared. */
  readonly place: string;
  readonly model: string;
  /** Empty where the row names none: such a row is a source of its own. */
  readonly source: string;
  readonly reference: number;
  /** By one fit for all rows. */
  readonly predicted: number;
}

/** Which rows may stand for a row. */
export type Partners = 'other sources, same model' | 'other sources' | 'same source, same model';

const TAKES: Readonly<Record<Partners, (row: MeasuredRow, other: MeasuredRow) => boolean>> = {
  'other sources, same model': (row, other) => !ofOneSource(row, other) && sameModel(row, other),
  'other sources': (row, other) => !ofOneSource(row, other),
  'same source, same model': (row, other) => ofOneSource(row, other) && sameModel(row, other),
};
const ofOneSource = (row: MeasuredRow, other: MeasuredRow) =>
  row.source !== '' && row.source === other.source;
const sameModel = (row: MeasuredRow, other: MeasuredRow) => row.model === other.model;

/** Absolute errors of rows predicted by their partners; rows without one are left out. */
export function errorsByPartners(rows: readonly MeasuredRow[], which: Partners): number[] {
  const takes = TAKES[which];
  return rows.flatMap((row) => {
    const found = rows.filter(
      (other) =>
        other !== row &&
        other.quantity === row.quantity &&
        other.place === row.place &&
        takes(row, other),
    );
    if (found.length === 0) return [];
    const scaled = found.map((other) => (other.reference * row.predicted) / other.predicted);
    return [medianOf(scaled.map((value) => Math.abs(value / row.reference - 1)))];
  });
}
