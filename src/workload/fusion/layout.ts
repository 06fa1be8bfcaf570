/** Transpositions that cancel, combine, or that an engine does while it loads an operand. */
import type { Fusion } from './fusion.ts';
import { type MergeGroup, mergeGroups, sortOperators } from './merge.ts';
import type { ListedOperator, OperatorList } from './operator-list.ts';
import { type Matcher, matcherOf, only, sameDims } from './pattern.ts';

function isPlainTranspose(operator: ListedOperator | undefined): operator is ListedOperator {
  return operator?.work.operator === 'Transpose' && operator.parts.length === 1;
}

function permOf(matcher: Matcher, operator: ListedOperator): readonly number[] {
  const rank = matcher.dims(only(operator)).length;
  return operator.traits.perm ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
}

interface Pair {
  readonly source: number;
  readonly first: ListedOperator;
  readonly perm: readonly number[];
}

/** The transposition whose result this one alone reads, and both as one. */
function pairAt(matcher: Matcher, index: number): Pair | undefined {
  const second = matcher.at(index);
  const source = matcher.producer(second.inputs[0] ?? '');
  if (source === undefined || !isPlainTranspose(second)) return undefined;
  const first = matcher.at(source);
  if (!isPlainTranspose(first) || matcher.onlyReader(only(first)) !== index) return undefined;
  const dims = matcher.dims(only(first));
  const order = permOf(matcher, second);
  // A reshape may stand between them, as a view of the same tensor; then the axes do not correspond.
  const direct = sameDims(
    order.map((axis) => dims[axis] ?? 0),
    matcher.dims(only(second)),
  );
  if (!direct || order.length !== dims.length) return undefined;
  return { source, first, perm: order.map((axis) => permOf(matcher, first)[axis] ?? axis) };
}

/** Two in a row are one; when they undo each other, both go. */
function combine(list: OperatorList): OperatorList {
  const matcher = matcherOf(list);
  const gone = new Set<number>();
  const changed = new Map<number, ListedOperator>();
  const renamed = new Map<string, string>();
  for (const [index, second] of list.operators.entries()) {
    const pair = pairAt(matcher, index);
    if (!pair || gone.has(pair.source) || changed.has(pair.source)) continue;
    gone.add(pair.source);
    const undone = pair.perm.every((axis, i) => axis === i) && !matcher.isResult(only(second));
    if (!undone) {
      changed.set(index, readingThrough(second, pair.first, pair.perm));
      continue;
    }
    gone.add(index);
    renamed.set(only(second), pair.first.inputs[0] ?? '');
  }
  if (gone.size === 0) return list;
  const operators = list.operators.flatMap((operator, index) =>
    gone.has(index) ? [] : [renameInputs(changed.get(index) ?? operator, renamed)],
  );
  return { ...list, operators: sortOperators(operators) };
}

function readingThrough(
  second: ListedOperator,
  first: ListedOperator,
  perm: readonly number[],
): ListedOperator {
  return {
    ...second,
    inputs: first.inputs,
    parts: [...first.parts, ...second.parts],
    work: { ...second.work, inputBytes: first.work.inputBytes },
    traits: { ...second.traits, operands: first.traits.operands, perm },
  };
}

function renameInputs(
  operator: ListedOperator,
  renamed: ReadonlyMap<string, string>,
): ListedOperator {
  const through = (name: string): string => {
    const next = renamed.get(name);
    return next === undefined ? name : through(next);
  };
  if (!operator.inputs.some((name) => renamed.has(name))) return operator;
  return {
    ...operator,
    inputs: [...new Set(operator.inputs.map(through))],
    traits: { ...operator.traits, operands: operator.traits.operands.map(through) },
  };
}

/** Swapping the last two axes of an operand is a matter of the order in which it is read. */
function absorbIntoProducts(list: OperatorList): OperatorList {
  const matcher = matcherOf(list);
  const taken = new Set<number>();
  const groups = list.operators.flatMap((operator, index): MergeGroup[] => {
    if (!isPlainTranspose(operator) || !swapsLast(permOf(matcher, operator))) return [];
    const reader = matcher.onlyReader(only(operator));
    if (reader === undefined || taken.has(reader)) return [];
    if (!matcher.at(reader).work.operator.endsWith('MatMul')) return [];
    taken.add(reader);
    return [{ members: [index, reader], main: reader }];
  });
  return mergeGroups(list, groups);
}

function swapsLast(perm: readonly number[]): boolean {
  const rank = perm.length;
  return perm.every(
    (axis, i) => axis === (i < rank - 2 ? i : i === rank - 2 ? rank - 1 : rank - 2),
  );
}

export const layout: Fusion = {
  summary:
    'transpositions that cancel or combine go; those of product operands happen while loading',
  apply: (list) => absorbIntoProducts(combine(list)),
};
