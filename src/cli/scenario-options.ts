/** The options that describe a scenario, shared by every command that runs one. */
import { SpecError } from '../base/errors.ts';
import { quantity } from '../base/schema.ts';
import { parseSpecFile, requireMap, type SpecFile } from '../base/spec-file.ts';
import {
  FIDELITIES,
  SCENARIO_GOVERNORS,
  SCENARIO_THERMAL_GOVERNORS,
  scenarioSpec,
} from '../engine/scenario.ts';
import { readNamed, readUserFile, SCENARIOS } from '../load.ts';
import { policies } from '../runtime/policies/index.ts';
import type { Args, OptionSpec } from './command.ts';
import { onlyOne } from './parse.ts';

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
    choices: SCENARIO_GOVERNORS,
  },
  'thermal-governor': {
    type: 'string',
    summary: 'what holds heat back',
    choices: SCENARIO_THERMAL_GOVERNORS,
  },
  runtime: {
    type: 'string',
    summary: 'inference runtime, whose kernels reach a share of the hardware',
    value: 'NAME',
  },
  calibration: {
    type: 'string',
    summary:
      'measurements laid over the descriptions: auto (what is shipped for the SoC), none, or a bundle of `calibrate device`',
    value: 'FILE',
  },
  fidelity: {
    type: 'string',
    summary:
      'closed form without throttling, simulation with memory as shared flows, or with their rates from the DRAM command model',
    choices: FIDELITIES,
  },
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
  security: {
    type: 'string',
    summary: 'how data are protected, a name of `socsim list security`',
    value: 'NAME',
  },
  'on-fault': {
    type: 'string',
    summary: 'stop at the first access that must not be, or list it and go on without',
    choices: ['stop', 'record'],
  },
  repeat: {
    type: 'number',
    summary:
      'make the request this often, back to back; as often as fits without N beside --duration',
    value: 'N',
    bareWith: 'duration',
  },
  duration: {
    type: 'string',
    summary: 'sustained use: requests follow each other for so long, such as 30min',
    value: 'TIME',
  },
  pause: { type: 'string', summary: 'between the end of one request and the next', value: 'TIME' },
  seed: {
    type: 'number',
    summary: 'of everything that comes by chance, such as Poisson arrivals',
    value: 'N',
  },
  background: {
    type: 'array',
    formerly: 'traffic',
    summary: 'real-time traffic that memory serves first, such as camera="2.5 GB/s"',
    value: 'NAME=RATE',
  },
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
  calibration: 'calibration',
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
  const merged: Record<string, unknown> = { ...withoutRival(data, args), ...given };
  if (Object.keys(environment).length > 0) {
    merged['environment'] = { ...(data['environment'] as object | undefined), ...environment };
  }
  const security = securityOf(args, data['security'] ?? ownSecurity(data['workloads']));
  if (security) merged['security'] = security;
  const traffic = trafficOf(args);
  if (traffic) merged['background'] = { ...(data['background'] as object | undefined), ...traffic };
  const needed = merged['workloads'] === undefined ? ['soc', 'workload'] : ['soc'];
  const missing = needed.filter((key) => merged[key] === undefined);
  if (missing.length > 0 && base === undefined) {
    throw new SpecError(
      missing.map((key) => ({
        message: `--${key} is missing`,
        hint: `name one with --${key} NAME (socsim list ${key}s), or in a scenario file`,
      })),
    );
  }
  refuseIdle(args, merged);
  return {
    file: base?.file ?? 'command line',
    data: merged,
    faults: base?.faults ?? [],
    locate: (path) => {
      const option =
        path[0] === 'environment'
          ? ENVIRONMENT.find((name) => name === path[1] && args[name] !== undefined)
          : path[0] === 'background' && args['background'] !== undefined
            ? 'background'
            : path[0] === 'security' && path[1] === 'preset' && args['security'] !== undefined
              ? 'security'
              : Object.keys(KEYS).find(
                  (name) => KEYS[name] === path[0] && args[name] !== undefined,
                );
      return option !== undefined || !base ? { file: optionPlace(option) } : base.locate(path);
    },
  };
}

/** Where workloads alone are protected, what belongs to the run is said beside no preset. */
function ownSecurity(workloads: unknown): { preset: string } | undefined {
  const entries = Array.isArray(workloads) ? workloads : [];
  return entries.some((entry) => (entry as { security?: unknown } | null)?.security !== undefined)
    ? { preset: 'none' }
    : undefined;
}

/** A preset takes the place of the file's own, whose other choices stay. */
function securityOf(args: Args, written: unknown): Record<string, unknown> | undefined {
  const preset = args['security'];
  const onFault = args['on-fault'];
  if (preset === undefined && onFault === undefined) return undefined;
  if (preset === undefined && written === undefined) {
    throw new SpecError([
      {
        path: '--on-fault',
        message: 'has no effect where nothing is protected',
        hint: 'add --security NAME (socsim list security)',
      },
    ]);
  }
  return {
    ...(typeof written === 'string' ? { preset: written } : (written as object | undefined)),
    ...(preset !== undefined && { preset }),
    ...(onFault !== undefined && { onFault }),
  };
}

/** `camera=2.5 GB/s` → `{ camera: "2.5 GB/s" }`. */
function trafficOf(args: Args): Record<string, string> | undefined {
  const texts = args['background'] as readonly string[] | undefined;
  if (texts === undefined || texts.length === 0) return undefined;
  const seen = new Set<string>();
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=');
      const name = text.slice(0, Math.max(0, equals)).trim();
      if (seen.has(name))
        throw new SpecError([
          { file: `--background ${text}`, message: `"${name}" is given twice` },
        ]);
      seen.add(name);
      if (equals > 0) return [name, text.slice(equals + 1).trim()];
      throw new SpecError([
        { file: `--background ${text}`, message: 'expected NAME=RATE, such as camera="2.5 GB/s"' },
      ]);
    }),
  );
}

/** `--repeat` and `--duration` each say how long it goes on: one on the command line takes the place of the file's other. */
function withoutRival(data: Readonly<Record<string, unknown>>, args: Args) {
  const { repeat, duration, ...rest } = data;
  return {
    ...rest,
    ...(repeat !== undefined && args['duration'] === undefined ? { repeat } : {}),
    ...(duration !== undefined && args['repeat'] === undefined ? { duration } : {}),
  };
}

/** @throws SpecError for options that would change nothing. */
function refuseIdle(args: Args, merged: Readonly<Record<string, unknown>>): void {
  onlyOne(args, ['repeat', 'duration']);
  // What a --set or an axis makes of the scenario shows only later.
  const varied = [...overridesOf(args), ...((args['axis'] as readonly string[] | undefined) ?? [])];
  const fixed = (name: string) =>
    !varied.some((text) => new RegExp(`^(scenario\\.)?${name}\\s*=`).test(text));
  const faults = [];
  const once = merged['duration'] === undefined && (merged['repeat'] ?? 1) === 1;
  // What is no pause at all is refused for that, where the scenario is read.
  const isPause = quantity('time', { min: 0 }).safeParse(args['pause']).success;
  if (isPause && once && fixed('repeat') && fixed('duration')) {
    faults.push({
      path: '--pause',
      message: 'has no effect on a single request',
      hint: 'add --repeat N or --duration TIME',
    });
  }
  const { policy = 'single-unit' } = merged;
  if (args['decode-unit'] !== undefined && policy !== 'stage-wise' && fixed('policy')) {
    faults.push({
      path: '--decode-unit',
      message: `has no effect under the policy ${policy}`,
      hint: 'add --policy stage-wise',
    });
  }
  if (faults.length > 0) throw new SpecError(faults);
}

/** `--set` texts of a command line. */
export function overridesOf(args: Args): readonly string[] {
  return (args['set'] as readonly string[] | undefined) ?? [];
}

function optionPlace(option: string | undefined): string {
  return option === undefined ? 'command line' : `--${option}`;
}

function readScenario(path: string): SpecFile {
  const { file, text } = /[/\\]|\.ya?ml$/.test(path)
    ? readUserFile(path)
    : readNamed(SCENARIOS, path, '.yaml', 'scenario');
  const spec = parseSpecFile(text, file);
  requireMap(spec, 'scenario', Object.keys(scenarioSpec.shape));
  return spec;
}
