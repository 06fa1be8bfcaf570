import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { calibrateDevice } from '../../../src/cli/calibrate-device.ts';

const data = (name: string) =>
  fileURLToPath(new URL(`../../validation/data/${name}`, import.meta.url));
const overTime = { data: data('thermal/sustained.csv') };

describe('calibrate device on runs over time', () => {
  it.each([
    [overTime, /--phone: .*body of one phone, which is not named; add --phone NAME, or --check/],
    [{ ...overTime, phone: 'galaxy-s99' }, /unknown phone "galaxy-s99"; did you mean/],
    [{ ...overTime, phone: 'pixel-6a', check: true }, /--phone: has no effect with --check/],
    [{ ...overTime, phone: 'pixel-6a', out: 'x.json' }, /--out: has no effect on runs over time/],
    [{ ...overTime, energy: true }, /--energy: has no effect on runs over time/],
    [
      { data: data('phones/energy.csv'), energy: true, soc: 'tensor-g1' },
      /--soc: has no effect with --energy/,
    ],
    [{ data: data('phones/energy.csv'), phone: 'pixel-6a' }, /--phone: .*holds no runs over time/],
  ])('%o is the user’s mistake', async (args, message) => {
    await expect(calibrateDevice.run(args)).rejects.toThrow(message);
  });
});
