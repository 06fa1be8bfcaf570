/**
 * A compiled request as a few counted works, so that a fit may time it thousands of times under changed kernels.
 *
 * Model    as src/engine/closed-form.ts, operators of one phase one after another, equal ones counted
 * Ignores  units that work side by side within a phase, weights that compiled graphs fetch ahead; rates are shared by splits of
 *          reads and writes within 0.2 %
 * Valid    phases on one unit
 * Source   src/engine/closed-form.ts
 * Checked  test/unit/calibration/device/lumped.test.ts (equals the closed form)
 */
import type { Work } from '../../base/work.ts';
import { soloRate, streamPort } from '../../engine/bandwidth.ts';
import type { CompiledRequest, PhaseTime } from '../../engine/closed-form.ts';
import type { Machine } from '../../engine/machine.ts';
import { workAt } from '../../workload/graph.ts';

interface CountedWork {
  readonly work: Work;
  readonly unit: number;
  readonly count: number;
  readonly hits: { readonly read: number; readonly write: number };
}

export interface LumpedPhase {
  readonly phase: string;
  readonly steps: number;
  readonly outputsPerStep: number;
  /** Operators that begin a run on their unit, by unit. */
  readonly calls: readonly number[];
  readonly transferSeconds: number;
  readonly works: readonly CountedWork[];
}

export interface TunedMachine {
  readonly machine: Machine;
  /** Cycles per second of every unit at its top clocks. */
  readonly speeds: readonly number[];
  readonly rates: Map<number, number>;
}

export function tunedMachine(machine: Machine): TunedMachine {
  const speeds = machine.units.map(({ unit, domains }) =>
    unit.speed(domains.map((d) => machine.domains[d]!.clock.points.at(-1)!.frequency)),
  );
  return { machine, speeds, rates: new Map() };
}

export function lump({ tables, plan }: CompiledRequest, machine: Machine): LumpedPhase[] {
  return plan.phases.map((phase, p) => {
    const table = tables[p]!;
    const { graph } = table.phase;
    const counts = new Map<number, number>();
    for (const cell of table.cell) counts.set(cell, (counts.get(cell) ?? 0) + 1);
    const calls = machine.units.map(
      (_, u) =>
        graph.operators.filter(
          ({ inputs }, i) =>
            table.unit[i] === u &&
            !(inputs.length > 0 && inputs.every((input) => table.unit[input] === u)),
        ).length,
    );
    return {
      phase: phase.name,
      steps: phase.steps,
      outputsPerStep: phase.outputsPerStep,
      calls,
      transferSeconds: table.transferSeconds.reduce((sum, seconds) => sum + seconds, 0),
      works: [...counts].map(([cell, count]) => ({
        work: workAt(graph, Math.floor(cell / table.unitCount), table.context),
        unit: cell % table.unitCount,
        count,
        hits: { read: table.readHits[cell]!, write: table.writeHits[cell]! },
      })),
    };
  });
}

export function lumpedTimes(phases: readonly LumpedPhase[], tuned: TunedMachine): PhaseTime[] {
  return phases.map((phase) => ({
    phase: phase.phase,
    steps: phase.steps,
    outputs: phase.steps * phase.outputsPerStep,
    seconds: phase.steps * stepSeconds(phase, tuned),
  }));
}

function stepSeconds(phase: LumpedPhase, tuned: TunedMachine): number {
  const { machine, speeds } = tuned;
  const host = phase.outputsPerStep > 0 ? (machine.hostSeconds ?? 0) : 0;
  const calls = phase.calls.reduce((sum, n, u) => sum + n * machine.units[u]!.callSeconds, 0);
  let seconds = host + calls + phase.transferSeconds;
  for (const { work, unit, count, hits } of phase.works) {
    const cost = machine.units[unit]!.unit.estimate(work);
    const bytes = cost.readBytes + cost.writeBytes;
    const stream = bytes > 0 ? bytes / rateOf(tuned, unit, cost, hits) : 0;
    seconds += count * (cost.launchSeconds + Math.max(cost.cycles / speeds[unit]!, stream));
  }
  return seconds;
}

/** Steps of a share that are told apart. */
const GRAIN = 512;

function rateOf(
  { machine, rates }: TunedMachine,
  unit: number,
  cost: { readonly readBytes: number; readonly writeBytes: number },
  hits: CountedWork['hits'],
): number {
  const bytes = cost.readBytes + cost.writeBytes;
  const grain = (part: number) => Math.round((GRAIN * part) / bytes);
  const [reads, readHits, writeHits] = [
    grain(cost.readBytes),
    grain(hits.read),
    grain(hits.write),
  ] as const;
  const key = ((unit * (GRAIN + 1) + reads) * (GRAIN + 1) + readHits) * (GRAIN + 1) + writeHits;
  const known = rates.get(key);
  if (known !== undefined) return known;
  const rate = soloRate(machine, streamPort(machine.units[unit]!), cost, hits);
  rates.set(key, rate);
  return rate;
}
