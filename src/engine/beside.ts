/** Streams of no unit: models on their way into memory, what they get of its bandwidth, and the cores that they take. */
import type { Bytes, BytesPerSecond, Joules, Seconds } from '../base/units.ts';
import type { Loading } from './storage.ts';
import type { StreamPort } from './stream.ts';

const NONE: readonly StreamPort[] = [];
const NOTHING = { memory: 0, fabric: 0 } as const;

/** Who draws energy while an operator waits for its launch. */
export interface DrawnMeanwhile {
  /** Unit `u`, whose operator has ledger row `row`, has waited for so long. */
  pass(u: number, row: number, seconds: Seconds): void;
  /** It waits so much longer, or shorter where negative. */
  delay(u: number, seconds: Seconds): void;
}

export class Beside {
  load: Loading | undefined;
  /** Ciphers at work for what the drive brings in the middle of a request. */
  openings: DrawnMeanwhile | undefined;
  /** Of the drive, for each operator that reads. */
  readerShare = 1;
  /** What the drive drew for operators that wait for experts and adapters, since it was last taken. */
  storedJoules: Joules = 0;
  private open: readonly StreamPort[] = NONE;
  /** Share of the CPU unit's cycles that bringing models takes. */
  private taken = 0;

  /** Whether models may come from storage at all. */
  get usesStorage(): boolean {
    return this.load !== undefined;
  }

  /** Whether any of them drew bandwidth, or read the drive, when they were last looked at. */
  get isBusy(): boolean {
    return this.open.length > 0 || this.load?.reads === true;
  }

  /** Looks who draws now. @param readers operators that read the drive. */
  streams(readers: number): readonly StreamPort[] {
    this.open = this.load?.streams(readers) ?? NONE;
    if (readers > 0) this.readerShare = this.load?.readerShare ?? 1 / readers;
    this.taken = this.load?.taken ?? 0;
    return this.open;
  }

  /** Share of a unit's cycles that is left to operators. */
  shareOf(u: number): number {
    return this.taken > 0 && u === this.load?.cpu ? 1 - this.taken : 1;
  }

  /** An operator computed for so long with what was left. */
  hold(u: number, seconds: Seconds): void {
    if (this.taken > 0 && u === this.load?.cpu) this.load.hold(seconds);
  }

  /** An operator has read the drive for so long, which drew so much for it. */
  read(seconds: Seconds, joules: Joules): void {
    this.storedJoules += joules;
    this.load?.holdReader(seconds);
  }

  /** What each of `streams` gets from now on. */
  grant(rates: readonly BytesPerSecond[]): void {
    this.load?.grant(rates);
    this.taken = this.load?.taken ?? 0;
  }

  /** Brings the accounts up to `now`. @returns joules of memory and fabric since the last call. */
  progress(now: Seconds): { readonly memory: Joules; readonly fabric: Joules } {
    return this.load?.progress(now) ?? NOTHING;
  }

  /** Joules of the storage since the last call, for models and for operators. */
  takeJoules(): Joules {
    const joules = this.storedJoules + (this.load?.takeJoules() ?? 0);
    this.storedJoules = 0;
    return joules;
  }

  /** Bytes that memory moved for them since the last call. */
  takeBytes(): Bytes {
    return this.load?.takeBytes() ?? 0;
  }
}
