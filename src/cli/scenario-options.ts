/** The options that describe a scenario, shared by every command that runs one. */
import { SpecError } from '../base/errors.ts';
import { parseSpecFile, type SpecFile } from '../base/spec-file.ts';
import { FIDELITIES } from '../engine/scenario.ts';
import { readUserFile } from '../load.ts';
import { governors, thermalGovernors } from '../runtime/governors/index.ts';
import { policies } from '../runtime/policies/index.ts';
import type { Args, OptionSpec } from './command.ts';

export const scenarioOptions = {
  soc: { type: 'string', summary: 'SoC, a name of `socsim list socs` or a file', value: 'NAME' },
  workload: {
    type: 'string',
    summary: 'workload, a name of `socsim list workloads` or a file',
    value: 'NAME',
  },
  phone: {
    type: 'string',
    summary: "phone around the SoC (the SoC's own unless given)",
    value: 'NAME',
  },
  policy: { type: 'string', summary: 'who runs what', choices: Object.keys(policies) },
  unit: { type: 'string', summary: 'unit of the policy, such as npu, gpu, cpu', value: 'UNIT' },
  'decode-unit': {
    type: 'string',
    summary: 'unit of the decode stage under stage-wise',
    value: 'UNIT',
  },
  governor: {
    type: 'string',
    summary: 'frequency governor of every clock domain',
    choices: ['auto', ...Object.keys(governors)],
  },
  'thermal-governor': {
    type: 'string',
    summary: 'what holds heat back',
    choices: Object.keys(thermalGovernors),
  },
  runtime: {
    type: 'string',
    summary: 'inference runtime, whose kernels reach a share of the hardware',
    value: 'NAME',
  },
  fidelity: { type: 'string', summary: 'memory model', choices: FIDELITIES },
  ambient: { type: 'string', summary: 'air temperature, such as "35 °C"', value: 'TEMP' },
  start: { type: 'string', summary: 'temperature of every part at the start', value: 'TEMP' },
  case: { type: 'boolean', summary: 'in a protective case' },
  fan: {
    type: 'string',
    summary: 'fan that cools the back',
    choices: ['none', 'clip-on', 'built-in'],
  },
  placement: { type: 'string', summary: 'where it lies', choices: ['held', 'table', 'stand'] },
  brightness: { type: 'number', summary: 'of the screen, 0 to 1', value: 'SHARE' },
  charge: { type: 'number', summary: 'of the battery at the start, 0.01 to 1', value: 'SHARE' },
  charging: { type: 'string', summary: 'power of a charger, such as "18 W"', value: 'POWER' },
  repeat: { type: 'number', summary: 'make the request this often, back to back', value: 'N' },
  duration: {
    type: 'string',
    summary: 'sustained use: requests follow each other for so long, such as 30min',
    value: 'TIME',
  },
  pause: { type: 'string', summary: 'between the end of one request and the next', value: 'TIME' },
  seed: { type: 'number', summary: 'seed of every source of chance', value: 'N' },
  set: {
    type: 'array',
    summary:
      'change any number first: npu.clock=1.5GHz, memory.rate="9600 MT/s", workload.promptTokens=2048',
    value: 'PATH=VALUE',
  },
} as const satisfies Record<string, OptionSpec>;

/** Keys of a scenario file by the option that sets them. */
const KEYS: Readonly<Record<string, string>> = {
  soc: 'soc',
  workload: 'workload',
  phone: 'phone',
  policy: 'policy',
  unit: 'unit',
  'decode-unit': 'decodeUnit',
  governor: 'governor',
  'thermal-governor': 'thermalGovernor',
  runtime: 'runtime',
  fidelity: 'fidelity',
  repeat: 'repeat',
  duration: 'duration',
  pause: 'pause',
  seed: 'seed',
};

/** Options that set the key of that name under `environment`. */
const ENVIRONMENT = [
  'ambient',
  'start',
  'case',
  'fan',
  'placement',
  'brightness',
  'charge',
  'charging',
] as const;

/**
 * The scenario that a command line describes: a file, if one is named, with options laid over it.
 * @throws SpecError when soc or workload is said nowhere.
 */
export function scenarioOf(args: Args, file = args['scenario'] as string | undefined): SpecFile {
  const base = file === undefined ? undefined : readScenario(file);
  const given = Object.fromEntries(
    Object.entries(KEYS)
      .filter(([option]) => args[option] !== undefined)
      .map(([option, key]) => [key, args[option]]),
  );
  const environment = Object.fromEntries(
    ENVIRONMENT.filter((key) => args[key] !== undefined).map((key) => [key, args[key]]),
  );
  const data = base ? (base.data as Record<string, unknown>) : { version: 1 };
  const merged: Record<string, unknown> = { ...data, ...given };
  if (Object.keys(environment).length > 0) {
    merged['environment'] = { ...(data['environment'] as object | undefined), ...environment };
  }
  const missing = ['soc', 'workload'].filter((key) => merged[key] === undefined);
  if (missing.length > 0) {
    throw new SpecError(
      missing.map((key) => ({
        message: `--${key} is missing`,
        hint: `name one with --${key} NAME (socsim list ${key}s), or in a scenario file`,
      })),
    );
  }
  return {
    file: base?.file ?? 'command line',
    data: merged,
    faults: base?.faults ?? [],
    locate: (path) => {
      const option =
        path[0] === 'environment'
          ? ENVIRONMENT.find((name) => name === path[1] && args[name] !== undefined)
          : Object.keys(KEYS).find((name) => KEYS[name] === path[0] && args[name] !== undefined);
      return option !== undefined || !base ? { file: optionPlace(option) } : base.locate(path);
    },
  };
}

/** `--set` texts of a command line. */
export function overridesOf(args: Args): readonly string[] {
  return (args['set'] as readonly string[] | undefined) ?? [];
}

function optionPlace(option: string | undefined): string {
  return option === undefined ? 'command line' : `--${option}`;
}

function readScenario(path: string): SpecFile {
  const { file, text } = readUserFile(path);
  const spec = parseSpecFile(text, file);
  if (typeof spec.data === 'object' && spec.data !== null && !Array.isArray(spec.data)) return spec;
  throw new SpecError([
    {
      file,
      line: 1,
      column: 1,
      message: 'a scenario is a map of keys',
      expected: 'version, soc, workload, …',
    },
  ]);
}
