/** One ONNX node run by ONNX Runtime and imported by us: the shapes have to agree. */
import { expect } from 'vitest';
import { importOnnx } from '../../src/workload/onnx/import.ts';
import {
  type BuiltAttribute,
  type BuiltGraph,
  type BuiltNode,
  type BuiltTensor,
  buildModel,
  FLOAT,
} from './onnx-builder.ts';
import { type Feeds, runShapes } from './onnx-runtime.ts';

/** One node to try: tensors it computes on, constants that steer it, and what it says of itself. */
export interface Trial {
  readonly op: string;
  readonly domain?: string;
  readonly opset?: number;
  /** In node order: floating-point shapes to feed, or constants; empty text leaves an input out. */
  readonly inputs: readonly (readonly number[] | BuiltTensor | '')[];
  readonly outputs?: number;
  readonly attributes?: Readonly<Record<string, BuiltAttribute>>;
}

export const ints = (...values: number[]): BuiltTensor => ({ dims: [values.length], values });
export const floats = (...values: number[]): BuiltTensor => ({
  type: FLOAT,
  dims: [values.length],
  values,
});
export const scalar = (value: number): BuiltTensor => ({ dims: [], values: [value] });
export const bytes = (type: number, dims: readonly number[]): BuiltTensor => ({ type, dims });
export const weight = (dims: readonly number[]): BuiltTensor => ({ type: FLOAT, dims });

function modelOf(trial: Trial): { bytes: Uint8Array; feeds: Feeds } {
  const inputs: Record<string, readonly [number, readonly number[]]> = {};
  const constants: Record<string, BuiltTensor> = {};
  const names = trial.inputs.map((input, i) => {
    if (input === '') return '';
    if ('dims' in input) constants[`c${i}`] = input;
    else inputs[`x${i}`] = [FLOAT, input];
    return 'dims' in input ? `c${i}` : `x${i}`;
  });
  const outputs = Array.from({ length: trial.outputs ?? 1 }, (_, i) => `y${i}`);
  const node: BuiltNode = {
    op: trial.op,
    name: 'node',
    ...(trial.domain ? { domain: trial.domain } : {}),
    inputs: names,
    outputs,
    ...(trial.attributes ? { attributes: trial.attributes } : {}),
  };
  const graph: BuiltGraph = { nodes: [node], inputs, constants, outputs };
  const feeds = Object.entries(inputs).map(([name, [, dims]]) => [name, { type: 'float32', dims }]);
  return {
    bytes: buildModel(graph, { opset: trial.opset ?? 17 }),
    feeds: Object.fromEntries(feeds) as Feeds,
  };
}

/** Whatever ONNX Runtime accepts must import with the same shapes; what it refuses is not looked at. */
export async function agree(trial: Trial): Promise<boolean> {
  const { bytes: model, feeds } = modelOf(trial);
  const theirs = await runShapes(model, feeds).catch(() => undefined);
  if (!theirs) return false;
  const { shapes } = importOnnx(model, 'trial.onnx');
  const ours = Object.fromEntries(Object.keys(theirs).map((name) => [name, shapes.get(name)]));
  expect(ours, JSON.stringify(trial)).toEqual(theirs);
  return true;
}
