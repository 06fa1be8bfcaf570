/** Convolution with batch normalisation, activation and residual behind it, and padding before it. */
import { bytesOf, type Work } from '../../base/work.ts';
import { absorbBehind } from './absorb.ts';
import type { Fusion } from './fusion.ts';
import { type MergeGroup, mergeGroups } from './merge.ts';
import type { ListedOperator, OperatorList } from './operator-list.ts';
import { type Matcher, matcherOf, only } from './pattern.ts';

const CONVOLUTIONS = new Set(['Conv', 'ConvTranspose', 'FusedConv', 'QLinearConv', 'ConvInteger']);

function isConvolution(operator: ListedOperator): boolean {
  return CONVOLUTIONS.has(operator.work.operator);
}

/** Batch normalisation becomes part of weights and bias: its own constants and steps disappear. */
function foldNormalisation(matcher: Matcher, members: readonly number[]): MergeGroup['adjust'] {
  const norms = members
    .map((member) => matcher.at(member))
    .filter((operator) => operator.work.operator === 'BatchNormalization');
  const anchor = members.map((member) => matcher.at(member)).find(isConvolution);
  if (norms.length === 0 || !anchor) return undefined;
  // Behind input and weight; in QLinearConv behind their scales and zero points too.
  const bias = anchor.work.operator === 'QLinearConv' ? 8 : 2;
  const hasBias = anchor.traits.constants.some(({ position }) => position === bias);
  const dims = matcher.dims(only(anchor));
  const channels = dims[1] ?? 0;
  const elements = dims.reduce((product, dim) => product * dim, 1);
  return (work: Work) => ({
    ...work,
    vectorOps:
      work.vectorOps -
      norms.reduce((sum, norm) => sum + norm.work.vectorOps, 0) +
      (hasBias ? 0 : elements),
    weightBytes:
      work.weightBytes -
      norms.reduce((sum, norm) => sum + norm.work.weightBytes, 0) +
      (hasBias ? 0 : bytesOf(channels, work.weightDType)),
  });
}

/** Engines pad on the fly; the padded copy is never written. */
function absorbPadding(list: OperatorList): OperatorList {
  const matcher = matcherOf(list);
  const groups = list.operators.flatMap((operator, index): MergeGroup[] => {
    if (operator.work.operator !== 'Pad' || operator.parts.length > 1) return [];
    const reader = matcher.onlyReader(only(operator));
    if (reader === undefined || !isConvolution(matcher.at(reader))) return [];
    return [{ members: [index, reader], main: reader }];
  });
  return mergeGroups(list, groups);
}

function isNormalisation(operator: ListedOperator): boolean {
  return operator.work.operator === 'BatchNormalization';
}

export const convolution: Fusion = {
  summary:
    'convolution with the padding before and the normalisation, activation and residual behind it',
  apply: (list) => {
    const joined = absorbBehind(absorbPadding(list), {
      isAnchor: isConvolution,
      limit: 3,
      adjust: foldNormalisation,
    });
    // Where normalisation comes before the convolution, its activation still joins it.
    return absorbBehind(joined, { isAnchor: isNormalisation, limit: 1 });
  },
};
