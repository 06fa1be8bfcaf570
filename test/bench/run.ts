/** One run of 512 prompt and 256 generated tokens of Llama-2-7B, operator by operator, with the thermal loop. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import { simulate } from '../../src/engine/simulation.ts';
import { fileSources } from '../../src/load.ts';
import { type BenchLine, medianSeconds } from './line.ts';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const chat = ['--soc', 'dimensity-9300', '--workload', 'llama-2-7b-chat'];

export function benchRun(): BenchLine[] {
  const sources = fileSources();
  const scenario = parseSpecFile(
    'version: 1\nsoc: dimensity-9300\nworkload: llama-2-7b-chat',
    'bench',
  );
  let events = 0;
  const build = () => buildSimulation(prepare(scenario, [], sources), [], sources);
  const closed = prepare(scenario, ['scenario.fidelity=analytic'], sources);
  const form = medianSeconds(() => void simulate(buildSimulation(closed, [], sources)), 9);
  const prepared = medianSeconds(() => void build(), 9);
  const whole = medianSeconds(() => {
    events = simulate(build()).eventCount;
  }, 9);
  return [
    {
      what: 'one chat run, in process, warm',
      value: `${(whole * 1e3).toFixed(0)} ms`,
      note: `${events} events; of it ${(prepared * 1e3).toFixed(0)} ms to check and build the descriptions; aim below 100 ms`,
    },
    {
      what: 'the same in closed form',
      value: `${(form * 1e3).toFixed(1)} ms`,
      note: `descriptions checked before; ${((whole - prepared) / form).toFixed(0)} times as fast as the run alone`,
    },
    {
      what: 'socsim run, whole process',
      value: `${processSeconds([cli, 'run', ...chat]).toFixed(2)} s`,
      note: 'start of Node included',
    },
    {
      what: 'socsim --help',
      value: `${processSeconds([cli, '--help']).toFixed(2)} s`,
      note: `node alone ${processSeconds(['-e', '0']).toFixed(2)} s; aim below 0.3 s`,
    },
    fourModels(),
    memoryLine(),
  ];
}

const MINUTES = 10;

/** Assistant, dictation, images and photo search on two units for ten simulated minutes. */
function fourModels(): BenchLine {
  const sources = fileSources();
  const scenario = parseSpecFile(
    `version: 1
soc: dimensity-9300
duration: ${MINUTES} min
workloads:
  - { name: assistant, workload: llama-3.2-3b-chat, arrival: { pause: 20 s }, priority: 3 }
  - { name: dictation, workload: whisper-small-dictation, arrival: { poisson: 30 s }, priority: 1, unit: gpu }
  - { name: images, workload: bk-sdm-tiny-512, arrival: { pause: 60 s }, priority: 4, unit: gpu }
  - { name: search, workload: clip-photo-search, set: ["images=1"], arrival: { every: 1 s }, deadline: 500 ms, priority: 0 }
`,
    'bench',
  );
  const build = () => buildSimulation(prepare(scenario, [], sources), [], sources);
  const seconds = medianSeconds(() => void simulate(build()), 3);
  return {
    what: 'four models at once, ten simulated minutes',
    value: `${seconds.toFixed(2)} s`,
    note: `${((60 * MINUTES) / seconds).toFixed(0)} times real time on one core; aim above 100`,
  };
}

function processSeconds(args: readonly string[]): number {
  return medianSeconds(() => void spawnSync(process.execPath, args, { stdio: 'ignore' }), 5);
}

/** Peak resident memory of a run over that of Node doing nothing. */
function memoryLine(): BenchLine {
  const report =
    "process.on('exit',()=>process.stderr.write(String(process.resourceUsage().maxRSS)))";
  const peak = (args: readonly string[]) => {
    const { stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(report)}`, ...args],
      { encoding: 'utf8' },
    );
    return Number(/(\d+)$/.exec(stderr)?.[1]) / 1024;
  };
  const run = peak([cli, 'run', ...chat]);
  const bare = peak(['-e', '0']);
  return {
    what: 'memory of that run',
    value: `${(run - bare).toFixed(0)} MiB`,
    note: `beyond Node's own ${bare.toFixed(0)} MiB; aim below 200 MB`,
  };
}
