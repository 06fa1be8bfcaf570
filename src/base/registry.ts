/** Names to entries, frozen; an unknown name fails with the nearest valid one. */
import { distance } from 'fastest-levenshtein';
import { SpecError } from './errors.ts';

/** Anything a user can pick by name: one line says what it is. */
export interface Entry {
  readonly summary: string;
}

/** @returns `did you mean "x"?` for the nearest of `names`, or the list when nothing is near. */
export function nearestHint(name: string, names: readonly string[]): string {
  if (names.length === 0) return 'none is defined';
  const shares = names.map((other) => editShare(name, other));
  const least = Math.min(...shares);
  return least <= 0.5
    ? `did you mean "${names[shares.indexOf(least)]}"?`
    : `known: ${listSome(names)}`;
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

/** A part of a name this short says nothing about which one is meant. */
const TELLING_LENGTH = 3;

/** Share of the longer name that differs; small where letters are swapped or one contains the other. */
function editShare(name: string, other: string): number {
  const a = name.toLowerCase();
  const b = other.toLowerCase();
  const longer = Math.max(a.length, b.length, 1);
  const shorter = Math.min(a.length, b.length);
  const share = distance(a, b) / longer;
  if (longer === shorter && [...a].sort().join('') === [...b].sort().join('')) return share / 4;
  const contained = shorter >= TELLING_LENGTH && (a.includes(b) || b.includes(a));
  // A part of a name is near it, however long the rest; longer parts rank before shorter ones.
  return contained ? share / 4 : share;
}

function listSome(names: readonly string[]): string {
  const shown = names.slice(0, 12).join(', ');
  return names.length > 12 ? `${shown}, … (${names.length})` : shown;
}
