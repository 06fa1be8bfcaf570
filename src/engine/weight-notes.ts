/** Hardware for packed weights, and weights that are packed: told where one goes without the other. */
import type { Work } from '../base/work.ts';
import type { SocSpec, SocUnitSpec } from '../hardware/soc-spec.ts';
import { type RequestPlan, workAt } from '../workload/graph.ts';
import type { LedgerRow } from './run.ts';

/**
 * @param base the description before overrides: what they changed was meant to do something.
 * @param rows what ran where: a unit that computes with none of the weights has no say.
 */
export function weightNotes(
  soc: SocSpec,
  base: SocSpec,
  plans: readonly RequestPlan[],
  rows: readonly Pick<LedgerRow, 'operator' | 'unit'>[],
): string[] {
  const works = worksOf(plans);
  const pruned = unitsOf(
    works.filter((work) => work.pruned24),
    rows,
  );
  const compressed = unitsOf(
    works.filter(({ compression }) => compression !== undefined),
    rows,
  );
  const idle = Object.entries(soc.units).flatMap(([name, unit]) => {
    const before = base.units[name];
    const gain = gainOf(unit) !== gainOf(before);
    const width = widthOf(unit) !== widthOf(before);
    return [
      ...(gain ? idleNote(`${name}.matrix.sparsity`, name, pruned, PRUNED) : []),
      ...(width ? idleNote(`${name}.decompressor`, name, compressed, COMPRESSED) : []),
    ];
  });
  const whole = Object.keys(soc.units).filter(
    (name) => pruned?.has(name) && gainOf(soc.units[name]) <= 1,
  );
  if (whole.length === 0) return idle;
  const units = whole.length > 1 ? `${whole.join(', ')} do` : `${whole[0]} does`;
  return [
    `weights are pruned 2:4, but ${units} not skip zeros (matrix.sparsity): fewer bytes move, the arithmetic stays`,
    ...idle,
  ];
}

interface Kind {
  readonly those: string;
  readonly key: string;
}
const PRUNED: Kind = { those: 'pruned 2:4', key: 'techniques.pruning.pattern' };
const COMPRESSED: Kind = { those: 'compressed', key: 'techniques.compression.ratio' };

const IDLE = 'was changed without effect';

/** Whether a note of a run tells of a value that did nothing. */
export const tellsIdle = (note: string): boolean => note.includes(IDLE);

/** @param users units that compute with such weights; absent where no weights are such. */
function idleNote(
  path: string,
  unit: string,
  users: ReadonlySet<string> | undefined,
  { those, key }: Kind,
): string[] {
  if (users?.has(unit)) return [];
  const why = users
    ? `${unit} computes with none of the weights that are ${those}`
    : `no weights are ${those} (${key} of a workload)`;
  return [`${path} ${IDLE}: ${why}`];
}

function gainOf(unit: SocUnitSpec | undefined): number {
  return unit?.kind === 'npu' ? (unit.matrix.sparsity?.is ?? 1) : 1;
}

function widthOf(unit: SocUnitSpec | undefined): number | undefined {
  return unit?.kind === 'npu' ? unit.decompressor?.bytesPerClock.is : undefined;
}

export function worksOf(plans: readonly RequestPlan[]): Work[] {
  return plans.flatMap(({ phases }) =>
    phases.flatMap(({ graph, contextStart }) =>
      graph.works.map((_, index) => workAt(graph, index, contextStart)),
    ),
  );
}

/** Units that ran operators of such works. */
export function unitsOf(
  works: readonly Work[],
  rows: readonly Pick<LedgerRow, 'operator' | 'unit'>[],
): ReadonlySet<string> | undefined {
  if (works.length === 0) return undefined;
  const operators = new Set(works.map(({ operator }) => operator));
  return new Set(rows.filter(({ operator }) => operators.has(operator)).map(({ unit }) => unit));
}
