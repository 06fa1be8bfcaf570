/** Imported ONNX files as candidates for a check: their inputs filled with ordinary numbers. */
import type { Bytes } from '../base/units.ts';
import type { DimBindings } from '../workload/onnx/bindings.ts';
import type { ImportedModel } from '../workload/onnx/import.ts';
import type { Candidate } from './collect.ts';

/** ONNX element types whose ONNX Runtime name differs. */
const TENSOR_TYPES: Readonly<Record<string, string>> = { float: 'float32', double: 'float64' };

export interface ModelFile {
  /** ONNX Runtime opens the file itself, weights beside it included. */
  readonly path: string;
  readonly name: string;
  readonly size: Bytes;
  /** Values of scalar inputs, among others. */
  readonly dims: DimBindings;
  readonly imported: ImportedModel;
}

export function fileCandidate({ path, name, size, dims, imported }: ModelFile): Candidate {
  const inputs = imported.inputs.map(({ name: input, type, dims: extents }) => ({
    name: input,
    type: TENSOR_TYPES[type] ?? type,
    dims: extents,
    ...(dims[input] === undefined ? {} : { value: dims[input] }),
  }));
  const { list, report } = imported;
  const model = { name, source: path, size, inputs, list, views: report.views + report.steering };
  return { id: name, family: 'file', build: () => model };
}
