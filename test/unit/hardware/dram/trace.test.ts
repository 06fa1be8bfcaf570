import { describe, expect, it } from 'vitest';
import { simulateTraffic } from '../../../../src/hardware/dram/simulate.ts';
import { parseTrace } from '../../../../src/hardware/dram/trace.ts';
import { trafficOptions } from '../../../support/dram.ts';

const GIB = 2 ** 30;

describe('traces', () => {
  it('reads addresses in both notations, comments and cycles', () => {
    const trace = parseTrace('# head\n0x40 R 0\n200 w 5 # tail\n\n', 't', GIB);
    expect([...trace.address]).toEqual([64, 192]);
    expect([...trace.write]).toEqual([0, 1]);
    expect([...(trace.cycle ?? [])]).toEqual([0, 5]);
  });

  it('tells each fault with its line', () => {
    expect(() => parseTrace('0 R 5\n0x40000000 R 9\nx\n64 R 2\n', 't.txt', GIB)).toThrow(
      /t.txt:2: address beyond the memory[\s\S]*t.txt:3: not an access[\s\S]*t.txt:4: cycles must not go back/,
    );
    expect(() => parseTrace('0 R 5\n64 R\n', 't', GIB)).toThrow('t:2: has no cycle, unlike');
    expect(() => parseTrace('0 R\n64 R\n9 W 7', 't', GIB)).toThrow('t:3: has a cycle, unlike');
    expect(() => parseTrace('# nothing\n', 't', GIB)).toThrow('holds no access');
  });

  it('repeats addresses as they are written, and calls a negative one so', () => {
    expect(() => parseTrace('0xffffffffffffffffff R\n', 't', GIB)).toThrow(
      'expected below 1073741824, which is 0x40000000, got 0xffffffffffffffffff',
    );
    expect(() => parseTrace('-1 W\n', 't', GIB)).toThrow('t:1: negative address');
    expect(() => parseTrace('-x W\n', 't', GIB)).toThrow('t:1: not an access');
  });

  it('replays at its cycles: an idle device answers each read in its own time', () => {
    const text = Array.from({ length: 40 }, (_, i) => `${i * 64} R ${i * 400}`).join('\n');
    const options = trafficOptions('seq');
    const trace = parseTrace(text, 't', GIB);
    const run = simulateTraffic({ ...options, plan: { requesters: [], trace, accesses: 0 } });
    expect(run.accesses).toBe(40);
    // One access every 400 cycles of 1.25 ns.
    expect(run.bandwidth).toBeCloseTo(64 / (400 * 1.25e-9), -6);
    // Hits of a stopped data clock: CAS 1 + tCCD_L 4 + RL 17 + BL 2 = 24 cycles.
    expect(run.readLatency.p50).toBeCloseTo(30e-9, 10);
  });

  it('replays against a window where it has no cycles', () => {
    const text = Array.from({ length: 2000 }, (_, i) => `${i * 64} R`).join('\n');
    const trace = parseTrace(text, 't', GIB);
    const options = trafficOptions('seq');
    const plan = { requesters: [], trace, window: 64, accesses: 0 };
    const replay = simulateTraffic({ ...options, plan });
    const driven = simulateTraffic(trafficOptions('seq', { accesses: 2000 }));
    expect(replay.bandwidth).toBe(driven.bandwidth);
  });
});
