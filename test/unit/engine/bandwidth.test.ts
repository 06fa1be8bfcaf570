import { describe, expect, it } from 'vitest';
import { availableBandwidth, portLimits, soloRate } from '../../../src/engine/bandwidth.ts';
import type { Machine } from '../../../src/engine/machine.ts';
import { toyMachine } from '../../support/toy-machine.ts';

/** 1 GB/s of memory; latency 100 ns unloaded, rising to 200 ns at full load. */
const machine: Machine = {
  ...toyMachine(),
  memory: { ...toyMachine().memory, latency: (load) => 1e-7 * (1 + load) },
};
const port = (outstandingBytes: number, bandwidth = 1e12) => ({ bandwidth, outstandingBytes });

describe('port limits', () => {
  it("follow Little's law: rate × latency = bytes in flight", () => {
    const [rate] = portLimits(machine, [port(60)], 1e9) as [number];
    expect(rate * 1e-7 * (1 + rate / 1e9)).toBeCloseTo(60, 4);
    expect(rate).toBeLessThan(60 / 1e-7);
  });

  it('never pass the width of the port', () => {
    expect(portLimits(machine, [port(1e6, 3e8)], 1e9)).toEqual([3e8]);
  });

  it('fill memory together when their bytes in flight cover its loaded latency', () => {
    const limits = portLimits(machine, [port(150), port(150)], 1e9);
    expect(limits[0]! + limits[1]!).toBeGreaterThanOrEqual(1e9 * (1 - 1e-6));
    expect(limits[0]).toBeCloseTo(limits[1]!, 6);
  });

  it('add up to less than memory gives when they do not cover it', () => {
    const [a, b] = portLimits(machine, [port(40), port(40)], 1e9) as [number, number];
    expect(a + b).toBeLessThan(1e9);
    expect((a + b) * 1e-7 * (1 + (a + b) / 1e9)).toBeCloseTo(80, 4);
  });

  it('leave each less than it has alone', () => {
    const [alone] = portLimits(machine, [port(60)], 1e9) as [number];
    const [together] = portLimits(machine, [port(60), port(60)], 1e9) as [number, number];
    expect(together).toBeLessThan(alone);
  });
});

describe('available bandwidth', () => {
  it('is what real-time traffic leaves', () => {
    const busy = { ...machine, background: [{ name: 'display', bytesPerSecond: 4e8 }] };
    expect(availableBandwidth(machine, 1, 1)).toBe(1e9);
    expect(availableBandwidth(busy, 1, 1)).toBe(6e8);
    expect(soloRate(busy, port(1e6), { readBytes: 1, writeBytes: 0 })).toBe(6e8);
  });
});
