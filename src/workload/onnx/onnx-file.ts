/** The onnx-proto door: bytes of an ONNX file to plain records, weights left where they are. */
import protobuf from 'onnx-proto';
import { SpecError } from '../../base/errors.ts';
import { type ElementType, elementsOf, elementTypeOf } from './element-type.ts';
import type {
  Attribute,
  OnnxFunction,
  OnnxGraph,
  OnnxModel,
  OnnxNode,
  TensorConstant,
  ValueDeclaration,
  WrittenDim,
} from './model.ts';
import { decodeRaw } from './raw-data.ts';
import { type ByteSource, skimModel } from './wire-skim.ts';

const { onnx } = protobuf;
type Proto = typeof protobuf.onnx;
type NodeProto = InstanceType<Proto['NodeProto']>;
type GraphProto = InstanceType<Proto['GraphProto']>;
type TensorProto = InstanceType<Proto['TensorProto']>;
type AttributeProto = InstanceType<Proto['AttributeProto']>;
type ValueInfoProto = InstanceType<Proto['ValueInfoProto']>;
type FunctionProto = InstanceType<Proto['FunctionProto']>;
type Integer = number | { toNumber(): number };

/** Operator sets this importer knows; older ones differ in ways that no exporter has used for years. */
const OPSETS = { oldest: 7, newest: 23 } as const;

/**
 * Reads a model of any size; tensors above a few KiB keep their type and shape only.
 * @throws SpecError for a file that is truncated, not ONNX, or of an operator set that is not known.
 */
export function parseOnnxFile(source: ByteSource, file: string): OnnxModel {
  const proto = decode(skimModel(source, file), file);
  if (!proto.graph) {
    throw new SpecError([
      { file, message: 'the model has no graph', hint: 'the file may be cut off' },
    ]);
  }
  const opsets = new Map(
    proto.opsetImport.map((set) => [domainOf(set.domain), integer(set.version ?? 0)]),
  );
  checkOpset(opsets.get(''), file);
  return {
    file,
    producer: proto.producerName,
    opsets,
    graph: graphOf(proto.graph as GraphProto),
    functions: proto.functions.map((each) => functionOf(each as FunctionProto)),
  };
}

/** The protobuf package throws plain errors at bytes that make no message. */
function decode(bytes: Uint8Array, file: string) {
  try {
    return onnx.ModelProto.decode(bytes);
  } catch (error) {
    throw new SpecError([
      {
        file,
        message: `damaged ONNX file: ${(error as Error).message}`,
        hint: 'download or export it again',
      },
    ]);
  }
}

function checkOpset(version: number | undefined, file: string): void {
  // A model of contrib operators only need not import the standard set.
  if (version === undefined || (version >= OPSETS.oldest && version <= OPSETS.newest)) return;
  throw new SpecError([
    {
      file,
      path: 'opset imports',
      message: 'unsupported operator set',
      expected: `ai.onnx ${OPSETS.oldest} to ${OPSETS.newest}`,
      got: String(version),
      hint: 'convert it with onnx.version_converter, or export again with another opset_version',
    },
  ]);
}

function graphOf(graph: GraphProto): OnnxGraph {
  return {
    name: graph.name,
    nodes: graph.node.map((node) => nodeOf(node as NodeProto)),
    constants: [
      ...graph.initializer.map((tensor) => tensorOf(tensor as TensorProto)),
      ...graph.sparseInitializer.flatMap(({ values, dims }) =>
        values ? [{ ...tensorOf(values as TensorProto), dims: (dims ?? []).map(integer) }] : [],
      ),
    ],
    inputs: graph.input.map((info) => declarationOf(info as ValueInfoProto)),
    outputs: graph.output.map((info) => declarationOf(info as ValueInfoProto)),
    declared: graph.valueInfo.map((info) => declarationOf(info as ValueInfoProto)),
  };
}

function functionOf(proto: FunctionProto): OnnxFunction {
  return {
    name: proto.name,
    domain: domainOf(proto.domain),
    inputs: proto.input,
    outputs: proto.output,
    nodes: proto.node.map((node) => nodeOf(node as NodeProto)),
  };
}

function nodeOf(node: NodeProto): OnnxNode {
  const attributes = new Map<string, Attribute>();
  for (const proto of node.attribute) {
    const value = attributeOf(proto as AttributeProto);
    if (value !== undefined) attributes.set(proto.name ?? '', value);
  }
  return {
    name: node.name,
    operator: node.opType,
    domain: domainOf(node.domain),
    inputs: node.input,
    outputs: node.output,
    attributes,
  };
}

/** `ai.onnx` is the long name of the standard operator set. */
function domainOf(domain: string | null | undefined): string {
  return domain === 'ai.onnx' ? '' : (domain ?? '');
}

function attributeOf(proto: AttributeProto): Attribute | undefined {
  if (proto.refAttrName) return { reference: proto.refAttrName };
  const kinds = onnx.AttributeProto.AttributeType;
  switch (proto.type) {
    case kinds.FLOAT:
      return proto.f;
    case kinds.INT:
      return integer(proto.i);
    case kinds.STRING:
      return text(proto.s);
    case kinds.TENSOR:
      return proto.t ? tensorOf(proto.t as TensorProto) : undefined;
    case kinds.GRAPH:
      return proto.g ? graphOf(proto.g as GraphProto) : undefined;
    case kinds.FLOATS:
      return proto.floats;
    case kinds.INTS:
      return proto.ints.map(integer);
    case kinds.STRINGS:
      return proto.strings.map(text);
    default:
      return undefined;
  }
}

function declarationOf(info: ValueInfoProto): ValueDeclaration {
  const tensor = info.type?.tensorType;
  const dims = tensor?.shape?.dim?.map((dim): WrittenDim => {
    if (dim.dimParam) return dim.dimParam;
    // The decoder gives an absent size the default 0; a size that is written is the message's own.
    return Object.hasOwn(dim, 'dimValue') ? integer(dim.dimValue ?? 0) : undefined;
  });
  const type = elementTypeOf(tensor?.elemType ?? 0);
  return { name: info.name, type, ...(dims ? { dims } : {}) };
}

function tensorOf(tensor: TensorProto): TensorConstant {
  const dims = tensor.dims.map(integer);
  const type = elementTypeOf(tensor.dataType);
  const location = tensor.externalData.find((entry) => entry.key === 'location')?.value;
  const values = valuesOf(tensor, type, elementsOf(dims));
  return {
    name: tensor.name,
    dims,
    type,
    ...(values ? { values } : {}),
    ...(location ? { external: location } : {}),
  };
}

/** Elements of a small tensor, or nothing when they were dropped, are outside the file, or are not numbers. */
function valuesOf(
  tensor: TensorProto,
  type: ElementType,
  count: number,
): readonly number[] | undefined {
  if (count === 0) return [];
  if (tensor.rawData.length > 0) return decodeRaw(tensor.rawData, type, count);
  const typed: readonly Integer[][] = [
    tensor.floatData,
    tensor.int32Data,
    tensor.int64Data,
    tensor.doubleData,
    tensor.uint64Data,
  ];
  const found = typed.find((field) => field.length > 0);
  if (found?.length !== count || type === 'float16' || type === 'bfloat16') return undefined;
  return found.map(integer);
}

function integer(value: Integer): number {
  return typeof value === 'number' ? value : value.toNumber();
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
