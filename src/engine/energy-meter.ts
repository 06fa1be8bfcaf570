/** Joules of a run in four views at once: by thermal node, by rail, by ledger row and in all; they sum to the same. */
import { clearColumn } from '../base/columns.ts';
import type { Joules } from '../base/units.ts';
import { type Ledger, PLATFORM } from './ledger.ts';

/** Where energy of one kind goes: indices of rail, node and ledger row, looked up once. */
export interface Drain {
  readonly rail: number;
  readonly node: number;
  readonly row: number;
}

export class EnergyMeter {
  private readonly ledger: Ledger;
  private readonly railNames: string[] = [];
  private readonly railJoules: number[] = [];
  /** By thermal node, since the last `clear`. */
  readonly nodeJoules: Float64Array;
  total: Joules = 0;

  constructor(ledger: Ledger, nodes: number) {
    this.ledger = ledger;
    this.nodeJoules = new Float64Array(nodes);
  }

  /** Index of the rail of that name, made when it is new. */
  rail(name: string): number {
    const known = this.railNames.indexOf(name);
    if (known >= 0) return known;
    this.railJoules.push(0);
    return this.railNames.push(name) - 1;
  }

  /** A drain of the device itself, with a ledger row of its own. */
  platformDrain(what: string, detail: string, rail: string, node: number): Drain {
    return { rail: this.rail(rail), node, row: this.ledger.row(PLATFORM, what, detail, rail) };
  }

  /** Energy that some ledger row already carries. */
  count(rail: number, node: number, joules: Joules): void {
    this.nodeJoules[node]! += joules;
    this.railJoules[rail]! += joules;
    this.total += joules;
  }

  /** Energy that goes to the ledger row of its drain. */
  drain({ rail, node, row }: Drain, joules: Joules): void {
    this.count(rail, node, joules);
    this.ledger.joules[row]! += joules;
  }

  clear(): void {
    clearColumn(this.nodeJoules);
  }

  byRail(): Record<string, Joules> {
    return Object.fromEntries(this.railNames.map((name, i) => [name, this.railJoules[i]!]));
  }
}
