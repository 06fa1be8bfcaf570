/**
 * What the radio draws while requests are answered elsewhere.
 *
 * Model    active power while any exchange is under way, shared evenly by those that are; then the tail, in which it stays
 *          connected for a fixed time; straight from the battery, as phones are measured
 * Ignores  power by rate and signal strength within a link, paging while idle
 * Valid    connected states of LTE, 5G and Wi-Fi
 * Source   workloads/cloud/links.yaml
 * Checked  test/unit/engine/cloud.test.ts, test/unit/analysis/offload-engine.test.ts
 */
import type { Joules, Seconds, Watts } from '../../base/units.ts';
import type { Ledger } from '../ledger.ts';
import type { Link } from './links.ts';

export class Radio {
  /** Connected since the start, tails aside. */
  activeSeconds: Seconds = 0;
  joules: Joules = 0;
  private readonly ledger: Ledger;
  private readonly tailRow: number;
  private readonly users: number[] = [];
  private active: Watts = 0;
  private tail: Watts = 0;
  private tailEnd: Seconds = 0;
  private tailSeconds: Seconds = 0;
  private last: Seconds = 0;
  private untaken: Joules = 0;

  constructor(ledger: Ledger) {
    this.ledger = ledger;
    this.tailRow = ledger.row('platform', 'tail', 'Radio', 'radio');
  }

  /** Connected over another link from now on; without a signal it keeps looking at the power of its tail. */
  follow(link: Link | undefined, now: Seconds): void {
    this.pass(now);
    if (link) this.tail = link.tailPower.is;
    this.active = link ? link.activePower.is : this.tail;
    if (link) this.tailSeconds = link.tail.is;
  }

  /** @param row of the ledger that pays. */
  begin(row: number, now: Seconds): void {
    this.pass(now);
    this.users.push(row);
  }

  end(row: number, now: Seconds): void {
    this.pass(now);
    this.users.splice(this.users.indexOf(row), 1);
    if (this.users.length === 0) this.tailEnd = now + this.tailSeconds;
  }

  /** What its tail has still to draw, which a run that ends now leaves out. */
  get tailLeft(): Joules {
    return this.users.length > 0 ? 0 : this.tail * Math.max(0, this.tailEnd - this.last);
  }

  /** Joules since the last call. */
  takeJoules(now: Seconds): Joules {
    this.pass(now);
    const joules = this.untaken;
    this.untaken = 0;
    return joules;
  }

  private pass(now: Seconds): void {
    const dt = now - this.last;
    if (dt <= 0) return;
    const from = this.last;
    this.last = now;
    if (this.users.length === 0) {
      this.book(this.tailRow, this.tail * Math.max(0, Math.min(now, this.tailEnd) - from));
      return;
    }
    this.activeSeconds += dt;
    for (const row of this.users) this.book(row, (this.active * dt) / this.users.length);
  }

  private book(row: number, joules: Joules): void {
    this.ledger.joules[row]! += joules;
    this.joules += joules;
    this.untaken += joules;
  }
}
