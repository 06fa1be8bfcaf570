/** Scores, softmax and value product as one attention: the score matrix never leaves the machine. */
import type { WorkForm } from '../../base/work.ts';
import type { Fusion } from './fusion.ts';
import { type MergeGroup, mergeGroups } from './merge.ts';
import type { OperatorList } from './operator-list.ts';
import { isPointwise, type Matcher, matcherOf, only } from './pattern.ts';

/** Scale, mask and casts between the products and the softmax. */
const MOST_BETWEEN = 5;

interface Found {
  readonly scores: number;
  readonly values: number;
  readonly members: number[];
}

function matchAttention(matcher: Matcher, softmax: number): Found | undefined {
  const above = climb(matcher, softmax);
  const below = descend(matcher, softmax);
  if (!above || !below) return undefined;
  const scores = above.at(-1) as number;
  const values = below.at(-1) as number;
  const core = [...above, softmax, ...below];
  return { scores, values, members: [...core, ...layoutAround(matcher, scores, values)] };
}

/** From the softmax up to the product of query and key, each step read by the next alone. */
function climb(matcher: Matcher, softmax: number): number[] | undefined {
  const found: number[] = [];
  let at = softmax;
  for (let i = 0; i <= MOST_BETWEEN; i++) {
    const source = scoreSource(matcher, at);
    if (source === undefined) return undefined;
    found.push(source);
    if (isProduct(matcher, source)) return found;
    if (!isPointwise(matcher.at(source))) return undefined;
    at = source;
  }
  return undefined;
}

/** The input that carries the scores: as large as the result, and used here only; the mask is smaller or shared. */
function scoreSource(matcher: Matcher, at: number): number | undefined {
  for (const name of matcher.at(at).inputs) {
    const source = matcher.producer(name);
    if (source === undefined || matcher.onlyReader(name) !== at) continue;
    const size = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
    if (size(matcher.dims(name)) === size(matcher.dims(only(matcher.at(at))))) return source;
  }
  return undefined;
}

function descend(matcher: Matcher, softmax: number): number[] | undefined {
  const found: number[] = [];
  let at = softmax;
  for (let i = 0; i <= 2; i++) {
    const tensor = only(matcher.at(at));
    const next = matcher.onlyReader(tensor);
    if (next === undefined) return undefined;
    found.push(next);
    if (isProduct(matcher, next))
      return matcher.at(next).traits.operands[0] === tensor ? found : undefined;
    if (!isPointwise(matcher.at(next))) return undefined;
    at = next;
  }
  return undefined;
}

/** Both sides are computed at run time. */
function isProduct(matcher: Matcher, index: number): boolean {
  const { work, inputs } = matcher.at(index);
  return work.operator.endsWith('MatMul') && work.form.kind === 'matmul' && inputs.length >= 2;
}

/** Splitting, transposing and scaling that only feeds the products, and the transposition that puts heads back. */
function layoutAround(matcher: Matcher, scores: number, values: number): number[] {
  const operands = [...matcher.at(scores).inputs, ...matcher.at(values).inputs];
  const before = operands.flatMap((name) => feeders(matcher, name));
  const behind = matcher.onlyReader(only(matcher.at(values)));
  return behind !== undefined && isTranspose(matcher, behind) ? [...before, behind] : before;
}

const FEEDERS = new Set(['Transpose', 'Slice', 'Gather', 'Mul', 'Div', 'Cast']);

/** Operators with one tensor in and one out between an operand and where it comes from. */
function feeders(matcher: Matcher, operand: string): number[] {
  const found: number[] = [];
  let name = operand;
  for (let i = 0; i < MOST_BETWEEN; i++) {
    const source = matcher.producer(name);
    if (source === undefined || matcher.onlyReader(name) === undefined) break;
    const operator = matcher.at(source);
    const plain = operator.inputs.length === 1 && operator.parts.every((part) => FEEDERS.has(part));
    if (!plain) break;
    found.push(source);
    name = operator.inputs[0] ?? '';
  }
  return found;
}

function isTranspose(matcher: Matcher, index: number): boolean {
  const operator = matcher.at(index);
  return operator.work.operator === 'Transpose' && operator.parts.length === 1;
}

/** Leading axes of the scores are batch and heads; with one leading axis the batch is in it. */
function formOf(matcher: Matcher, found: Found): WorkForm | undefined {
  const dims = matcher.dims(only(matcher.at(found.scores)));
  const scores = matcher.at(found.scores).work.form;
  const values = matcher.at(found.values).work.form;
  if (scores.kind !== 'matmul' || values.kind !== 'matmul' || dims.length < 2) return undefined;
  const heads = dims.at(-3) ?? 1;
  return {
    kind: 'attention',
    batch: dims.slice(0, -3).reduce((a, b) => a * b, 1),
    heads,
    kvHeads: heads,
    queries: dims.at(-2) ?? 1,
    context: dims.at(-1) ?? 1,
    headDim: scores.k,
    valueDim: values.n,
    causal: false,
  };
}

function joinAttention(list: OperatorList): OperatorList {
  const matcher = matcherOf(list);
  const taken = new Set<number>();
  const groups = list.operators.flatMap((operator, index): MergeGroup[] => {
    if (operator.work.operator !== 'Softmax' || operator.parts.length > 1) return [];
    const found = matchAttention(matcher, index);
    const form = found && formOf(matcher, found);
    if (!found || !form || found.members.some((member) => taken.has(member))) return [];
    const members = [...new Set(found.members)].sort((a, b) => a - b);
    for (const member of members) taken.add(member);
    return [
      { members, main: found.scores, adjust: (work) => ({ ...work, operator: 'Attention', form }) },
    ];
  });
  return mergeGroups(list, groups);
}

export const attention: Fusion = {
  summary:
    'scores, mask, softmax and value product as one attention; the score matrix stays inside',
  apply: joinAttention,
};
