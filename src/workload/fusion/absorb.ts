/** Lets an anchor (convolution, product) swallow the element-by-element operators behind it. */
import { type MergeGroup, mergeGroups } from './merge.ts';
import type { ListedOperator, OperatorList } from './operator-list.ts';
import { isPointwise, type Matcher, matcherOf, sameDims } from './pattern.ts';

export interface AbsorbRules {
  readonly isAnchor: (operator: ListedOperator) => boolean;
  /** Longest chain of launches one anchor takes in; engines have a fixed epilogue. */
  readonly limit: number;
  readonly adjust?: (matcher: Matcher, members: readonly number[]) => MergeGroup['adjust'];
}

/** Every anchor with the chain behind it becomes one launch. */
export function absorbBehind(list: OperatorList, rules: AbsorbRules): OperatorList {
  const matcher = matcherOf(list);
  const taken = new Set<number>();
  const groups: MergeGroup[] = [];
  for (const [anchor, operator] of list.operators.entries()) {
    if (!rules.isAnchor(operator) || taken.has(anchor)) continue;
    const members = collect(matcher, anchor, taken, rules);
    if (members.length === 1) continue;
    for (const member of members) taken.add(member);
    const adjust = rules.adjust?.(matcher, members);
    groups.push({ members, main: anchor, ...(adjust ? { adjust } : {}) });
  }
  return mergeGroups(list, groups);
}

function collect(
  matcher: Matcher,
  anchor: number,
  taken: ReadonlySet<number>,
  rules: AbsorbRules,
): number[] {
  const members = [anchor];
  const live = new Set(matcher.at(anchor).outputs);
  while (members.length <= rules.limit) {
    const next = nextOf(matcher, members, live, taken);
    if (next === undefined) break;
    members.push(next);
    for (const name of matcher.at(next).inputs) live.delete(name);
    for (const name of matcher.at(next).outputs) live.add(name);
  }
  return members.sort((a, b) => a - b);
}

/** Batch normalisation is a multiplication and a sum per element here, though it reads constants per channel. */
function isEpilogue(operator: ListedOperator): boolean {
  const norm = operator.parts.length === 1 && operator.parts[0] === 'BatchNormalization';
  return norm || isPointwise(operator);
}

/** A reader that uses up what it reads of the group and keeps its shape. */
function nextOf(
  matcher: Matcher,
  members: readonly number[],
  live: ReadonlySet<string>,
  taken: ReadonlySet<number>,
): number | undefined {
  for (const name of live) {
    const reader = matcher.onlyReader(name);
    if (reader === undefined || taken.has(reader) || !isEpilogue(matcher.at(reader))) continue;
    const operator = matcher.at(reader);
    const fits = sameDims(matcher.dims(name), matcher.dims(operator.outputs[0] ?? ''));
    if (fits && isSafe(matcher, operator, members, live)) return reader;
  }
  return undefined;
}

/**
 * With one result left, nothing outside can come between the group and its only reader. With several, the other
 * inputs must be older than the group, or a circle through another result could close.
 */
function isSafe(
  matcher: Matcher,
  operator: ListedOperator,
  members: readonly number[],
  live: ReadonlySet<string>,
): boolean {
  const others = operator.inputs.filter((name) => !live.has(name));
  const ownUsedUp = operator.inputs.every(
    (name) => !live.has(name) || matcher.onlyReader(name) !== undefined,
  );
  if (!ownUsedUp) return false;
  if (live.size === 1) return true;
  const first = Math.min(...members);
  return others.every((name) => (matcher.producer(name) ?? -1) < first);
}
