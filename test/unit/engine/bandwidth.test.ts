import { describe, expect, it } from 'vitest';
import { InfeasibleError } from '../../../src/base/errors.ts';
import {
  availableBandwidth,
  classWaiting,
  portLimits,
  requireBandwidth,
  soloRate,
} from '../../../src/engine/bandwidth.ts';
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

describe('classes of service', () => {
  it('conserve the mean waiting: what the urgent save, the others wait', () => {
    for (const [load, share] of [
      [0.3, 0.2],
      [0.8, 0.5],
      [1, 0.9],
    ] as const) {
      const { urgent, bulk } = classWaiting(100, load, share);
      expect(urgent * share + bulk * (1 - share)).toBeCloseTo(100, 9);
      expect(urgent).toBeLessThan(100);
      expect(bulk).toBeGreaterThan(100);
    }
  });

  it('halve the waiting of a lone urgent request at full load: (1 − 0.5) ÷ (1 − 0)', () => {
    expect(classWaiting(100, 1, 0).urgent).toBe(50);
    expect(classWaiting(100, 1, 1)).toEqual({ urgent: 100, bulk: 100 });
  });

  it('let a CPU keep more of its bandwidth under load than a bulk master of the same window', () => {
    const alike = [port(45), port(45)] as const;
    const [cpu, npu] = portLimits(machine, [{ ...alike[0], urgent: true }, alike[1]], 1e9);
    const [first, second] = portLimits(machine, alike, 1e9);
    expect(first).toBeCloseTo(second!, 3);
    expect(cpu!).toBeGreaterThan(first!);
    expect(npu!).toBeLessThan(second!);
    expect(cpu! + npu!).toBeLessThanOrEqual(1e9 * (1 + 1e-6));
  });

  it('serve real-time traffic first and refuse a load that leaves nothing', () => {
    const camera = (bytesPerSecond: number) => ({
      ...machine,
      background: [{ name: 'camera', bytesPerSecond }],
    });
    expect(() => requireBandwidth(camera(9.8e8))).not.toThrow();
    expect(() => requireBandwidth(camera(9.95e8))).toThrow(InfeasibleError);
    const [idle] = portLimits(machine, [port(60)], 1e9);
    const [beside] = portLimits(camera(5e8), [port(60)], 5e8);
    expect(beside!).toBeLessThan(idle!);
  });
});

describe('streams through the system cache', () => {
  const systemCache = { size: 1, bandwidth: 4e9, latency: 5e-8, energyPerByte: 0, shares: {} };
  const cached = { ...machine, systemCache };
  const half = { readBytes: 100, writeBytes: 0 };

  it('are bound by DRAM for what misses: half of it at 1 GB/s makes 2 GB/s', () => {
    expect(soloRate(cached, port(1e6), half, { read: 50, write: 0 })).toBeCloseTo(2e9, 0);
  });

  it('are bound by the cache for what hits: three quarters of it at 4 GB/s and DRAM at 1 GB/s', () => {
    expect(soloRate(cached, port(1e6), half, { read: 75, write: 0 })).toBeCloseTo(4e9, 0);
    expect(soloRate(cached, port(1e6), half, { read: 100, write: 0 })).toBe(4e9);
  });

  it('hold their place in the port for the latency of a hit: 60 bytes ÷ 50 ns', () => {
    expect(soloRate(cached, port(60), half, { read: 100, write: 0 })).toBeCloseTo(1.2e9, 0);
  });

  it('post writes: no window bounds them', () => {
    expect(soloRate(cached, port(60), { readBytes: 0, writeBytes: 100 })).toBe(1e9);
  });
});
