import { describe, expect, it } from 'vitest';
import {
  axisUnit,
  formatNumber,
  formatValue,
  timeUnit,
} from '../../../../src/analysis/charts/units.ts';

describe('axisUnit', () => {
  it.each([
    [76.8e9, 'B/s', 'GB/s'],
    [999, 'B/s', 'B/s'],
    [1.3e9, 'Hz', 'GHz'],
    [0.65, 'W', 'mW'],
    [3.3e13, 'OP/s', 'TOP/s'],
    [40_000, '°C', '°C'],
    [12_000, 'tokens/s', 'tokens/s'],
    [0, 'W', 'W'],
  ])('prints %d %s in %s', (value, unit, printed) => {
    expect(axisUnit(value, unit).unit).toBe(printed);
  });

  it.each([
    [0.0005, 'µs'],
    [0.8, 'ms'],
    [1, 's'],
    [299, 's'],
    [301, 'min'],
    [1800, 'min'],
    [20_000, 'h'],
  ])('reads a span of %d s in %s', (span, unit) => {
    expect(timeUnit(span).unit).toBe(unit);
  });
});

describe('formatNumber', () => {
  it.each([
    [0, '0'],
    [12.3456, '12.3'],
    [0.012345, '0.0123'],
    [123456, '123\u202f456'],
    [-5.5, '−5.5'],
    [Number.NaN, '–'],
    [0.0000012, '1.2e-6'],
  ])('%d → %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it('never prints a space that XML would need an entity for', () => {
    expect(formatNumber(1_234_567)).not.toContain('\u00a0');
  });
});

describe('formatValue', () => {
  it.each([
    [76.8e9, 'B/s', '76.8 GB/s'],
    [0.567, '%', '56.7 %'],
    [0.0931, 's', '93.1 ms'],
    [1800, 's', '30 min'],
    [43.25, '°C', '43.3 °C'],
    [0, 'W', '0 W'],
    [7, '', '7'],
  ])('%d %s → %s', (value, unit, text) => {
    expect(formatValue(value, unit)).toBe(text);
  });
});
