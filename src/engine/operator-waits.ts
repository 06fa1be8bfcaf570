/** What operators wait for before their launch: results of other units, and calls into drivers. */
import { type Graph, type Phase, workAt } from '../workload/graph.ts';
import type { Machine } from './machine.ts';

/** Where operators run, and whether graphs stay open there. */
interface Held {
  readonly unit: Int32Array;
  readonly held?: boolean;
}

export function transfers(
  graph: Graph,
  context: number,
  { unit, held }: Held,
  machine: Machine,
): Float64Array {
  return Float64Array.from(graph.operators, (operator, i) => {
    const foreign = operator.inputs.filter((input) => unit[input] !== unit[i]);
    const bytes = foreign.map(
      (input) => workAt(graph, graph.operators[input]!.work, context).outputBytes,
    );
    if (held)
      return heldTransferSeconds(
        machine,
        bytes.reduce((sum, part) => sum + part, 0),
      );
    return bytes.reduce((sum, part) => sum + machine.transferSeconds(part), 0);
  });
}

/** What a flag in shared memory takes to be seen by a unit that polls for it. */
const FLAG_SECONDS = 5e-6; // "a few microseconds": HeteroInfer (arXiv 2501.14794), fast synchronisation

/** Results from other units, between graphs that stay open: no events, one flag and the bytes. */
export function heldTransferSeconds(machine: Machine, bytes: number): number {
  if (bytes === 0) return 0;
  return FLAG_SECONDS + machine.transferSeconds(bytes) - machine.transferSeconds(0);
}

/**
 * A run begins where nothing, or something from another unit, goes before, and once per unit where graphs stay open;
 * a step begins when the host has handed out the last result.
 */
export function calls(phase: Phase, { unit, held }: Held, machine: Machine): Float64Array {
  const results = phase.outputsPerStep > 0 ? (machine.hostSeconds ?? 0) : 0;
  const host =
    results + (phase.hostBytes ?? 0) / (machine.hostCopyRate ?? Number.POSITIVE_INFINITY);
  return Float64Array.from(phase.graph.operators, ({ inputs }, i) => {
    const continues = held
      ? unit.indexOf(unit[i]!) < i
      : inputs.length > 0 && inputs.every((input) => unit[input] === unit[i]);
    return (continues ? 0 : machine.units[unit[i]!]!.callSeconds) + (i === 0 ? host : 0);
  });
}
