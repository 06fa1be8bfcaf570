/** Registry of fusion passes, in the order a compiler runs them, and the run over a list with its savings. */

import { pick } from '../../base/registry.ts';
import type { FusionSaving } from '../graph.ts';
import { attention } from './attention.ts';
import { convolution } from './convolution.ts';
import type { Fusion } from './fusion.ts';
import { layout } from './layout.ts';
import { residualNormalisation, writtenNormalisation } from './normalisation.ts';
import { listTotals, type OperatorList } from './operator-list.ts';
import { pointwise } from './pointwise.ts';
import { product, siblings } from './product.ts';
import { quantisation } from './quantisation.ts';

/** Later passes build on earlier ones: written-out norms and attention are found before their parts are merged away. */
export const fusions = {
  qdq: quantisation,
  layout,
  'written-norm': writtenNormalisation,
  attention,
  'residual-norm': residualNormalisation,
  pointwise,
  qkv: siblings,
  convolution,
  product,
} as const satisfies Readonly<Record<string, Fusion>>;

export type FusionName = keyof typeof fusions;
export const FUSION_NAMES = Object.keys(fusions) as readonly FusionName[];

/** What one pass did. */
export interface FusedList {
  readonly list: OperatorList;
  readonly savings: readonly FusionSaving[];
}

/**
 * Runs the named passes (all of them by default) in registry order, whatever order they are named in.
 * @throws SpecError for a name that is no fusion.
 */
export function fuse(list: OperatorList, names: readonly string[] = FUSION_NAMES): FusedList {
  for (const name of names) pick<Fusion>(fusions, name, 'fusion');
  const savings: FusionSaving[] = [];
  let current = list;
  for (const name of FUSION_NAMES.filter((each) => names.includes(each))) {
    const before = listTotals(current);
    current = fusions[name].apply(current);
    const after = listTotals(current);
    savings.push({
      fusion: name,
      launches: before.launches - after.launches,
      bytes: before.bytes - after.bytes,
    });
  }
  return { list: current, savings };
}
