/**
 * Inputs of concatenations brought to one scale, in networks of integers.
 *
 * Model    parts of a concatenation share the scale of the whole. What only goes there is written with that scale from the
 *          start; a tensor that others read as well keeps its own, and is converted by an operator before each concatenation
 * Ignores  scales that happen to be equal
 * Source   8-bit DenseNet-121, whose every concatenation reads all features before it: 1.7 ms on the 8 Gen 3 where fp16 takes 1.2
 *          (Qualcomm AI Hub); concatenation of quantised tensors in TensorFlow Lite's quantisation specification, which asks for
 *          one scale of inputs and output
 * Checked  test/unit/workload/fusion/requantisation.test.ts, test/validation/vision.test.ts
 */
import { bytesOf } from '../../base/work.ts';
import {
  consumersOf,
  type ListedOperator,
  type ListedTensor,
  type OperatorList,
  producersOf,
} from './operator-list.ts';

/** A multiplication by the ratio of two scales, and rounding. */
const CONVERSION_OPS = 2;

export function requantised(list: OperatorList): OperatorList {
  const readers = consumersOf(list);
  const made = producersOf(list);
  const tensors = new Map(list.tensors);
  const operators = list.operators.flatMap((operator) => {
    if (operator.work.operator !== 'Concat') return [operator];
    const shared = operator.inputs.filter(
      (name) =>
        made.has(name) &&
        ((readers.get(name)?.length ?? 0) > 1 || list.results.includes(name)) &&
        tensors.get(name)?.dtype.startsWith('int') === true,
    );
    const converted = shared.map((name) => conversion(name, operator, tensors.get(name)!));
    for (const [i, { outputs }] of converted.entries())
      tensors.set(outputs[0]!, tensors.get(shared[i]!)!);
    const inputs = operator.inputs.map(
      (name) => converted[shared.indexOf(name)]?.outputs[0] ?? name,
    );
    return [...converted, { ...operator, inputs }];
  });
  return { ...list, operators, tensors };
}

function conversion(name: string, before: ListedOperator, tensor: ListedTensor): ListedOperator {
  const { dtype, bytes } = tensor;
  const elements = bytes / bytesOf(1, dtype);
  return {
    name: `${before.name}/scale of ${name}`,
    parts: ['Requantize'],
    inputs: [name],
    outputs: [`${name}@${before.name}`],
    work: {
      operator: 'Requantize',
      form: { kind: 'vector', elements, passes: 1 },
      macs: 0,
      vectorOps: CONVERSION_OPS * elements,
      weightDType: dtype,
      activationDType: dtype,
      weightBytes: 0,
      inputBytes: bytes,
      outputBytes: bytes,
      kvReadBytes: 0,
      kvWriteBytes: 0,
    },
    traits: { operands: [name], constants: [] },
  };
}
