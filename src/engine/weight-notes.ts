/** Hardware for packed weights, and weights that are packed: told where one goes without the other. */
import type { SocSpec, SocUnitSpec } from '../hardware/soc-spec.ts';
import { type RequestPlan, workAt } from '../workload/graph.ts';

/** @param base the description before overrides: what they changed was meant to do something. */
export function weightNotes(soc: SocSpec, base: SocSpec, plans: readonly RequestPlan[]): string[] {
  const { pruned, compressed } = storageOf(plans);
  const units = Object.entries(soc.units);
  const skips = units.some(([, unit]) => gainOf(unit) > 1);
  const idle = units.flatMap(([name, unit]) => {
    const before = base.units[name];
    const gain = gainOf(unit) !== gainOf(before);
    const width = widthOf(unit) !== widthOf(before);
    return [
      ...(gain && !pruned ? [idleNote(`${name}.matrix.sparsity`, PRUNED)] : []),
      ...(width && !compressed ? [idleNote(`${name}.decompressor`, COMPRESSED)] : []),
    ];
  });
  if (!pruned || skips) return idle;
  return [
    `weights are pruned 2:4, but no unit of ${soc.name} skips zeros (matrix.sparsity): fewer bytes move, the arithmetic stays`,
    ...idle,
  ];
}

const PRUNED = 'no weights are pruned 2:4 (techniques.pruning.pattern of a workload)';
const COMPRESSED = 'no weights are compressed (techniques.compression.ratio of a workload)';

function idleNote(path: string, why: string): string {
  return `${path} was changed without effect: ${why}`;
}

function gainOf(unit: SocUnitSpec | undefined): number {
  return unit?.kind === 'npu' ? (unit.matrix.sparsity?.is ?? 1) : 1;
}

function widthOf(unit: SocUnitSpec | undefined): number | undefined {
  return unit?.kind === 'npu' ? unit.decompressor?.bytesPerClock.is : undefined;
}

function storageOf(plans: readonly RequestPlan[]) {
  const works = plans.flatMap(({ phases }) =>
    phases.flatMap(({ graph, contextStart }) =>
      graph.works.map((_, index) => workAt(graph, index, contextStart)),
    ),
  );
  return {
    pruned: works.some(({ pruned24 }) => pruned24),
    compressed: works.some(({ compression }) => compression !== undefined),
  };
}
