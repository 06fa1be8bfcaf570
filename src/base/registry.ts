/** Names to entries, frozen; an unknown name fails with the nearest valid one. */
import { closest, distance } from 'fastest-levenshtein';
import { SpecError } from './errors.ts';

/** Anything a user can pick by name: one line says what it is. */
export interface Entry {
  readonly summary: string;
}

/** @returns `did you mean "x"?` for the nearest of `names`, or the list when nothing is near. */
export function nearestHint(name: string, names: readonly string[]): string {
  if (names.length === 0) return 'none is defined';
  const best = closest(name, names as string[]);
  const near = editShare(name, best) <= 0.5;
  return near ? `did you mean "${best}"?` : `known: ${listSome(names)}`;
}

/** Looks `name` up in `record`; throws `SpecError` naming `what` when it is not there. */
export function pick<T>(record: Readonly<Record<string, T>>, name: string, what: string): T {
  if (Object.hasOwn(record, name)) return record[name] as T;
  throw new SpecError([
    {
      message: `unknown ${what} "${name}"`,
      hint: nearestHint(name, Object.keys(record)),
    },
  ]);
}

/** Share of the longer name that differs; 0 when one contains the other. */
function editShare(name: string, other: string): number {
  const a = name.toLowerCase();
  const b = other.toLowerCase();
  if (b.includes(a) || a.includes(b)) return 0;
  return distance(a, b) / Math.max(a.length, b.length, 1);
}

function listSome(names: readonly string[]): string {
  const shown = names.slice(0, 12).join(', ');
  return names.length > 12 ? `${shown}, … (${names.length})` : shown;
}
