/** What pattern matching over an operator list needs: who makes and who reads a tensor, and what is element by element. */
import {
  consumersOf,
  type ListedOperator,
  type OperatorList,
  producersOf,
} from './operator-list.ts';

export interface Matcher {
  readonly list: OperatorList;
  readonly at: (index: number) => ListedOperator;
  /** Index of the operator that makes a tensor; nothing for inputs of the model. */
  readonly producer: (tensor: string) => number | undefined;
  readonly readers: (tensor: string) => readonly number[];
  /** The one operator that reads a tensor which stays inside the model. */
  readonly onlyReader: (tensor: string) => number | undefined;
  readonly dims: (tensor: string) => readonly number[];
  readonly isResult: (tensor: string) => boolean;
}

export function matcherOf(list: OperatorList): Matcher {
  const producers = producersOf(list);
  const consumers = consumersOf(list);
  const results = new Set(list.results);
  const readers = (tensor: string) => consumers.get(tensor) ?? [];
  return {
    list,
    at: (index) => list.operators[index] as ListedOperator,
    producer: (tensor) => producers.get(tensor),
    readers,
    onlyReader: (tensor) => {
      const all = readers(tensor);
      return all.length === 1 && !results.has(tensor) ? all[0] : undefined;
    },
    dims: (tensor) => list.tensors.get(tensor)?.dims ?? [],
    isResult: (tensor) => results.has(tensor),
  };
}

const POINTWISE = new Set(
  (
    'Abs Add And BiasGelu BiasAdd Cast Ceil Celu Clip Cos Div Dropout Elu Erf Exp FastGelu Floor Gelu ' +
    'HardSigmoid HardSwish LeakyRelu Log Max Min Mish Mul Neg Not Or PRelu Pow QuickGelu Reciprocal Relu Round Selu ' +
    'Shrink Sigmoid Sign Sin Softplus Softsign Sqrt Sub Sum Tanh ThresholdedRelu Where Xor Equal Greater Less ' +
    'GreaterOrEqual LessOrEqual QLinearAdd QLinearMul QLinearSigmoid QLinearLeakyRelu'
  ).split(' '),
);

/** Element by element, a single result; merged launches of such included. */
export function isPointwise(operator: ListedOperator): boolean {
  return operator.outputs.length === 1 && operator.parts.every((part) => POINTWISE.has(part));
}

export function sameDims(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

export function only(operator: ListedOperator | undefined): string {
  return operator?.outputs[0] ?? '';
}
