/** Collects what validation measured; the teardown of `npm run validate` writes it into ACCURACY.md and the README. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

const folder = new URL('../validation/results/', import.meta.url);

export interface AccuracyLine {
  readonly quantity: string;
  readonly count: number;
  /** Of absolute errors: relative ones as shares, temperatures in kelvin. */
  readonly median: number;
  readonly p90: number;
  readonly worst: number;
  /** `%` for relative errors. */
  readonly unit: '%' | 'K' | 'mismatches';
  /** Whether the figures were seen by a fit. */
  readonly sample: 'no fit' | 'in-sample' | 'cross-validated';
  readonly note?: string;
  /** For ACCURACY.md only; the README shows headlines. */
  readonly detail?: boolean;
}

export interface AccuracySection {
  /** File name of the record; one per topic. */
  readonly topic: string;
  /** Place in the document. */
  readonly order: number;
  readonly title: string;
  /** Against what, how, and where it is wrong: markdown. */
  readonly text: string;
  readonly lines: readonly AccuracyLine[];
  /** Tables and lists that belong below, markdown. */
  readonly details?: string;
}

export function recordAccuracy(section: AccuracySection): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${section.topic}.json`, folder), JSON.stringify(section));
}

/** From absolute errors. */
export function accuracyLine(
  quantity: string,
  errors: readonly number[],
  about: Pick<AccuracyLine, 'unit' | 'sample' | 'note' | 'detail'>,
): AccuracyLine {
  const sorted = errors.map(Math.abs).sort((a, b) => a - b);
  const at = (share: number) => {
    const place = (sorted.length - 1) * share;
    const low = Math.floor(place);
    const a = sorted[low] ?? Number.NaN;
    const b = sorted[Math.min(low + 1, sorted.length - 1)] ?? Number.NaN;
    return a + (b - a) * (place - low);
  };
  return {
    quantity,
    count: sorted.length,
    median: at(0.5),
    p90: at(0.9),
    worst: sorted.at(-1) ?? Number.NaN,
    ...about,
  };
}

/** Every section recorded so far, in document order. */
export function readAccuracy(): AccuracySection[] {
  let names: string[] = [];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
  return names
    .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as AccuracySection)
    .sort((a, b) => a.order - b.order);
}
