/** ONNX element types: their codes, their width, and the number format a machine computes them in. */
import { BITS_PER_BYTE, type Bytes } from '../../base/units.ts';
import type { DType } from '../../base/work.ts';

export type ElementType =
  | 'float'
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'string'
  | 'bool'
  | 'float16'
  | 'double'
  | 'uint32'
  | 'uint64'
  | 'complex64'
  | 'complex128'
  | 'bfloat16'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'uint4'
  | 'int4'
  | 'float4e2m1'
  | 'undefined';

interface ElementTraits {
  readonly bits: number;
  readonly dtype: DType;
  readonly kind: 'float' | 'int' | 'other';
}

/** In the order of `TensorProto.DataType` (onnx.proto), so the index is the code. */
const ORDER: readonly ElementType[] = [
  'undefined',
  'float',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'double',
  'uint32',
  'uint64',
  'complex64',
  'complex128',
  'bfloat16',
  'float8e4m3fn',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'uint4',
  'int4',
  'float4e2m1',
];

const TRAITS: Readonly<Record<ElementType, ElementTraits>> = {
  undefined: { bits: 32, dtype: 'fp32', kind: 'other' },
  float: { bits: 32, dtype: 'fp32', kind: 'float' },
  uint8: { bits: 8, dtype: 'int8', kind: 'int' },
  int8: { bits: 8, dtype: 'int8', kind: 'int' },
  uint16: { bits: 16, dtype: 'int16', kind: 'int' },
  int16: { bits: 16, dtype: 'int16', kind: 'int' },
  int32: { bits: 32, dtype: 'int32', kind: 'int' },
  int64: { bits: 64, dtype: 'int64', kind: 'int' },
  // Strings never reach an accelerator; a pointer stands for each.
  string: { bits: 64, dtype: 'int64', kind: 'other' },
  bool: { bits: 8, dtype: 'bool', kind: 'other' },
  float16: { bits: 16, dtype: 'fp16', kind: 'float' },
  double: { bits: 64, dtype: 'fp64', kind: 'float' },
  uint32: { bits: 32, dtype: 'int32', kind: 'int' },
  uint64: { bits: 64, dtype: 'int64', kind: 'int' },
  complex64: { bits: 64, dtype: 'fp32', kind: 'float' },
  complex128: { bits: 128, dtype: 'fp64', kind: 'float' },
  bfloat16: { bits: 16, dtype: 'bf16', kind: 'float' },
  float8e4m3fn: { bits: 8, dtype: 'fp8', kind: 'float' },
  float8e4m3fnuz: { bits: 8, dtype: 'fp8', kind: 'float' },
  float8e5m2: { bits: 8, dtype: 'fp8', kind: 'float' },
  float8e5m2fnuz: { bits: 8, dtype: 'fp8', kind: 'float' },
  uint4: { bits: 4, dtype: 'int4', kind: 'int' },
  int4: { bits: 4, dtype: 'int4', kind: 'int' },
  float4e2m1: { bits: 4, dtype: 'int4', kind: 'float' },
};

export function elementTypeOf(code: number): ElementType {
  return ORDER[code] ?? 'undefined';
}

export function dtypeOf(type: ElementType): DType {
  return TRAITS[type].dtype;
}

export function isFloat(type: ElementType): boolean {
  return TRAITS[type].kind === 'float';
}

/** Integers narrow enough to be quantised weights rather than indices. */
export function isQuantised(type: ElementType): boolean {
  return TRAITS[type].kind === 'int' && TRAITS[type].bits <= 16;
}

/** Bytes of a dense tensor; sub-byte types are packed, the last byte filled up. */
export function tensorBytes(dims: readonly number[], type: ElementType): Bytes {
  return Math.ceil((elementsOf(dims) * TRAITS[type].bits) / BITS_PER_BYTE);
}

export function elementsOf(dims: readonly number[]): number {
  let product = 1;
  for (const dim of dims) product *= dim;
  return product;
}
