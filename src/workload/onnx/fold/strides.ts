/** Index arithmetic of dense row-major tensors. */
import { elementsOf } from '../element-type.ts';

/** Elements between neighbours along each axis. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length).fill(1);
  for (let i = dims.length - 2; i >= 0; i--) {
    strides[i] = (strides[i + 1] as number) * (dims[i + 1] as number);
  }
  return strides;
}

/** Strides that read `dims` as if broadcast to `out`: 0 along every stretched axis. */
export function broadcastStrides(dims: readonly number[], out: readonly number[]): number[] {
  const own = stridesOf(dims);
  const shift = out.length - dims.length;
  return out.map((_, i) => (i < shift || dims[i - shift] === 1 ? 0 : (own[i - shift] as number)));
}

/** The offset read for every element of `out` in row-major order: `base` plus index times stride. */
export function offsetsOf(out: readonly number[], strides: readonly number[], base = 0): number[] {
  const count = elementsOf(out);
  const index = new Array<number>(out.length).fill(0);
  const offsets = new Array<number>(count);
  let offset = base;
  for (let n = 0; n < count; n++) {
    offsets[n] = offset;
    offset = advance(index, out, strides, offset);
  }
  return offsets;
}

/** Counts `index` up by one, last axis fastest, and keeps `offset` in step. */
function advance(
  index: number[],
  out: readonly number[],
  strides: readonly number[],
  offset: number,
): number {
  for (let axis = out.length - 1; axis >= 0; axis--) {
    const next = (index[axis] as number) + 1;
    if (next < (out[axis] as number)) {
      index[axis] = next;
      return offset + (strides[axis] as number);
    }
    offset -= (next - 1) * (strides[axis] as number);
    index[axis] = 0;
  }
  return offset;
}
