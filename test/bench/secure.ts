/** What checking every access of a run costs the simulator: the same run with and without, in turns. */
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import { simulate } from '../../src/engine/simulation.ts';
import { fileSources } from '../../src/load.ts';
import type { BenchLine } from './line.ts';

const TURNS = 81;

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
  const plain = open('');
  const checked = open('security: { preset: fine }');
  for (let warm = 0; warm < 4; warm++) plain() + checked();
  const more = Array.from({ length: TURNS }, (_, turn) => {
    // Who goes second collects what the first has left behind: in a turn of four each side comes first once and last once.
    const [outer, inner] = turn % 2 === 0 ? [plain, checked] : [checked, plain];
    const outside = outer();
    const inside = inner() + inner();
    const ends = outside + outer();
    return 100 * (turn % 2 === 0 ? inside / ends - 1 : ends / inside - 1);
  }).sort((a, b) => a - b);
  const at = (share: number) => more[Math.floor(share * (TURNS - 1))]!.toFixed(1);
  return [
    {
      what: 'checks of every access',
      value: `${at(0.5)} %`,
      note: `more time than the same run without, ${checks} checks; median of ${TURNS} turns of four runs, half of them ${at(0.25)} … ${at(0.75)} %; aim below 5 %`,
    },
  ];
}
