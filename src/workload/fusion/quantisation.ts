/** Quantise–dequantise pairs around an operator: it runs on the quantised tensors themselves. */
import type { DType, Work } from '../../base/work.ts';
import type { Fusion } from './fusion.ts';
import { sortOperators } from './merge.ts';
import type { ConstantTrait, ListedOperator, OperatorList } from './operator-list.ts';
import { isPointwise, type Matcher, matcherOf, only } from './pattern.ts';

function isDequantise(operator: ListedOperator | undefined): operator is ListedOperator {
  return operator?.work.operator === 'DequantizeLinear';
}

function isQuantise(operator: ListedOperator | undefined): operator is ListedOperator {
  return operator?.work.operator === 'QuantizeLinear';
}

function isTranspose(operator: ListedOperator): boolean {
  return operator.work.operator === 'Transpose';
}

/** What replaces a dequantised operand: the tensor before it, or constants. */
interface Source {
  readonly tensor?: string;
  readonly constants: readonly ConstantTrait[];
}

function sourceOf(matcher: Matcher, name: string): Source | undefined {
  const index = matcher.producer(name);
  const operator = index === undefined ? undefined : matcher.at(index);
  if (operator && isTranspose(operator)) {
    // A weight that is dequantised and then turned is turned when the model is compiled.
    const turned = sourceOf(matcher, operator.inputs[0] ?? '');
    return turned?.tensor === undefined ? turned : undefined;
  }
  if (!isDequantise(operator)) return undefined;
  const tensor = operator.traits.operands[0];
  return tensor ? { tensor, constants: [] } : { constants: operator.traits.constants };
}

function foldPairs(list: OperatorList): OperatorList {
  const matcher = matcherOf(list);
  const gone = new Set<number>();
  const integer = new Set<number>();
  const operators = list.operators.map((operator, index) => {
    if (isDequantise(operator) || isQuantise(operator)) return operator;
    // The weight behind it is folded by whoever reads it.
    if (isTranspose(operator) && sourceOf(matcher, only(operator))) return operator;
    const folded = foldInputs(matcher, operator);
    if (folded === operator && !followsInteger(matcher, operator, integer)) return operator;
    integer.add(index);
    return foldOutput(matcher, folded, gone);
  });
  const kept = dropUnread(
    list,
    operators.filter((_, index) => !gone.has(index)),
  );
  return integer.size === 0 ? list : { ...list, operators: sortOperators(kept) };
}

/** An activation between an integer operator and the quantiser behind it works on the operator's accumulators. */
function followsInteger(
  matcher: Matcher,
  operator: ListedOperator,
  integer: ReadonlySet<number>,
): boolean {
  return (
    isPointwise(operator) &&
    operator.inputs.length > 0 &&
    operator.inputs.every((name) => integer.has(matcher.producer(name) ?? -1))
  );
}

function foldInputs(matcher: Matcher, operator: ListedOperator): ListedOperator {
  const sources = operator.traits.operands.map((name) =>
    name ? sourceOf(matcher, name) : undefined,
  );
  if (!sources.some((source) => source)) return operator;
  const bytes = (name: string) => matcher.list.tensors.get(name)?.bytes ?? 0;
  let { inputBytes, weightBytes, weightDType } = operator.work;
  const constants = [...operator.traits.constants];
  const operands = operator.traits.operands.map((name, position) => {
    const source = sources[position];
    if (!source) return name;
    inputBytes += (source.tensor ? bytes(source.tensor) : 0) - bytes(name);
    weightBytes += source.constants.reduce((sum, constant) => sum + constant.bytes, 0);
    const [weight] = source.constants;
    if (weight) {
      constants.push({ ...weight, position });
      if (position === 1) weightDType = weight.dtype;
    }
    return source.tensor ?? '';
  });
  const inputs = [...new Set(operands.filter((name) => name !== ''))];
  const activationDType = activationOf(matcher, operator, sources);
  const weighted = constants.length > 0 ? weightDType : activationDType;
  const work: Work = {
    ...operator.work,
    inputBytes: Math.max(0, inputBytes),
    weightBytes,
    activationDType,
    weightDType: weighted,
  };
  return { ...operator, inputs, work, traits: { ...operator.traits, operands, constants } };
}

/** Computes in integers only when every activation arrives quantised; else weights alone are (W8A16). */
function activationOf(
  matcher: Matcher,
  operator: ListedOperator,
  sources: readonly (Source | undefined)[],
): DType {
  const [first] = sources.flatMap((source) => (source?.tensor ? [source.tensor] : []));
  const all = operator.traits.operands.every((name, i) => name === '' || sources[i]);
  const quantised = first ? matcher.list.tensors.get(first)?.dtype : undefined;
  return all && quantised ? quantised : operator.work.activationDType;
}

/** Scaling and rounding happen on the way out. */
function foldOutput(matcher: Matcher, operator: ListedOperator, gone: Set<number>): ListedOperator {
  const reader = matcher.onlyReader(only(operator));
  const next = reader === undefined ? undefined : matcher.at(reader);
  if (reader === undefined || operator.outputs.length !== 1 || !isQuantise(next)) return operator;
  gone.add(reader);
  return {
    ...operator,
    outputs: next.outputs,
    parts: [...operator.parts, ...next.parts],
    work: {
      ...operator.work,
      outputBytes: next.work.outputBytes,
      vectorOps: operator.work.vectorOps + next.work.vectorOps,
    },
  };
}

/** Dequantisers nobody reads any more go, and what only turned them, unless the model hands out their result. */
function dropUnread(
  list: OperatorList,
  operators: readonly ListedOperator[],
): readonly ListedOperator[] {
  const read = new Set(list.results);
  const kept: ListedOperator[] = [];
  for (const operator of operators.toReversed()) {
    const idle = isDequantise(operator) || isTranspose(operator);
    if (idle && !operator.outputs.some((name) => read.has(name))) continue;
    kept.push(operator);
    for (const name of operator.inputs) read.add(name);
  }
  return kept.reverse();
}

export const quantisation: Fusion = {
  summary:
    'quantise and dequantise pairs around an operator fold into it (QDQ models run on integers)',
  apply: foldPairs,
};
