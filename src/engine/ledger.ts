/**
 * Where time and energy went, by (request, phase, operator type, unit) and cause.
 * Rows are typed columns; the parts of a row sum to its total because both are accumulated from the same intervals.
 */
import { CAUSES, type LedgerRow } from './run.ts';

export const CAUSE = Object.fromEntries(CAUSES.map((cause, i) => [cause, i])) as {
  readonly [K in (typeof CAUSES)[number]]: number;
};
const WIDTH = CAUSES.length;

/** Name of rows that belong to no request. */
export const PLATFORM = 'platform';

interface RowName {
  readonly request: string;
  readonly phase: string;
  readonly operator: string;
  readonly unit: string;
}

export class Ledger {
  private readonly names: RowName[] = [];
  private readonly byName = new Map<string, number>();
  private capacity = 64;
  /** `row * WIDTH + cause`, in seconds. */
  seconds = new Float64Array(this.capacity * WIDTH);
  joules = new Float64Array(this.capacity);
  bytes = new Float64Array(this.capacity);
  macs = new Float64Array(this.capacity);
  counts = new Float64Array(this.capacity);
  /** Seconds of work beside other work, which lengthened nothing. */
  hidden = new Float64Array(this.capacity);

  /** The row of that name, made when it is new. */
  row(request: string, phase: string, operator: string, unit: string): number {
    const key = `${request}\n${phase}\n${operator}\n${unit}`;
    const known = this.byName.get(key);
    if (known !== undefined) return known;
    const row = this.names.length;
    this.names.push({ request, phase, operator, unit });
    this.byName.set(key, row);
    if (row === this.capacity) this.grow();
    return row;
  }

  addSeconds(row: number, cause: number, seconds: number): void {
    this.seconds[row * WIDTH + cause]! += seconds;
  }

  /** What the device drew beside all requests, in phases of these names. */
  platformJoules(phases: ReadonlySet<string>): number {
    return this.sum(({ request, phase }) => request === PLATFORM && phases.has(phase));
  }

  get totalJoules(): number {
    return this.sum(() => true);
  }

  private sum(counts: (name: RowName) => boolean): number {
    return this.names.reduce((sum, name, row) => (counts(name) ? sum + this.joules[row]! : sum), 0);
  }

  toRows(): LedgerRow[] {
    return this.names.map((name, row) => ({
      ...name,
      count: this.counts[row]!,
      seconds: Object.fromEntries(
        CAUSES.map((cause, i) => [cause, this.seconds[row * WIDTH + i]!]),
      ) as LedgerRow['seconds'],
      joules: this.joules[row]!,
      dramBytes: this.bytes[row]!,
      macs: this.macs[row]!,
      ...(this.hidden[row]! > 0 && { hiddenSeconds: this.hidden[row]! }),
    }));
  }

  private grow(): void {
    this.capacity *= 2;
    this.seconds = enlarged(this.seconds, this.capacity * WIDTH);
    this.joules = enlarged(this.joules, this.capacity);
    this.bytes = enlarged(this.bytes, this.capacity);
    this.macs = enlarged(this.macs, this.capacity);
    this.counts = enlarged(this.counts, this.capacity);
    this.hidden = enlarged(this.hidden, this.capacity);
  }
}

function enlarged(old: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> {
  const fresh = new Float64Array(length);
  fresh.set(old);
  return fresh;
}
