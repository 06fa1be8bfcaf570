import { describe, expect, it } from 'vitest';
import {
  buildDevice,
  peakBandwidth,
  presetAtShare,
  refreshMultiple,
} from '../../../../src/hardware/dram/device.ts';
import { simulateTraffic } from '../../../../src/hardware/dram/simulate.ts';
import { deviceOf, loadPreset, trafficOptions } from '../../../support/dram.ts';

/** nCK given to the third-party simulators, tabulated by hand per speed bin. */
const TABLE = {
  'lpddr5-6400': {
    nRL: 17,
    nWL: 9,
    nRCD: 15,
    nRPpb: 15,
    nRPab: 17,
    nRAS: 34,
    nRC: 49,
    nRRD: 4,
    nFAW: 16,
    nRTP: 8,
    nRTW: 12,
    nWTRS: 16,
    nWTRL: 23,
    nPPD: 2,
    nRFCab: 168,
    nREFI: 3125,
  },
  'lpddr5x-7500': {
    nRL: 20,
    nWL: 11,
    nRCD: 17,
    nRPpb: 17,
    nRPab: 20,
    nRAS: 40,
    nRC: 57,
    nRRD: 4,
    nFAW: 15,
    nRTP: 10,
    nRTW: 13,
    nWTRS: 19,
    nWTRL: 27,
    nPPD: 2,
    nRFCab: 263,
    nREFI: 3662,
  },
  'lpddr5x-8533': {
    nRL: 23,
    nWL: 12,
    nRCD: 20,
    nRPpb: 20,
    nRPab: 23,
    nRAS: 45,
    nRC: 65,
    nRRD: 4,
    nFAW: 16,
    nRTP: 10,
    nRTW: 15,
    nWTRS: 21,
    nWTRL: 29,
    nPPD: 2,
    nRFCab: 299,
    nREFI: 4167,
  },
  'lpddr5x-9600': {
    nRL: 25,
    nWL: 14,
    nRCD: 22,
    nRPpb: 22,
    nRPab: 26,
    nRAS: 51,
    nRC: 73,
    nRRD: 4,
    nFAW: 16,
    nRTP: 11,
    nRTW: 15,
    nWTRS: 24,
    nWTRL: 33,
    nPPD: 2,
    nRFCab: 336,
    nREFI: 4688,
  },
} as const;

describe('device', () => {
  it.each(Object.entries(TABLE))('rounds %s to the cycles of its bin', (name, expected) => {
    expect(deviceOf(name).timing).toMatchObject(expected);
  });

  it('has 16 banks of 2 KiB rows in four groups', () => {
    expect(deviceOf('lpddr5-6400')).toMatchObject({
      banks: 16,
      bankGroups: 4,
      columns: 64,
      burstBytes: 32,
      rows: 2 ** 15,
      capacity: 2 ** 30,
    });
    expect(deviceOf('lpddr5x-8533', { ranks: 2 }).capacity).toBe(2 ** 32);
  });

  it('peaks at channels x 2 bytes x rate', () => {
    expect(peakBandwidth(loadPreset('lpddr5t-9600'), 4)).toBe(76.8e9);
    expect(peakBandwidth(loadPreset('lpddr5-5500'), 4)).toBe(44e9);
  });

  it('moves 64 bytes per burst in 8-bank mode, with 4 KiB rows', () => {
    expect(deviceOf('lpddr5-6400', { mode: '8-bank' })).toMatchObject({
      banks: 8,
      burstBytes: 64,
      pageBytes: 4096,
      rows: 2 ** 15,
    });
  });

  it('has 16 banks without groups at 3200 MT/s, each as fast as the bus', () => {
    const device = deviceOf('lpddr5-3200');
    expect(device).toMatchObject({
      banks: 16,
      bankGroups: 1,
      banksPerGroup: 16,
      burstBytes: 32,
      pageBytes: 2048,
      rows: 2 ** 15,
    });
    // 16 beats at 8 per CK; with groups, bursts of one group would be 4 CK apart.
    expect(device.timing).toMatchObject({ nBLmin: 2, nCCDS: 2, nCCDL: 2, nRCD: 8, nRAS: 17 });
    expect(device.peak).toBe(6.4e9);
    const long = deviceOf('lpddr5-3200', { mode: '16-bank-bl32' });
    expect(long).toMatchObject({ burstBytes: 64, columns: 32, rows: 2 ** 15 });
  });

  it('derates and refreshes more when hot', () => {
    const [cool, hot, hotter] = [40, 90, 100].map(
      (temperature) => deviceOf('lpddr5-6400', { temperature }).timing,
    );
    // 18 + 1.875 ns at 1.25 ns.
    expect(hot?.nRCD).toBe(16);
    expect(hot?.nRC).toBeGreaterThan(cool?.nRC ?? 0);
    expect(hot?.nREFI).toBe(1563);
    expect(hotter?.nREFI).toBe(782);
    expect([40, 85, 86, 95, 96].map(refreshMultiple)).toEqual([1, 1, 2, 2, 4]);
  });

  it('names the nearest mode and density, and refuses three ranks', () => {
    expect(() => deviceOf('lpddr5-6400', { mode: 'bank-grup' })).toThrow('bank-group');
    expect(() => deviceOf('lpddr5-6400', { density: '15Gb' })).toThrow('did you mean');
    expect(() => deviceOf('lpddr5-6400', { ranks: 3 })).toThrow('rank count');
  });
});

describe('a preset at a lower clock', () => {
  const top = loadPreset('lpddr5-6400');

  it('is itself at its own', () => expect(presetAtShare(top, 1)).toBe(top));

  it('counts the same nanoseconds in fewer cycles, and bursts in as many', () => {
    const { timing, tCK, peak } = buildDevice(presetAtShare(top, 0.5));
    expect(tCK).toBeCloseTo(2.5e-9, 15);
    expect(peak).toBeCloseTo(6.4e9, 0);
    // 17 and 9 cycles of 1.25 ns; tRCD 18 ns, tRAS 42 ns, tRFCab 210 ns, tREFI 3906 ns.
    expect([timing.nRL, timing.nWL, timing.nRCD, timing.nRAS]).toEqual([9, 5, 8, 17]);
    expect([timing.nRFCab, timing.nREFI, timing.nCCDS, timing.nBLmin]).toEqual([84, 1563, 2, 2]);
  });

  it('gives random reads, which wait for rows, a larger share of a slower bus', () => {
    const random = (share: number) =>
      simulateTraffic(
        trafficOptions('rand;region=64M', { preset: presetAtShare(top, share), window: 16 }),
      );
    const [half, full] = [random(0.5), random(1)];
    expect(half.bandwidth / half.peak).toBeGreaterThan((1.1 * full.bandwidth) / full.peak);
    expect(half.bandwidth).toBeLessThan(full.bandwidth);
  });
});
