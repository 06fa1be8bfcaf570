/** Which clocks heat or the battery held back while they had work, for how long, how far and why: what a run says of it. */
import { formatQuantity } from '../base/quantity.ts';
import type { Hertz, Seconds } from '../base/units.ts';
import type { Machine } from './machine.ts';

type Clock = Machine['domains'][number]['clock'];

interface Held {
  readonly reason: string;
  seconds: Seconds;
  lowest: Hertz;
}

export class HeldClocks {
  /** Of the domains, and of main memory after them where it has one. */
  private readonly clocks: readonly Clock[];
  /** By domain, one entry for each reason; there are few. */
  private readonly held: readonly Held[][];

  constructor({ domains, memoryClock }: Pick<Machine, 'domains' | 'memoryClock'>) {
    this.clocks = [...domains, ...(memoryClock ? [memoryClock] : [])].map(({ clock }) => clock);
    this.held = this.clocks.map(() => []);
  }

  /** Clock `d` (memory's after those of the domains) ran at `frequency` for `dt`, below what was wanted; a clock on its way up again has no reason. */
  note(d: number, reason: string, frequency: Hertz, dt: Seconds): void {
    if (reason === '') return;
    const list = this.held[d]!;
    for (let i = 0; i < list.length; i++) {
      const one = list[i]!;
      if (one.reason !== reason) continue;
      one.seconds += dt;
      one.lowest = Math.min(one.lowest, frequency);
      return;
    }
    list.push({ reason, seconds: dt, lowest: frequency });
  }

  /** One line where a clock was held for a hundredth of the run or more, longest first. */
  notes(seconds: Seconds): string[] {
    const rows = this.held.flatMap((list, d) =>
      list.map(({ reason, seconds: time, lowest }) => ({
        share: time / seconds,
        lowest,
        reason,
        clock: this.clocks[d]!,
      })),
    );
    const told = rows.filter(({ share }) => share >= WORTH_TELLING);
    if (told.length === 0) return [];
    const each = told
      .sort((a, b) => b.share - a.share)
      .slice(0, MOST)
      .map(({ share, lowest, reason, clock }) => {
        const top = clock.points.at(-1)!.frequency;
        const far = lowest < top ? `, down to ${show(lowest)} of ${show(top)}` : '';
        return `${clock.name} for ${Math.round(100 * share)} % of the time${far} (${reason})`;
      });
    return [`${HELD_BACK}: ${each.join('; ')}`];
  }
}

/** How such a line begins. */
export const HELD_BACK = 'clocks were held back';
const WORTH_TELLING = 0.01;
/** Clocks named in the line: more are for the timeline. */
const MOST = 4;
const show = (frequency: Hertz) => formatQuantity(frequency, 'frequency', 3);
