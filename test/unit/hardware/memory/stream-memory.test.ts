import { describe, expect, it } from 'vitest';
import { fullWindowsFor, withStreams } from '../../../../src/hardware/memory/stream-memory.ts';
import { toyMachine } from '../../../support/toy-machine.ts';

const { memory } = toyMachine();
const fullWindows = {
  idleReads: 0.8,
  idleWrites: 0.7,
  evenReads: 0.1,
  evenWrites: 0.2,
  waitingReads: 0.18,
  waitingWrites: 0.38,
  turning: 0.35,
};
const streams = withStreams(
  { ...memory, efficiency: ({ readShare }) => (readShare === 1 ? 0.9 : 0.7) },
  {
    interconnect: 65e-9,
    idle: 50e-9,
    waiting: 100e-9,
    fullWindows,
  },
);
const mix = { streams: 4, granularityBytes: 2048, temperature: 60 };

describe('reads of full windows', () => {
  it('wait for fabric and 0.8 of the idle latency without load: 65 + 40 ns', () => {
    expect(streams.streamLatency?.(0, 1)).toBeCloseTo(105e-9, 15);
  });

  it('wait 10 ns times load, and 18 ns times the pressure squared on top: pressure 2 at full load', () => {
    expect(streams.streamLatency?.(1, 1)).toBeCloseTo(187e-9, 15);
    // At half load the pressure is a third.
    expect(streams.streamLatency?.(0.5, 1)).toBeCloseTo(105e-9 + 5e-9 + 2e-9, 15);
  });

  it('wait longer behind writes: idle 1.15, even 0.2, waiting 0.37 at half of them', () => {
    expect(streams.streamLatency?.(1, 0.5)).toBeCloseTo(65e-9 + 57.5e-9 + 20e-9 + 4 * 37e-9, 15);
  });

  it('collide in the banks of one rank or of two', () => {
    const [oneRank, twoRanks] = [0.9, 0.8].map((idleReads) => ({ ...fullWindows, idleReads }));
    const table = { is: { oneRank, twoRanks }, from: 'x', trust: 'fitted' } as const;
    expect(fullWindowsFor(table as never, 1).idleReads).toBe(0.9);
    expect(fullWindowsFor(table as never, 2).idleReads).toBe(0.8);
  });

  it('pay 0.35 of what turning costs at random', () => {
    expect(streams.efficiency({ ...mix, readShare: 1 })).toBe(0.9);
    expect(streams.efficiency({ ...mix, readShare: 0.5 })).toBeCloseTo(0.83, 12);
  });
});
