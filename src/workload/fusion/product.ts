/** Matrix products: bias, activation and residual behind them, and siblings that read the same input. */
import type { Work } from '../../base/work.ts';
import { absorbBehind } from './absorb.ts';
import type { Fusion } from './fusion.ts';
import { type MergeGroup, mergeGroups } from './merge.ts';
import type { ListedOperator, OperatorList } from './operator-list.ts';

const PRODUCTS = new Set(
  'MatMul Gemm MatMulNBits MatMulBnb4 QLinearMatMul MatMulInteger FusedMatMul FusedGemm QGemm MatMulIntegerToFloat DynamicQuantizeMatMul'.split(
    ' ',
  ),
);

function isProduct(operator: ListedOperator): boolean {
  return PRODUCTS.has(operator.work.operator) && operator.work.form.kind === 'matmul';
}

export const product: Fusion = {
  summary: 'matrix product with bias, activation and residual behind it',
  apply: (list) => absorbBehind(list, { isAnchor: isProduct, limit: 3 }),
};

/** Products with constant weights that read the same tensor, with the same rows, depth and formats. */
function siblingKey(operator: ListedOperator): string | undefined {
  const { form, weightDType, activationDType } = operator.work;
  const [input] = operator.inputs;
  const plain = isProduct(operator) && operator.inputs.length === 1 && operator.parts.length === 1;
  const weighted = operator.traits.constants.some((constant) => constant.position === 1);
  if (form.kind !== 'matmul' || form.batch !== 1 || !plain || !weighted) return undefined;
  const type = operator.work.operator;
  return JSON.stringify([type, input, form.m, form.k, weightDType, activationDType]);
}

/** Query, key and value (or gate and up) projections as one product with their columns side by side. */
function joinSiblings(list: OperatorList): OperatorList {
  const buckets = new Map<string, number[]>();
  for (const [index, operator] of list.operators.entries()) {
    const key = siblingKey(operator);
    if (key === undefined) continue;
    const bucket = buckets.get(key);
    if (bucket) bucket.push(index);
    else buckets.set(key, [index]);
  }
  const groups = [...buckets.values()]
    .filter((members) => members.length > 1)
    .map(
      (members): MergeGroup => ({
        members,
        main: members[0] as number,
        adjust: widen(list, members),
      }),
    );
  return mergeGroups(list, groups);
}

function widen(list: OperatorList, members: readonly number[]): (work: Work) => Work {
  const n = members.reduce((sum, member) => {
    const form = list.operators[member]?.work.form;
    return sum + (form?.kind === 'matmul' ? form.n : 0);
  }, 0);
  return (work) => (work.form.kind === 'matmul' ? { ...work, form: { ...work.form, n } } : work);
}

export const siblings: Fusion = {
  summary: 'projections of the same input (query, key and value; gate and up) as one wider product',
  apply: joinSiblings,
};
