import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { calibrateDevice } from '../../../src/cli/calibrate-device.ts';
import { templateCsv } from '../../../src/cli/calibrate-templates.ts';

const folder = mkdtempSync(join(tmpdir(), 'socsim-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a check of measurements of which none can be compared', () => {
  it.each([
    ['vision', /vision.csv: its only row cannot be compared; mine-1: no graph .*--graphs DIR/],
    ['sustained', /sustained.csv: its only row cannot be compared; mine-run-1: .*Chip of nobody/],
  ])('of %s is a fault of the file', async (kind, message) => {
    const data = join(folder, `${kind}.csv`);
    const text = templateCsv(kind);
    const unknown = kind === 'vision' ? text : text.replace('Snapdragon 8 Gen 3', 'Chip of nobody');
    writeFileSync(data, unknown);
    await expect(calibrateDevice.run({ data, check: true })).rejects.toThrow(message);
  });
});
