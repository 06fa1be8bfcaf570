/** Layer and RMS normalisation written out in elementary operators, and the residual sum before a normalisation. */
import type { Work } from '../../base/work.ts';
import { OPS_PER_ELEMENT } from '../operator-cost.ts';
import type { Fusion } from './fusion.ts';
import { type MergeGroup, mergeGroups } from './merge.ts';
import type { OperatorList } from './operator-list.ts';
import { type Matcher, matcherOf, only } from './pattern.ts';

interface Written {
  readonly members: number[];
  readonly centred: boolean;
}

/** From the square root outwards: mean of squares before it, division and scale behind it. */
function matchWritten(matcher: Matcher, root: number): Written | undefined {
  const before = up(matcher, root, ['Add', 'ReduceMean', 'Pow|Mul']);
  const behind = matchDivision(matcher, root);
  const square = before?.at(-1);
  if (!before || !behind || square === undefined) return undefined;
  const data = matcher.at(square).inputs[0] ?? '';
  const divides = matcher.at(behind.at(-1) as number).inputs.includes(data);
  if (!divides) return undefined;
  const centring = matchCentring(matcher, data);
  const core = [...(centring ?? []), ...before, root, ...behind];
  return {
    members: [...core, ...affine(matcher, behind.at(-1) as number)],
    centred: centring !== undefined,
  };
}

/** Follows first inputs upwards through the named operators, each read by the next one alone. */
function up(matcher: Matcher, from: number, names: readonly string[]): number[] | undefined {
  const found: number[] = [];
  let at = from;
  for (const name of names) {
    const source = matcher.producer(matcher.at(at).inputs[0] ?? '');
    if (source === undefined || !is(matcher, source, name)) return undefined;
    if (matcher.onlyReader(only(matcher.at(source))) !== at) return undefined;
    found.push(source);
    at = source;
  }
  return found;
}

function is(matcher: Matcher, index: number, names: string): boolean {
  const operator = matcher.at(index);
  return operator.parts.length === 1 && names.split('|').includes(operator.work.operator);
}

/** `x / root`, or `x · (1 / root)`. */
function matchDivision(matcher: Matcher, root: number): number[] | undefined {
  const next = matcher.onlyReader(only(matcher.at(root)));
  if (next === undefined) return undefined;
  if (is(matcher, next, 'Div')) return [next];
  if (!is(matcher, next, 'Reciprocal')) return undefined;
  const scaled = matcher.onlyReader(only(matcher.at(next)));
  return scaled !== undefined && is(matcher, scaled, 'Mul') ? [next, scaled] : undefined;
}

/** `d = x − mean(x)`, read by the square and the division only. */
function matchCentring(matcher: Matcher, data: string): number[] | undefined {
  const subtract = matcher.producer(data);
  if (subtract === undefined || !is(matcher, subtract, 'Sub') || matcher.isResult(data))
    return undefined;
  if (matcher.readers(data).length !== 2) return undefined;
  const [x = '', mean = ''] = matcher.at(subtract).inputs;
  const average = matcher.producer(mean);
  if (average === undefined || !is(matcher, average, 'ReduceMean')) return undefined;
  const alone = matcher.onlyReader(mean) === subtract && matcher.at(average).inputs[0] === x;
  return alone ? [average, subtract] : undefined;
}

/** Scale and shift by constants. */
function affine(matcher: Matcher, last: number): number[] {
  const found: number[] = [];
  let at = last;
  for (const name of ['Mul', 'Add']) {
    const next = matcher.onlyReader(only(matcher.at(at)));
    const constant = next !== undefined && matcher.at(next).inputs.length === 1;
    if (next === undefined || !constant || !is(matcher, next, name)) break;
    found.push(next);
    at = next;
  }
  return found;
}

/** Sweeps and steps of the operator that the pattern spells out, as its own cost model has them. */
function asNormalisation(elements: number, centred: boolean): (work: Work) => Work {
  return (work) => ({
    ...work,
    operator: centred ? 'LayerNormalization' : 'SimplifiedLayerNormalization',
    form: { kind: 'vector', elements, passes: 2 },
    vectorOps: elements * (centred ? OPS_PER_ELEMENT.layerNorm : OPS_PER_ELEMENT.rmsNorm),
  });
}

function joinWritten(list: OperatorList): OperatorList {
  const matcher = matcherOf(list);
  const groups = list.operators.flatMap((operator, index): MergeGroup[] => {
    if (operator.work.operator !== 'Sqrt' || operator.parts.length > 1) return [];
    const found = matchWritten(matcher, index);
    if (!found) return [];
    const members = found.members.sort((a, b) => a - b);
    const last = members.at(-1) as number;
    const elements = matcher.dims(only(matcher.at(last))).reduce((a, b) => a * b, 1);
    return [{ members, main: last, adjust: asNormalisation(elements, found.centred) }];
  });
  return mergeGroups(list, groups);
}

export const writtenNormalisation: Fusion = {
  summary: 'layer and RMS normalisation written out in elementary operators as one',
  apply: joinWritten,
};

const NORMS = new Set(['LayerNormalization', 'SimplifiedLayerNormalization', 'RMSNormalization']);
const SKIP: Readonly<Record<string, string>> = {
  LayerNormalization: 'SkipLayerNormalization',
  SimplifiedLayerNormalization: 'SkipSimplifiedLayerNormalization',
  RMSNormalization: 'SkipSimplifiedLayerNormalization',
};

/** The sum goes on as a second result, but the normalisation no longer reads it back. */
function joinResidual(list: OperatorList): OperatorList {
  const matcher = matcherOf(list);
  const taken = new Set<number>();
  const groups = list.operators.flatMap((operator, index): MergeGroup[] => {
    if (!NORMS.has(operator.work.operator)) return [];
    const sum = matcher.producer(operator.inputs[0] ?? '');
    if (sum === undefined || taken.has(sum) || !is(matcher, sum, 'Add')) return [];
    if (matcher.at(sum).inputs.length !== 2) return [];
    taken.add(sum);
    const name = SKIP[operator.work.operator] ?? operator.work.operator;
    return [
      { members: [sum, index], main: index, adjust: (work) => ({ ...work, operator: name }) },
    ];
  });
  return mergeGroups(list, groups);
}

export const residualNormalisation: Fusion = {
  summary: 'residual sum and the normalisation behind it as one',
  apply: joinResidual,
};
