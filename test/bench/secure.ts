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

/** Milliseconds by the clock: processor time would add what the collector and the compiler do beside the run. */
interface Taken {
  readonly whole: number;
  readonly simulation: number;
}

export function benchSecure(): BenchLine[] {
  const sources = fileSources();
  let checks = 0;
  // The preset costs next to nothing in the memory path, so both runs do the same work but for the checks.
  const open = (security: string) => {
    const text = `version: 1\nsoc: dimensity-9300\nworkload: llama-2-7b-chat\n${security}`;
    const scenario = parseSpecFile(text, 'bench');
    return (): Taken => {
      const start = performance.now();
      const simulation = buildSimulation(prepare(scenario, [], sources), [], sources);
      const ready = performance.now();
      const { audit } = simulate(simulation);
      checks = audit?.checks ?? checks;
      return { whole: performance.now() - start, simulation: performance.now() - ready };
    };
  };
  // The run without is measured as two sides: what they differ by is what the machine makes of nothing.
  const sides = [open(''), open(''), open('security: { preset: fine }')];
  for (let warm = 0; warm < 4; warm++) for (const run of sides) run();
  const times: Taken[][] = sides.map(() => []);
  for (let round = 0; round < ROUNDS; round++)
    for (const side of ORDERS[round % ORDERS.length]!) times[side]!.push(sides[side]!());
  const alone = compared(times, ({ simulation }) => simulation);
  const whole = compared(times, (taken) => taken.whole);
  const how = `medians of ${ROUNDS} runs each, two such without differ by`;
  return [
    {
      what: 'checks of every access',
      value: `${whole.more.toFixed(1)} %`,
      note: `more time than the same run without, ${checks} checks; ${how} ${whole.noise.toFixed(1)} %; aim below 5 %`,
    },
    {
      what: 'the same in the simulation alone',
      value: `${alone.more.toFixed(1)} %`,
      note: `without checking and building the descriptions; ${how} ${alone.noise.toFixed(1)} %`,
    },
  ];
}

/** By how many per cent the third side takes more than the first two, and by how many those differ. */
function compared(times: readonly Taken[][], of: (taken: Taken) => number) {
  const [plain, again, checked] = times.map(
    (all) => all.map(of).sort((x, y) => x - y)[all.length >> 1]!,
  ) as [number, number, number];
  const more = 100 * (checked / ((plain + again) / 2) - 1);
  return { more, noise: 100 * Math.abs(again / plain - 1) };
}
