/** Merges groups of operators into single launches and puts the result in an order of execution. */
import { InvariantError } from '../../base/errors.ts';
import type { Work } from '../../base/work.ts';
import {
  consumersOf,
  type ListedOperator,
  type OperatorList,
  producersOf,
} from './operator-list.ts';

export interface MergeGroup {
  /** Indices of the operators, in order of execution. */
  readonly members: readonly number[];
  /** The one that gives name, form and formats. */
  readonly main: number;
  /** Changes to the summed work, where merging does more than keep tensors inside. */
  readonly adjust?: (work: Work) => Work;
}

/**
 * Replaces every group by one operator. Groups must not overlap, nor depend on each other in a circle.
 *
 * A tensor made and used up inside is neither written nor read; one read by several members is read once.
 */
export function mergeGroups(list: OperatorList, groups: readonly MergeGroup[]): OperatorList {
  if (groups.length === 0) return list;
  const consumers = consumersOf(list);
  const results = new Set(list.results);
  const merged = new Map<number, ListedOperator>();
  const absorbed = new Set<number>();
  for (const group of groups) {
    for (const member of group.members) absorbed.add(member);
    merged.set(Math.max(...group.members), mergeOne(list, group, consumers, results));
  }
  const operators = list.operators.flatMap((operator, index) => {
    const replacement = merged.get(index);
    if (replacement) return [replacement];
    return absorbed.has(index) ? [] : [operator];
  });
  return { ...list, operators: sortOperators(operators) };
}

function mergeOne(
  list: OperatorList,
  group: MergeGroup,
  consumers: ReadonlyMap<string, readonly number[]>,
  results: ReadonlySet<string>,
): ListedOperator {
  const inside = new Set(group.members);
  const members = group.members.map((index) => list.operators[index] as ListedOperator);
  const main = list.operators[group.main] as ListedOperator;
  const made = new Set(members.flatMap((member) => member.outputs));
  const leaves = (name: string) =>
    results.has(name) || (consumers.get(name) ?? []).some((reader) => !inside.has(reader));
  const inputs = [...new Set(members.flatMap((member) => member.inputs))].filter(
    (name) => !made.has(name),
  );
  const work = mergeWork(list, members, main, made, leaves);
  const operands = main.traits.operands.every((name) => !made.has(name))
    ? main.traits.operands
    : inputs;
  const others = members.filter((member) => member !== main);
  return {
    name: main.name,
    parts: members.flatMap((member) => member.parts),
    inputs,
    outputs: [...made].filter(leaves),
    work: group.adjust ? group.adjust(work) : work,
    traits: {
      operands,
      constants: [
        ...main.traits.constants,
        // Positions count for the main operator only.
        ...others.flatMap((member) => member.traits.constants.map((c) => ({ ...c, position: -1 }))),
      ],
    },
  };
}

function mergeWork(
  list: OperatorList,
  members: readonly ListedOperator[],
  main: ListedOperator,
  made: ReadonlySet<string>,
  leaves: (name: string) => boolean,
): Work {
  const sum = (pick: (work: Work) => number) =>
    members.reduce((total, member) => total + pick(member.work), 0);
  const bytes = (name: string) => list.tensors.get(name)?.bytes ?? 0;
  const outputSaved = [...made]
    .filter((name) => !leaves(name))
    .reduce((total, name) => total + bytes(name), 0);
  const inputSaved = savedReads(members, made, bytes);
  return {
    ...main.work,
    macs: sum((work) => work.macs),
    vectorOps: sum((work) => work.vectorOps),
    weightBytes: sum((work) => work.weightBytes),
    inputBytes: Math.max(0, sum((work) => work.inputBytes) - inputSaved),
    outputBytes: Math.max(0, sum((work) => work.outputBytes) - outputSaved),
    kvReadBytes: sum((work) => work.kvReadBytes),
    kvWriteBytes: sum((work) => work.kvWriteBytes),
  };
}

/** Reads that no longer happen: all of tensors made inside, and repeated ones of tensors from outside. */
function savedReads(
  members: readonly ListedOperator[],
  made: ReadonlySet<string>,
  bytes: (name: string) => number,
): number {
  const read = new Map<string, number>();
  for (const { inputs, work } of members) {
    const all = inputs.reduce((sum, name) => sum + bytes(name), 0);
    // A slice or a gather reads a part of its input only.
    const share = all > 0 ? Math.min(1, work.inputBytes / all) : 0;
    for (const name of inputs) read.set(name, (read.get(name) ?? 0) + share * bytes(name));
  }
  let saved = 0;
  for (const [name, amount] of read) {
    saved += made.has(name) ? amount : Math.max(0, amount - bytes(name));
  }
  return saved;
}

/** Topological order that keeps the given one wherever it can. */
export function sortOperators(operators: readonly ListedOperator[]): readonly ListedOperator[] {
  const list = { name: '', operators, tensors: new Map(), results: [] };
  const producers = producersOf(list);
  const sorted: ListedOperator[] = [];
  const mark = new Uint8Array(operators.length);
  const stack: { readonly index: number; next: number }[] = [];
  const enter = (index: number) => {
    mark[index] = 1;
    stack.push({ index, next: 0 });
  };
  for (const start of operators.keys()) {
    if (mark[start] === 0) enter(start);
    while (stack.length > 0) {
      const top = stack.at(-1) as { readonly index: number; next: number };
      const operator = operators[top.index] as ListedOperator;
      const name = operator.inputs[top.next++];
      if (name === undefined) {
        mark[top.index] = 2;
        sorted.push(operator);
        stack.pop();
        continue;
      }
      const source = producers.get(name);
      if (source === undefined || mark[source] === 2) continue;
      if (mark[source] === 1) {
        throw new InvariantError(`fusion made a circle through ${operator.name} and ${name}`);
      }
      enter(source);
    }
  }
  return sorted;
}
