import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDeviceLog } from '../../../../src/calibration/measured/device-log.ts';

const parse = (text: string) => parseDeviceLog(text, 'log.csv');

describe('parseDeviceLog', () => {
  it('reads wide rows into curves in base units that start at zero', () => {
    const log = parse('t_ms,skin_c,gpu_mhz,remark\n5000,30,500,a\n6000,31.5,400,b\n');
    expect(log.ignored).toEqual(['remark']);
    expect(log.counters).toMatchObject([
      { name: 'skin_c', quantity: 'temperature', subject: 'skin', unit: '°C' },
      { name: 'gpu_mhz', quantity: 'frequency', subject: 'gpu', unit: 'Hz' },
    ]);
    expect([...(log.counters[0]?.time ?? [])]).toEqual([0, 1]);
    expect([...(log.counters[0]?.value ?? [])]).toEqual([30, 31.5]);
    expect([...(log.counters[1]?.value ?? [])]).toEqual([500e6, 400e6]);
  });

  it('takes clock times and epoch stamps', () => {
    const rows = (...times: string[]) => times.map((time) => `${time},30`).join('\n');
    const iso = parse(`timestamp,skin_c\n${rows('2026-01-01T00:00:00Z', '2026-01-01T00:01:30Z')}`);
    expect([...(iso.counters[0]?.time ?? [])]).toEqual([0, 90]);
    const epoch = parse(`timestamp,skin_c\n${rows('1700000000000', '1700000002500')}`);
    expect([...(epoch.counters[0]?.time ?? [])]).toEqual([0, 2.5]);
  });

  it('leaves out a moment in which one sensor said nothing', () => {
    const log = parse('t_s,skin_c,tok_s\n0,30,\n1,31,9\n2,,8\n');
    expect([...(log.counters[0]?.time ?? [])]).toEqual([0, 1]);
    expect([...(log.counters[1]?.time ?? [])]).toEqual([1, 2]);
  });

  it('multiplies the current of a battery by its voltage, whatever the sign', () => {
    const log = parse(
      't_s,battery_current_ua,battery_voltage_uv\n0,-1000000,4000000\n1,500000,3800000\n',
    );
    const power = log.counters.find(({ quantity }) => quantity === 'power');
    expect(power).toMatchObject({ subject: 'battery', unit: 'W' });
    expect([...(power?.value ?? [])].map((watts) => watts.toFixed(6))).toEqual([
      '4.000000',
      '1.900000',
    ]);
  });

  it('names every faulty field with its line', () => {
    expect(() => parse('t_s,skin_c\n0,warm\n2,31\n1,32\n')).toThrow(
      /log\.csv:2: .*is no number[\s\S]*:4: time goes back/,
    );
    expect(() => parse('t_s,remark\n0,a\n')).toThrow(/no column tells its unit/);
    expect(() => parse('t_s,skin_c\n')).toThrow(/no rows/);
    expect(() => parse('a,skin_c\n0,30\n')).toThrow(/no column holds the time/);
  });

  it('keeps every number that it is given', () => {
    const row = fc.record({
      step: fc.integer({ min: 0, max: 9 }),
      value: fc.float({ noNaN: true, noDefaultInfinity: true }),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1 }), (rows) => {
        let time = 0;
        const lines = rows.map(({ step, value }) => {
          time += step;
          return `${time},${value}`;
        });
        const { counters } = parse(`t_s,skin_c\n${lines.join('\n')}`);
        expect([...(counters[0]?.value ?? [])]).toEqual(
          rows.map(({ value }) => Number(String(value))),
        );
      }),
    );
  });
});
