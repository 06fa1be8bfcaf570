/** Where the numbers of a description come from: lists them, counts them by trust, checks their references. */
import { nearestHint } from './registry.ts';
import type { CrossFault } from './schema.ts';
import type { SpecPath } from './spec-file.ts';

/** One value with its source, as the file says it. */
export interface SourcedEntry {
  readonly path: SpecPath;
  readonly is: unknown;
  readonly from: string;
  readonly trust: string;
  readonly note: string | undefined;
}

/** Reference key of values that a `--set` replaced. */
export const OVERRIDE_REFERENCE = 'override';

/** Every sourced value below `data`, raw or parsed, in file order. */
export function sourcedEntries(data: unknown, path: SpecPath = []): SourcedEntry[] {
  if (typeof data !== 'object' || data === null) return [];
  const record = data as Record<string, unknown>;
  if (Object.hasOwn(record, 'is')) {
    const { is, from: source, trust, note } = record;
    const text = note === undefined ? undefined : String(note);
    // What is missing or misshapen is the schema's to report.
    const from = typeof source === 'string' ? source : '';
    return [{ path, is, from, trust: String(trust), note: text }];
  }
  return Object.entries(record).flatMap(([key, child]) =>
    sourcedEntries(child, [...path, Array.isArray(data) ? Number(key) : key]),
  );
}

/** Share of the sourced values at each trust level; empty where there is none. */
export function trustShares(...data: readonly unknown[]): Record<string, number> {
  const entries = data.flatMap((part) => sourcedEntries(part));
  const shares: Record<string, number> = {};
  for (const { trust } of entries) shares[trust] = (shares[trust] ?? 0) + 1 / entries.length;
  return shares;
}

/** Cross-check: every `from` is a key of the file's `references`. */
export function checkReferences(data: unknown): CrossFault[] {
  const references = Object.keys(
    (data as { references?: Record<string, unknown> } | null)?.references ?? {},
  );
  return sourcedEntries(data)
    .filter(({ from }) => from !== '' && from !== OVERRIDE_REFERENCE && !references.includes(from))
    .map(({ path, from }) => ({
      path: [...path, 'from'],
      message: `"${from}" is not a key of references`,
      hint: nearestHint(from, references),
    }));
}
