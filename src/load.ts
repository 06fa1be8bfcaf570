/** File names to text and specs; the only file that reads `socs/`, `workloads/` and `traces/`. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { type Fault, SpecError } from './base/errors.ts';
import { fileReason } from './base/file-reason.ts';
import { complete } from './base/like.ts';
import { nearestHint } from './base/registry.ts';
import { parseOnce, requireMap, type SpecFile, type SpecPath } from './base/spec-file.ts';
import { baseOf, changedUnits, nameIn, type Origin, requireBase } from './engine/copied-soc.ts';
import type { Sources } from './engine/prepare.ts';
import { sectionAt } from './hardware/spec/sections.ts';
import {
  buildCalibration,
  type Calibration,
  parseBundle,
  parseClasses,
} from './runtime/calibration-spec.ts';
import { parseModelTables } from './workload/models/tables.ts';
import type { ByteSource } from './workload/onnx/wire-skim.ts';

/** Writes a file the user named. @throws SpecError when that is not possible. */
export function writeUserFile(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new SpecError([{ file: path, message: `cannot be written: ${fileReason(error)}` }]);
  }
}

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
    throw new SpecError([{ file: path, message: fileReason(error) }]);
  }
}

/** Names of the files in a folder that the user named. */
export function listUserFolder(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    throw new SpecError([{ file: path, message: fileReason(error) }]);
  }
}

/** Folder and extension of every kind of named description. */
export const FOLDERS = {
  soc: 'socs',
  part: 'socs/parts',
  phone: 'socs/phones',
  preset: 'socs/lpddr',
  runtime: 'socs/runtimes',
  security: 'socs/security',
  workload: 'workloads',
} as const;
export type DescriptionKind = keyof typeof FOLDERS;

/** What each kind is called in messages, and the top-level keys that tell it from the others. */
export const SHAPES = {
  soc: { what: 'SoC', keys: ['domains', 'units', 'fabric', 'floorplan'] },
  part: { what: 'part', keys: ['part', 'domain', 'unit', 'cluster', 'fabric'] },
  phone: { what: 'phone', keys: ['body', 'battery', 'screen', 'thermal'] },
  preset: { what: 'memory', keys: ['cycles', 'times', 'modes', 'densities'] },
  runtime: { what: 'runtime', keys: ['kernels'] },
  security: { what: 'security preset', keys: ['protects', 'promises', 'releases'] },
  workload: { what: 'workload', keys: ['family', 'model', 'promptTokens', 'weightFormat'] },
} as const satisfies Readonly<
  Record<DescriptionKind, { readonly what: string; readonly keys: readonly string[] }>
>;

/**
 * A bundled description by name, or a file of the user where `name` is a path to one.
 * @throws SpecError with the nearest name.
 */
export function readDescription(kind: DescriptionKind, name: string): TextFile {
  if (PATH_NAME.test(name)) return readUserFile(name);
  return readNamed(FOLDERS[kind], name, '.yaml', kind);
}

/** Folder of the bundled scenarios. */
export const SCENARIOS = 'workloads/scenarios';

export interface SourceOptions {
  /** Instead of what the scenario says: `none` for fitting, or a bundle for checking. */
  readonly calibration?: string | undefined;
  /** Keys of the workload description that an ONNX file named as the workload gets: `dims`, `precision`, `fusions`. */
  readonly onnx?: Readonly<Record<string, unknown>>;
}

/** Bundled descriptions and the user's own files, each read and parsed once. */
export function fileSources(options: SourceOptions = {}): Sources {
  const hashes: Record<string, string> = {};
  const remember = ({ file, text }: TextFile): TextFile => {
    hashes[file] = createHash('sha256').update(text).digest('hex');
    return { file, text };
  };
  const { read, originsOf } = descriptions(remember);
  let tables: Sources['tables'] | undefined;
  let votes: TextFile | undefined;
  const calibrations = new Map<string, Calibration>();
  return {
    soc: (name) => read('soc', name),
    phone: (name) => read('phone', name),
    preset: (name) => read('preset', name),
    runtime: (name) => read('runtime', name),
    security: (name) => read('security', name),
    links: () => parseOnce(remember(readBundled('workloads/cloud/links.yaml'))),
    workload: (name) => {
      const keys = options.onnx ?? {};
      if (name.endsWith('.onnx')) return onnxWorkload(name, keys);
      refuseOnnxOptions(name, keys);
      return read('workload', name);
    },
    get tables() {
      tables ??= parseModelTables((path) => remember(readBundled(path)), openModelFile);
      return tables;
    },
    get memoryVotes() {
      votes ??= remember(readBundled('socs/memory-votes.csv'));
      return votes;
    },
    calibration: (choice, soc) => {
      const wanted = options.calibration ?? choice;
      const key = `${soc} ${wanted}`;
      const known = calibrations.get(key) ?? readCalibration(wanted, originsOf(soc), remember);
      calibrations.set(key, known);
      return known;
    },
    hashes,
    version: packageVersion(),
  };
}

export interface Descriptions {
  /** A description by name or path, checked to be of its kind, with every `like` followed. @throws SpecError */
  readonly read: (kind: DescriptionKind, name: string) => SpecFile;
  /** A parsed file with every `like` followed. @throws SpecError */
  readonly complete: (kind: DescriptionKind, spec: SpecFile) => SpecFile;
  /** A SoC that was read, the one it is a copy of, and so on. */
  readonly originsOf: (soc: string) => readonly Origin[];
}

/** Reads each file once. @param remember is told of every file. */
export function descriptions(remember = (text: TextFile): TextFile => text): Descriptions {
  const parsed = new Map<string, SpecFile>();
  /** SoCs by their own names, and whom they take the rest from. */
  const socs = new Map<string, { readonly data: unknown; readonly base: string | undefined }>();
  /** Files whose `like` is being followed, outermost first. */
  const open: string[] = [];

  const read: Descriptions['read'] = (kind, name) => {
    const key = `${kind}/${name}`;
    const known = parsed.get(key);
    if (known) return known;
    const text = remember(readDescription(kind, name));
    const { file } = text;
    if (open.includes(file)) {
      throw new SpecError([{ message: `goes round in a circle: ${[...open, file].join(' → ')}` }]);
    }
    const spec = requireKind(kind, follow(kind, parseOnce(text)));
    parsed.set(key, spec);
    return spec;
  };

  const follow: Descriptions['complete'] = (kind, spec) => {
    open.push(spec.file);
    const done = complete(spec, (name, path) => {
      const at = [...path, 'like'];
      const place = { file: spec.file, ...spec.locate(at), path: at.join('.') };
      return withPlace(place, () => donorOf(kind, name, path, dirname(spec.file)));
    });
    open.pop();
    if (kind === 'soc') {
      const base = baseOf(spec.data);
      const donor =
        base === undefined ? undefined : donorOf(kind, base, [], dirname(spec.file)).spec.data;
      socs.set(nameIn(done.data), {
        data: done.data,
        base: donor === undefined ? undefined : nameIn(donor),
      });
    }
    return done;
  };

  const donorOf = (kind: DescriptionKind, name: string, path: SpecPath, folder: string) => {
    const file = PATH_NAME.test(name) && !isAbsolute(name) ? join(folder, name) : name;
    if (path.length === 0) return { spec: read(kind, file), path: [] };
    const section = kind === 'soc' || kind === 'part' ? sectionAt(path) : undefined;
    if (section === undefined) {
      throw new SpecError([{ message: 'cannot stand here', expected: LIKE_PLACES[kind] }]);
    }
    const spec = read('part', file);
    if (Object.hasOwn(spec.data as object, section)) return { spec, path: [section] };
    throw new SpecError([{ message: `the part "${name}" has no section "${section}"` }]);
  };

  const originsOf = (name: string): Origin[] => {
    const found = socs.get(name);
    const rest = found?.base === undefined ? [] : originsOf(found.base);
    return [{ name, data: found?.data }, ...rest];
  };

  return { read, complete: follow, originsOf };
}

/** What a name looks like that is a path to a file of the user. */
const PATH_NAME = /[/\\]|\.ya?ml$/;
const TOP = 'like at the top of the file';
const IN_SOC = `${TOP}, or in a map of domains, units or clusters, or in memory, systemCache, fabric, background, limits or security`;
const LIKE_PLACES: Readonly<Record<DescriptionKind, string>> = {
  soc: IN_SOC,
  part: IN_SOC,
  phone: TOP,
  preset: TOP,
  runtime: TOP,
  workload: TOP,
  security: TOP,
};

/** Faults that do not say where they are, are where the name was asked for. */
function withPlace<T>(place: Omit<Fault, 'message'>, task: () => T): T {
  try {
    return task();
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    throw new SpecError(
      error.faults.map((fault) => (fault.file === undefined ? { ...place, ...fault } : fault)),
    );
  }
}

const CALIBRATIONS = 'socs/calibrations';

/**
 * What `choice` means for a SoC: nothing, what is shipped, or a bundle of the user. A copy has what was measured of the
 * SoC that it is a copy of.
 * @throws SpecError
 */
function readCalibration(
  choice: string,
  origins: readonly Origin[],
  remember: (read: TextFile) => TextFile,
): Calibration {
  if (choice === 'none') return buildCalibration(undefined, undefined);
  const shipped = listBundled(CALIBRATIONS, '.json');
  const bundled = (name: string) =>
    parseOnce(remember(readBundled(`${CALIBRATIONS}/${name}.json`)));
  const classes = shipped.includes('classes') ? parseClasses(bundled('classes')) : undefined;
  const measured = origins.find(({ name }) => shipped.includes(name))?.name;
  if (choice === 'auto' && measured === undefined) return buildCalibration(classes, undefined);
  const own =
    choice === 'auto' ? bundled(measured ?? '') : parseOnce(remember(readUserFile(choice)));
  const bundle = parseBundle(own);
  const changed = changedUnits(origins[0]?.data, requireBase(origins, bundle.soc, own.file).data);
  return buildCalibration(classes, bundle, changed);
}

/**
 * A description as its readers may rely on: a map with keys of its kind, and model files found from where it lies.
 * @throws SpecError
 */
function requireKind(kind: DescriptionKind, spec: SpecFile): SpecFile {
  const { file } = spec;
  const { what, keys } = SHAPES[kind];
  const data = requireMap(spec, what, keys);
  // Who runs a scenario looks for the phone before the description is checked as a whole.
  if (kind === 'soc' && typeof data['phone'] !== 'string') {
    const place = { file, ...spec.locate(['phone']), path: 'phone' };
    throw new SpecError([
      { ...place, message: 'is missing', expected: 'the phone that the SoC sits in' },
    ]);
  }
  if (kind !== 'workload' || data['family'] !== 'onnx') return spec;
  const { model } = data;
  if (typeof model !== 'string' || isAbsolute(model)) return spec;
  return { ...spec, data: { ...data, model: join(dirname(file), model) } };
}

/** The workload that an ONNX file is by itself: one inference, fused as a phone compiler would. */
function onnxWorkload(model: string, keys: Readonly<Record<string, unknown>>): SpecFile {
  const data = { version: 1, family: 'onnx', summary: model, model, ...keys };
  return { file: model, data, faults: [], locate: () => ({}) };
}

/** A workload of another kind says its own sizes: options for ONNX files would change nothing. */
function refuseOnnxOptions(name: string, keys: Readonly<Record<string, unknown>>): void {
  const options = { dims: '--dim', precision: '--precision', fusions: '--fusions' } as const;
  const given = (Object.keys(options) as (keyof typeof options)[]).filter((key) => {
    const value = keys[key];
    return value !== undefined && (key !== 'dims' || Object.keys(value as object).length > 0);
  });
  if (given.length === 0) return;
  throw new SpecError(
    given.map((key) => ({
      path: options[key],
      message: `has no effect on the workload "${name}"`,
      expected: 'an .onnx file',
    })),
  );
}

/**
 * A model file of any size, read piece by piece.
 * @throws SpecError where there is none.
 */
export function openModelFile(path: string): ByteSource {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile()) {
    throw new SpecError([{ file: path, message: stat ? 'not a file' : 'no such file' }]);
  }
  return { size: stat.size, read: (offset, length) => readPiece(path, offset, length) };
}

function readPiece(path: string, offset: number, length: number): Uint8Array {
  const handle = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(length);
    let filled = 0;
    for (;;) {
      const count = readSync(handle, bytes, filled, length - filled, offset + filled);
      filled += count;
      if (count === 0 || filled === length) return bytes.subarray(0, filled);
    }
  } finally {
    closeSync(handle);
  }
}

const TRACE_EXTENSIONS = ['.csv', '.jsonl'];

function bundledTraces() {
  return TRACE_EXTENSIONS.flatMap((extension) =>
    listBundled('traces', extension).map((base) => ({ base, file: `traces/${base}${extension}` })),
  );
}

/** Names of the bundled request traces. */
export function traceNames(): readonly string[] {
  return bundledTraces().map(({ base }) => base);
}

/** A request trace: a name under `traces/`, or a file of the user. */
export function readTrace(name: string): TextFile {
  if (/[/\\.]/.test(name)) return readUserFile(name);
  const found = bundledTraces().find(({ base }) => base === name);
  if (found) return readBundled(found.file);
  throw new SpecError([
    { message: `unknown trace "${name}"`, hint: nearestHint(name, traceNames()) },
  ]);
}

/** Version in package.json. */
export function packageVersion(): string {
  return (JSON.parse(readBundled('package.json').text) as { version: string }).version;
}
