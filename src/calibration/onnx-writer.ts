/** Writes small ONNX models as bytes: the calibration suite needs operators that no file on disk has. */
// A CommonJS package: its names come out of the default export only.
import type { onnx as Proto } from 'onnx-proto';
import onnxProto from 'onnx-proto';
import { randomStream } from '../base/random.ts';

/** Standard operator set and file format of everything written here; ONNX Runtime 1.14 and later read them. */
const OPSET = 17;
const IR_VERSION = 8;

const { onnx } = onnxProto;
const { DataType } = onnx.TensorProto;
const ELEMENT_TYPES = {
  float32: DataType.FLOAT,
  uint8: DataType.UINT8,
  int8: DataType.INT8,
  int32: DataType.INT32,
  int64: DataType.INT64,
} as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

export type Dims = readonly number[];
export type AttributeValue = number | string | readonly number[] | { readonly float: number };

export interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** Empty for the standard set; `com.microsoft` for ONNX Runtime's own operators. */
  readonly domain?: string;
  readonly name?: string;
}

export interface ValueSpec {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: Dims;
}

export interface ConstantSpec extends ValueSpec {
  readonly bytes: Uint8Array;
}

export interface ModelSpec {
  readonly name: string;
  readonly inputs: readonly ValueSpec[];
  readonly outputs: readonly ValueSpec[];
  readonly constants: readonly ConstantSpec[];
  readonly nodes: readonly NodeSpec[];
}

export function elementCount(dims: Dims): number {
  return dims.reduce((product, extent) => product * extent, 1);
}

/** The bytes of an `.onnx` file. */
export function encodeModel(spec: ModelSpec): Uint8Array {
  const graph = {
    name: spec.name,
    input: spec.inputs.map(valueInfo),
    output: spec.outputs.map(valueInfo),
    initializer: spec.constants.map(({ name, type, dims, bytes }) => ({
      name,
      dataType: ELEMENT_TYPES[type],
      dims: [...dims],
      rawData: bytes,
    })),
    node: spec.nodes.map((node, index) => ({
      opType: node.op,
      name: node.name ?? `${node.op}.${index}`,
      domain: node.domain ?? '',
      input: [...node.inputs],
      output: [...node.outputs],
      attribute: Object.entries(node.attributes ?? {}).map(([name, value]) =>
        attribute(name, value),
      ),
    })),
  };
  return onnx.ModelProto.encode({
    irVersion: IR_VERSION,
    producerName: 'socsim',
    opsetImport: [
      { domain: '', version: OPSET },
      { domain: 'com.microsoft', version: 1 },
    ],
    graph,
  }).finish();
}

function valueInfo(value: ValueSpec): Proto.IValueInfoProto {
  return {
    name: value.name,
    type: {
      tensorType: {
        elemType: ELEMENT_TYPES[value.type],
        shape: { dim: value.dims.map((extent) => ({ dimValue: extent })) },
      },
    },
  };
}

function attribute(name: string, value: AttributeValue): Proto.IAttributeProto {
  const { AttributeType } = onnx.AttributeProto;
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: value };
  if (typeof value === 'string')
    return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float };
  return { name, type: AttributeType.INTS, ints: [...value] };
}

/** Period of the generated values: long enough not to look like a constant, short enough to cost nothing to draw. */
const PATTERN = 4099;

/**
 * Deterministic tensor contents of ordinary size; the same for the same name.
 * Values stay away from zero, because denormal numbers would slow the arithmetic that is being timed.
 */
export function patternBytes(
  type: ElementType,
  dims: Dims,
  { scale = 1, name = '' }: { readonly scale?: number; readonly name?: string } = {},
): Uint8Array {
  const count = elementCount(dims);
  const draw = randomStream(1, `onnx-writer/${type}/${name}`);
  if (type === 'float32') {
    const pattern = Float32Array.from(
      { length: PATTERN },
      () => scale * (draw() < 0.5 ? -1 : 1) * (0.1 + 0.9 * draw()),
    );
    return tile(pattern, new Float32Array(count));
  }
  if (type === 'uint8' || type === 'int8') {
    const pattern = Uint8Array.from({ length: PATTERN }, () => Math.floor(draw() * 256));
    return tile(pattern, new Uint8Array(count));
  }
  const small = Array.from({ length: PATTERN }, () => Math.floor(draw() * scale));
  if (type === 'int32') return tile(Int32Array.from(small), new Int32Array(count));
  return tile(BigInt64Array.from(small.map(BigInt)), new BigInt64Array(count));
}

function tile<A extends Float32Array | Uint8Array | Int32Array | BigInt64Array>(
  pattern: A,
  out: A,
): Uint8Array {
  const head = Math.min(pattern.length, out.length);
  (out as Uint8Array).set((pattern as Uint8Array).subarray(0, head));
  for (let filled = head; filled < out.length; filled *= 2) {
    out.copyWithin(filled, 0, Math.min(filled, out.length - filled));
  }
  return new Uint8Array(out.buffer);
}

/**
 * Every constant has contents of its own: ONNX Runtime keeps packed weights of equal contents once, and then a chain of
 * operators, or the layers of a decoder, read the same bytes from cache again and again.
 */
export function constant(name: string, type: ElementType, dims: Dims, scale = 1): ConstantSpec {
  return { name, type, dims, bytes: patternBytes(type, dims, { scale, name }) };
}

/** Integers that mean something to the operator: shapes, indices, axes, lengths. */
export function integers(
  name: string,
  type: 'int32' | 'int64',
  dims: Dims,
  values: readonly number[],
): ConstantSpec {
  const data =
    type === 'int32' ? Int32Array.from(values) : BigInt64Array.from(values.map((v) => BigInt(v)));
  return { name, type, dims, bytes: new Uint8Array(data.buffer) };
}

export function floats(name: string, dims: Dims, values: readonly number[]): ConstantSpec {
  return {
    name,
    type: 'float32',
    dims,
    bytes: new Uint8Array(Float32Array.from(values).buffer),
  };
}
