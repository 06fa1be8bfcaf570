import { describe, expect, it } from 'vitest';
import { HotMemory } from '../../../src/engine/hot-memory.ts';
import type { Machine } from '../../../src/engine/machine.ts';
import type { StreamModel } from '../../../src/engine/stream.ts';
import { buildFluidMemory } from '../../../src/hardware/dram/fluid-memory.ts';
import { loadPreset } from '../../support/dram.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyWork,
} from '../../support/toy-machine.ts';

/** 1 GB/s, of which refresh leaves 0.8 above 85 degC and half above 95 degC. */
function refreshed(celsius: number): Machine {
  const machine = toyMachine();
  machine.thermal.setTemperatures([celsius, celsius]);
  const efficiency = ({ temperature }: { temperature: number }) => {
    if (temperature > 95) return 0.5;
    return temperature > 85 ? 0.8 : 1;
  };
  return { ...machine, memory: { ...machine.memory, efficiency } };
}

const seconds = (celsius: number) => {
  const plan = toyPlan([toyPhase('decode', chain([toyWork(1, 1e9)]))]);
  return runToy([plan], { machine: refreshed(celsius) }).requests[0]!.endSeconds;
};

describe('hot memory', () => {
  it('gives what its refresh leaves', () => {
    expect(seconds(25)).toBeCloseTo(1, 6);
    expect(seconds(88)).toBeCloseTo(1 / 0.8, 2);
    expect(seconds(110)).toBeCloseTo(1 / 0.5, 2);
  });

  it('says when and why in the timeline', () => {
    const plan = toyPlan([toyPhase('decode', chain([toyWork(1, 1e9)]))]);
    const { timeline } = runToy([plan], { machine: refreshed(110) });
    expect(JSON.stringify(timeline)).toContain('dram refreshes 4 times as often');
    const cool = runToy([plan], { machine: refreshed(25) });
    expect(JSON.stringify(cool.timeline)).not.toContain('dram refreshes');
  });

  it('changes class above 85 and 95 degC, not at them, and comes back', () => {
    const hot = new HotMemory();
    expect([60, 85, 86, 90, 95, 96, 80].map((at) => hot.look(at))).toEqual([
      false,
      false,
      true,
      false,
      false,
      true,
      true,
    ]);
    expect(hot.multiple).toBe(1);
  });

  it('is the machine itself while cool and one other machine per class', () => {
    const machine = refreshed(25);
    const hot = new HotMemory();
    expect(hot.present(machine)).toBe(machine);
    hot.look(90);
    const twice = hot.present(machine);
    expect(twice).not.toBe(machine);
    expect(hot.present(machine)).toBe(twice);
  });

  it('makes reads wait for banks in refresh as often as they are refreshed', () => {
    const preset = loadPreset('lpddr5x-8533');
    const memory = buildFluidMemory({ preset, channels: 4, interconnectLatency: 0 });
    const hot = new HotMemory();
    hot.look(100);
    const { latency } = hot.present({ ...toyMachine(), memory }).memory;
    // 16 Gb: of every 3.906 µs a bank takes 18 ns to close, 140 to be refreshed and 18 to open again; half of that is
    // left on average. Three times more of it.
    expect(latency(0) - memory.latency(0)).toBeCloseTo((3 * 176e-9 ** 2) / (2 * 3906e-9), 12);
    expect(latency(0.8) - memory.latency(0.8)).toBeCloseTo(latency(0) - memory.latency(0), 15);
    expect(latency(0.8, 0.5) - memory.latency(0.8, 0.5)).toBeCloseTo(
      latency(0) - memory.latency(0),
      15,
    );
  });

  it('takes the transaction model at the temperature of the class', () => {
    const asked: number[] = [];
    const model: StreamModel = {
      rates: () => [1e9],
      at: (temperature) => {
        asked.push(temperature);
        return { ...model, rates: () => [0.7e9] };
      },
    };
    const machine = { ...refreshed(25), streamModel: model };
    const hot = new HotMemory();
    expect(hot.present(machine).streamModel).toBe(model);
    hot.look(90);
    expect(hot.present(machine).streamModel?.rates([], 0)).toEqual([0.7e9]);
    expect(asked).toEqual([90]);
  });

  it('loses a few per cent of a stream at twice the refresh rate of a real bin, more at four times', () => {
    const preset = loadPreset('lpddr5x-8533');
    const memory = buildFluidMemory({ preset, channels: 4, interconnectLatency: 0 });
    const machine = { ...toyMachine(), memory };
    const mix = { readShare: 1, streams: 4, granularityBytes: 2048, temperature: 60 };
    const hot = new HotMemory();
    const at = (temperature: number) => {
      hot.look(temperature);
      return hot.present(machine).memory.efficiency(mix) / memory.efficiency(mix);
    };
    // Twice and four times the 7 % of its time that a 16 Gb channel refreshes, most of it hidden behind other banks.
    expect(at(90)).toBeGreaterThan(0.9);
    expect(at(90)).toBeLessThan(0.99);
    expect(at(100)).toBeLessThan(at(90));
    expect(at(100)).toBeGreaterThan(0.8);
  });
});
