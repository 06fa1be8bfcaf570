import { describe, expect, it } from 'vitest';
import { ChannelState } from '../../../../src/hardware/dram/channel-state.ts';
import { NEVER } from '../../../../src/hardware/dram/controller-config.ts';
import { CONTROLLERS } from '../../../../src/hardware/dram/controllers.ts';
import { buildLowPower, LowPower } from '../../../../src/hardware/dram/low-power.ts';
import { simulateTraffic } from '../../../../src/hardware/dram/simulate.ts';
import { deviceOf, loadPreset, trafficOptions } from '../../../support/dram.ts';

const device = deviceOf('lpddr5-6400');
const { timing } = device;

function rank(downAfter: number, selfAfter = NEVER) {
  const state = new ChannelState(device);
  const power = new LowPower(state, timing, { downAfter, selfAfter });
  return { state, power };
}

describe('power-down', () => {
  it('comes when the rank has idled long enough, not a cycle before', () => {
    const { power } = rank(100);
    expect(power.due).toBe(100);
    power.step(99, 0);
    expect(power.powerDowns).toBe(0);
    expect(power.step(power.due, 0)).toBe(true);
    expect(power.powerDowns).toBe(1);
    expect(power.cyclesUntil(150)).toEqual({ down: 50, selfRefresh: 0 });
  });

  it('closes open rows first and waits for tRPpb after PREab as before a refresh', () => {
    const { state, power } = rank(100);
    state.activate(3, 7, 0);
    state.activated(3);
    power.arrive(0, 0);
    state.read(3, timing.nRCD);
    power.leave(0, 60);
    power.step(160, 0);
    expect(state.idle(0)).toBe(true);
    expect(power.powerDowns).toBe(0);
    // PREab to the next command for all banks: tRPab, 21 ns in cycles of 1.25 ns.
    expect(power.due).toBe(160 + 17);
    power.step(177, 0);
    expect(power.powerDowns).toBe(1);
  });

  it('keeps every command waiting for tXP after a burst has woken it', () => {
    const { state, power } = rank(100);
    power.step(100, 0);
    power.arrive(0, 500);
    // max(7.5 ns, 3 CK) at 1.25 ns.
    expect(state.activateReady(0)).toBe(506);
    expect(state.activateReady(15)).toBe(506);
    expect(state.refreshReady(0)).toBe(506);
    expect(power.cyclesUntil(1000).down).toBe(400);
  });

  it('stays up while a refresh waits', () => {
    const { power } = rank(100);
    expect(power.step(100, 1)).toBe(false);
    expect(power.powerDowns).toBe(0);
  });
});

describe('self-refresh', () => {
  it('follows power-down by way of an exit, and takes tRFCab and 7.5 ns to leave', () => {
    const { state, power } = rank(100, 1000);
    power.step(100, 0);
    expect(power.due).toBe(1000);
    power.step(1000, 0);
    expect(power.due).toBe(1006);
    power.step(1006, 0);
    expect(power.refreshesItself(0)).toBe(true);
    power.arrive(0, 9000);
    expect(power.refreshesItself(0)).toBe(false);
    expect(state.activateReady(0)).toBe(9000 + 168 + 6);
    expect(power.cyclesUntil(9000)).toEqual({ down: 900, selfRefresh: 9000 - 1006 });
  });

  it('lasts tSR at least', () => {
    const { state, power } = rank(NEVER, 100);
    power.step(100, 0);
    power.arrive(0, 101);
    expect(state.activateReady(0)).toBe(100 + 12 + 168 + 6);
  });
});

describe('a run with gaps', () => {
  const preset = loadPreset('lpddr5x-8533');
  const run = (powerDownAfter: number, selfRefreshAfter: number, openRate: number) => {
    const options = trafficOptions('rand;region=256M');
    const config = { ...CONTROLLERS.mobile.config, powerDownAfter, selfRefreshAfter };
    const plan = { ...options.plan, window: undefined, openRate, accesses: 2000 };
    return simulateTraffic({ ...options, preset, controller: config, plan });
  };
  const joules = ({ energy }: ReturnType<typeof run>) =>
    Object.values(energy).reduce((sum, part) => sum + part, 0);

  it('takes less energy the deeper it may sleep, and serves the same', () => {
    const up = run(NEVER, NEVER, 0.001);
    const down = run(100, NEVER, 0.001);
    const deep = run(100, 2000, 0.001);
    // A REFpb every 488 ns keeps the rank up for its 140 ns and the 100 ns after.
    expect(down.lowPower.powerDownShare).toBeGreaterThan(0.4);
    expect(down.lowPower.powerDownShare).toBeLessThan(1 - 240 / 488);
    // Accesses come every 3.75 µs, of which 2000 cycles are spent in waiting.
    expect(deep.lowPower.selfRefreshShare).toBeGreaterThan(0.35);
    expect(joules(down)).toBeLessThan(0.7 * joules(up));
    expect(joules(deep)).toBeLessThan(0.7 * joules(down));
    for (const one of [up, down, deep]) expect(one.bytes).toBe(64 * 2000);
    // In self-refresh the array needs nobody.
    const left = 1 - deep.lowPower.selfRefreshShare;
    expect(deep.energy.refresh / up.energy.refresh).toBeCloseTo(left, 1);
    expect(deep.readLatency.mean).toBeGreaterThan(down.readLatency.mean);
  });

  it('sleeps less the more there is to do', () => {
    const shares = [0.001, 0.01, 0.1].map((rate) => run(100, NEVER, rate).lowPower.powerDownShare);
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
    expect(shares[2]).toBeLessThan(0.05);
  });

  it('has no states where none are asked for', () => {
    expect(buildLowPower(new ChannelState(device), timing, CONTROLLERS.mobile.config)).toBe(
      undefined,
    );
    expect(run(NEVER, NEVER, 0.001).energy.lowPower).toBe(0);
  });
});
