import { describe, expect, it } from 'vitest';
import { parseRequesters, RequestStream } from '../../../../src/hardware/dram/requester.ts';

const addresses = (text: string, count: number) => {
  const stream = new RequestStream(parseRequesters(text)[0] as never);
  return Array.from({ length: count }, () => {
    stream.advance();
    return stream.address;
  });
};

describe('requesters', () => {
  it('walk, stride and wrap', () => {
    expect(addresses('seq;base=1K;region=128', 3)).toEqual([1024, 1088, 1024]);
    // After the region the next round starts one access further on.
    expect(addresses('stride;region=256;stride=128', 5)).toEqual([0, 128, 64, 192, 128]);
  });

  it('draw addresses from a 32-bit xorshift', () => {
    // xorshift32 from 1: 270369, 67634689, 2647435461 (Marsaglia's 13, 17, 5).
    expect(addresses('rand;region=64M;seed=1', 3)).toEqual(
      [270_369, 67_634_689, 2_647_435_461].map((x) => 64 * (x % 2 ** 20)),
    );
  });

  it('stay inside a chunk until it is read', () => {
    const list = addresses('chunk;region=1M;stride=256;seed=3', 8);
    expect(list.slice(1, 4).map((a) => a - (list[0] as number))).toEqual([64, 128, 192]);
    expect((list[4] as number) % 256).toBe(0);
  });

  it('write as often as they are told', () => {
    const stream = new RequestStream(parseRequesters('seq;wpct=33;seed=5')[0] as never);
    let writes = 0;
    for (let i = 0; i < 10_000; i++) {
      stream.advance();
      if (stream.write) writes++;
    }
    expect(writes / 10_000).toBeCloseTo(0.33, 1);
  });

  it('tell every fault of their text', () => {
    expect(() => parseRequesters('seqq;bse=1 | rand;rate=0')).toThrow(
      /unknown traffic pattern "seqq"[\s\S]*"bse=1"[\s\S]*a rate must be above zero/,
    );
  });
});
