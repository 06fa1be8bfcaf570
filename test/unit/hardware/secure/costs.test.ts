import { describe, expect, it } from 'vitest';
import { coreThroughput, decryptSeconds } from '../../../../src/hardware/secure/cipher.ts';
import { grow } from '../../../../src/hardware/secure/growth.ts';
import { type IntegritySpec, integrityCost } from '../../../../src/hardware/secure/integrity.ts';
import { callSeconds, npuSwitchSeconds } from '../../../../src/hardware/secure/switching.ts';
import { translationSecondsPerByte } from '../../../../src/hardware/secure/translation.ts';

describe('coreThroughput', () => {
  it('is a block per round and clock, over all cores', () => {
    // FIPS 197: 10 rounds with 128-bit keys, 14 with 256; 16 bytes a block.
    expect(coreThroughput([{ count: 1, clock: 1e9 }], 128, 1)).toBeCloseTo(1.6e9, 0);
    expect(coreThroughput([{ count: 2, clock: 1.4e9 }], 256, 0.5)).toBeCloseTo(1.6e9, 0);
  });

  it('stays above what a core reaches in a mode that cannot overlap blocks', () => {
    // sbc-bench: aes-256-cbc encryption, blocks in series, 570 kB/s per MHz on Cortex-A76.
    const serial = 0.57 * 2.25e9;
    expect(coreThroughput([{ count: 1, clock: 2.25e9 }], 256, 0.85)).toBeGreaterThan(serial);
    // Two clocks of latency a round against one of throughput: at most twice as fast, less what efficiency takes.
    expect(coreThroughput([{ count: 1, clock: 2.25e9 }], 256, 1)).toBeLessThan(2.1 * serial);
  });

  it('turns bytes into time', () => {
    const cipher = {
      name: 'engine',
      throughput: 4e9,
      energyPerByte: 0,
      throughMemory: true,
    } as const;
    expect(decryptSeconds(cipher, 8e9)).toBe(2);
  });
});

describe('grow', () => {
  const spec = {
    page: 4096,
    perPage: 1e-6,
    perFreePage: 1e-7,
    copyBandwidth: 4.096e9,
    threads: 1,
  };

  it('moves what is occupied and takes what is free', () => {
    // 100 pages: 50 × (1 µs + 1 µs of copying) + 50 × 0.1 µs.
    expect(grow(spec, 100 * 4096, 0.5)).toEqual({
      seconds: expect.closeTo(105e-6, 12),
      moved: 50 * 4096,
    });
    expect(grow(spec, 0, 1)).toEqual({ seconds: 0, moved: 0 });
  });

  it('counts a page begun as a page, and splits work over threads', () => {
    expect(grow(spec, 1, 1).moved).toBe(4096);
    expect(grow({ ...spec, threads: 2 }, 4096e3, 1).seconds).toBeCloseTo(1e-3, 12);
  });
});

describe('switching', () => {
  it('adds call, wake-up and refill', () => {
    expect(callSeconds({ call: 1e-6, schedule: 2e-6, refill: 3000 }, 1e9)).toBeCloseTo(6e-6, 12);
  });

  it('cleans where nothing tags, and sets up where the whole device changes hands', () => {
    const npu = { drain: 1, tables: 2, setUp: 100, localMemory: 10, cleanBandwidth: 1 };
    expect(npuSwitchSeconds(npu, 'coarse', true)).toBe(113);
    expect(npuSwitchSeconds(npu, 'fine', true)).toBe(13);
    expect(npuSwitchSeconds(npu, 'fine', false)).toBe(3);
  });
});

describe('translationSecondsPerByte', () => {
  const pages = {
    kind: 'pages',
    entries: 32,
    page: 4096,
    reads: 2,
    walksAtOnce: 1,
    pages: 16,
    run: 512,
  } as const;

  it('walks once a page while all pages in turn are kept', () => {
    expect(translationSecondsPerByte(pages, 100e-9)).toBeCloseTo(200e-9 / 4096, 18);
  });

  it('walks at every visit that finds its page gone', () => {
    // 8 visits of 512 bytes a page, three quarters of the pages lost: 6 walks a page.
    const few = { ...pages, entries: 4 };
    expect(translationSecondsPerByte(few, 100e-9)).toBeCloseTo((6 * 200e-9) / 4096, 18);
  });

  it('costs nothing where ranges are compared', () => {
    expect(translationSecondsPerByte({ ...pages, kind: 'ranges' }, 1)).toBe(0);
  });
});

describe('integrityCost', () => {
  const spec: IntegritySpec = {
    kind: 'tree-less',
    block: 64,
    macBytes: 8,
    countersPerLine: 64,
    arity: 64,
    cache: 0,
    run: 1e9,
    protectedBytes: 4e9,
  };

  it('is an eighth of the data for codes of 8 bytes a line, on long runs', () => {
    const cost = integrityCost(spec);
    expect(cost.readPerRead).toBeCloseTo(1 / 8, 5);
    expect(cost.storage).toBe(1 / 8);
    expect(cost.latencyFactor).toBe(1);
  });

  it('adds one counter line per 4 KiB and its parents', () => {
    // 64 × 64 B a line: 1/64 of the data, and a geometric series of the same ratio above it.
    const cost = integrityCost({ ...spec, kind: 'counter-tree' });
    expect(cost.readPerRead).toBeCloseTo(1 / 8 + 1 / 64 + 1 / 64 ** 2 + 1 / 64 ** 3, 4);
    expect(cost.latencyFactor).toBeCloseTo(1 + 1 / 64, 4);
  });

  it('costs more the shorter the runs, and less with a cache that holds the tree', () => {
    const tree = { ...spec, kind: 'counter-tree' } as const;
    const short = integrityCost({ ...tree, run: 512 });
    expect(short.readPerRead).toBeGreaterThan(integrityCost(tree).readPerRead);
    expect(integrityCost({ ...tree, cache: 1e9 }).latencyFactor).toBe(1);
  });

  it('keeps hashes in place of counters and codes in a hash tree', () => {
    const cost = integrityCost({ ...spec, kind: 'hash-tree' });
    // 1/8 + 1/64 + 1/512 + … → 1/7 of the data, all of it in the tree.
    expect(cost.readPerRead).toBeCloseTo(1 / 7, 3);
    expect(cost.latencyFactor).toBeGreaterThan(1.1);
  });

  it('is nothing without integrity', () => {
    expect(integrityCost({ ...spec, kind: 'none' })).toMatchObject({ readPerRead: 0, storage: 0 });
  });
});
