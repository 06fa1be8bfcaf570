/** Elements of constants from their bytes; expected values are those of the machine's own typed arrays and of IEEE 754. */
import { describe, expect, it } from 'vitest';
import type { ElementType } from '../../../../src/workload/onnx/element-type.ts';
import { decodeRaw } from '../../../../src/workload/onnx/raw-data.ts';

const bytes = (array: ArrayBufferView) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

const ARRAYS: readonly (readonly [ElementType, ArrayBufferView, readonly number[]])[] = [
  ['float', Float32Array.of(-1.5, 3e38, 0.1), [-1.5, Math.fround(3e38), Math.fround(0.1)]],
  ['double', Float64Array.of(0.1, -1e300), [0.1, -1e300]],
  ['int8', Int8Array.of(-128, 127), [-128, 127]],
  ['uint8', Uint8Array.of(0, 255), [0, 255]],
  ['bool', Uint8Array.of(0, 1), [0, 1]],
  ['int16', Int16Array.of(-32768, 32767), [-32768, 32767]],
  ['uint16', Uint16Array.of(0, 65535), [0, 65535]],
  ['int32', Int32Array.of(-(2 ** 31), 2 ** 31 - 1), [-(2 ** 31), 2 ** 31 - 1]],
  ['uint32', Uint32Array.of(0, 2 ** 32 - 1), [0, 2 ** 32 - 1]],
  ['int64', BigInt64Array.of(-(2n ** 53n), 2n ** 40n), [-(2 ** 53), 2 ** 40]],
  ['uint64', BigUint64Array.of(0n, 2n ** 53n), [0, 2 ** 53]],
];

/** Bit patterns of IEEE 754-2019, table 3.5, and of the upper half of a binary32. */
const HALVES: readonly (readonly [number, number])[] = [
  [0x3c00, 1],
  [0xc000, -2],
  [0x3555, 0.333251953125],
  [0x7bff, 65504],
  [0x0400, 2 ** -14],
  [0x0001, 2 ** -24],
  [0x8000, -0],
  [0x7c00, Number.POSITIVE_INFINITY],
  [0xfc00, Number.NEGATIVE_INFINITY],
  [0x7e00, Number.NaN],
];
const BRAINS: readonly (readonly [number, number])[] = [
  [0x3f80, 1],
  [0xc000, -2],
  [0x4049, 3.140625],
  [0x0080, 2 ** -126],
  [0x7f80, Number.POSITIVE_INFINITY],
];

describe('raw data', () => {
  it.each(ARRAYS)('of %s', (type, array, values) => {
    expect(decodeRaw(bytes(array), type, values.length)).toEqual(values);
  });

  it.each(HALVES)('half %i', (bits, value) => {
    expect(decodeRaw(bytes(Uint16Array.of(bits)), 'float16', 1)).toEqual([value]);
  });

  it.each(BRAINS)('brain float %i', (bits, value) => {
    expect(decodeRaw(bytes(Uint16Array.of(bits)), 'bfloat16', 1)).toEqual([value]);
  });

  it('may begin anywhere in a file', () => {
    const file = new Uint8Array(11);
    file.set(bytes(Int32Array.of(7, -9)), 3);
    expect(decodeRaw(file.subarray(3), 'int32', 2)).toEqual([7, -9]);
  });

  it('that is too short, or of a type no shape depends on, has no values', () => {
    expect(decodeRaw(new Uint8Array(7), 'int64', 1)).toBeUndefined();
    expect(decodeRaw(new Uint8Array(8), 'string', 1)).toBeUndefined();
    expect(decodeRaw(new Uint8Array(0), 'int64', 0)).toEqual([]);
  });
});
