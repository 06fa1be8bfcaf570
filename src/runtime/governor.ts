/** Contracts of the two controllers of a clock: what the load asks for, and what heat allows. */
import type { Celsius, Hertz, Seconds, Watts } from '../base/units.ts';

/** What a frequency governor may see of its domain. */
export interface DomainView {
  readonly name: string;
  /** Frequencies, slowest first. */
  readonly frequencies: readonly Hertz[];
  /** Index of the point in force. */
  readonly current: number;
  /** Share of the last period in which a unit of the domain had work, 0…1. */
  readonly busyShare: number;
  /** Seconds since the last call for this domain. */
  readonly period: Seconds;
}

/**
 * Picks the operating point of one clock domain.
 *
 * Called once per control period, after power has settled and before flows are re-rated.
 * Depends on `view` and its own fields only: no kernel, no clock, no randomness.
 * The thermal cap is applied afterwards, so asking for too much is allowed.
 */
export interface Governor {
  /** @returns an index into `view.frequencies`. */
  choose(view: DomainView): number;
}

/** One unit (or cluster) that a thermal governor may slow down. */
export interface CoolingDevice {
  readonly name: string;
  /** Power of each operating point at full load, slowest first. */
  readonly powers: readonly Watts[];
  /** Power it would draw now if nothing capped it. */
  readonly requested: Watts;
  /** Share of the last period with work, 0…1. */
  readonly busyShare: number;
  /** What it drew in the last period, as its power rail says; not known when absent. */
  readonly drawn?: Watts;
  /** Index of the point in force. */
  readonly current: number;
  /** Hottest node of the device itself; the view's junction stands in where it is absent. */
  readonly temperature?: Celsius;
  /** Parts that can be taken out one by one (CPU cores, shader cores, matrix engines); one when absent. */
  readonly cores?: number;
}

export interface ThermalView {
  /** Hottest junction and hottest skin point. */
  readonly junction: Celsius;
  readonly skin: Celsius;
  /** What a thermistor beside the SoC reads; the skin stands in where it is absent. */
  readonly board?: Celsius;
  readonly devices: readonly CoolingDevice[];
  /** What the rest of the phone drew in the last period, screen aside: memory, fabric, regulators, cell. */
  readonly others?: Watts;
  readonly period: Seconds;
}

/** The cap of one device, with the reason that the timeline shows. */
export interface Cap {
  /** Highest operating point allowed. */
  readonly point: number;
  readonly reason: string;
  /** Cores (or engines) allowed to run, and why not all; every one when absent. */
  readonly cores?: number;
  readonly coresReason?: string;
}

/** What heat allows main memory. */
export interface MemoryCap {
  /** Of its table of clocks (0 the slowest, 1 the fastest), by the clock domain at work. */
  readonly shares: Readonly<Record<string, number>>;
  readonly reason: string;
}

/**
 * Turns temperatures into one cap per device, in the order of `view.devices`.
 * Called once per control period; keeps its state (integrals, trends) in its own fields.
 */
export interface ThermalGovernor {
  /** What it steers skin and die to; what is absent it lets rise. */
  readonly holds?: { readonly skin?: Celsius | undefined; readonly junction?: Celsius | undefined };
  limit(view: ThermalView): readonly Cap[];
  /** Of main memory, by the last `limit`; none when absent. */
  readonly memory?: MemoryCap | undefined;
}
