/** Predictions of every row by fits that had not seen its model, source or SoC; and the naive ones to beat. */

import { medianOf } from '../statistics.ts';
import type { Unseen } from './bands.ts';
import type { Observation } from './fit-rows.ts';
import type { DeviceFit } from './fit-solve.ts';

export interface CrossValidated {
  readonly observation: Observation;
  readonly inSample: number;
  /** Absent where no other model was measured on that unit of the SoC: such a row says what an unmeasured SoC does. */
  readonly withoutModel: number | undefined;
  /** Absent where no other source measured that unit of the SoC, or the row names none. */
  readonly withoutSource: number | undefined;
  readonly withoutSoc: number;
  /** Median bytes (decode) or multiply–accumulates (prefill) per second of other models, same SoC, unit and engine. */
  readonly naive: number | undefined;
  /** The same of other sources, same SoC, unit and engine; and of other SoCs, same kind of unit and engine. */
  readonly naiveWithoutSource: number | undefined;
  readonly naiveWithoutSoc: number | undefined;
}

/** @param tick called after every fit. */
export function crossValidate(
  fit: DeviceFit,
  observations: readonly Observation[],
  inSample: readonly number[],
  tick: () => void = () => {},
): CrossValidated[] {
  const model = leaveOut(fit, observations, ({ row }) => row.model, tick);
  const source = leaveOut(fit, observations, ({ row }) => row.source, tick);
  const soc = leaveOut(fit, observations, ({ row }) => row.use.soc, tick);
  return observations.map((observation, i) => {
    const peers = observations.filter((other) => isPeer(observation, other));
    const elsewhere = observations.filter((other) => isOtherSource(observation, other));
    const abroad = observations.filter((other) => isOtherSoc(observation, other));
    return {
      observation,
      inSample: inSample[i] as number,
      withoutModel: peers.length > 0 ? model[i] : undefined,
      withoutSource: elsewhere.length > 0 ? source[i] : undefined,
      withoutSoc: soc[i] as number,
      naive: naiveOf(observation, peers),
      naiveWithoutSource: naiveOf(observation, elsewhere),
      naiveWithoutSoc: naiveOf(observation, abroad),
    };
  });
}

/** Folds that a fit goes through, for a progress bar. */
export function foldsOf(observations: readonly Observation[]): number {
  const kinds = (keyOf: (observation: Observation) => string) =>
    new Set(observations.map(keyOf).filter((key) => key !== '')).size;
  return (
    kinds(({ row }) => row.model) + kinds(({ row }) => row.source) + kinds(({ row }) => row.use.soc)
  );
}

export function asUnseen(one: CrossValidated): Unseen {
  const { observation, withoutModel, withoutSource, withoutSoc } = one;
  const { quantity, reference, row } = observation;
  return {
    quantity,
    unit: unitOf(observation),
    runtime: row.use.runtime,
    reference,
    withoutModel,
    withoutSource,
    withoutSoc,
    model: row.model,
    ...(row.source !== '' && { source: row.source }),
    soc: row.use.soc,
  };
}

/** Decode of a stage-wise row is asked of the second unit. */
export function unitOf({ quantity, row }: Pick<Observation, 'quantity' | 'row'>): string {
  const { asked } = row;
  return (quantity === 'decode' ? asked.at(-1) : asked[0]) ?? '';
}

/** One fold per key; none for rows without one. */
function leaveOut(
  fit: DeviceFit,
  observations: readonly Observation[],
  keyOf: (observation: Observation) => string,
  tick: () => void,
): (number | undefined)[] {
  const found = new Array<number | undefined>(observations.length);
  for (const key of new Set(observations.map(keyOf))) {
    if (key === '') continue;
    const out = observations.flatMap((one, i) => (keyOf(one) === key ? [i] : []));
    const predicted = fit.without(
      new Set(out),
      out.map((i) => observations[i] as Observation),
    );
    for (const [k, i] of out.entries()) found[i] = predicted[k] as number;
    tick();
  }
  return found;
}

/** Another model on the same unit of the same SoC. */
function isPeer(one: Observation, other: Observation): boolean {
  return (
    one.row.use.soc === other.row.use.soc &&
    one.row.model !== other.row.model &&
    unitOf(one) === unitOf(other)
  );
}

/** Another source on the same unit of the same SoC. */
function isOtherSource(one: Observation, other: Observation): boolean {
  return (
    one.row.use.soc === other.row.use.soc &&
    one.row.source !== other.row.source &&
    unitOf(one) === unitOf(other)
  );
}

/** The same kind of unit of another SoC. */
function isOtherSoc(one: Observation, other: Observation): boolean {
  return one.row.use.soc !== other.row.use.soc && unitOf(one) === unitOf(other);
}

/** What the row would take at the median rate of its peers, those of the same engine if there are any. */
function naiveOf(observation: Observation, peers: readonly Observation[]): number | undefined {
  const alike = peers.filter(({ quantity }) => quantity === observation.quantity);
  const engine = alike.filter(({ row }) => row.use.runtime === observation.row.use.runtime);
  const rates = (engine.length > 0 ? engine : alike).map(rateOf);
  if (rates.length === 0) return undefined;
  const work = workOf(observation);
  const rate = medianOf(rates);
  return observation.quantity === 'time_to_first_token' ? work / rate : rate / work;
}

function rateOf(observation: Observation): number {
  const work = workOf(observation);
  const { quantity, reference } = observation;
  return quantity === 'time_to_first_token' ? work / reference : work * reference;
}

/** Nominal bytes of the weights for decode, parameters (times tokens for a time) for prefill. */
function workOf({ quantity, row }: Observation): number {
  const { billions = 1, weightBits } = row.mapped.row;
  if (quantity === 'decode') return billions * (Number(weightBits.replace(/\D/g, '')) || 4);
  return quantity === 'prefill' ? billions : billions * Number(row.mapped.workload['promptTokens']);
}
