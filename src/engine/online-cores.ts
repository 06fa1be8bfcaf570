/**
 * Which cores of every clock domain work: those that have a thread, of what hotplug leaves of CPU cores, shader cores
 * and matrix engines.
 *
 * Model    work spreads evenly over the cores that are on and have a thread, so speed and switching power go with their
 *          share; every other core is asleep with its power switch open. Cores that no thread uses go first
 * Ignores  the time and traffic of moving threads (about a millisecond per event), local memory lost with an engine
 * Valid    kernels that split over any number of cores
 * Source   Linux cpu hotplug and pause cooling devices; at least one core of a unit stays, as the kernel keeps one CPU
 * Checked  test/unit/engine/online-cores.test.ts
 */
import type { Cap } from '../runtime/governor.ts';
import type { Machine, MachineDomain } from './machine.ts';

export class OnlineCores {
  /** By domain: cores that work as a share of those that have a thread, and of all. */
  readonly speedShare: Float64Array;
  readonly powerShare: Float64Array;
  private readonly machine: Machine;
  private readonly online: Int32Array;
  private readonly next: Int32Array;

  constructor(machine: Machine) {
    this.machine = machine;
    this.online = Int32Array.from(machine.domains, allOf);
    this.next = this.online.slice();
    this.speedShare = new Float64Array(machine.domains.length).fill(1);
    this.powerShare = Float64Array.from(machine.domains, workingShare);
  }

  /** Obeys the caps; `changed` hears of every domain whose cores are others now. @returns whether any is. */
  apply(
    caps: readonly Cap[],
    changed: (domain: number, cores: number, all: number) => void,
  ): boolean {
    const { domains } = this.machine;
    for (let d = 0; d < domains.length; d++) {
      const all = allOf(domains[d]!);
      this.next[d] = Math.min(caps[d]!.cores ?? all, all);
    }
    this.keepOne();
    let any = false;
    for (let d = 0; d < domains.length; d++) {
      if (this.next[d] === this.online[d]) continue;
      any = true;
      this.set(d, this.next[d]!);
      changed(d, this.online[d]!, allOf(domains[d]!));
    }
    return any;
  }

  /** A unit without a single core could never end its work: one stays, of the slowest of its domains. */
  private keepOne(): void {
    const { units } = this.machine;
    for (let u = 0; u < units.length; u++) {
      const own = units[u]!.domains;
      let left = 0;
      for (let i = 0; i < own.length; i++) left += this.next[own[i]!]!;
      if (left === 0 && own.length > 0) this.next[own.at(-1)!] = 1;
    }
  }

  private set(d: number, cores: number): void {
    const { cores: all = 1, coresUsed = all } = this.machine.domains[d]!;
    const working = Math.min(cores, coresUsed);
    this.online[d] = cores;
    this.powerShare[d] = working / all;
    this.speedShare[d] = coresUsed > 0 ? working / coresUsed : 1;
  }
}

function allOf({ cores = 1 }: MachineDomain): number {
  return cores;
}

/** Of the cores of a domain, how many have a thread while its unit works and nothing is taken out. */
export function workingShare({ cores = 1, coresUsed = cores }: MachineDomain): number {
  return coresUsed / cores;
}
