/** Small ONNX models for tests, encoded with the protobuf package itself. */
import protobuf from 'onnx-proto';

const { onnx } = protobuf;

type Dim = number | string | undefined;
export interface BuiltTensor {
  readonly type?: number;
  readonly dims: readonly number[];
  /** Left out: the tensor claims to be in `external`, or has no elements at all. */
  readonly values?: readonly number[];
  readonly external?: string;
}
export type BuiltAttribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly tensor: BuiltTensor }
  | { readonly graph: BuiltGraph }
  | { readonly reference: string };

export interface BuiltNode {
  readonly op: string;
  readonly name?: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, BuiltAttribute>>;
}

export interface BuiltGraph {
  readonly nodes: readonly BuiltNode[];
  readonly inputs?: Readonly<
    Record<string, readonly [type: number, dims: readonly Dim[] | undefined]>
  >;
  readonly constants?: Readonly<Record<string, BuiltTensor>>;
  readonly outputs: readonly string[];
  readonly declared?: Readonly<Record<string, readonly [type: number, dims: readonly Dim[]]>>;
}

export interface BuiltFunction {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: readonly string[];
  readonly nodes: readonly BuiltNode[];
}

/** Two to the byte; zeros only. */
export const UINT4 = 21;
export const FLOAT = 1;
export const UINT8 = 2;
export const INT8 = 3;
export const INT32 = 6;
export const INT64 = 7;
export const BOOL = 9;
export const FLOAT16 = 10;

export function buildModel(
  graph: BuiltGraph,
  options: { readonly opset?: number; readonly functions?: readonly BuiltFunction[] } = {},
): Uint8Array {
  const opset = options.opset ?? 17;
  const sets = [
    { domain: '', version: opset },
    { domain: 'com.microsoft', version: 1 },
    ...(options.functions ?? []).map(({ domain }) => ({ domain, version: 1 })),
  ];
  const functions = (options.functions ?? []).map((each) => ({
    name: each.name,
    domain: each.domain,
    input: [...each.inputs],
    output: [...each.outputs],
    attribute: [...(each.attributes ?? [])],
    node: each.nodes.map(nodeOf),
    opsetImport: [{ domain: '', version: opset }],
  }));
  return onnx.ModelProto.encode({
    irVersion: 8,
    producerName: 'test',
    opsetImport: sets,
    graph: graphOf(graph),
    functions,
  }).finish();
}

function graphOf(graph: BuiltGraph): protobuf.onnx.IGraphProto {
  const info = ([name, [type, dims]]: [string, readonly [number, readonly Dim[] | undefined]]) => ({
    name,
    type: { tensorType: { elemType: type, ...(dims ? { shape: { dim: dims.map(dimOf) } } : {}) } },
  });
  return {
    name: 'graph',
    node: graph.nodes.map(nodeOf),
    initializer: Object.entries(graph.constants ?? {}).map(([name, tensor]) =>
      tensorOf(tensor, name),
    ),
    input: Object.entries(graph.inputs ?? {}).map(info),
    output: graph.outputs.map((name) => ({ name })),
    valueInfo: Object.entries(graph.declared ?? {}).map(info),
  };
}

function dimOf(dim: Dim): protobuf.onnx.TensorShapeProto.IDimension {
  if (dim === undefined) return {};
  return typeof dim === 'string' ? { dimParam: dim } : { dimValue: dim };
}

function nodeOf(node: BuiltNode): protobuf.onnx.INodeProto {
  return {
    name: node.name ?? '',
    opType: node.op,
    domain: node.domain ?? '',
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes ?? {}).map(([name, value]) =>
      attributeOf(name, value),
    ),
  };
}

function attributeOf(name: string, value: BuiltAttribute): protobuf.onnx.IAttributeProto {
  const kinds = onnx.AttributeProto.AttributeType;
  if (typeof value === 'number') return { name, type: kinds.INT, i: value };
  if (typeof value === 'string') return { name, type: kinds.STRING, s: Buffer.from(value) };
  if ('float' in value) return { name, type: kinds.FLOAT, f: value.float };
  if ('floats' in value) return { name, type: kinds.FLOATS, floats: [...value.floats] };
  if ('tensor' in value) return { name, type: kinds.TENSOR, t: tensorOf(value.tensor, '') };
  if ('graph' in value) return { name, type: kinds.GRAPH, g: graphOf(value.graph) };
  if ('reference' in value) return { name, type: kinds.INT, refAttrName: value.reference };
  return { name, type: kinds.INTS, ints: [...value] };
}

function tensorOf(tensor: BuiltTensor, name: string): protobuf.onnx.ITensorProto {
  const type = tensor.type ?? INT64;
  const base = { name, dataType: type, dims: [...tensor.dims] };
  if (tensor.external !== undefined) {
    return {
      ...base,
      dataLocation: 1,
      externalData: [{ key: 'location', value: tensor.external }],
    };
  }
  const count = tensor.dims.reduce((product, dim) => product * dim, 1);
  return { ...base, rawData: rawOf(type, tensor.values ?? new Array<number>(count).fill(0)) };
}

function rawOf(type: number, values: readonly number[]): Uint8Array {
  if (type === INT64) return bytesOf(BigInt64Array.from(values.map((v) => BigInt(Math.trunc(v)))));
  if (type === FLOAT) return bytesOf(Float32Array.from(values));
  if (type === INT32) return bytesOf(Int32Array.from(values));
  if (type === UINT4) return new Uint8Array(Math.ceil(values.length / 2));
  if (type === FLOAT16) return bytesOf(new Uint16Array(values.length));
  return bytesOf(Uint8Array.from(values.map((v) => v & 255)));
}

function bytesOf(array: BigInt64Array | Float32Array | Int32Array | Uint16Array | Uint8Array) {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
