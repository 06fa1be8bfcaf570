/** Heat that no cap could stop: the end of a run, with the blocks and what would help. */
import { InfeasibleError } from '../base/errors.ts';
import type { Celsius, Seconds } from '../base/units.ts';
import type { Machine } from './machine.ts';

/** Above this no phone SoC goes on: resets sit at 115–125 °C (device trees), and leakage feeds itself. */
export const SHUTDOWN: Celsius = 150;

/** A power beyond all numbers leaves no temperature; it is no cold one. */
function shown(celsius: Celsius): Celsius {
  return Number.isNaN(celsius) ? Number.POSITIVE_INFINITY : Math.round(celsius);
}

export function runaway(machine: Machine, junction: Celsius, now: Seconds): InfeasibleError {
  return new InfeasibleError(
    `thermal runaway: a die block passed ${SHUTDOWN} °C at ${now.toFixed(2)} s and nothing that held its clock was enough`,
    {
      demand: shown(junction),
      bound: SHUTDOWN,
      unit: '°C',
      most: SHUTDOWN,
      breakdown: Object.fromEntries(
        machine.junctionNodes.map((node) => [
          machine.thermal.nodes[node]!,
          shown(machine.thermal.temperatures[node]!),
        ]),
      ),
      levers: [
        'a thermal governor with a junction trip (thermalGovernor: skin-pid)',
        'lower clocks or voltages of the hottest block',
        'less leakage, or more area for the block',
      ],
    },
  );
}
