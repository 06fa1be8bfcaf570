import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONTROLLERS } from '../../../../src/hardware/dram/controllers.ts';
import { buildFluidMemory } from '../../../../src/hardware/dram/fluid-memory.ts';
import { IDLE_AFTER, idleStates } from '../../../../src/hardware/dram/idle-states.ts';
import { simulateTraffic } from '../../../../src/hardware/dram/simulate.ts';
import { deviceOf, loadPreset, trafficOptions } from '../../../support/dram.ts';

const preset = loadPreset('lpddr5x-8533');
const device = deviceOf('lpddr5x-8533', { ranks: 2 });
const states = idleStates(device);
const RANKS = 8;
const ACCESS = 64;

/** The same memory, command by command, with accesses to random rows at a share of peak. */
function transactions(openRate: number) {
  const cycles = (seconds: number) => Math.ceil(seconds / device.tCK);
  return simulateTraffic({
    ...trafficOptions('rand;region=1G'),
    preset,
    channels: 4,
    ranks: 2,
    map: 'L',
    controller: {
      ...CONTROLLERS.mobile.config,
      powerDownAfter: cycles(IDLE_AFTER.powerDown),
      selfRefreshAfter: cycles(IDLE_AFTER.selfRefresh),
    },
    plan: trafficPlan(openRate),
  });
}

function trafficPlan(openRate: number) {
  const { plan } = trafficOptions('rand;region=1G', { accesses: 6000 });
  return { ...plan, window: undefined, openRate };
}

describe('states of idle ranks', () => {
  it('self-refresh without traffic, up under much', () => {
    expect(states(0)).toEqual({ powerDown: 0, selfRefresh: 1 });
    const { powerDown, selfRefresh } = states(1e9);
    expect(powerDown + selfRefresh).toBeLessThan(1e-12);
  });

  it('the more accesses, the less time in low power', () => {
    const rate = fc.double({ min: 0, max: 1e8, noNaN: true });
    fc.assert(
      fc.property(rate, rate, (a, b) => {
        const [few, many] = [Math.min(a, b), Math.max(a, b)].map(states);
        expect(few!.selfRefresh).toBeGreaterThanOrEqual(many!.selfRefresh);
        for (const { powerDown, selfRefresh } of [few!, many!]) {
          expect(powerDown).toBeGreaterThanOrEqual(0);
          expect(powerDown + selfRefresh).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it.each([0.0003, 0.002, 0.01, 0.05, 0.3])(
    'are those of the transaction model at %s of peak',
    (load) => {
      const run = transactions(load);
      const { powerDown, selfRefresh } = states((load * run.peak) / ACCESS / RANKS);
      expect(Math.abs(powerDown - run.lowPower.powerDownShare)).toBeLessThan(0.06);
      expect(Math.abs(selfRefresh - run.lowPower.selfRefreshShare)).toBeLessThan(0.06);
    },
  );

  it.each([0.0003, 0.002, 0.01, 0.05, 0.3])(
    'draw the watts of the transaction model at %s of peak',
    (load) => {
      const run = transactions(load);
      const { standby, lowPower, refresh } = run.energy;
      const exact = (standby + lowPower + refresh) / run.seconds;
      const memory = buildFluidMemory({ preset, channels: 4, ranks: 2, interconnectLatency: 0 });
      const watts = memory.backgroundPower(25, load * run.peak);
      expect(Math.abs(watts / exact - 1)).toBeLessThan(0.15);
    },
  );
});
