import { describe, expect, it } from 'vitest';
import { DemandWindow } from '../../../../src/hardware/npu/demand-window.ts';
import { ReadWindow } from '../../../../src/hardware/npu/read-window.ts';

const inOrder = (count: number) => Int32Array.from({ length: count }, (_, i) => i);

describe('read window', () => {
  // 200 words: half of them active, in sets of two.
  const shape = { words: 200, wordsPerCycle: 10 };

  it('serves what it holds without waiting', () => {
    const window = new ReadWindow(shape, inOrder(80), 80);
    for (let address = 0; address < 80; address++) expect(window.read(address)).toBe(false);
    expect(window.readyCycle).toBe(-1);
    expect(window.fetchedWords).toBe(80);
  });

  it('moves to the prefetched half on a miss and waits for its transfer', () => {
    const window = new ReadWindow(shape, inOrder(200), 200);
    expect(window.read(99)).toBe(false);
    expect(window.read(100)).toBe(true);
    // A hundred words at ten per cycle, one cycle of latency, from the end of the first fill at −1.
    expect(window.readyCycle).toBe(-1 + 10 + 1);
    expect(window.read(199)).toBe(false);
    expect(window.fetchedWords).toBe(200);
  });

  it('wraps around to what it has dropped', () => {
    const window = new ReadWindow(shape, inOrder(200), 200);
    window.read(150);
    expect(window.read(0)).toBe(true);
    expect(window.readyCycle).toBe(-1 + 2 * 11);
    // Every move transfers a half again.
    expect(window.fetchedWords).toBe(300);
  });

  it('passes over several halves when it has to', () => {
    const window = new ReadWindow(shape, inOrder(400), 400);
    window.read(350);
    expect(window.readyCycle).toBe(-1 + 3 * 11);
  });

  it('finds an element wherever it occurs', () => {
    // Overlapping windows of a convolution: 0…99, then 50…149.
    const order = Int32Array.from([...inOrder(100), ...inOrder(100).map((i) => i + 50)]);
    const window = new ReadWindow(shape, order, 150);
    expect(window.read(120)).toBe(true);
    expect(window.read(60)).toBe(false);
    expect(window.read(10)).toBe(true);
  });

  it('spends no set on idle rows, but their slots in the transfer', () => {
    const order = Int32Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? i / 2 : -1));
    const window = new ReadWindow(shape, order, 100);
    expect(window.read(99)).toBe(false);
    expect(window.fetchedWords).toBe(100);
  });
});

describe('demand window', () => {
  it('fetches an element once while it is kept', () => {
    const window = new DemandWindow(200, 100);
    for (const address of [1, 2, 3, 2, 1]) expect(window.read(address)).toBe(false);
    expect(window.fetchedWords).toBe(3);
  });

  it('drops everything when half the buffer is full', () => {
    const window = new DemandWindow(200, 101);
    for (let address = 0; address < 100; address++) window.read(address);
    window.read(0);
    expect(window.fetchedWords).toBe(101);
  });
});
