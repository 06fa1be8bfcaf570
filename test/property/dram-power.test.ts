import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildAddressMap } from '../../src/hardware/dram/address-map.ts';
import { CommandController } from '../../src/hardware/dram/command-controller.ts';
import { type ControllerConfig, NEVER } from '../../src/hardware/dram/controller-config.ts';
import { CONTROLLERS } from '../../src/hardware/dram/controllers.ts';
import type { LowPower } from '../../src/hardware/dram/low-power.ts';
import { parseRequesters } from '../../src/hardware/dram/requester.ts';
import { simulateTraffic } from '../../src/hardware/dram/simulate.ts';
import { TrafficDriver } from '../../src/hardware/dram/traffic.ts';
import { deviceOf, trafficOptions, type Watched, watch } from '../support/dram.ts';

const delay = fc.constantFrom(0, 20, 200, 3000, NEVER);
const setup = fc.record({
  openRate: fc.constantFrom(0.002, 0.02, 0.2),
  wpct: fc.constantFrom(0, 30, 100),
  ranks: fc.constantFrom(1, 2),
  refresh: fc.constantFrom('all-bank', 'per-bank', 'none') as fc.Arbitrary<
    ControllerConfig['refresh']
  >,
  powerDownAfter: delay,
  selfRefreshAfter: delay,
  kind: fc.constantFrom('seq', 'rand'),
});

interface Asleep {
  readonly from: number;
  readonly until: number;
  readonly rank: number;
}

/** Spans in which ranks refreshed themselves, exits included, as told by who goes there and who is woken. */
function selfRefreshes(power: LowPower, exit: number): Asleep[] {
  const spans: Asleep[] = [];
  const since = new Map<number, number>();
  const step = power.step.bind(power);
  power.step = (now, wanted) => {
    const took = step(now, wanted);
    for (const rank of [0, 1]) {
      if (power.refreshesItself(rank) && !since.has(rank)) since.set(rank, now);
    }
    return took;
  };
  const wake = power.wake.bind(power);
  power.wake = (rank, now) => {
    const from = since.get(rank);
    since.delete(rank);
    if (from !== undefined) spans.push({ from, until: now + exit, rank });
    wake(rank, now);
  };
  return spans;
}

describe('low-power states', () => {
  it('never let a command reach a rank that refreshes itself or is on its way out', () => {
    fc.assert(
      fc.property(setup, ({ openRate, wpct, ranks, kind, ...delays }) => {
        const device = deviceOf('lpddr5x-8533', { ranks });
        const map = buildAddressMap('L', device, 1);
        const config = { ...CONTROLLERS.mobile.config, ...delays };
        let commands: Watched[] = [];
        let spans: Asleep[] = [];
        const driver = new TrafficDriver(
          {
            requesters: parseRequesters(`${kind};region=64M;wpct=${wpct}`),
            openRate,
            accesses: 150,
          },
          (sink) => {
            const controller = new CommandController(device, config, sink);
            commands = watch(controller);
            if (controller.power) {
              spans = selfRefreshes(controller.power, device.timing.nXSR);
            }
            return { device, map, controllers: [controller] };
          },
        );
        driver.run();
        for (const { from, until, rank } of spans) {
          const inside = commands.filter(
            ({ bank, cycle }) =>
              Math.floor(bank / device.banks) === rank && cycle > from && cycle < until,
          );
          expect(inside).toEqual([]);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('save energy, never more than the background, and never lose an access', () => {
    fc.assert(
      fc.property(setup, ({ openRate, wpct, ranks, kind, ...delays }) => {
        const run = (config: ControllerConfig) =>
          simulateTraffic({
            ...trafficOptions(`${kind};region=64M;wpct=${wpct}`),
            ranks,
            controller: config,
            plan: {
              requesters: parseRequesters(`${kind};region=64M;wpct=${wpct}`),
              openRate,
              accesses: 300,
            },
          });
        const { mobile } = CONTROLLERS;
        const up = run({ ...mobile.config, refresh: delays.refresh });
        const low = run({ ...mobile.config, ...delays });
        expect(low.accesses).toBe(300);
        const { energy, lowPower } = low;
        const background = energy.standby + energy.lowPower;
        const { powerDownShare, selfRefreshShare } = lowPower;
        expect(powerDownShare + selfRefreshShare).toBeLessThanOrEqual(1);
        // Commands cost at least what they would cost if standby were free.
        expect(low.energyPerByte * low.bytes).toBeGreaterThan(
          energy.read + energy.write + energy.activate + energy.host - 1e-15,
        );
        expect(background / low.seconds).toBeLessThanOrEqual(
          ((up.energy.standby / up.seconds) * (1 + 1e-9) * 25.2) / 21,
        );
        if (powerDownShare + selfRefreshShare > 0.2) {
          expect(background / low.seconds).toBeLessThan(up.energy.standby / up.seconds);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('ask for tXP before the first command after every power-down', () => {
    const device = deviceOf('lpddr5-6400');
    const config = { ...CONTROLLERS.mobile.config, powerDownAfter: 50 };
    const map = buildAddressMap('A', device, 1);
    let commands: Watched[] = [];
    const exits: number[] = [];
    const driver = new TrafficDriver(
      { requesters: parseRequesters('rand;region=64M;wpct=20'), openRate: 0.01, accesses: 400 },
      (sink) => {
        const controller = new CommandController(device, config, sink);
        commands = watch(controller);
        const { state } = controller;
        const hold = state.holdRank.bind(state);
        state.holdRank = (rank, cycle) => {
          exits.push(cycle);
          hold(rank, cycle);
        };
        return { device, map, controllers: [controller] };
      },
    );
    driver.run();
    expect(exits.length).toBeGreaterThan(100);
    for (const ready of exits) {
      const early = commands.filter(
        ({ cycle }) => cycle > ready - device.timing.nXP && cycle < ready,
      );
      expect(early).toEqual([]);
    }
  });
});
