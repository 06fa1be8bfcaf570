/** Small graphs for the fusion passes, and what a pass makes of them. */
import { type FusionName, fuse } from '../../src/workload/fusion/index.ts';
import type { OperatorList } from '../../src/workload/fusion/operator-list.ts';
import { importOnnx } from '../../src/workload/onnx/import.ts';
import { type BuiltGraph, type BuiltNode, buildModel, FLOAT } from './onnx-builder.ts';

export function listOf(graph: BuiltGraph, opset = 17): OperatorList {
  return importOnnx(buildModel(graph, { opset }), 'm.onnx').list;
}

/** After one pass, or the named ones: types merged into every launch. */
export function parts(list: OperatorList, ...names: FusionName[]): string[] {
  return fuse(list, names).list.operators.map((operator) => operator.parts.join('+'));
}

export const node = (
  op: string,
  inputs: string,
  output: string,
  attributes: BuiltNode['attributes'] = {},
): BuiltNode => ({
  op,
  name: output,
  inputs: inputs.split(' '),
  outputs: [output],
  attributes,
});
export const w = (...dims: number[]) => ({ type: FLOAT, dims });
