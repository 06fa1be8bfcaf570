/** Imports of models written in a test, and what is read off them. */
import { SpecError } from '../../src/base/errors.ts';
import { type ImportedModel, importOnnx } from '../../src/workload/onnx/import.ts';
import { type BuiltGraph, buildModel, FLOAT } from './onnx-builder.ts';

export function load(
  graph: BuiltGraph,
  dims: Record<string, number> = {},
  options: Parameters<typeof buildModel>[1] = {},
): ImportedModel {
  return importOnnx(buildModel(graph, options), 'm.onnx', { dims });
}

export function faultsOf(run: () => unknown): SpecError['faults'] {
  try {
    run();
  } catch (error) {
    if (error instanceof SpecError) return error.faults;
    throw error;
  }
  return [];
}

/** Operator types in the order they run. */
export const names = (model: ImportedModel) =>
  model.list.operators.map((operator) => operator.work.operator);
export const float = (...dims: number[]) => ({ type: FLOAT, dims });
