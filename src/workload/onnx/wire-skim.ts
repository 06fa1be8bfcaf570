/**
 * Copies an ONNX file without its weights: large tensor payloads are dropped at the protobuf wire level.
 *
 * The protobuf package decodes a whole buffer, and one buffer cannot hold files above 2 GiB. This pass walks
 * only field headers (tag, length), skips payloads above `PAYLOAD_LIMIT`, and hands on what is left, a few MB
 * at most. Field numbers are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 */
import { SpecError } from '../../base/errors.ts';
import { KIBI } from '../../base/units.ts';

/** A file read piece by piece, so that it may be larger than memory. */
export interface ByteSource {
  readonly size: number;
  /** Bytes from `offset`; shorter than `length` only past the end. */
  read(offset: number, length: number): Uint8Array;
}

export function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  };
}

/** Shape constants take tens of bytes and look-up tables a few KiB; anything above is a weight. */
const PAYLOAD_LIMIT = 16 * KIBI;
const WINDOW = 64 * KIBI;

type Message = 'model' | 'function' | 'graph' | 'node' | 'attribute' | 'tensor' | 'sparse';

/** Fields that hold another message to walk into. */
const NESTED: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  model: { 7: 'graph', 25: 'function' },
  function: { 7: 'node' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  tensor: {},
  sparse: { 1: 'tensor', 2: 'tensor' },
};
/** `float_data`, `int32_data`, `string_data`, `int64_data`, `raw_data`, `double_data`, `uint64_data`. */
const PAYLOADS = new Set([4, 5, 6, 7, 9, 10, 11]);
/** Fields of ModelProto and their wire type; anything else at the top is another kind of file. */
const MODEL_FIELDS: Readonly<Record<number, number>> = {
  1: 0,
  2: 2,
  3: 2,
  4: 2,
  5: 0,
  6: 2,
  7: 2,
  8: 2,
  14: 2,
  20: 2,
  25: 2,
  26: 2,
};

interface Pieces {
  readonly parts: Uint8Array[];
  size: number;
}

interface Walk {
  readonly file: string;
  readonly source: ByteSource;
  readonly window: Window;
}

/** The part of the file at hand; headers are close together, so most reads stay inside. */
interface Window {
  byteAt(offset: number): number;
  copy(start: number, end: number): Uint8Array;
}

interface Field {
  readonly number: number;
  readonly wire: number;
  /** Of the value, behind the tag and any length. */
  readonly start: number;
  readonly end: number;
}

/** @returns a valid protobuf ModelProto without large payloads. */
export function skimModel(source: ByteSource, file: string): Uint8Array {
  if (source.size === 0) throw notOnnx(file, 'the file is empty');
  const walk: Walk = { file, source, window: windowOver(source) };
  const pieces = skimMessage(walk, 'model', 0, source.size);
  const whole = new Uint8Array(pieces.size);
  let offset = 0;
  for (const part of pieces.parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

function windowOver(source: ByteSource): Window {
  let start = 0;
  let bytes = source.read(0, WINDOW);
  return {
    byteAt: (offset) => {
      if (offset < start || offset >= start + bytes.length) {
        start = offset;
        bytes = source.read(offset, WINDOW);
      }
      return bytes[offset - start] ?? 0;
    },
    copy: (from, to) => {
      const inside = from >= start && to <= start + bytes.length;
      // A copy of its own, or every small piece would keep a whole window alive.
      return inside ? bytes.slice(from - start, to - start) : source.read(from, to - from);
    },
  };
}

function skimMessage(walk: Walk, message: Message, start: number, end: number): Pieces {
  const out: Pieces = { parts: [], size: 0 };
  // Neighbouring fields that stay as they are are copied in one piece.
  let kept = start;
  let at = start;
  while (at < end) {
    const field = readField(walk, message, at, end);
    const inner = NESTED[message][field.number];
    const dropped = message === 'tensor' && isWeight(field);
    if (field.wire === 2 && (inner || dropped)) {
      copy(walk, out, kept, at);
      kept = field.end;
      if (inner) nest(out, field.number, skimMessage(walk, inner, field.start, field.end));
    }
    at = field.end;
  }
  copy(walk, out, kept, end);
  return out;
}

function isWeight(field: Field): boolean {
  return PAYLOADS.has(field.number) && field.end - field.start > PAYLOAD_LIMIT;
}

function copy(walk: Walk, out: Pieces, start: number, end: number): void {
  if (end <= start) return;
  push(out, walk.window.copy(start, end));
}

function nest(out: Pieces, number: number, inner: Pieces): void {
  const head: number[] = [];
  writeVarint(head, number * 8 + 2);
  writeVarint(head, inner.size);
  push(out, Uint8Array.from(head));
  for (const part of inner.parts) push(out, part);
}

function push(out: Pieces, part: Uint8Array): void {
  out.parts.push(part);
  out.size += part.length;
}

function writeVarint(into: number[], value: number): void {
  while (value >= 128) {
    into.push((value % 128) + 128);
    value = Math.floor(value / 128);
  }
  into.push(value);
}

function readField(walk: Walk, message: Message, at: number, end: number): Field {
  const tag = readVarint(walk, at, end);
  const number = Math.floor(tag.value / 8);
  const wire = tag.value % 8;
  if (message === 'model' && MODEL_FIELDS[number] !== wire) {
    throw notOnnx(walk.file, hintOf(walk.source));
  }
  const field = { number, wire, ...extentOf(walk, wire, tag.next, end) };
  if (field.end > end) throw truncated(walk, field.end);
  return field;
}

function extentOf(walk: Walk, wire: number, at: number, end: number) {
  if (wire === 0) return { start: at, end: readVarint(walk, at, end).next };
  if (wire === 1) return { start: at, end: at + 8 };
  if (wire === 5) return { start: at, end: at + 4 };
  if (wire !== 2) {
    throw notOnnx(
      walk.file,
      `byte ${at} does not belong to a protobuf message; the file is damaged`,
    );
  }
  const length = readVarint(walk, at, end);
  return { start: length.next, end: length.next + length.value };
}

/** Ten bytes at most; values above 2^53 lose low bits, which no length or tag has. */
function readVarint(walk: Walk, at: number, end: number): { value: number; next: number } {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < 10; i++) {
    if (at + i >= end) throw truncated(walk, at + i + 1);
    const byte = walk.window.byteAt(at + i);
    value += (byte & 127) * scale;
    if (byte < 128) return { value, next: at + i + 1 };
    scale *= 128;
  }
  throw notOnnx(walk.file, `byte ${at} does not start a number; the file is damaged`);
}

function truncated(walk: Walk, needed: number): SpecError {
  return new SpecError([
    {
      file: walk.file,
      message: 'truncated ONNX file',
      expected: `at least ${needed} bytes`,
      got: `${walk.source.size} bytes`,
      hint: 'download or export it again',
    },
  ]);
}

function notOnnx(file: string, hint: string | undefined): SpecError {
  return new SpecError([{ file, message: 'not an ONNX model', ...(hint ? { hint } : {}) }]);
}

function hintOf(source: ByteSource): string | undefined {
  const head = String.fromCharCode(...source.read(0, 24));
  if (head.startsWith('version https://git-lfs')) {
    return 'this is a Git LFS pointer; fetch the file itself with "git lfs pull"';
  }
  if (head.slice(4, 8) === 'ORTM') return 'this is an ORT flatbuffer; convert back to .onnx';
  if (head.slice(4, 8) === 'TFL3') return 'this is a TensorFlow Lite model; convert it to .onnx';
  if (head.startsWith('PK')) return 'this is a zip archive; unpack it first';
  return undefined;
}
