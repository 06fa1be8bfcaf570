import { describe, expect, it } from 'vitest';
import { WriteBuffer } from '../../../../src/hardware/npu/write-buffer.ts';

describe('write buffer', () => {
  it('takes what fits without waiting', () => {
    const buffer = new WriteBuffer(100, 5);
    expect(buffer.write(50, 10)).toBe(0);
    expect(buffer.movedWords).toBe(0);
  });

  it('starts a drain beyond half and goes on filling meanwhile', () => {
    const buffer = new WriteBuffer(100, 5);
    // Word 51 starts a drain of 50 words; the open line of one word goes with it.
    expect(buffer.write(60, 10)).toBe(0);
    expect(buffer.movedWords).toBe(50);
  });

  it('waits for the drain when it is full', () => {
    const buffer = new WriteBuffer(100, 5);
    buffer.write(51, 0);
    // 50 words leave in cycles 0…9; 99 more fill the buffer, and the last write has to wait for cycle 9.
    expect(buffer.write(99, 1)).toBe(8);
  });

  it('moves every word in the end', () => {
    const buffer = new WriteBuffer(100, 5);
    buffer.write(30, 0);
    // Six lines, the first in cycle 20.
    expect(buffer.flush(20)).toBe(25);
    expect(buffer.movedWords).toBe(30);
  });

  it('counts an unfilled last line by its words', () => {
    const buffer = new WriteBuffer(100, 5);
    buffer.write(32, 0);
    buffer.flush(0);
    expect(buffer.movedWords).toBe(32);
  });
});
