/** An ONNX model as plain records: what the file says, before any shape is worked out. */
import type { ElementType } from './element-type.ts';

/** A dimension as written: a number, a name to be bound, or nothing at all. */
export type WrittenDim = number | string | undefined;

/** A constant tensor. Elements are there for small ones only; weights stay on disk. */
export interface TensorConstant {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: ElementType;
  /** In row-major order. */
  readonly values?: readonly number[];
  /** File that holds the elements, when they are outside the model. */
  readonly external?: string;
}

export interface AttributeReference {
  /** Name of the attribute of the enclosing function that gives the value. */
  readonly reference: string;
}

export type Attribute =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | TensorConstant
  | OnnxGraph
  | AttributeReference;

export interface OnnxNode {
  readonly name: string;
  readonly operator: string;
  /** Empty for the standard operators (`ai.onnx` is written as empty too). */
  readonly domain: string;
  /** Value names; empty for an optional input left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

export interface ValueDeclaration {
  readonly name: string;
  readonly type: ElementType;
  /** Absent when the file does not even give the rank. */
  readonly dims?: readonly WrittenDim[];
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly TensorConstant[];
  readonly inputs: readonly ValueDeclaration[];
  readonly outputs: readonly ValueDeclaration[];
  readonly declared: readonly ValueDeclaration[];
}

/** A model-local function: a composite operator defined by the model itself. */
export interface OnnxFunction {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly OnnxNode[];
}

export interface OnnxModel {
  readonly file: string;
  readonly producer: string;
  /** Version of each operator set the model uses, by domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly graph: OnnxGraph;
  readonly functions: readonly OnnxFunction[];
}

export function isGraph(attribute: Attribute | undefined): attribute is OnnxGraph {
  return typeof attribute === 'object' && 'nodes' in attribute;
}

export function isTensor(attribute: Attribute | undefined): attribute is TensorConstant {
  return typeof attribute === 'object' && 'type' in attribute;
}

export function isReference(attribute: Attribute | undefined): attribute is AttributeReference {
  return typeof attribute === 'object' && 'reference' in attribute;
}
