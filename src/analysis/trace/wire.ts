/** Protocol Buffers wire format, written by hand: the three kinds of field that a trace needs. */

export interface WireWriter {
  /** Field of type uint64, int64 (not negative), uint32, bool or enum. */
  varint(field: number, value: number): void;
  fixed64(field: number, value: number): void;
  double(field: number, value: number): void;
  text(field: number, value: string): void;
  /** Nested message, written by `fill`. */
  message(field: number, fill: () => void): void;
  bytes(): Uint8Array;
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const CHUNK = 1 << 16;
/** Room for a length prefix: five bytes hold any length below 32 GiB. */
const PREFIX = 5;
const WORD = 2 ** 32;

/** A writer over one growing buffer; nested messages are length-prefixed in place. */
export function createWireWriter(): WireWriter {
  let buffer = new Uint8Array(CHUNK);
  let view = new DataView(buffer.buffer);
  let size = 0;
  const encoder = new TextEncoder();

  const reserve = (extra: number): void => {
    if (size + extra <= buffer.length) return;
    const larger = new Uint8Array(Math.max(2 * buffer.length, size + extra));
    larger.set(buffer);
    buffer = larger;
    view = new DataView(buffer.buffer);
  };
  const putVarint = (value: number): void => {
    reserve(10);
    let rest = value;
    while (rest >= 0x80) {
      buffer[size] = (rest % 0x80) | 0x80;
      size += 1;
      rest = Math.floor(rest / 0x80);
    }
    buffer[size] = rest;
    size += 1;
  };
  const tag = (field: number, type: number): void => putVarint(field * 8 + type);

  return {
    varint(field, value) {
      tag(field, VARINT);
      putVarint(value);
    },
    fixed64(field, value) {
      tag(field, FIXED64);
      reserve(8);
      view.setUint32(size, value % WORD, true);
      view.setUint32(size + 4, Math.floor(value / WORD), true);
      size += 8;
    },
    double(field, value) {
      tag(field, FIXED64);
      reserve(8);
      view.setFloat64(size, value, true);
      size += 8;
    },
    text(field, value) {
      const encoded = encoder.encode(value);
      tag(field, LENGTH);
      putVarint(encoded.length);
      reserve(encoded.length);
      buffer.set(encoded, size);
      size += encoded.length;
    },
    message(field, fill) {
      tag(field, LENGTH);
      reserve(PREFIX);
      const start = size;
      size += PREFIX;
      fill();
      const length = size - start - PREFIX;
      const end = size;
      size = start;
      putVarint(length);
      buffer.copyWithin(size, start + PREFIX, end);
      size += length;
    },
    bytes: () => buffer.slice(0, size),
  };
}
