/** Checks parsed arguments against a command's options: unknown, repeated, missing, misshapen and idle ones in one go. */
import { type Fault, SpecError } from '../base/errors.ts';
import { nearestHint } from '../base/registry.ts';
import type { Args, Command, OptionSpec } from './command.ts';

/** Options that every command has. */
const COMMON = ['help', 'h', 'version'];

/**
 * @param raw what the argument parser found: options by name, words that belong to nothing under `_`.
 * @throws SpecError with everything that is wrong with the command line.
 */
export function checkArgs(command: Command, raw: Readonly<Record<string, unknown>>): Args {
  const positionals = command.positionals ?? {};
  const known = [
    ...Object.keys(command.options),
    ...Object.values(command.options).flatMap(({ alias }) => alias ?? []),
    ...Object.keys(positionals),
  ];
  const unknown = Object.keys(raw)
    .filter((key) => !['_', '$0', '--', ...COMMON, ...known].includes(key))
    .map((key) => ({
      message: `unknown option ${dashed(key)}`,
      hint: nearestOption(key, Object.keys(command.options)),
    }));
  const stray = (raw['_'] as readonly unknown[] | undefined) ?? [];
  const faults: Fault[] = [
    ...unknown,
    ...stray.map((word) => ({
      message: `unexpected "${word}"`,
      hint: `usage: ${usageOf(command)}`,
    })),
    ...Object.entries(positionals).flatMap(([key, { usage }]) =>
      usage.startsWith('[') || isGiven(raw[key])
        ? []
        : [{ message: `${usage} is missing`, hint: `usage: ${usageOf(command)}` }],
    ),
    ...Object.entries(command.options).flatMap(([key, option]) =>
      option.bareWith !== undefined && isBare(key, raw)
        ? bareFaults(key, option.bareWith, raw)
        : [...optionFaults(key, option, raw[key]), ...idleFaults(key, option, raw)],
    ),
  ];
  if (faults.length > 0) throw new SpecError(faults);
  const said = Object.entries(raw).filter(([key]) => known.includes(key) && !isBare(key, raw));
  return { ...defaultsOf(command), ...Object.fromEntries(said) };
}

function defaultsOf({ options }: Command): Args {
  const entries = Object.entries(options).map(([key, option]) => [key, option.default] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** A count of at least one. @throws SpecError for anything else. */
export function wholeOption(args: Args, name: string): number | undefined {
  const value = args[name] as number | undefined;
  if (value === undefined || (Number.isInteger(value) && value > 0)) return value;
  throw new SpecError([
    { message: `${dashed(name)} must be a whole number above zero`, got: String(value) },
  ]);
}

/** @throws SpecError where more than one of the options is given. */
export function onlyOne(args: Args, names: readonly string[]): void {
  const given = names.filter((name) => args[name] !== undefined && args[name] !== false);
  if (given.length < 2) return;
  throw new SpecError([{ message: `${given.map(dashed).join(' and ')} exclude each other` }]);
}

/** @throws SpecError where `name` is given without `other`, on which alone it has an effect. */
export function needs(args: Args, name: string, other: string): void {
  if (args[name] === undefined || args[name] === false || args[other] !== undefined) return;
  throw new SpecError([{ message: `${dashed(name)} has no effect without ${dashed(other)}` }]);
}

/** The options, all of which but some have no effect beside another one. */
export function idleBeside(
  by: string,
  options: Command['options'],
  but: readonly string[] = [],
): Command['options'] {
  const entries = Object.entries(options).map(([name, option]): [string, OptionSpec] => {
    if (but.includes(name)) return [name, option];
    return [name, { ...option, idleWith: [...(option.idleWith ?? []), by] }];
  });
  return Object.fromEntries(entries);
}

/** `socsim show NAME [options]`. */
export function usageOf({ name, positionals = {} }: Command): string {
  const words = Object.values(positionals).map(({ usage }) => usage);
  return ['socsim', name, ...words, '[options]'].join(' ');
}

function optionFaults(key: string, option: OptionSpec, value: unknown): Fault[] {
  const fault = (message: string, more: Partial<Fault> = {}) => [{ message, ...more }];
  if (!isGiven(value)) return option.required ? fault(`${dashed(key)} is missing`) : [];
  if (Array.isArray(value) && option.type !== 'array') {
    return fault(`${dashed(key)} is given ${value.length} times`);
  }
  if (option.type === 'number' && Number.isNaN(value)) {
    return fault(`${dashed(key)} must be a number`);
  }
  const values: unknown[] = Array.isArray(value) ? value : [value];
  if (option.type !== 'boolean' && values.some((item) => item === '')) {
    return fault(`${dashed(key)} needs a value`);
  }
  const { choices } = option;
  if (!choices) return [];
  return values
    .filter((item) => !choices.includes(String(item)))
    .map((item) => ({
      message: `${dashed(key)}: unknown value "${item}"`,
      hint: nearestHint(String(item), choices),
    }));
}

function idleFaults(
  key: string,
  { idleWith = [] }: OptionSpec,
  raw: Readonly<Record<string, unknown>>,
): Fault[] {
  const asked = (by: string) => {
    const [name, value] = by.split('=') as [string, string?];
    const given = raw[name];
    return isGiven(given) && given !== false && (value === undefined || given === value);
  };
  if (!asked(key)) return [];
  return idleWith.filter(asked).map((by) => ({
    message: `${dashed(key)} has no effect with ${dashed(by.replace('=', ' '))}`,
  }));
}

function nearestOption(key: string, names: readonly string[]): string {
  return nearestHint(
    dashed(key),
    [...names, 'help'].map((name) => dashed(name)),
  );
}

function dashed(key: string): string {
  return key.length === 1 ? `-${key}` : `--${key}`;
}

/** Named without a value, where the parser lets that through. */
function isBare(key: string, raw: Readonly<Record<string, unknown>>): boolean {
  return key in raw && raw[key] === undefined;
}

function bareFaults(key: string, beside: string, raw: Readonly<Record<string, unknown>>): Fault[] {
  if (isGiven(raw[beside])) return [];
  return [{ message: `${dashed(key)} needs a value`, hint: `or ${dashed(beside)} beside it` }];
}

function isGiven(value: unknown): boolean {
  return value !== undefined && !(Array.isArray(value) && value.length === 0);
}
