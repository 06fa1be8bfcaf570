import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildAddressMap } from '../../src/hardware/dram/address-map.ts';
import { CommandController } from '../../src/hardware/dram/command-controller.ts';
import { type ControllerConfig, NEVER } from '../../src/hardware/dram/controller-config.ts';
import {
  buildController,
  CONTROLLERS,
  type ControllerName,
} from '../../src/hardware/dram/controllers.ts';
import type { DramDevice } from '../../src/hardware/dram/device.ts';
import { parseRequesters } from '../../src/hardware/dram/requester.ts';
import { simulateTraffic } from '../../src/hardware/dram/simulate.ts';
import { TrafficDriver } from '../../src/hardware/dram/traffic.ts';
import { deviceOf, loadPreset, trafficOptions, type Watched, watch } from '../support/dram.ts';

const names = Object.keys(CONTROLLERS) as ControllerName[];
const presets = ['lpddr5-5500', 'lpddr5x-7500', 'lpddr5x-8533', 'lpddr5t-9600', 'lpddr6-10667'].map(
  loadPreset,
);
const traffic = fc
  .record({
    kind: fc.constantFrom('seq', 'rand', 'chunk', 'stride'),
    stride: fc.constantFrom(64, 256, 4096, 32_768),
    wpct: fc.constantFrom(0, 10, 50, 100),
    seed: fc.integer({ min: 1, max: 9999 }),
  })
  .map(
    ({ kind, stride, wpct, seed }) =>
      `${kind};region=64M;stride=${stride};wpct=${wpct};seed=${seed}`,
  );
const several = fc.array(traffic, { minLength: 1, maxLength: 3 });
const mixes = several.map((list) =>
  // Apart from each other, or reads would be answered by waiting writes without the bus.
  list.map((text, index) => `${text};base=${128 * index}M`).join(' | '),
);
const overlapping = several.map((list) => list.join(' | '));

/** Pairs that JESD209-5 keeps apart, written down apart from the model; `same` says which banks it concerns. */
function violations(commands: readonly Watched[], device: DramDevice): string[] {
  const t = device.timing;
  const group = (bank: number) => Math.floor(bank / device.banksPerGroup);
  const column = (c: Watched) => /^(RD|WR)/.test(c.command);
  const kind = (c: Watched) => c.command.slice(0, 2);
  const least = (a: Watched, b: Watched): number => {
    if (a.command === 'ACT' && b.command === 'ACT') return a.bank === b.bank ? t.nRC : t.nRRD;
    if (a.command === 'ACT' && a.bank === b.bank && column(b)) return t.nRCD;
    if (a.command === 'ACT' && a.bank === b.bank && b.command === 'PRE') return t.nRAS;
    if (a.command === 'PRE' && a.bank === b.bank && b.command === 'ACT') return t.nRPpb;
    if (a.command === 'PREab' && b.command === 'ACT') return t.nRPab;
    if (a.command === 'REFab' && b.command === 'ACT') return t.nRFCab;
    if (column(a) && a.bank === b.bank && b.command === 'PRE')
      return kind(a) === 'RD' ? t.nRTP : t.nWTP;
    if (!column(a) || !column(b)) return 0;
    const near = group(a.bank) === group(b.bank);
    if (kind(a) === kind(b)) return near ? t.nCCDL : t.nCCDS;
    if (kind(a) === 'RD') return t.nRTW;
    return near ? t.nWTRL : t.nWTRS;
  };
  const faults: string[] = [];
  for (const [i, b] of commands.entries()) {
    for (let j = i - 1; j >= 0 && j > i - 60; j--) {
      const a = commands[j] as Watched;
      const gap = b.cycle - a.cycle;
      // One REFpb takes two banks.
      if (a.command === 'REFpb' && b.command === 'REFpb' && gap === 0) continue;
      if (gap < Math.max(1, least(a, b)))
        faults.push(`${a.command}@${a.cycle} ${b.command}@${b.cycle}`);
    }
  }
  const acts = commands.filter(({ command }) => command === 'ACT');
  for (let i = 4; i < acts.length; i++) {
    const span = (acts[i] as Watched).cycle - (acts[i - 4] as Watched).cycle;
    if (span < t.nFAW) faults.push(`five activates in ${span}`);
  }
  return faults;
}

/** Lets a controller look around in every cycle, also where it has said that nothing can happen. */
function walkThrough(controller: CommandController): void {
  let last = 0;
  const inside = controller as unknown as { wake: number };
  const tick = controller.tick.bind(controller);
  controller.tick = (now) => {
    last = now;
    inside.wake = Math.min(inside.wake, now);
    tick(now);
  };
  controller.next = () => last + 1;
}

describe('DRAM traffic', () => {
  it('serves every access once, below peak, within a bounded time, whoever controls it', () => {
    fc.assert(
      fc.property(
        mixes,
        fc.constantFrom(...names),
        fc.constantFrom(1, 2),
        (text, name, channels) => {
          const accesses = 600;
          const options = trafficOptions(text, { accesses, window: 64 });
          const run = simulateTraffic({
            ...options,
            channels,
            controller: CONTROLLERS[name].config,
          });
          expect(run.accesses).toBe(accesses);
          expect(run.bytes).toBe(64 * accesses);
          // What the bus carried; writes in queues at the end were accepted without it (64 + 128 bursts at most).
          const carried = run.bytes - channels * 192 * 32;
          expect(carried / run.seconds).toBeLessThanOrEqual(1.02 * run.peak);
          expect(run.requesters.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
          // No request starves: with 64 under way each waits for a few hundred others at worst.
          expect(run.readLatency.p99).toBeLessThan(20e-6);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('reports no rate above peak, whatever the speed bin, traffic and controller, however short the run', () => {
    fc.assert(
      fc.property(
        mixes,
        fc.constantFrom(...names),
        fc.constantFrom(...presets),
        fc.constantFrom(1, 2, 4),
        fc.integer({ min: 20, max: 300 }),
        fc.constantFrom(0.4, 3, undefined),
        (text, name, preset, channels, accesses, openRate) => {
          const requesters = parseRequesters(text);
          const window = openRate === undefined ? 64 * channels : undefined;
          const run = simulateTraffic({
            ...trafficOptions(text),
            preset,
            channels,
            controller: { ...CONTROLLERS[name].config, refresh: 'none' },
            plan: { requesters, window, openRate, accesses },
          });
          expect(run.bandwidth).toBeLessThanOrEqual(run.peak);
          expect(run.bandwidth).toBeGreaterThanOrEqual(0);
          expect(run.completed).toBeLessThan(Number.POSITIVE_INFINITY);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('counts as carried what was completed, over a long run that needs the bus for all of it', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.constantFrom(0, 50), (name, wpct) => {
        const text = `rand;region=64M;seed=5;wpct=${wpct}`;
        const controller = CONTROLLERS[name].config;
        const run = simulateTraffic({ ...trafficOptions(text, { accesses: 6000 }), controller });
        expect(run.bandwidth / run.completed).toBeCloseTo(1, 1.5);
      }),
      { numRuns: 8 },
    );
  });

  it('sends no column command to a closed row where rows close after a count and the data clock stops', () => {
    fc.assert(
      fc.property(
        mixes,
        fc.integer({ min: 1, max: 4 }),
        fc.double({ min: 0.02, max: 0.5, noNaN: true }),
        (text, closeAfter, openRate) => {
          const device = deviceOf('lpddr5x-8533');
          const map = buildAddressMap('A', device, 1);
          let commands: Watched[] = [];
          const config = { ...CONTROLLERS.mobile.config, page: 'close-after' as const, closeAfter };
          const driver = new TrafficDriver(
            { requesters: parseRequesters(text), openRate, accesses: 300 },
            (sink) => {
              const controller = new CommandController(device, config, sink);
              commands = watch(controller);
              return { device, map, controllers: [controller] };
            },
          );
          driver.run();
          const columns = commands.filter(({ command }) => /^(RD|WR)/.test(command));
          expect(columns.filter(({ row }) => row < 0)).toEqual([]);
          expect(violations(commands, device)).toEqual([]);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('lets no read wait for much more than tREFI behind younger hits of its bank', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 15 }),
        fc.constantFrom('mobile', 'mobile without refresh'),
        fc.integer({ min: 1, max: 999 }),
        (rows, name, seed) => {
          // Hits of one row without end, and a pair of reads of another row in the same bank (32 KiB apart in map B).
          const text = `rand;region=2K;w=60;seed=${seed} | rand;region=2K;base=${32 * rows}K;w=2;seed=${seed + 1}`;
          const options = trafficOptions(text, { accesses: 12_000, window: 62 });
          const config = CONTROLLERS.mobile.config;
          const run = simulateTraffic({
            ...options,
            map: 'B',
            controller: name === 'mobile' ? config : { ...config, refresh: 'none' },
          });
          expect(run.requesters[1]!.share).toBeGreaterThan(0);
          // tREFI 3.9 µs, a look every 0.64 µs, and the queue of 64 bursts before it.
          expect(run.readLatency.max).toBeLessThan(3.9e-6 + 2 * 0.64e-6 + 1e-6);
        },
      ),
      { numRuns: 10 },
    );
  });

  it('never breaks a limit of the device', () => {
    fc.assert(
      fc.property(
        mixes,
        fc.constantFrom('ramulator2.1', 'mobile') as fc.Arbitrary<ControllerName>,
        (text, name) => {
          const device = deviceOf('lpddr5x-8533');
          const map = buildAddressMap('A', device, 1);
          let commands: Watched[] = [];
          const config = { ...CONTROLLERS[name].config, looseRanks: false };
          const driver = new TrafficDriver(
            { requesters: parseRequesters(text), window: 48, accesses: 500 },
            (sink) => {
              const controller = new CommandController(device, config, sink);
              commands = watch(controller);
              return { device, map, controllers: [controller] };
            },
          );
          driver.run();
          expect(violations(commands, device)).toEqual([]);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('does the same whether idle cycles are skipped or walked through, whatever the controller is told', () => {
    const settings = fc.record({
      page: fc.constantFrom('open', 'open-adaptive', 'close', 'close-adaptive', 'close-after'),
      closeAfter: fc.constantFrom(2, 16),
      refresh: fc.constantFrom('all-bank', 'per-bank', 'none'),
      refreshPairs: fc.boolean(),
      refreshHolds: fc.constantFrom('bank', 'channel'),
      protectHits: fc.boolean(),
      boundsWait: fc.boolean(),
      wckSync: fc.boolean(),
      splitActivate: fc.boolean(),
      readQueue: fc.constantFrom(4, 32),
      writeQueue: fc.constantFrom(4, 64),
      powerDownAfter: fc.constantFrom(0, 20, 200, NEVER),
      selfRefreshAfter: fc.constantFrom(0, 50, 3000, NEVER),
    }) as fc.Arbitrary<Partial<ControllerConfig>>;
    fc.assert(
      fc.property(
        fc.oneof(mixes, overlapping),
        settings,
        fc.constantFrom(1, 2),
        fc.constantFrom(0.1, 0.5, undefined),
        (text, changes, ranks, openRate) => {
          const device = deviceOf('lpddr5-6400', { ranks });
          const map = buildAddressMap('A', device, 1);
          const config = { ...CONTROLLERS.mobile.config, ...changes };
          const requesters = parseRequesters(text);
          const window = openRate === undefined ? 48 : undefined;
          const run = (walk: boolean) => {
            let commands: Watched[] = [];
            const driver = new TrafficDriver(
              { requesters, window, openRate, accesses: 700 },
              (sink) => {
                const controller = new CommandController(device, config, sink);
                commands = watch(controller);
                if (walk) walkThrough(controller);
                return { device, map, controllers: [controller] };
              },
            );
            driver.run();
            return commands;
          };
          const skipped = run(false);
          expect(skipped).toEqual(run(true).slice(0, skipped.length));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('does the same on an only channel, which runs ahead of its driver, as beside an idle one', () => {
    fc.assert(
      fc.property(
        mixes,
        fc.constantFrom(...names),
        fc.constantFrom(0.1, 0.6, 1.1),
        (text, name, openRate) => {
          const device = deviceOf('lpddr5-6400');
          const map = buildAddressMap('A', device, 1);
          const run = (channels: number) => {
            const seen: Watched[][] = [];
            const driver = new TrafficDriver(
              { requesters: parseRequesters(text), openRate, accesses: 300 },
              (sink) => {
                const controllers = Array.from({ length: channels }, () =>
                  buildController(device, CONTROLLERS[name].config, sink),
                );
                seen.push(...controllers.map(watch));
                // The rate is a share of all channels' peak.
                return { device: { ...device, peak: device.peak / channels }, map, controllers };
              },
            );
            const end = driver.run();
            return { end, commands: seen[0], latency: driver.meter.latencyCycles() };
          };
          const [alone, beside] = [run(1), run(2)];
          expect(alone.end).toBe(beside.end);
          expect(alone.latency).toEqual(beside.latency);
          expect(alone.commands).toEqual(beside.commands);
        },
      ),
      { numRuns: 16 },
    );
  });

  it('gives the same bytes for the same seed and others for another', () => {
    const run = (seed: number) =>
      simulateTraffic(trafficOptions(`rand;region=64M;wpct=30;seed=${seed}`));
    expect(run(1)).toEqual(run(1));
    expect(run(1).cycles).not.toBe(run(2).cycles);
  });
});
