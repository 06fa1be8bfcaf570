/** A SoC that takes most of its description from another (`like` at the top of its file): what was measured of that one. */
import { SpecError } from '../base/errors.ts';

/** A SoC by its own name, its description complete. */
export interface Origin {
  readonly name: string;
  readonly data: unknown;
}

type Loose = Readonly<Record<string, unknown>>;

/** What all units of a SoC share on their way to memory. */
const SHARED = ['memory', 'systemCache', 'fabric'];

export const nameIn = (data: unknown): string =>
  String((data as Loose | undefined)?.['name'] ?? '');

/** The first of what a whole description takes the rest from. */
export function baseOf(data: unknown): string | undefined {
  const like = (data as Loose | undefined)?.['like'];
  const first: unknown = Array.isArray(like) ? like[0] : like;
  return typeof first === 'string' ? first : undefined;
}

/**
 * The SoC that a calibration is of, among a SoC and those it is a copy of.
 * @throws SpecError when it is none of them.
 */
export function requireBase(origins: readonly Origin[], soc: string, file: string): Origin {
  const base = origins.find(({ name }) => name === soc);
  if (base) return base;
  const expected = origins.map(({ name }) => name).join(', or what it is a copy of: ');
  const message = 'is the calibration of another SoC';
  throw new SpecError([{ file, path: 'soc', message, expected, got: soc }]);
}

/** Units of a copy that are not, are not clocked or are not fed as those of the SoC it is a copy of. */
export function changedUnits(copy: unknown, base: unknown): Set<string> {
  if (copy === base) return new Set();
  const names = Object.keys({ ...part(copy, 'units'), ...part(base, 'units') });
  if (SHARED.some((key) => differs(part(copy, key), part(base, key)))) return new Set(names);
  return new Set(
    names.filter(
      (unit) =>
        differs(part(copy, 'units')[unit], part(base, 'units')[unit]) ||
        differs(clocksOf(copy, unit), clocksOf(base, unit)),
    ),
  );
}

function part(data: unknown, key: string): Loose {
  return ((data as Loose | undefined)?.[key] ?? {}) as Loose;
}

/** Keys in another order say the same. */
function differs(one: unknown, other: unknown): boolean {
  return canonical(one) !== canonical(other);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? '';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, child]) => `${key}:${canonical(child)}`).join()}}`;
}

/** Clock domains that a unit, or a cluster of it, names. */
function clocksOf(data: unknown, unit: string): Loose {
  const { domain, clusters = [] } = part(part(data, 'units'), unit);
  const names = [domain, ...(clusters as Loose[]).map(({ clock }) => clock)];
  return Object.fromEntries(
    Object.entries(part(data, 'domains')).filter(([name]) => names.includes(name)),
  );
}
