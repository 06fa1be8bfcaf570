/** Sketches ONNX graphs operator by operator; the workload importer says what each operator costs. */
import type { Bytes } from '../base/units.ts';
import type { OperatorList } from '../workload/fusion/operator-list.ts';
import { importOnnx } from '../workload/onnx/import.ts';
import type { FeedSpec } from './measure.ts';
import {
  type AttributeValue,
  type ConstantSpec,
  constant,
  type Dims,
  type ElementType,
  encodeModel,
  type NodeSpec,
  type ValueSpec,
} from './onnx-writer.ts';

/** A graph under construction; `finish` turns it into bytes. */
export interface Sketch {
  readonly name: string;
  readonly inputs: ValueSpec[];
  readonly constants: ConstantSpec[];
  readonly nodes: NodeSpec[];
}

/** A model ready to be run, and what the simulator makes of it. */
export interface RunnableModel {
  readonly name: string;
  /** The bytes of the file, or its path where it is too large or has weights beside it. */
  readonly source: Uint8Array | string;
  readonly size: Bytes;
  readonly inputs: readonly FeedSpec[];
  readonly list: OperatorList;
  /** Nodes that only rename or reshape: no work, but each is dispatched. */
  readonly views: number;
}

export function newSketch(name: string): Sketch {
  return { name, inputs: [], constants: [], nodes: [] };
}

export function input(sketch: Sketch, dims: Dims, type: ElementType = 'float32'): ValueSpec {
  const value = { name: `x${sketch.inputs.length}`, type, dims };
  sketch.inputs.push(value);
  return value;
}

/** Random weights, scaled so that a long chain of products neither overflows nor dies out. */
export function weight(
  sketch: Sketch,
  dims: Dims,
  fanIn: number,
  type: ElementType = 'float32',
): ConstantSpec {
  const value = constant(`w${sketch.constants.length}`, type, dims, 1.6 / Math.sqrt(fanIn));
  sketch.constants.push(value);
  return value;
}

export function addConstant(sketch: Sketch, value: ConstantSpec): ConstantSpec {
  const named = { ...value, name: `${value.name}.${sketch.constants.length}` };
  sketch.constants.push(named);
  return named;
}

export interface NodeDraft {
  readonly op: string;
  readonly inputs: readonly (string | { readonly name: string })[];
  readonly dims: Dims;
  readonly type?: ElementType;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly domain?: string;
  /** Further outputs, unused. */
  readonly extraOutputs?: number;
}

/** Appends one node and returns its (first) output. */
export function append(sketch: Sketch, draft: NodeDraft): ValueSpec {
  const index = sketch.nodes.length;
  const output = { name: `v${index}`, type: draft.type ?? 'float32', dims: draft.dims };
  const extras = Array.from({ length: draft.extraOutputs ?? 0 }, (_, i) => `v${index}.${i + 1}`);
  sketch.nodes.push({
    op: draft.op,
    name: `${draft.op}.${index}`,
    inputs: draft.inputs.map((value) => (typeof value === 'string' ? value : value.name)),
    outputs: [output.name, ...extras],
    ...(draft.attributes ? { attributes: draft.attributes } : {}),
    ...(draft.domain ? { domain: draft.domain } : {}),
  });
  return output;
}

export function finish(sketch: Sketch, ...outputs: readonly ValueSpec[]): RunnableModel {
  const { name, inputs, constants, nodes } = sketch;
  const bytes = encodeModel({ name, inputs, outputs, constants, nodes });
  const { list, report } = importOnnx(bytes, name);
  return { name, source: bytes, size: bytes.length, inputs, list, views: report.views };
}
