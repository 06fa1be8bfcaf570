/** Recurrent layers under engines of which nothing tells how they run them. */
import type { SocSpec } from '../hardware/soc-spec.ts';
import { RECURRENCE_SHARE } from '../hardware/units/recurrence.ts';
import type { RuntimeSpec } from '../runtime/runtime-spec.ts';
import type { RequestPlan } from '../workload/graph.ts';
import type { LedgerRow } from './run.ts';
import { unitsOf, worksOf } from './weight-notes.ts';

/** @param rows what ran where. */
export function recurrenceNotes(
  soc: SocSpec,
  { name, kernels }: RuntimeSpec,
  plans: readonly RequestPlan[],
  rows: readonly Pick<LedgerRow, 'operator' | 'unit'>[],
): string[] {
  const users = unitsOf(
    worksOf(plans).filter(({ recurrent }) => recurrent),
    rows,
  );
  const unknown = Object.entries(soc.units)
    .filter(([unit, { kind }]) => users?.has(unit) && !kernels[kind]?.recurrenceShare)
    .map(([unit]) => unit);
  if (unknown.length === 0) return [];
  return [
    `nothing tells whether runtime ${name} has kernels for recurrent layers on ${unknown.join(', ')}, or how fast they are: ${RECURRENCE_SHARE} of the vector lanes is taken (kernels.recurrenceShare of its class)`,
  ];
}
