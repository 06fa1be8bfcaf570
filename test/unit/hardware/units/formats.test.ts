import { describe, expect, it } from 'vitest';
import { buildFormatRates, buildVectorRates } from '../../../../src/hardware/units/formats.ts';

const is = (value: number) => ({ is: value });

describe('number formats', () => {
  const rates = buildFormatRates({
    int8: is(1),
    fp16: is(0.25),
    w4a16: is(0.5),
  });

  it('run at the rate of the pair where there is one', () => {
    expect(rates.int4.int16).toEqual({ rate: 0.5, expand: false });
    expect(rates.int4.fp16).toEqual({ rate: 0.5, expand: false });
  });

  it('run at their own rate when equal', () => {
    expect(rates.int8.int8).toEqual({ rate: 1, expand: false });
    expect(rates.fp16.fp16).toEqual({ rate: 0.25, expand: false });
  });

  it('run at the wider rate, after expansion of the narrower', () => {
    expect(rates.int4.int8).toEqual({ rate: 1, expand: true });
    expect(rates.int8.fp16).toEqual({ rate: 0.25, expand: true });
    // Weights wider than activations: no weights to expand.
    expect(rates.fp16.int8).toEqual({ rate: 0.25, expand: false });
  });

  it('stand in for others of the same width', () => {
    expect(rates.bf16.bf16).toEqual({ rate: 0.25, expand: false });
    expect(rates.int16.int16).toEqual({ rate: 0.25, expand: false });
    expect(rates.fp32.fp32).toBeUndefined();
  });

  it('have lanes by the same rules', () => {
    const lanes = buildVectorRates({ fp16: is(256), fp32: is(128) });
    expect([lanes.int16, lanes.bf16, lanes.int32, lanes.int64, lanes.fp64]).toEqual([
      256,
      256,
      128,
      128,
      undefined,
    ]);
  });
});
