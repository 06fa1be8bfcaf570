/**
 * Bands of energy and power, and the predictions they follow from: kept side by side, so that bands which no longer
 * follow from what is predicted can be told, and made again without a fit.
 */
import type { ClassesSpec } from '../../runtime/calibration-spec.ts';
import { bandsOf } from './bands.ts';
import type { UnseenEnergy } from './energy-rows.ts';

/** As a file keeps them. */
export function keptEnergy(rows: readonly UnseenEnergy[]): ClassesSpec['energy'] {
  return rows.map(({ withoutModel, withoutSource, withoutSoc, reference, ...row }) => {
    const { id, quantity, unit, runtime, model, source, soc } = row;
    return {
      id,
      quantity,
      unit,
      runtime,
      ...(model !== undefined && { model }),
      ...(source !== undefined && { source }),
      ...(soc !== undefined && { soc }),
      measured: reference,
      predicted: withoutModel ?? withoutSource ?? withoutSoc,
      uncalibrated: withoutSoc,
    };
  });
}

/** What a file keeps, as the rows that bands are made of. */
export function energyRowsOf({ energy }: Pick<ClassesSpec, 'energy'>): UnseenEnergy[] {
  return energy.map(({ measured, predicted, uncalibrated, model, source, soc, ...row }) => ({
    ...row,
    reference: measured,
    withoutModel: predicted,
    withoutSource: predicted,
    withoutSoc: uncalibrated,
    ...(model !== undefined && { model }),
    ...(source !== undefined && { source }),
    ...(soc !== undefined && { soc }),
  }));
}

/** Classes as they are, with the bands of energy and power that follow from `rows`. */
export function withEnergyBands(classes: ClassesSpec, rows: readonly UnseenEnergy[]): ClassesSpec {
  const made = bandsOf(rows);
  const own = new Set(made.map(({ quantity }) => quantity));
  const others = classes.bands.filter(({ quantity }) => !own.has(quantity));
  const bands = [...others, ...made].sort((a, b) => compare(a.quantity, b.quantity));
  const { errors, ...rest } = classes;
  return { ...rest, bands, energy: keptEnergy(rows), errors };
}

const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));
