/** One calibration of phones from a table of measurements: rows in, classes, bundles and their errors out. */
import { SpecError } from '../../base/errors.ts';
import type { Sources } from '../../engine/prepare.ts';
import type { UnseenEnergy } from './energy-rows.ts';
import { anchored, heldByFew, parametersOf, type Shared } from './fit-parameters.ts';
import { compileRow, knownByFew, type Observation, observationsOf } from './fit-rows.ts';
import { DeviceFit, type Fit, type Holding } from './fit-solve.ts';
import { mapLlmRow } from './llm-mapping.ts';
import type { LlmRow } from './llm-rows.ts';
import { mappingTables } from './predict.ts';
import { reasonOf } from './row-fault.ts';
import { type CrossValidated, crossValidate, foldsOf } from './unseen.ts';

export interface DeviceCalibration {
  readonly fit: Fit;
  readonly rows: readonly CrossValidated[];
  /** Energy and power, of which rates alone are fitted. */
  readonly energy: readonly UnseenEnergy[];
  /** Rows that were not fitted, and why. */
  readonly skipped: readonly { readonly id: string; readonly reason: string }[];
}

/** Only measured rows whose protocol is known teach anything. */
const FITTED_QUALITY = 'AB';

/**
 * @param sources descriptions without any calibration laid over them.
 * @param shared runtime classes and makers as other measurements left them, for a file with few rows.
 * @throws SpecError when no row can be fitted.
 */
export function calibrateDevices(
  rows: readonly LlmRow[],
  sources: Sources,
  soc?: string,
  progress?: (done: number, total: number) => void,
  shared: Shared = { classes: {}, makers: {} },
): DeviceCalibration {
  const { observations, skipped } = observe(rows, sources);
  const own =
    soc === undefined ? observations : observations.filter(({ row }) => row.use.soc === soc);
  if (own.length === 0) throw new SpecError([nothingToFit(skipped, soc)]);
  const { runtimes } = mappingTables(sources);
  const uses = observations.map(({ row }) => row.use);
  const parameters = parametersOf(uses, runtimes).map((one) => anchored(one, shared));
  const device = new DeviceFit(observations, runtimes, parameters, heldBySources);
  const folds = foldsOf(observations);
  progress?.(0, folds + 1);
  const fit = device.run();
  let done = 1;
  progress?.(done, folds + 1);
  const cross = crossValidate(device, observations, fit.predicted, () => {
    done++;
    progress?.(done, folds + 1);
  });
  return { fit, rows: cross, energy: [], skipped };
}

/** Pairs and units that few sources have measured are held nearer; without the rows of a source, others are such. */
const heldBySources: Holding = (observations) => {
  const few = knownByFew(observations);
  return (parameter) => heldByFew(parameter, few);
};

function observe(rows: readonly LlmRow[], sources: Sources) {
  const tables = mappingTables(sources);
  const observations: Observation[] = [];
  const skipped: { id: string; reason: string }[] = [];
  for (const row of rows) {
    const reason = unfit(row);
    const mapping = mapLlmRow(row, tables);
    if (reason !== undefined) skipped.push({ id: row.id, reason });
    else if ('reason' in mapping) skipped.push({ id: row.id, reason: mapping.reason });
    else if (mapping.standInSoc)
      skipped.push({ id: row.id, reason: `another SoC stands in for ${row.soc}` });
    else {
      try {
        observations.push(...observationsOf(compileRow(mapping, sources)));
      } catch (error) {
        skipped.push({ id: row.id, reason: reasonOf(error) });
      }
    }
  }
  return { observations, skipped };
}

function unfit({ kind, quality }: LlmRow): string | undefined {
  if (kind !== 'measured') return `${kind.replaceAll('_', ' ')}: shown by --check, never fitted`;
  if (FITTED_QUALITY.includes(quality)) return undefined;
  return `quality ${quality}: shown by --check, never fitted`;
}

function nothingToFit(skipped: DeviceCalibration['skipped'], soc: string | undefined) {
  const reasons = [...new Set(skipped.map(({ reason }) => reason))].slice(0, 3);
  return {
    message: soc === undefined ? 'no row can be fitted' : `no row of ${soc} can be fitted`,
    expected: 'measured rows of quality A or B of a SoC that has a description',
    ...(reasons.length > 0 ? { got: reasons.join('; ') } : {}),
  };
}
