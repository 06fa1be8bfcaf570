/** LPDDR presets: bundled ones by name, whatever the case, or a file of the user's. */
import { parseSpecFile } from '../base/spec-file.ts';
import { type LpddrPreset, parseLpddrPreset } from '../hardware/dram/preset.ts';
import { listBundled, readNamed, readUserFile, type TextFile } from '../load.ts';

const FOLDER = 'socs/lpddr';

/** Text of `LPDDR5X-8533` (or `lpddr5x_8533`), or of a YAML file; an unknown name fails with the nearest one. */
export function readLpddrPreset(name: string): TextFile {
  if (/\.ya?ml$/i.test(name)) return readUserFile(name);
  return readNamed(FOLDER, fileName(name), '.yaml', 'memory preset');
}

/** @throws SpecError when it is unknown, or contradicts itself. */
export function loadLpddrPreset(name: string): LpddrPreset {
  const { file, text } = readLpddrPreset(name);
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
