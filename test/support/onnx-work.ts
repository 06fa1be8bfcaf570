/** The work of one ONNX node, as import makes it. */
import type { Work } from '../../src/base/work.ts';
import { importOnnx } from '../../src/workload/onnx/import.ts';
import { type BuiltTensor, buildModel, FLOAT } from './onnx-builder.ts';

export type Input = readonly [type: number, dims: readonly number[]] | BuiltTensor | '';

/** The work of one node; tuples are fed at run time, tensors are constants. */
export function workOf(
  op: string,
  inputs: readonly Input[],
  attributes: NonNullable<Parameters<typeof buildModel>[0]['nodes'][number]['attributes']> = {},
  options: { domain?: string; outputs?: number; opset?: number } = {},
): Work {
  const fed: Record<string, readonly [number, readonly number[]]> = {};
  const constants: Record<string, BuiltTensor> = {};
  const names = inputs.map((input, i) => {
    if (input === '') return '';
    if ('dims' in input) constants[`i${i}`] = input;
    else fed[`i${i}`] = input;
    return `i${i}`;
  });
  const outputs = Array.from({ length: options.outputs ?? 1 }, (_, i) => `o${i}`);
  const node = { op, domain: options.domain ?? '', inputs: names, outputs, attributes };
  const model = importOnnx(
    buildModel({ nodes: [node], inputs: fed, constants, outputs }, { opset: options.opset ?? 17 }),
    'one.onnx',
  );
  return model.list.operators[0]?.work as Work;
}

export const x = (...dims: number[]): Input => [FLOAT, dims];
export const w = (...dims: number[]): BuiltTensor => ({ type: FLOAT, dims });
export const ms = { domain: 'com.microsoft' };
