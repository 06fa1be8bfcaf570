/** What DRAM tests share: bundled presets by name. */
import { readFileSync } from 'node:fs';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { type LpddrPreset, parseLpddrPreset } from '../../src/hardware/dram/preset.ts';

const folder = new URL('../../socs/lpddr/', import.meta.url);

export function presetText(name: string): string {
  return readFileSync(new URL(`${name}.yaml`, folder), 'utf8');
}

export function loadPreset(name: string): LpddrPreset {
  return parseLpddrPreset(parseSpecFile(presetText(name), `${name}.yaml`));
}
