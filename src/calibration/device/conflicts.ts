/** Measurements that cannot both be met: the same row twice, and rows that are predicted alike but were measured apart. */
import type { DevicePrediction } from './measured.ts';

type Compared = Pick<DevicePrediction, 'id' | 'quantity' | 'predicted' | 'reference' | 'columns'>;

export interface Conflict {
  readonly kind: 'duplicate' | 'contradiction';
  readonly quantity: string;
  readonly first: string;
  readonly second: string;
  /** What each of them measured. */
  readonly values: readonly [number, number];
}

/** Rows of equal conditions that differ by more than this contradict each other. */
const CONTRADICTION = 1.5;
/** Equal predictions differ by rounding alone. */
const DIGITS = 9;
/** Beside an equal prediction, what tells one thing measured from another that is as fast by chance. */
const SUBJECT = ['soc', 'unit', 'runtime', 'model', 'component', 'workload', 'precision'];

/** Worst first. Nothing that the model knows tells the two rows of a pair apart. */
export function conflictsOf(rows: readonly Compared[]): Conflict[] {
  const groups = new Map<string, Compared[]>();
  for (const row of rows) {
    const key = JSON.stringify([
      row.quantity,
      row.predicted.toPrecision(DIGITS),
      ...SUBJECT.map((name) => row.columns[name] ?? ''),
    ]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const found = [...groups.values()].flatMap((group) =>
    group.flatMap((first, i) => group.slice(i + 1).flatMap((second) => conflictOf(first, second))),
  );
  return onePerRows(found).sort((a, b) => apart(b) - apart(a));
}

function conflictOf(first: Compared, second: Compared): Conflict[] {
  if (first.id === second.id) return [];
  const pair = {
    quantity: first.quantity,
    first: first.id,
    second: second.id,
    values: [first.reference, second.reference] as const,
  };
  if (sameCells(first.columns, second.columns)) return [{ kind: 'duplicate', ...pair }];
  return apart(pair) > Math.log(CONTRADICTION) ? [{ kind: 'contradiction', ...pair }] : [];
}

const apart = ({ values: [a, b] }: Pick<Conflict, 'values'>) =>
  Math.log(Math.max(a, b) / Math.min(a, b));

function sameCells(a: Compared['columns'], b: Compared['columns']): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  names.delete('id');
  return [...names].every((name) => (a[name] ?? '') === (b[name] ?? ''));
}

/** Two equal rows are one duplicate, whatever they measured beside. */
function onePerRows(conflicts: readonly Conflict[]): Conflict[] {
  const seen = new Set<string>();
  return conflicts.filter(({ kind, first, second }) => {
    const key = JSON.stringify([first, second]);
    if (kind === 'duplicate' && seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

const MOST_LINES = 12;

/** Lines for a reader, the farthest apart first. */
export function conflictLines(conflicts: readonly Conflict[]): string[] {
  const figure = (value: number) => String(Number(value.toPrecision(4)));
  const shown = conflicts
    .slice(0, MOST_LINES)
    .map(({ kind, quantity, first, second, values }) =>
      kind === 'duplicate'
        ? `rows ${first} and ${second} are the same measurement`
        : `rows ${first} and ${second} contradict each other: ${quantity.replaceAll('_', ' ')} ${values.map(figure).join(' | ')}, and nothing that is modelled tells them apart`,
    );
  const more = conflicts.length - shown.length;
  return more > 0 ? [...shown, `… and ${more} more pairs`] : shown;
}
