import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Dimension,
  formatQuantity,
  parseQuantity,
  unitsOf,
} from '../../../src/base/quantity.ts';

/** Worked out by hand from the definitions of the prefixes, not from the table under test. */
const KNOWN: readonly [string, Dimension, number][] = [
  ['8533 MT/s', 'transfer-rate', 8_533_000_000],
  ['76.8 GB/s', 'bandwidth', 76_800_000_000],
  ['8 MiB', 'size', 8_388_608],
  ['8 MB', 'size', 8_000_000],
  ['1 GiB', 'size', 1_073_741_824],
  ['200 Mbps', 'bandwidth', 25_000_000],
  ['45 TOPS', 'op-rate', 45_000_000_000_000],
  ['-5.5 °C', 'temperature', -5.5],
  ['25 K', 'temperature-difference', 25],
  ['16 bit', 'bit-width', 16],
  ['3 min', 'time', 180],
  ['5000 mAh', 'charge', 18_000],
  ['19.3 Wh', 'energy', 69_480],
  ['35 %', 'ratio', 0.35],
  ['0.35', 'ratio', 0.35],
  ['7', 'count', 7],
  ['.5 V', 'voltage', 0.5],
  ['1e3 Hz', 'frequency', 1000],
  ['1.5GHz', 'frequency', 1_500_000_000],
  ['  900   MHz  ', 'frequency', 900_000_000],
];

describe('parseQuantity', () => {
  it.each(KNOWN)('reads %j as %s', (text, dimension, value) => {
    const parsed = parseQuantity(text, dimension);
    expect((parsed as { value: number }).value).toBeCloseTo(value, 9);
  });

  it('reads micro with either sign and per-bit energies per byte', () => {
    expect(parseQuantity('3 µs', 'time')).toEqual(parseQuantity('3 us', 'time'));
    const perByte = (parseQuantity('4 pJ/bit', 'energy-per-byte') as { value: number }).value;
    expect(perByte).toBeCloseTo(32e-12, 20);
  });

  it('says what a unit of another dimension measures', () => {
    expect(parseQuantity('8533 GB', 'transfer-rate')).toEqual({
      fault: '"GB" measures size, expected transfer-rate (T/s, MT/s, GT/s)',
    });
  });

  it('names a unit it does not know', () => {
    expect(parseQuantity('3 furlongs', 'length')).toHaveProperty(
      'fault',
      expect.stringContaining('unknown unit "furlongs"'),
    );
  });

  it('asks for the unit that is missing', () => {
    expect(parseQuantity('3', 'frequency')).toEqual({
      fault: 'expected a unit: Hz, kHz, MHz, GHz',
    });
  });

  it('refuses case slips that change the size by a billion', () => {
    expect(parseQuantity('3 mHz', 'frequency')).toHaveProperty('fault');
    expect(parseQuantity('3 gb/s', 'bandwidth')).toHaveProperty('fault');
  });

  it.each(['', 'fast', 'MHz 3', '1..2 V', '0x10 V', 'NaN V', 'Infinity V', '1e999 V'])(
    'refuses %j',
    (text) => {
      expect(parseQuantity(text, 'voltage')).toHaveProperty('fault');
    },
  );

  it('refuses a unit on a plain count', () => {
    expect(parseQuantity('3 V', 'count')).toEqual({
      fault: '"V" measures voltage, expected count (a plain number)',
    });
  });
});

it('says that a number is too large, not that its unit is wrong', () => {
  expect(parseQuantity('1e300 GHz', 'frequency')).toEqual({ fault: 'the number is too large' });
});

describe('formatQuantity', () => {
  it.each([
    [76_800_000_000, 'bandwidth', '76.8 GB/s'],
    [999.6e6, 'frequency', '999.6 MHz'],
    [0.0125, 'time', '12.5 ms'],
    [0, 'power', '0 W'],
    [-40, 'temperature', '-40 °C'],
    [0, 'temperature', '0 °C'],
    [0, 'resistance', '0 ohm'],
    [8_533_000_000, 'transfer-rate', '8533 MT/s'],
    [0.25, 'ratio', '0.25'],
    [25, 'temperature-difference', '25 K'],
    [4e-12 * 8, 'energy-per-byte', '32 pJ/B'],
  ] as const)('prints %d of %s as %s', (value, dimension, text) => {
    expect(formatQuantity(value, dimension)).toBe(text);
  });

  it('does not print 1000 of a unit where one of the next will do', () => {
    expect(formatQuantity(999_999, 'frequency')).toBe('1 MHz');
  });

  it('reads back what it prints, to the digits printed', () => {
    const dimensions = fc.constantFrom<Dimension>('time', 'size', 'bandwidth', 'power', 'energy');
    const values = fc.double({ min: 1e-9, max: 1e13, noNaN: true });
    fc.assert(
      fc.property(dimensions, values, (dimension, value) => {
        const parsed = parseQuantity(formatQuantity(value, dimension, 12), dimension);
        expect((parsed as { value: number }).value / value).toBeCloseTo(1, 9);
      }),
    );
  });

  it('has units for every dimension but plain numbers', () => {
    expect(unitsOf('count')).toEqual([]);
    expect(unitsOf('ratio')).toEqual(['%']);
    expect(unitsOf('bit-width')).toContain('bit');
  });
});
