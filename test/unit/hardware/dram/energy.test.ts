import { describe, expect, it } from 'vitest';
import { dramEnergy, idlePower } from '../../../../src/hardware/dram/energy.ts';
import { simulateTraffic } from '../../../../src/hardware/dram/simulate.ts';
import { loadPreset, trafficOptions } from '../../../support/dram.ts';

const preset = loadPreset('lpddr5x-8533');

describe('energy', () => {
  it('adds commands and states', () => {
    const activity = {
      seconds: 1e-3,
      activates: 1000,
      readBytes: 1e6,
      writeBytes: 5e5,
      refreshes: 256,
      openSeconds: 1e-3,
      closedSeconds: 1e-3,
    };
    const energy = dramEnergy(preset, '16Gb', activity, 'maximum');
    // 1.111 nJ per activate, 3.75 and 2.17 pJ per bit, 50.7 nJ per refresh, 47 and 36.8 mW.
    expect(energy.activate).toBeCloseTo(1.111e-6, 12);
    expect(energy.read).toBeCloseTo(30e-6, 12);
    expect(energy.write).toBeCloseTo(8.68e-6, 12);
    expect(energy.refresh).toBeCloseTo(12.98e-6, 8);
    expect(energy.standby).toBeCloseTo(83.8e-6, 10);
  });

  it('draws about 1.5 W typical and 2.3 W at most from 64 saturated bits at 8533 MT/s', () => {
    const watts = (corner: 'typical' | 'maximum') => {
      const options = trafficOptions('seq;region=1G', { window: 256, accesses: 20_000 });
      const run = simulateTraffic({ ...options, preset, channels: 4, corner });
      const { read, activate, standby, refresh } = run.energy;
      // The tabulated values are for full use of the bus.
      return ((read + activate) / run.bytes) * run.peak + (standby + refresh) / run.seconds;
    };
    expect(watts('typical')).toBeGreaterThan(1.4);
    expect(watts('typical')).toBeLessThan(1.65);
    expect(watts('maximum')).toBeGreaterThan(2.1);
    expect(watts('maximum')).toBeLessThan(2.6);
  });

  it('idles cheaper the deeper the state', () => {
    const states = ['active-standby', 'precharge-standby', 'power-down', 'self-refresh'] as const;
    const watts = states.map((state) => idlePower(preset, '16Gb', state, 40));
    expect(watts).toEqual([...watts].sort((a, b) => b - a));
    // 25.2 mW standby and 10.8 mW refresh.
    expect(watts[0]).toBeCloseTo(36e-3, 3);
    expect(idlePower(preset, '16Gb', 'power-down', 90)).toBeGreaterThan(watts[2] as number);
  });
});
