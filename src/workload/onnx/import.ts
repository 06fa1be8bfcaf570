/**
 * Any ONNX model as a graph of operators with closed-form work.
 *
 * Weights are never loaded: shapes and element types decide the cost, and only small constants that shapes
 * are computed from are read. What is not understood is in the report, with its share of the work.
 */
import { SpecError } from '../../base/errors.ts';
import type { Bytes } from '../../base/units.ts';
import {
  graphOfList,
  type ListedTensor,
  type OperatorList,
  peakActivationBytes,
} from '../fusion/operator-list.ts';
import type { Graph } from '../graph.ts';
import { bindablesOf, bindInputs, type DimBindings, type ImageSize } from './bindings.ts';
import type { ElementType } from './element-type.ts';
import { functionTable } from './functions.ts';
import type { OnnxModel } from './model.ts';
import { parseOnnxFile } from './onnx-file.ts';
import { buildReport, type ImportReport } from './report.ts';
import { walkGraph } from './walk.ts';
import { bindTensor, closedScope, emptySink, type Sink, type WalkState } from './walk-state.ts';
import { type ByteSource, sourceOf } from './wire-skim.ts';

export interface ImportOptions {
  /** Dimension names, and names of scalar inputs whose value decides a branch or a shape. */
  readonly dims?: DimBindings;
  /** Rows and columns of image inputs (batch, channels, rows, columns), where another size than the file's is run. */
  readonly imageSize?: ImageSize;
}

interface TensorShape {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
}

export interface ImportedModel {
  readonly graph: Graph;
  /** The same operators with their tensors, for fusion passes. */
  readonly list: OperatorList;
  readonly parameters: number;
  /** As stored: quantised weights with their scales. */
  readonly weightBytes: Bytes;
  /** Largest sum of tensors alive at once, operators run in order. */
  readonly activationBytes: Bytes;
  readonly inputs: readonly TensorShape[];
  /** Those whose shape is known. */
  readonly outputs: readonly TensorShape[];
  readonly report: ImportReport;
  /** Of every value by its name in the file; values of functions carry the path of the call. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly producer: string;
  readonly opset: number | undefined;
}

/**
 * Imports a model from its bytes, or from a reader for files that do not fit in memory.
 * @param file name for messages.
 * @throws SpecError for a damaged file, an unknown operator set, unbound dimensions (all of them, with an example
 * flag), and nodes whose shapes contradict each other (all of them, with the shapes).
 */
export function importOnnx(
  source: Uint8Array | ByteSource,
  file: string,
  options: ImportOptions = {},
): ImportedModel {
  const model = parseOnnxFile(source instanceof Uint8Array ? sourceOf(source) : source, file);
  return importModel(model, options);
}

function importModel(model: OnnxModel, options: ImportOptions): ImportedModel {
  const dims = options.dims ?? {};
  const inputs = bindInputs(model.graph, dims, model.file, options.imageSize);
  const state = startState(model, dims);
  const scope = closedScope('');
  for (const [name, value] of inputs) bindTensor(state, scope, name, value);
  const sink = emptySink();
  const results = walkGraph(state, model.graph, scope, sink);
  if (state.faults.length > 0) throw new SpecError(state.faults);
  const list: OperatorList = {
    name: model.graph.name || model.file,
    operators: sink.operators,
    tensors: usedTensors(state, sink),
    results: results.filter((entry) => !entry.value?.constant).map((entry) => entry.tensor),
  };
  const constants = [...state.constants.values()];
  return {
    graph: graphOfList(list),
    list,
    parameters: constants.reduce((sum, constant) => sum + constant.parameters, 0),
    weightBytes: constants.reduce((sum, constant) => sum + constant.bytes, 0),
    activationBytes: peakActivationBytes(list),
    inputs: [...inputs].map(([name, { type, dims: shape }]) => ({ name, type, dims: shape })),
    outputs: model.graph.outputs.flatMap(({ name }, i) => {
      const value = results[i]?.value;
      return value ? [{ name, type: value.type, dims: value.dims }] : [];
    }),
    report: buildReport(
      sink,
      sink.operators.map((operator) => operator.work),
      sink.gaps,
      [...state.notes, ...openBranchNotes(model, sink, dims)],
    ),
    shapes: state.shapes,
    producer: model.producer,
    opset: model.opsets.get(''),
  };
}

/** A branch decided by a scalar input can be decided at import. */
function openBranchNotes(model: OnnxModel, sink: Sink, dims: DimBindings): string[] {
  if (!sink.gaps.some((gap) => gap.operator === 'If')) return [];
  return bindablesOf(model.graph)
    .filter(({ name, kind }) => kind === 'scalar' && dims[name] === undefined)
    .map(({ name }) => `if input "${name}" decides a branch, give its value: --dim ${name}=VALUE`);
}

function startState(model: OnnxModel, dims: DimBindings): WalkState {
  return {
    model,
    openSizes: model.graph.inputs.some(({ dims: written }) =>
      (written ?? [undefined]).some((dim) => typeof dim !== 'number'),
    ),
    functions: functionTable(model),
    dims,
    faults: [],
    notes: [],
    shapes: new Map(),
    tensors: new Map(),
    constants: new Map(),
    names: new Map(),
    operatorNames: new Map(),
    walkBody: walkGraph,
  };
}

/** Bodies that were only measured leave tensors behind that no operator of the graph touches. */
function usedTensors(state: WalkState, sink: Sink): ReadonlyMap<string, ListedTensor> {
  const used = new Map<string, ListedTensor>();
  for (const { inputs, outputs } of sink.operators) {
    for (const name of [...inputs, ...outputs]) {
      const tensor = state.tensors.get(name);
      if (tensor) used.set(name, tensor);
    }
  }
  return used;
}
