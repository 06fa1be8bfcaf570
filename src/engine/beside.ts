/** Streams of no unit: models on their way into memory, and what they get of its bandwidth. */
import type { Bytes, BytesPerSecond, Joules, Seconds } from '../base/units.ts';
import type { SideStream } from './side-stream.ts';
import type { Loading } from './storage.ts';
import type { StreamPort } from './stream.ts';

const NONE: readonly StreamPort[] = [];

export class Beside {
  /** Models that requests wait for, and the one that comes as models take turns. */
  load: Loading | undefined;
  side: SideStream | undefined;
  private loads: readonly StreamPort[] = NONE;

  /** Whether they may read storage at all. */
  get usesStorage(): boolean {
    return this.load !== undefined || this.side !== undefined;
  }

  /** Whether any of them drew bandwidth when they were last looked at. */
  get isBusy(): boolean {
    return this.loads.length > 0 || this.side?.isOpen === true;
  }

  /** Looks who draws now. */
  streams(): readonly StreamPort[] {
    this.loads = this.load?.streams() ?? NONE;
    return this.side?.isOpen === true ? [...this.loads, this.side.port] : this.loads;
  }

  /** What each of `streams` gets from now on. */
  grant(rates: readonly BytesPerSecond[]): void {
    this.load?.grant(rates.slice(0, this.loads.length));
    if (this.side?.isOpen === true) this.side.rate = rates[this.loads.length]!;
  }

  /** Brings the accounts up to `now`. @returns joules of memory and fabric since the last call. */
  progress(now: Seconds): { readonly memory: Joules; readonly fabric: Joules } {
    const load = this.load?.progress(now) ?? NOTHING;
    const side = this.side?.isOpen === true ? this.side.progress(now) : NOTHING;
    return { memory: load.memory + side.memory, fabric: load.fabric + side.fabric };
  }

  /** Joules of the storage since the last call. */
  takeJoules(): Joules {
    return (this.load?.takeJoules() ?? 0) + (this.side?.takeJoules() ?? 0);
  }

  /** Bytes that memory moved for models that requests wait for, since the last call. */
  takeBytes(): Bytes {
    return this.load?.takeBytes() ?? 0;
  }
}

const NOTHING = { memory: 0, fabric: 0 } as const;
