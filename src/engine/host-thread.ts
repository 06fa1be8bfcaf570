/**
 * The thread on the CPU that feeds another unit and waits for it.
 *
 * Model    a share of one core at its top clock, more where the clock is lower, drawing what a core draws that waits;
 *          in phases that also have operators on the CPU all its threads wait so, and keep its clocks up
 * Ignores  moves between clusters; that a slower core also feeds the unit more slowly; that threads sleep after a
 *          long wait (ggml: 6.5 million looks by default, more than 10 ms; between operators of a step pass 1 to 6)
 * Valid    runtimes whose class says how their thread waits (`hostThread`)
 * Source   power of a Galaxy S23 and a Pixel 7 while their GPUs decode (test/validation/data/phones/energy.csv);
 *          threads that poll between graphs: ggml-cpu.c of llama.cpp (threadpool, poll 50 by default)
 * Checked  test/unit/engine/host-thread.test.ts, test/validation/energy.test.ts
 */
import type { Watts } from '../base/units.ts';
import type { OperatingPoint } from '../hardware/clock-domain.ts';
import { threadWatts } from '../hardware/power.ts';
import type { Machine, MachineUnit } from './machine.ts';

type Host = NonNullable<MachineUnit['host']>;

/** Share of its core that the thread keeps busy while its unit has work: the same work takes longer on a slower core. */
export function awakeShare(
  { domains }: Machine,
  { domain, share }: Host,
  { frequency }: OperatingPoint,
): number {
  const top = domains[domain]!.clock.points.at(-1)!.frequency;
  return Math.min((share * top) / frequency, 1);
}

/** What the thread of unit `u` draws while the unit has work; leakage is the cluster's. */
export function hostWatts(machine: Machine, u: number, points: readonly OperatingPoint[]): Watts {
  const { host } = machine.units[u]!;
  if (!host) return 0;
  const { power, cores = 1 } = machine.domains[host.domain]!;
  const point = points[host.domain]!;
  return threadWatts(power, point, awakeShare(machine, host, point), cores);
}
