/** Elements of small constant tensors from their little-endian bytes. */
import { type ElementType, tensorBytes } from './element-type.ts';

type Reader = (view: DataView, index: number) => number;

const READERS: Readonly<Partial<Record<ElementType, Reader>>> = {
  float: (view, i) => view.getFloat32(i * 4, true),
  double: (view, i) => view.getFloat64(i * 8, true),
  float16: (view, i) => halfToNumber(view.getUint16(i * 2, true)),
  bfloat16: (view, i) => bfloatToNumber(view.getUint16(i * 2, true)),
  int8: (view, i) => view.getInt8(i),
  uint8: (view, i) => view.getUint8(i),
  bool: (view, i) => view.getUint8(i),
  int16: (view, i) => view.getInt16(i * 2, true),
  uint16: (view, i) => view.getUint16(i * 2, true),
  int32: (view, i) => view.getInt32(i * 4, true),
  uint32: (view, i) => view.getUint32(i * 4, true),
  int64: (view, i) => Number(view.getBigInt64(i * 8, true)),
  uint64: (view, i) => Number(view.getBigUint64(i * 8, true)),
};

/** @returns nothing for types whose values no shape depends on (strings, sub-byte and 8-bit floats). */
export function decodeRaw(
  bytes: Uint8Array,
  type: ElementType,
  count: number,
): readonly number[] | undefined {
  const reader = READERS[type];
  if (!reader || bytes.length < tensorBytes([count], type)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, index) => reader(view, index));
}

/** IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function bfloatToNumber(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(0, bits);
  return view.getFloat32(0);
}
