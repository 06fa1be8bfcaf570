/** What checking every access of a run costs the simulator: the same run with and without, in turns. */
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import { simulate } from '../../src/engine/simulation.ts';
import { fileSources } from '../../src/load.ts';
import type { BenchLine } from './line.ts';

/** Every order of three sides, so that what one leaves behind for the next falls on all alike. */
const ORDERS = [
  [0, 1, 2],
  [1, 2, 0],
  [2, 0, 1],
  [0, 2, 1],
  [1, 0, 2],
  [2, 1, 0],
] as const;
const ROUNDS = 20 * ORDERS.length;

export function benchSecure(): BenchLine[] {
  const sources = fileSources();
  let checks = 0;
  // The preset costs next to nothing in the memory path, so both runs do the same work but for the checks. Reading and
  // preparing a scenario is left out: it would make their share look smaller.
  const open = (security: string) => {
    const text = `version: 1\nsoc: dimensity-9300\nworkload: llama-2-7b-chat\n${security}`;
    const scenario = parseSpecFile(text, 'bench');
    return (): number => {
      const simulation = buildSimulation(prepare(scenario, [], sources), [], sources);
      const start = process.cpuUsage();
      const { audit } = simulate(simulation);
      const { user, system } = process.cpuUsage(start);
      checks = audit?.checks ?? checks;
      // Of the processor: other work on the machine counts less than by the clock on the wall.
      return user + system;
    };
  };
  // The run without is measured as two sides: what they differ by is what the machine makes of nothing.
  const sides = [open(''), open(''), open('security: { preset: fine }')];
  for (let warm = 0; warm < 4; warm++) for (const run of sides) run();
  const times: number[][] = sides.map(() => []);
  for (let round = 0; round < ROUNDS; round++)
    for (const side of ORDERS[round % ORDERS.length]!) times[side]!.push(sides[side]!());
  // The lower quartile: collections and other work on the machine only ever add.
  const [plain, again, checked] = times.map(
    (all) => all.sort((x, y) => x - y)[Math.floor(all.length / 4)]!,
  ) as [number, number, number];
  const more = 100 * (checked / ((plain + again) / 2) - 1);
  const noise = 100 * Math.abs(again / plain - 1);
  return [
    {
      what: 'checks of every access',
      value: `${more.toFixed(1)} %`,
      note: `more time than the same run without, ${checks} checks; lower quartiles of ${ROUNDS} runs each, two such without differ by ${noise.toFixed(1)} %; aim below 5 %`,
    },
  ];
}
