/** Bundled LPDDR presets by name, whatever the case. */
import { parseSpecFile } from '../base/spec-file.ts';
import { type LpddrPreset, parseLpddrPreset } from '../hardware/dram/preset.ts';
import { listBundled, readNamed } from '../load.ts';

const FOLDER = 'socs/lpddr';

/** Loads `LPDDR5X-8533` (or `lpddr5x_8533`); an unknown name fails with the nearest one. */
export function loadLpddrPreset(name: string): LpddrPreset {
  const { file, text } = readNamed(FOLDER, fileName(name), '.yaml', 'memory preset');
  return parseLpddrPreset(parseSpecFile(text, file));
}

/** Names of the speed bins that come with socsim. */
export function listLpddrPresets(): string[] {
  return listBundled(FOLDER, '.yaml')
    .filter((name) => name.startsWith('lpddr'))
    .map((name) => name.toUpperCase());
}

function fileName(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}
