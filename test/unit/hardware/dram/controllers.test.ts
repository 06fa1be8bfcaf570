import { describe, expect, it } from 'vitest';
import { checkRows } from '../../../../src/calibration/dram-rows.ts';
import type { ControllerConfig } from '../../../../src/hardware/dram/controller-config.ts';
import { CONTROLLERS, type ControllerName } from '../../../../src/hardware/dram/controllers.ts';
import { simulateTraffic } from '../../../../src/hardware/dram/simulate.ts';
import { trafficOptions } from '../../../support/dram.ts';

function run(name: ControllerName, ranks: number, over: Partial<ControllerConfig> = {}) {
  const config = { ...CONTROLLERS[name].config, ...over };
  const options = trafficOptions('rand;region=64M;wpct=20', { accesses: 400 });
  return simulateTraffic({ ...options, ranks, controller: config });
}

describe('controllers', () => {
  it.each(['mobile', 'ramulator2.1', 'dramsim3'] as const)('%s serves two ranks', (name) => {
    expect(run(name, 2).accesses).toBe(400);
  });

  it('refuse what their peers cannot do, and say why', () => {
    expect(() => run('gem5', 2)).toThrow('one rank');
    expect(() => run('gem5', 1, { refresh: 'per-bank' })).toThrow('refreshes all banks at once');
    expect(() => run('dramsim3', 1, { refresh: 'per-bank' })).toThrow('dramsim3');
    expect(() => run('dramsim3', 1, { page: 'close' })).toThrow('leaves rows open');
  });

  it.each(['mobile', 'ramulator2.1', 'dramsim3', 'gem5'] as const)(
    '%s stays below peak in every mode, long bursts of bank groups included',
    (name) => {
      for (const mode of ['bank-group', 'bank-group-bl32', '8-bank']) {
        const options = trafficOptions('seq;region=64M', { accesses: 4000 });
        const config = CONTROLLERS[name].config;
        const { bandwidth, peak } = simulateTraffic({ ...options, mode, controller: config });
        expect(bandwidth / peak).toBeGreaterThan(0.5);
        expect(bandwidth / peak).toBeLessThanOrEqual(1.001);
      }
    },
  );

  it('refuse accesses so slow that cycles would run out', () => {
    const options = trafficOptions('seq;region=64M');
    const plan = { ...options.plan, window: undefined, openRate: 1e-7 };
    expect(() => simulateTraffic({ ...options, plan })).toThrow('too slowly');
  });

  it('name a row that asks for it as not run, with the reason', () => {
    const values = {
      run_id: 'two',
      simulator: 'gem5',
      preset: 'LPDDR5X_8533',
      channels: '1',
      ranks: '2',
      refresh: 'all-bank',
      map: 'R',
      mode: 'closed',
      window: '64',
      open_rate: '',
      n_accesses: '400',
      requesters: 'seq;region=64M',
      achieved_GBs: '10',
    };
    const { checks, unmapped } = checkRows([{ values, line: 2 }]);
    expect(checks).toEqual([]);
    expect(unmapped[0]?.id).toBe('two');
    expect(unmapped[0]?.reason).toContain('one rank');
  });
});
