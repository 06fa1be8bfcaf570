import { describe, expect, it } from 'vitest';
import { headFormatOf } from '../../../../src/calibration/device/head-format.ts';
import { mappingTables } from '../../../../src/calibration/device/predict.ts';
import { sources } from '../../../support/sources.ts';

const tables = mappingTables(sources);
const of = (weightGigabytes: number | undefined, names: object = {}, remarks = '') =>
  headFormatOf(
    { weightGigabytes, remarks },
    { model: 'gemma-3-1b', layers: 'int4-g32-fp16scale', usual: 'int8-per-channel', ...names },
    tables,
  );

// Gemma 3 1B: 302 of 1000 million weights are the table. 4.5 bits everywhere: 0.56 GB; the table at 8: 0.69 GB.
describe('the format of the head', () => {
  it('is the usual one where no size is given, and where the size agrees with it', () => {
    expect(of(undefined)).toEqual({ format: 'int8-per-channel' });
    expect(of(0.657)).toEqual({ format: 'int8-per-channel' });
  });

  it('is that of the layers where the file is too small for the usual one', () => {
    expect(of(0.529)).toMatchObject({
      format: undefined,
      assumption: expect.stringContaining('size of the file'),
    });
  });

  it('stays usual where the file is of neither', () => {
    for (const size of [0.1, 0.3, 2]) expect(of(size)).toEqual({ format: 'int8-per-channel' });
  });

  it('stays usual where the published size is too coarse to tell: the head of a 7B model is 2 % of it', () => {
    const llama = { model: 'llama-2-7b', layers: 'q4_0', usual: 'q6_k' };
    for (const size of [3.78, 3.8, 3.83]) expect(of(size, llama)).toEqual({ format: 'q6_k' });
  });

  it('is none of its own where the engine has none, whatever the size', () => {
    expect(of(0.529, { usual: undefined })).toEqual({ format: undefined });
  });

  it('is what the row says of it', () => {
    const stated = of(0.6, { layers: 'int8-per-channel', usual: undefined }, '8-bit, fp16 head');
    expect(stated).toEqual({ format: 'fp16' });
  });
});
