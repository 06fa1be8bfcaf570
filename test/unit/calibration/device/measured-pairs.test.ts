/** How far measurements of one thing lie apart, on rows whose spread is put in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorsByPartners, type MeasuredRow } from '../../../support/measured-pairs.ts';

const row = (given: Partial<MeasuredRow>): MeasuredRow => ({
  quantity: 'decode',
  place: 'soc/cpu/class/int4',
  model: 'llama',
  source: 'a',
  reference: 10,
  predicted: 10,
  ...given,
});

describe('rows predicted by other measurements', () => {
  it('are as far off as the sources lie apart', () => {
    const rows = [row({}), row({ source: 'b', reference: 8 })];
    const [first, second, ...rest] = errorsByPartners(rows, 'other sources, same model');
    expect(first).toBeCloseTo(0.2);
    expect(second).toBeCloseTo(0.25);
    expect(rest).toEqual([]);
  });

  it('are scaled by what a fit says of another model', () => {
    // Twice as slow by the fit, and measured 2.5 times as slow: a fifth is left.
    const rows = [row({}), row({ source: 'b', model: 'larger', reference: 4, predicted: 5 })];
    expect(errorsByPartners(rows, 'other sources')[0]).toBeCloseTo(0.2);
    expect(errorsByPartners(rows, 'other sources, same model')).toEqual([]);
  });

  it('tell sources apart from repetitions', () => {
    const rows = [row({}), row({ reference: 11 }), row({ reference: 20, source: 'b' })];
    expect(errorsByPartners(rows, 'same source, same model')).toHaveLength(2);
    expect(errorsByPartners(rows, 'same source, same model')[0]).toBeCloseTo(0.1);
    expect(errorsByPartners(rows, 'other sources, same model')[0]).toBeCloseTo(1);
  });

  it('are never compared across places or quantities, nor with themselves', () => {
    const rows = [
      row({}),
      row({ source: 'b', place: 'soc/gpu/class/int4' }),
      row({ source: 'b', quantity: 'prefill' }),
    ];
    for (const which of ['other sources', 'same source, same model'] as const)
      expect(errorsByPartners(rows, which)).toEqual([]);
  });

  it('take rows without a source for sources of their own', () => {
    const rows = [row({ source: '' }), row({ source: '', reference: 5 })];
    expect(errorsByPartners(rows, 'same source, same model')).toEqual([]);
    expect(errorsByPartners(rows, 'other sources')).toHaveLength(2);
  });

  it('are exact where a fit is, whatever the units of its predictions', () => {
    const values = fc.double({ min: 0.01, max: 1e4, noNaN: true });
    fc.assert(
      fc.property(fc.array(values, { minLength: 2, maxLength: 8 }), values, (rates, scale) => {
        const rows = rates.map((reference, i) =>
          row({ source: `s${i}`, model: `m${i}`, reference, predicted: reference * scale }),
        );
        const errors = errorsByPartners(rows, 'other sources');
        expect(errors).toHaveLength(rates.length);
        for (const error of errors) expect(error).toBeLessThan(1e-9);
      }),
    );
  });
});
