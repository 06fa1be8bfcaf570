/** `--set path=value`: replaces values of raw descriptions before they are checked, by full or short path. */
import { type Fault, SpecError } from '../base/errors.ts';
import { OVERRIDE_REFERENCE } from '../base/provenance.ts';
import { nearestHint } from '../base/registry.ts';
import { type LeafPath, leafPaths, type SchemaNode } from '../base/schema-walk.ts';
import { parseSpecValue, type SpecFile, type SpecPath } from '../base/spec-file.ts';

/** A description that may be overridden, with the schema that says which paths it has. */
export interface OverrideRoot {
  readonly spec: SpecFile;
  readonly schema: SchemaNode;
}

/** Descriptions by the first word of their paths: `soc`, `workload`, `phone`. */
export type OverrideRoots = Readonly<Record<string, OverrideRoot>>;

export interface ResolvedPath {
  readonly root: string;
  readonly path: SpecPath;
  /** Whether the value has a source beside it, which an override replaces too. */
  readonly sourced: boolean;
}

/**
 * Finds what a full path (`soc.domains.npu.clock`) or an unambiguous short one (`npu.clock`) means.
 * A path that ends a full one wins over one whose words merely occur in it, in order.
 * @throws SpecError with the nearest valid path, or with the candidates where several fit.
 */
export function resolvePath(roots: OverrideRoots, text: string): ResolvedPath {
  const found = lookUp(listPaths(roots), text);
  if ('fault' in found) throw new SpecError([{ ...found.fault }]);
  return found.resolved;
}

/** The value a description gives at a resolved path, as written: `"1373 MHz"`. */
export function valueAt(roots: OverrideRoots, { root, path, sourced }: ResolvedPath): unknown {
  const value = path.reduce<unknown>(child, roots[root]?.spec.data);
  return sourced ? child(value, 'is') : value;
}

/** Every path that `--set` and sweeps accept, in full. */
export function overridePaths(roots: OverrideRoots): string[] {
  return listPaths(roots).map(fullPath);
}

/**
 * Applies `path=value` texts in order; later ones win.
 * The descriptions given stay as they are. A replaced number gets `from: override` and `trust: estimated`,
 * and faults found at it later point at the override instead of the file.
 * @throws SpecError with every override that cannot be applied.
 */
export function applyOverrides<K extends string>(
  roots: Readonly<Record<K, OverrideRoot>>,
  overrides: readonly string[],
): Record<K, SpecFile> {
  const specs = Object.fromEntries(
    Object.entries<OverrideRoot>(roots).map(([name, { spec }]) => [name, spec]),
  ) as Record<string, SpecFile>;
  const faults: Fault[] = [];
  const known = overrides.length > 0 ? listPaths(roots) : [];
  for (const text of overrides) {
    const source = `--set ${text}`;
    const equals = text.indexOf('=');
    const value = text.slice(equals + 1).trim();
    if (equals < 1 || value === '') {
      faults.push({ file: source, message: 'expected path=value, such as npu.clock=1.5GHz' });
      continue;
    }
    const found = lookUp(known, text.slice(0, equals).trim());
    if ('fault' in found) {
      faults.push({ file: source, ...found.fault });
      continue;
    }
    const { root, path, sourced } = found.resolved;
    specs[root] = override(
      specs[root] as SpecFile,
      path,
      sourced,
      parseValue(value, source),
      source,
    );
  }
  if (faults.length > 0) throw new SpecError(faults);
  return specs as Record<K, SpecFile>;
}

/** Text that YAML reads as itself: it has a unit or a name in it and nothing that YAML gives a meaning. */
const PLAIN_TEXT = /^\w[\w.+/%°µ-]*( [\w.+/%°µ][\w.+/%°µ-]*)*$/;
const YAML_WORD = /^([+-]?[\d.]+(e[+-]?\d+)?|0[xo]\w+|true|false|null|[+-]?\.inf|\.nan)$/i;

/** YAML would read `a: b` or `*x` as more than a value; on a command line it is text. */
function parseValue(value: string, source: string): unknown {
  // Parsing each value of a long sweep as a document of its own would cost more than checking it.
  if (PLAIN_TEXT.test(value) && !YAML_WORD.test(value)) return value;
  try {
    return parseSpecValue(value, source);
  } catch {
    return value;
  }
}

function override(
  spec: SpecFile,
  path: SpecPath,
  sourced: boolean,
  value: unknown,
  source: string,
): SpecFile {
  const entry = sourced ? { is: value, from: OVERRIDE_REFERENCE, trust: 'estimated' } : value;
  return {
    ...spec,
    data: replaced(spec.data, path, entry),
    locate: (asked) => (startsWith(asked, path) ? { file: source } : spec.locate(asked)),
  };
}

/** A copy of `data` with `value` at `path`; parts off the path are shared, and parts on it copied, as aliases share them. */
function replaced(data: unknown, path: SpecPath, value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  const inner = replaced(child(data, step), rest, value);
  if (Array.isArray(data))
    return data.map((item, index) => (index === Number(step) ? inner : item));
  // A name alone stands for the map that holds it as its preset (security).
  const map = typeof data === 'string' ? { preset: data } : (data as object | undefined);
  return { ...map, [step]: inner };
}

interface KnownPath extends LeafPath {
  readonly root: string;
  /** Root and path as one list of words. */
  readonly steps: readonly string[];
}

function listPaths(roots: OverrideRoots): KnownPath[] {
  return Object.entries(roots).flatMap(([root, { spec, schema }]) =>
    leafPaths(schema, spec.data).map((leaf) => ({
      root,
      steps: [root, ...leaf.path.map(String)],
      ...leaf,
    })),
  );
}

type Found = { readonly resolved: ResolvedPath } | { readonly fault: Omit<Fault, 'file'> };

function lookUp(known: readonly KnownPath[], text: string): Found {
  const words = text.split('.');
  const within = known.filter(({ steps }) => occursIn(words, steps));
  const ending = within.filter(({ steps }) => endsWith(steps, words));
  const exact = ending.filter(({ steps }) => steps.length === words.length);
  const candidates = [exact, ending, within].find((list) => list.length > 0) ?? [];
  const [first] = candidates;
  if (first && candidates.length === 1) {
    return { resolved: { root: first.root, path: first.path, sourced: first.sourced } };
  }
  if (first) {
    const names = candidates.slice(0, 6).map(fullPath).join(', ');
    const more = candidates.length > 6 ? `, … (${candidates.length})` : '';
    return { fault: { message: `"${text}" is ambiguous`, hint: `it may mean ${names}${more}` } };
  }
  const inside = known.filter(({ steps }) => holds(steps, words));
  if (inside.length > 0) {
    const names = inside.slice(0, 3).map(fullPath).join(', ');
    const more = inside.length > 3 ? `, … (${inside.length})` : '';
    return {
      fault: {
        message: `"${text}" is no single value`,
        hint: `set what it holds (${names}${more}), or write the whole of it in a file`,
      },
    };
  }
  return { fault: { message: `no such path "${text}"`, hint: nearestPath(known, words) } };
}

/** Whether `words` name, in full or without the root, something that `steps` go on from. */
function holds(steps: readonly string[], words: readonly string[]): boolean {
  return [0, 1].some(
    (start) =>
      steps.length > start + words.length && words.every((word, i) => word === steps[start + i]),
  );
}

/** Compared with the ends of the same length, so that `npu.clok` is near `npu.clock`, not near a long path. */
function nearestPath(known: readonly KnownPath[], words: readonly string[]): string {
  const ends = known.map(({ steps }) => steps.slice(-words.length).join('.'));
  return nearestHint(words.join('.'), [...new Set([...ends, ...known.map(fullPath)])]);
}

/** Whether `words` occur in `steps` in order, the last of them last. */
function occursIn(words: readonly string[], steps: readonly string[]): boolean {
  if (words.at(-1) !== steps.at(-1)) return false;
  let next = 0;
  for (const step of steps) if (step === words[next]) next++;
  return next === words.length;
}

function endsWith(steps: readonly string[], words: readonly string[]): boolean {
  const skipped = steps.length - words.length;
  return skipped >= 0 && words.every((word, index) => word === steps[skipped + index]);
}

function startsWith(path: SpecPath, start: SpecPath): boolean {
  return (
    path.length >= start.length &&
    start.every((step, index) => String(step) === String(path[index]))
  );
}

function fullPath({ steps }: KnownPath): string {
  return steps.join('.');
}

function child(data: unknown, step: string | number): unknown {
  return (data as Record<string | number, unknown> | null | undefined)?.[step];
}
