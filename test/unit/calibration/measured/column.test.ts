import { describe, expect, it } from 'vitest';
import { readColumn } from '../../../../src/calibration/measured/column.ts';

describe('readColumn', () => {
  it.each([
    ['skin_temp_c', 'temperature', 'skin', 1],
    ['soc_temp_mC', 'temperature', 'soc', 1e-3],
    ['battery_temp_dc', 'temperature', 'battery', 0.1],
    ['gpu_freq_khz', 'frequency', 'gpu', 1e3],
    ['cpu-x4_mhz', 'frequency', 'cpu-x4', 1e6],
    ['phone_w', 'power', 'phone', 1],
    ['battery_current_now_ua', 'current', 'battery', 1e-6],
    ['battery_voltage_mv', 'voltage', 'battery', 1e-3],
    ['tok_s', 'rate', '', 1],
    ['decode_tokens_per_second', 'rate', '', 1],
    ['dram_gb_s', 'bandwidth', 'dram', 1e9],
    ['battery_level_percent', 'share', 'battery', 0.01],
    ['skin temperature [°C]', 'temperature', 'skin', 1],
    ['NPU clock (MHz)', 'frequency', 'npu', 1e6],
    ['time_ms', 'time', 'time', 1e-3],
    ['watts', 'power', '', 1],
    ['power W', 'power', '', 1],
    ['phone power mW', 'power', 'phone', 1e-3],
    ['battery_watts', 'power', 'battery', 1],
    ['°C', 'temperature', '', 1],
    ['skin °C', 'temperature', 'skin', 1],
    ['MHz', 'frequency', '', 1e6],
    ['gpu MHz', 'frequency', 'gpu', 1e6],
  ])('%s is %s of "%s" times %d', (name, quantity, subject, factor) => {
    expect(readColumn(name)).toMatchObject({ name, quantity, subject, factor });
  });

  it.each([
    '',
    'comment',
    'state',
    'NPU clock',
    'kilowatt hours',
    'gpu_load',
    'constructor',
    'x [furlong]',
  ])('finds no unit in "%s"', (name) => {
    expect(readColumn(name)).toBeUndefined();
  });
});
