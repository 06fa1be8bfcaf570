/** Chains of element-by-element operators as one launch: decomposed GELU, SiLU, hard swish, scale and mask. */
import type { Fusion } from './fusion.ts';
import { type MergeGroup, mergeGroups } from './merge.ts';
import type { OperatorList } from './operator-list.ts';
import { isPointwise, type Matcher, matcherOf, only, sameDims } from './pattern.ts';

/**
 * Goes backwards and puts an operator into the group of its readers when all of them are in the same one
 * and none changes the shape; no circle can close, as nothing outside the group reads it.
 */
function chains(list: OperatorList): OperatorList {
  const matcher = matcherOf(list);
  const groupOf = new Map<number, number>();
  for (let index = list.operators.length - 1; index >= 0; index--) {
    if (!isPointwise(matcher.at(index))) continue;
    groupOf.set(index, joinable(matcher, index, groupOf) ?? index);
  }
  const members = new Map<number, number[]>();
  for (const [index, group] of groupOf) {
    const list = members.get(group);
    if (list) list.push(index);
    else members.set(group, [index]);
  }
  const groups = [...members.entries()]
    .filter(([, indices]) => indices.length > 1)
    .map(([last, indices]): MergeGroup => {
      return { members: indices.sort((a, b) => a - b), main: last };
    });
  return mergeGroups(list, groups);
}

function joinable(
  matcher: Matcher,
  index: number,
  groupOf: ReadonlyMap<number, number>,
): number | undefined {
  const output = only(matcher.at(index));
  if (matcher.isResult(output)) return undefined;
  const groups = new Set(matcher.readers(output).map((reader) => groupOf.get(reader)));
  const [group] = groups;
  if (groups.size !== 1 || group === undefined) return undefined;
  const same = sameDims(matcher.dims(output), matcher.dims(only(matcher.at(group))));
  return same ? group : undefined;
}

export const pointwise: Fusion = {
  summary:
    'chains of element-by-element operators run as one (GELU, SiLU, hard swish, scale and mask)',
  apply: chains,
};
