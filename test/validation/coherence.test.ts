/** No silly figure: what must hold between settings of one SoC, and of any SoC, whatever numbers its description has. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InfeasibleError } from '../../src/base/errors.ts';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import type { Run } from '../../src/engine/run.ts';
import { simulate } from '../../src/engine/simulation.ts';
import { parseSoc } from '../../src/hardware/soc-spec.ts';
import { fileSources } from '../../src/load.ts';

const sources = fileSources();
/** Fits every phone, in eight bits as well. */
const MODEL = 'llama-3.2-1b-chat';
const SOCS = readdirSync(new URL('../../socs/', import.meta.url))
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => file.slice(0, -'.yaml'.length));
/** Fans and mains: boards and laptops may draw what no hand would hold. */
const NO_PHONE = /^(qcs|rk3588|snapdragon-(8cx|x))/;
const CASES = SOCS.flatMap((name) =>
  Object.keys(parseSoc(sources.soc(name)).units)
    .filter((unit) => ['cpu', 'gpu', 'npu'].includes(unit))
    .map((unit) => [name, unit] as const),
);

interface Options {
  readonly fidelity?: string;
  readonly duration?: string;
  readonly workload?: string;
  readonly set?: readonly string[];
}

/** Undefined where memory is too small. */
function runOf(soc: string, unit: string, options: Options = {}): Run | undefined {
  const { set = [], workload = MODEL, ...rest } = options;
  const keys = Object.entries(rest).map(([key, value]) => `${key}: ${value}\n`);
  const text = `version: 1\nsoc: ${soc}\nunit: ${unit}\nworkload: ${workload}\n${keys.join('')}`;
  try {
    const prepared = prepare(parseSpecFile(text, 'coherence'), set, sources);
    return simulate(buildSimulation(prepared, set, sources));
  } catch (error) {
    if (error instanceof InfeasibleError) return undefined;
    throw error;
  }
}

const value = (run: Run | undefined, name: string) => run?.metrics[name] ?? Number.NaN;
const decode = (run: Run | undefined) => value(run, 'decode_tokens_per_second');
const firstToken = (run: Run | undefined) => value(run, 'time_to_first_token_seconds');
/** What runs where its description says: an NPU without the format leaves its work to other units. */
const stays = (run: Run | undefined, unit: string) =>
  run?.phases.every(({ units }) => units.length === 1 && units[0] === unit) ?? false;
/** Rounding of tiles, and energy that heats a little more. */
const SLACK = 1.01;

describe.each(CASES)('%s, %s', (soc, unit) => {
  const closed = (...set: string[]) => runOf(soc, unit, { fidelity: 'analytic', set });
  const base = closed();
  const { memory } = prepare(
    parseSpecFile(`version: 1\nsoc: ${soc}\nworkload: ${MODEL}\n`, 'coherence'),
    [],
    sources,
  ).machine;

  it('moves no more than memory gives, and passes over its weights before the first token', () => {
    const weights = base!.memory.owners[`weights of ${MODEL}`]!;
    expect(base!.metrics['dram_utilisation_ratio']).toBeLessThan(1);
    // The tied table is read once, for the head: nine tenths of what is stored.
    expect(firstToken(base)).toBeGreaterThan((0.8 * weights) / memory.peak);
    expect(decode(base)).toBeLessThan(memory.peak / (0.8 * weights));
  });

  it('reads wider weights and longer contexts no faster', () => {
    const wide = closed('workload.weightFormat=int8');
    const long = closed('workload.promptTokens=2048');
    expect(decode(wide)).toBeLessThan(decode(base));
    expect(decode(long)).toBeLessThan(decode(base) * SLACK);
    expect(firstToken(long)).toBeGreaterThan(firstToken(base));
  });

  it('gains from faster memory, from more arrays, or stays as it was', () => {
    const quick = closed('memory.rate=12800 MT/s');
    expect(decode(quick) * SLACK).toBeGreaterThan(decode(base));
    expect(firstToken(quick)).toBeLessThan(firstToken(base) * SLACK);
    const spec = parseSoc(sources.soc(soc)).units[unit]!;
    if (!('matrix' in spec)) return;
    const twice = closed(`${unit}.matrix.engines=${2 * spec.matrix.engines.is}`);
    expect(firstToken(twice)).toBeLessThan(firstToken(base) * SLACK);
    expect(decode(twice) * SLACK).toBeGreaterThan(decode(base));
  });

  it('draws what it may', () => {
    const run = runOf(soc, unit);
    const watts = value(run, 'average_power_watts');
    expect(watts).toBeGreaterThan(1);
    // All cores of an 8 Elite draw 16.5 W at the board (Geekerwan), and the screen one more.
    expect(watts).toBeLessThan(NO_PHONE.test(soc) ? 60 : 17.5);
    expect(value(run, 'peak_power_watts')).toBeLessThan(NO_PHONE.test(soc) ? 70 : 25);
    expect(decode(run)).toBeLessThan(decode(base) * SLACK);
  });
});

describe.each(SOCS)('units of %s', (soc) => {
  it('an NPU that does all of the work takes less energy for a token than the CPU', () => {
    const [cpu, npu] = ['cpu', 'npu'].map((unit) => runOf(soc, unit, { fidelity: 'analytic' }));
    if (!stays(npu, 'npu')) return;
    const joules = [cpu, npu].map((run) => value(run, 'energy_per_token_joules'));
    expect(joules[1]!).toBeLessThan(0.9 * joules[0]!);
  });
});

/** One of each maker and two of the hottest: ten minutes take their time. */
const LONG = [
  'apple-a19-pro',
  'dimensity-9400',
  'exynos-2500',
  'snapdragon-8-elite',
  'snapdragon-8-elite-gen-5',
  'tensor-g5',
];
describe.each(CASES.filter(([soc]) => LONG.includes(soc)))('ten minutes of %s, %s', (soc, unit) => {
  it('end at a power that a hand can hold', () => {
    const run = runOf(soc, unit, { duration: '10min', workload: 'llama-3.2-3b-chat' });
    expect(value(run, 'average_power_watts')).toBeLessThan(10);
    // Severe is 44 to 45 °C; policies overshoot by a kelvin or two.
    expect(value(run, 'skin_temperature_celsius')).toBeLessThan(47);
  });
});
