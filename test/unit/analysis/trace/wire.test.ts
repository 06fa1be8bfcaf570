import { describe, expect, it } from 'vitest';
import { createWireWriter } from '../../../../src/analysis/trace/wire.ts';

/** Expected bytes are the worked examples of the Protocol Buffers encoding guide, or follow from its rules by hand. */
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('wire format', () => {
  it('writes varints in groups of seven bits, low first', () => {
    const writer = createWireWriter();
    writer.varint(1, 150);
    expect(hex(writer.bytes())).toBe('089601');
  });

  it('writes text with its length in bytes', () => {
    const writer = createWireWriter();
    writer.text(2, 'testing');
    expect(hex(writer.bytes())).toBe('120774657374696e67');
    const accents = createWireWriter();
    accents.text(2, 'µ');
    expect(hex(accents.bytes())).toBe('1202c2b5');
  });

  it('nests messages', () => {
    const writer = createWireWriter();
    writer.message(3, () => writer.varint(1, 150));
    expect(hex(writer.bytes())).toBe('1a03089601');
  });

  it('writes doubles and fixed words little-endian', () => {
    const writer = createWireWriter();
    writer.double(1, 1);
    writer.fixed64(2, 2 ** 32 + 1);
    expect(hex(writer.bytes())).toBe('09000000000000f03f110100000001000000');
  });

  it('keeps whole numbers beyond 32 bits', () => {
    const writer = createWireWriter();
    writer.varint(1, 2 ** 40);
    // 2^40 is bit 5 of the sixth group of seven.
    expect(hex(writer.bytes())).toBe('08808080808020');
  });

  it('grows past its first buffer and shifts long messages', () => {
    const writer = createWireWriter();
    const long = 'x'.repeat(200_000);
    writer.message(1, () => writer.text(1, long));
    const bytes = writer.bytes();
    expect(bytes.length).toBe(200_000 + 1 + 3 + 1 + 3);
    expect(Buffer.from(bytes.subarray(8)).toString()).toBe(long);
  });
});
