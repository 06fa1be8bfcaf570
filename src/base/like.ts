/**
 * `like: NAME` in a map of a description: what the map leaves out is taken from NAME.
 *
 * Maps merge key by key, as JSON merge patch (RFC 7396) does: a value replaces, `~` (null) removes. A value with its
 * source (`{ is, from, trust }`) is one value, and so is a list. Of several names the first wins; a `like` further
 * inside wins over one further out.
 */
import { type Fault, SpecError } from './errors.ts';
import type { SpecFile, SpecPath } from './spec-file.ts';

/** What a `like` takes from: a place in a description that is complete itself. */
interface Donor {
  readonly spec: SpecFile;
  readonly path: SpecPath;
}

/** Finds what `name` means at `path`. @throws SpecError where nothing is called so, or no `like` may stand there. */
export type FindDonor = (name: string, path: SpecPath) => Donor;

/** Top-level keys by which a description is known; nothing takes them from another. */
const OWN_KEYS = ['version', 'name', 'summary', 'aliases', 'references'];

type Loose = Readonly<Record<string, unknown>>;

interface Taken extends Donor {
  /** Where it stands now. */
  readonly at: SpecPath;
}

/**
 * The description with every `like` followed; positions of what was taken point at the file that says it.
 * @throws SpecError with every `like` that cannot be followed.
 */
export function complete(spec: SpecFile, find: FindDonor): SpecFile {
  if (!isMap(spec.data) || !mentionsLike(spec.data)) return spec;
  const references = new Map(Object.entries(asMap(spec.data['references'])));
  const taken: Taken[] = [];
  const faults: Fault[] = [];
  /** What `checkSpec` has to report of other files, such as a key given twice. */
  const inherited = new Set<Fault>();

  const completeValue = (value: unknown, path: SpecPath): unknown => {
    if (Array.isArray(value)) return value.map((item, i) => completeValue(item, [...path, i]));
    if (!isMap(value) || isLeaf(value)) return value;
    const own = Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => key !== 'like')
        .map(([key, child]) => [key, completeValue(child, [...path, key])]),
    );
    try {
      return namesIn(value['like'], spec, path).reduce<Loose>((target, name) => {
        const donor = find(name, path);
        for (const fault of donor.spec.faults ?? []) inherited.add(fault);
        return fill(target, donor, path);
      }, own);
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      faults.push(...error.faults);
      return own;
    }
  };

  const fill = (target: Loose, donor: Donor, path: SpecPath): Loose => {
    const source = asMap(valueAt(donor.spec.data, donor.path));
    const result: Record<string, unknown> = { ...target };
    for (const [key, value] of Object.entries(source)) {
      if (path.length === 0 && OWN_KEYS.includes(key)) continue;
      const inner = { spec: donor.spec, path: [...donor.path, key] };
      const at = [...path, key];
      const own = target[key];
      if (!Object.hasOwn(target, key)) {
        taken.push({ ...inner, at });
        result[key] = adopt(value, donor.spec, references);
      } else if (isMap(own) && isMap(value) && !isLeaf(own) && !isLeaf(value)) {
        result[key] = fill(own, inner, at);
      }
    }
    return result;
  };

  const merged = completeValue(spec.data, []) as Loose;
  if (faults.length > 0) throw new SpecError([...(spec.faults ?? []), ...faults]);
  const data = withoutNulls({
    ...merged,
    ...(references.size > 0 ? { references: Object.fromEntries(references) } : {}),
  });
  return {
    ...spec,
    data,
    faults: [...(spec.faults ?? []), ...inherited],
    locate: (path) => locate(spec, taken, path),
  };
}

/** A copy of a donor's value whose sources are keys of the receiving description. */
function adopt(value: unknown, donor: SpecFile, references: Map<string, unknown>): unknown {
  if (Array.isArray(value)) return value.map((item) => adopt(item, donor, references));
  if (!isMap(value)) return value;
  if (!isLeaf(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, adopt(child, donor, references)]),
    );
  }
  const { from } = value;
  const source = asMap(asMap(donor.data)['references'])[String(from)];
  if (typeof from !== 'string' || source === undefined) return value;
  const key = freeKey(from, source, donor.file, references);
  references.set(key, source);
  return key === from ? value : { ...value, from: key };
}

/** The same key where it means the same source, else one that names the file. */
function freeKey(
  key: string,
  source: unknown,
  file: string,
  references: ReadonlyMap<string, unknown>,
): string {
  const same = !references.has(key) || sameText(references.get(key), source);
  if (same) return key;
  const stem = file.replace(/^.*[/\\]/, '').replace(/\.ya?ml$/, '');
  return `${stem}:${key}`;
}

/** Taken values lie where their own file says them; what is missing there is the receiving map's to add. */
function locate(spec: SpecFile, taken: readonly Taken[], path: SpecPath) {
  const found = taken.find(({ at }) => at.every((step, i) => String(step) === String(path[i])));
  if (!found) return spec.locate(path);
  const inner = [...found.path, ...path.slice(found.at.length)];
  if (valueAt(found.spec.data, inner) === undefined) return spec.locate(path);
  return { file: found.spec.file, ...found.spec.locate(inner) };
}

function namesIn(like: unknown, spec: SpecFile, path: SpecPath): readonly string[] {
  if (like === undefined) return [];
  const names = Array.isArray(like) ? like : [like];
  if (names.length > 0 && names.every((name) => typeof name === 'string')) return names;
  const at = [...path, 'like'];
  throw new SpecError([
    {
      file: spec.file,
      ...spec.locate(at),
      path: at.join('.'),
      message: 'wrong type',
      expected: 'a name, or a list of names',
    },
  ]);
}

function mentionsLike(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(
    ([key, child]) => (key === 'like' && !Array.isArray(value)) || mentionsLike(child),
  );
}

/** `~` has served once everything is merged. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isMap(value) || isLeaf(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => child !== null)
      .map(([key, child]) => [key, withoutNulls(child)]),
  );
}

function valueAt(data: unknown, path: SpecPath): unknown {
  return path.reduce<unknown>(
    (value, step) => (value as Readonly<Record<string | number, unknown>> | undefined)?.[step],
    data,
  );
}

function isMap(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value with its source stays in one piece. */
function isLeaf(value: Loose): boolean {
  return Object.hasOwn(value, 'is');
}

function asMap(value: unknown): Loose {
  return isMap(value) ? value : {};
}

function sameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
