/** File names to text and specs; the only file that reads `socs/`, `workloads/` and `traces/`. */
import { readdirSync, readFileSync } from 'node:fs';
import { SpecError } from './base/errors.ts';
import { nearestHint } from './base/registry.ts';

/** The folder that holds `socs`, `workloads` and `traces`: one above both `src` and `dist`. */
const dataRoot = new URL('../', import.meta.url);

export interface TextFile {
  /** As shown in messages: relative to the data root, or as the user typed it. */
  readonly file: string;
  readonly text: string;
}

/** Text of a bundled file such as `socs/dimensity-9300.yaml`. */
export function readBundled(path: string): TextFile {
  return { file: path, text: readFileSync(new URL(path, dataRoot), 'utf8') };
}

/** Names (without extension) of the files in a bundled folder, sorted. */
export function listBundled(folder: string, extension: string): string[] {
  return readdirSync(new URL(`${folder}/`, dataRoot))
    .filter((name) => name.endsWith(extension))
    .map((name) => name.slice(0, -extension.length))
    .sort();
}

/** A bundled entry by its name; an unknown name fails with the nearest one. */
export function readNamed(folder: string, name: string, extension: string, what: string): TextFile {
  const names = listBundled(folder, extension);
  if (names.includes(name)) return readBundled(`${folder}/${name}${extension}`);
  throw new SpecError([{ message: `unknown ${what} "${name}"`, hint: nearestHint(name, names) }]);
}

/** A file the user named; a missing or unreadable one is the user's fault, not a crash. */
export function readUserFile(path: string): TextFile {
  try {
    return { file: path, text: readFileSync(path, 'utf8') };
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? 'no such file'
        : (error as Error).message;
    throw new SpecError([{ file: path, message: reason }]);
  }
}
