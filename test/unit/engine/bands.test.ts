import { describe, expect, it } from 'vitest';
import { intervalsOf, separable, sharesError, unitsThatCount } from '../../../src/engine/bands.ts';
import type { RunInputs } from '../../../src/engine/run.ts';
import type { Calibration } from '../../../src/runtime/calibration-spec.ts';

const calibration: Calibration = {
  name: 'x',
  engine: ({ name }) => name,
  tuning: () => ({}),
  band: (quantity, runtime, unit) =>
    unit === 'npu' && runtime === 'vendor'
      ? { factor: quantity === 'decode' ? 1.25 : 2, basis: `${quantity} rows`, seen: 'engine' }
      : undefined,
};
const allOn = (unit: string) => () => new Map([[unit, 1]]);
const metrics = {
  time_to_first_token_seconds: 2,
  decode_tokens_per_second: 10,
  request_latency_seconds: 12,
  energy_joules: 5,
  energy_per_token_joules: 0.5,
  average_power_watts: 4,
  battery_ratio: 0.02,
  battery_hours: 6,
  dram_bytes: 7,
};

describe('intervals of a run', () => {
  const found = intervalsOf(metrics, allOn('npu'), { calibration, runtime: 'vendor' });

  it('reach as far as measured rows were off', () => {
    expect(found['decode_tokens_per_second']).toMatchObject({ low: 8, high: 12.5 });
    expect(found['time_to_first_token_seconds']).toMatchObject({ low: 1, high: 4 });
  });

  it('hold for energy per token and power, not for heat', () => {
    expect(found['energy_per_token_joules']).toMatchObject({ low: 0.25, high: 1 });
    expect(found['average_power_watts']).toMatchObject({ low: 2, high: 8 });
  });

  it('are as wide for what is the same joules and the same watts by another name', () => {
    for (const id of ['energy_joules', 'battery_ratio'] as const)
      expect(found[id]).toMatchObject({ low: metrics[id] / 2, high: metrics[id] * 2 });
    expect(found['battery_hours']).toMatchObject({ low: 3, high: 12 });
    const source = { calibration, runtime: 'vendor' };
    expect(intervalsOf({ battery_ratio: -0.1 }, allOn('npu'), source)).toEqual({});
  });

  it('add up over the stages of a request', () => {
    expect(found['request_latency_seconds']).toMatchObject({ low: 1 + 10 / 1.25, high: 4 + 12.5 });
  });

  it('are absent where nothing was measured', () => {
    expect(found['dram_bytes']).toBeUndefined();
    const source = { calibration, runtime: 'vendor' };
    expect(intervalsOf(metrics, allOn('gpu'), source)).toEqual({});
    expect(intervalsOf(metrics, () => undefined, source)).toEqual({});
  });

  it('are those of the unit that is known least where two share a stage, whichever takes longer', () => {
    const factors: Record<string, number> = { cpu: 1.5, gpu: 2 };
    const known: Calibration = {
      ...calibration,
      band: (_, __, unit) => ({ factor: factors[unit]!, basis: unit, seen: 'unit' }),
    };
    const decode = (cpu: number, gpu: number) =>
      intervalsOf(
        metrics,
        (stage) =>
          stage === 'decode'
            ? new Map([
                ['cpu', cpu],
                ['gpu', gpu],
              ])
            : undefined,
        { calibration: known, runtime: 'x' },
      )['decode_tokens_per_second'];
    expect(decode(4, 6)).toEqual({ low: 5, high: 20, basis: 'gpu', seen: 'unit' });
    expect(decode(6, 4)).toEqual(decode(4, 6));
    // Of a unit that does next to nothing an error hardly shows.
    expect(decode(9, 1)).toMatchObject({ basis: 'cpu' });
    expect(decode(1, 9)).toMatchObject({ basis: 'gpu' });
  });

  it('rest on units with a quarter of the time or more', () => {
    const shares = unitsThatCount(
      new Map([
        ['npu', 1],
        ['cpu', 2],
        ['gpu', 5],
      ]),
    );
    expect(shares).toEqual([
      { unit: 'gpu', share: 0.625 },
      { unit: 'cpu', share: 0.25 },
    ]);
  });
});

describe('telling two values apart', () => {
  const at = (value: number, factor: number) => ({
    value,
    interval: { low: value / factor, high: value * factor, basis: '', seen: 'unit' as const },
  });

  it('takes intervals that do not meet', () => {
    expect(separable(at(10, 1.2), at(20, 1.2))).toBe(true);
    expect(separable(at(10, 1.5), at(20, 1.5))).toBe(false);
    expect(separable({ value: 10 }, { value: 10.001 })).toBe(true);
  });

  it('is another matter for one chip, engine and work, which are wrong in one way', () => {
    const inputs = { soc: 'a', workload: 'w', runtime: 'r', policy: 'p' } as RunInputs;
    expect(sharesError(inputs, { ...inputs, seed: 2 })).toBe(true);
    expect(sharesError(inputs, { ...inputs, runtime: 's' })).toBe(false);
  });
});
