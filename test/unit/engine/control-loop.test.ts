import { describe, expect, it } from 'vitest';
import { InfeasibleError } from '../../../src/base/errors.ts';
import type { Machine } from '../../../src/engine/machine.ts';
import type { SupplySpec } from '../../../src/engine/supply.ts';
import type { ComputeUnit } from '../../../src/hardware/compute-unit.ts';
import type { CoolingDevice, ThermalGovernor } from '../../../src/runtime/governor.ts';
import { thermalGovernors } from '../../../src/runtime/governors/index.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyUnit,
  toyWork,
  uncapped,
} from '../../support/toy-machine.ts';

const G = 1e9;
const work = (macs: number) => toyPlan([toyPhase('prefill', chain([toyWork(macs)]))]);
const POINTS = [
  { frequency: 0.25e9, voltage: 0.5 },
  { frequency: 0.5e9, voltage: 0.75 },
  { frequency: 1e9, voltage: 1 },
];
/** Same machine with leakage of `watts` at 60 °C that doubles every `doubling` kelvins. */
function leaky(watts: number, doubling: number, machine = toyMachine()): Machine {
  const leakage = (volts: number, celsius: number) =>
    watts * volts * volts * 2 ** ((celsius - 60) / doubling);
  const domains = machine.domains.map((domain) => ({
    ...domain,
    power: { ...domain.power, leakage, gatedShare: 0 },
  }));
  return { ...machine, domains };
}

describe('leakage inside the loop', () => {
  it('settles where heat and leakage agree', () => {
    const run = runToy([work(4000 * G)], { machine: leaky(0.2, 25), controlPeriod: 0.1 });
    // T_die = 25 + 1 W·(1 + 4) + 1 W·4 + P·5 with P = 0.2·2^((T − 60)/25): 34.0 + 0.1·5 …
    let leak = 0;
    for (let i = 0; i < 100; i++) leak = 0.2 * 2 ** ((34 + 5 * leak - 60) / 25);
    expect(run.metrics.junction_temperature_celsius).toBeCloseTo(34 + 5 * leak, 2);
    const row = run.ledger.find(({ operator }) => operator === 'leakage');
    expect(row!.joules).toBeGreaterThan(0.9 * leak * 4000 * 0.9);
  });

  it('that feeds itself is reported as runaway, with the block and what would help', () => {
    const simulate = () => runToy([work(4000 * G)], { machine: leaky(12, 10), controlPeriod: 0.1 });
    expect(simulate).toThrow(InfeasibleError);
    expect(simulate).toThrow(/thermal runaway: a die block passed 150 °C/);
    try {
      simulate();
    } catch (error) {
      const { detail } = error as InfeasibleError;
      expect(detail.demand).toBeGreaterThanOrEqual(150);
      expect(Object.keys(detail.breakdown)).toEqual(['die']);
      expect(detail.levers.join()).toMatch(/junction trip/);
    }
  });
});

describe('the junction guard in the loop', () => {
  it('keeps a block that could reach far more within a few kelvins of the trip', () => {
    const toy = toyMachine({ points: POINTS });
    // 40 W at full clock through 1 + 4 K/W would be 225 °C.
    const domains = toy.domains.map((domain) => ({
      ...domain,
      power: { ...domain.power, matrix: 40e-9 },
    }));
    const run = runToy([work(200 * G)], {
      machine: { ...toy, domains },
      thermalGovernor: thermalGovernors.junction.create(),
    });
    expect(run.metrics.junction_temperature_celsius).toBeGreaterThan(90);
    expect(run.metrics.junction_temperature_celsius).toBeLessThan(99);
    expect(run.metrics.throttled_ratio).toBeGreaterThan(0.2);
    expect(run.timeline.marks.map(({ reason }) => reason)).toContain('junction trip at 95 °C');
  });

  it('sees the temperature of each block, not the hottest for all', () => {
    const seen: (readonly CoolingDevice[])[] = [];
    const watch: ThermalGovernor = {
      limit: (view) => {
        seen.push(view.devices.map((device) => ({ ...device })));
        return uncapped.limit(view);
      },
    };
    const toy = toyMachine({ units: [toyUnit('hot'), toyUnit('cold')] });
    const domains = toy.domains.map((domain, d) => ({ ...domain, node: d }));
    runToy([work(20 * G)], {
      machine: { ...toy, domains, junctionNodes: [0, 1] },
      thermalGovernor: watch,
    });
    const [hot, cold] = seen.at(-1)!;
    expect(hot!.temperature).toBeGreaterThan(cold!.temperature! + 0.5);
    expect([hot!.busyShare, cold!.busyShare]).toEqual([1, 0]);
  });
});

describe('peak power', () => {
  it('does not charge the local memory of a long operator at once', () => {
    const light = toyUnit('npu');
    const heavy: ComputeUnit = {
      ...light,
      estimate: (cost) => ({ ...light.estimate(cost), sramBytes: 1 }),
    };
    const toy = toyMachine({ units: [heavy] });
    const units = toy.units.map((unit) => ({ ...unit, sramPerByte: 0.5 }));
    // 0.5 J over one second beside 1 W of platform and 1 W of work; within one period it would be 50 W.
    const { metrics } = runToy([toyPlan([toyPhase('only', chain([toyWork(1 * G)]))])], {
      machine: { ...toy, units },
    });
    expect(metrics.peak_power_watts).toBeCloseTo(2.5, 6);
    expect(metrics.average_power_watts).toBeCloseTo(2.5, 6);
  });

  it('is the mean over a period, whatever a short operator pays', () => {
    // 10 mJ of local memory in an operator that begins 1 µs before the first look.
    const light = toyUnit('npu');
    const heavy: ComputeUnit = {
      ...light,
      estimate: (cost) => ({ ...light.estimate(cost), sramBytes: cost.macs === 1e7 ? 1 : 0 }),
    };
    const toy = toyMachine({ units: [heavy] });
    const units = toy.units.map((unit) => ({ ...unit, sramPerByte: 0.01 }));
    const plan = toyPlan([
      toyPhase('first', chain([toyWork(9_999_000)])),
      toyPhase('second', chain([toyWork(1e7)])),
      toyPhase('third', chain([toyWork(1e8)])),
    ]);
    const { metrics } = runToy([plan], { machine: { ...toy, units } });
    // 1 W of platform, 1 W of work, 10 mJ within 10 ms; as a lump before the look it would be 10 kW.
    expect(metrics.peak_power_watts).toBeGreaterThan(2);
    expect(metrics.peak_power_watts).toBeLessThan(3.1);
  });

  it('counts the end of a run, which fills no period', () => {
    // 10 ms of reading at 1 W of platform and 10 pJ for each of 1e9 bytes a second, then 5 ms at 2 W.
    const plan = toyPlan([toyPhase('only', chain([toyWork(0, 1e7), toyWork(5e6)]))]);
    const { metrics } = runToy([plan]);
    const mean = (0.01 * 1.01 + 0.005 * 2) / 0.015;
    expect(metrics.average_power_watts).toBeCloseTo(mean, 3);
    expect(metrics.peak_power_watts).toBeCloseTo(mean, 3);
  });

  it('of a run shorter than a period is its mean', () => {
    expect(runToy([work(1e6)]).metrics.peak_power_watts).toBeCloseTo(2, 6);
  });
});

describe('the battery in the loop', () => {
  const cell = {
    capacity: 3600,
    openCircuit: Array.from({ length: 11 }, (_, i) => 3.5 + i / 10),
    resistance: 0.1,
    maximumCurrent: 5,
    cutoffVoltage: 3.3,
  };
  const supply = (over: Partial<SupplySpec> = {}): SupplySpec => ({
    cell,
    charge: 0.9,
    cellNode: 1,
    chargerNode: 1,
    chargerWatts: 0,
    ...over,
  });
  /** 10 W at full clock, 2.8 W at half of it, beside 1 W of platform. */
  const machine = (over: Partial<SupplySpec> = {}): Machine => {
    const toy = toyMachine({ points: POINTS });
    const domains = toy.domains.map((domain) => ({
      ...domain,
      power: { ...domain.power, matrix: 10e-9 },
    }));
    return { ...toy, domains, supply: supply(over) };
  };

  it('adds its loss to the energy and its heat to the body', () => {
    const run = runToy([work(10 * G)], { machine: machine() });
    // 11 W from 4.4 V behind 0.1 Ω: 2.66 A, 0.71 W of heat.
    const current = (4.4 - Math.sqrt(4.4 ** 2 - 4 * 0.1 * 11)) / 0.2;
    expect(run.energy['battery']! / 10).toBeCloseTo(current ** 2 * 0.1, 2);
    expect(run.metrics.energy_joules).toBeCloseTo(110 + run.energy['battery']!, 6);
    expect(run.metrics.battery_ratio! * 1000).toBeCloseTo(run.metrics.energy_joules!, 0);
    expect(run.metrics.battery_hours).toBeCloseTo(
      1000 / run.metrics.average_power_watts! / 3600,
      3,
    );
  });

  it('that is nearly empty clips clocks, with that reason, and keeps its voltage', () => {
    // At 5 % 3.55 V may fall to 3.3 V: 2.5 A, 8.25 W, which 2.8 + 1 W meet and 10 + 1 W do not.
    const run = runToy([work(10 * G)], { machine: machine({ charge: 0.05 }) });
    expect(run.metrics.run_seconds).toBeGreaterThan(19.5);
    expect(run.timeline.marks.map(({ reason }) => reason)).toContain('battery');
    expect(run.metrics.throttled_ratio).toBeGreaterThan(0.95);
    const voltage = run.timeline.counters.find(({ name }) => name === 'battery voltage')!;
    expect(Math.min(...voltage.value.slice(3))).toBeGreaterThan(3.3);
  });

  it('that charges gains, and its charger warms the board', () => {
    const charged = runToy([work(10 * G)], { machine: machine({ charge: 0.3, chargerWatts: 18 }) });
    const alone = runToy([work(10 * G)], { machine: machine({ charge: 0.3 }) });
    expect(charged.metrics.battery_ratio).toBeLessThan(0);
    expect(charged.metrics.battery_hours).toBeUndefined();
    expect(charged.energy['charger']).toBeGreaterThan(5);
    expect(charged.metrics.skin_temperature_celsius!).toBeGreaterThan(
      alone.metrics.skin_temperature_celsius!,
    );
  });
});
