#!/usr/bin/env node
/** The command line: finds the command, parses its options, prints errors as one block and sets the exit code. */
import { readFileSync } from 'node:fs';
import type { Argv } from 'yargs';
import { SpecError } from '../base/errors.ts';
import { nearestHint } from '../base/registry.ts';
import type { Command, OptionSpec } from './command.ts';
import { commands } from './commands.ts';
import { EXIT, endingOf } from './exit.ts';
import { checkArgs, usageOf } from './parse.ts';

const HELP_WIDTH = 100;

/** @returns the exit code. */
async function main(given: readonly string[]): Promise<number> {
  const words = given[0] === 'help' ? [...given.slice(1), '--help'] : given;
  const options = words.findIndex((word) => word.startsWith('-'));
  const leading = options === -1 ? words : words.slice(0, options);
  const name = [leading.slice(0, 2).join(' '), leading[0] ?? ''].find((candidate) =>
    Object.hasOwn(commands, candidate),
  );
  if (name !== undefined) {
    const command = await commands[name]?.load();
    return runCommand(command as Command, words.slice(name.split(' ').length));
  }
  const group = Object.keys(commands).filter((key) => key.startsWith(`${leading[0]} `));
  if (leading.length > 0 && (group.length === 0 || leading.length > 1)) {
    const typed = group.length > 0 ? leading.slice(0, 2).join(' ') : (leading[0] as string);
    const names = group.length > 0 ? group : Object.keys(commands);
    throw new SpecError([
      { message: `unknown command "${typed}"`, hint: nearestHint(typed, names) },
    ]);
  }
  if (words.includes('--version') || words.includes('-V')) console.log(version());
  else console.log(overview(group));
  const asked = ['--help', '-h', '--version', '-V'];
  const unknown = words.slice(leading.length).find((word) => !asked.includes(word));
  if (unknown !== undefined) {
    throw new SpecError([{ message: `unknown option ${unknown} before a command` }]);
  }
  return EXIT.done;
}

/** `--traffic x` as `--background x`, and so with `=`. */
function withPresentNames({ options }: Command, words: readonly string[]): string[] {
  const present = new Map(
    Object.entries(options).flatMap(([key, { formerly }]) => (formerly ? [[formerly, key]] : [])),
  );
  return words.map((word) =>
    word.replace(/^--([a-z-]+)/, (all, name: string) => {
      const key = present.get(name);
      return key === undefined ? all : `--${key}`;
    }),
  );
}

async function runCommand(command: Command, given: readonly string[]): Promise<number> {
  const words = withPresentNames(command, given);
  if (words.includes('--help') || words.includes('-h')) {
    console.log(await (await parserOf(command, words)).getHelp());
    return EXIT.done;
  }
  const raw = (await (await parserOf(command, words)).parseAsync()) as Record<string, unknown>;
  return (await command.run(checkArgs(command, raw))) ?? EXIT.done;
}

/** yargs does the splitting of words and the help text; what is wrong with the values is `checkArgs`'s to say. */
async function parserOf(command: Command, words: readonly string[]): Promise<Argv> {
  const { default: yargs } = await import('yargs');
  const parser = yargs([...words])
    .scriptName('socsim')
    .usage(`Usage: ${usageOf(command)}\n\n${sentence(command.summary)}`)
    .command(`$0 ${positionalsOf(command)}`.trim(), false, (y) => {
      for (const [key, { summary }] of Object.entries(command.positionals ?? {})) {
        y.positional(key, { type: 'string', describe: summary });
      }
    })
    .version(false)
    .help(true)
    .alias('help', 'h')
    .exitProcess(false)
    .fail(false)
    .wrap(HELP_WIDTH)
    .parserConfiguration({
      'camel-case-expansion': false,
      'dot-notation': false,
      // `--check a.onnx b.onnx`, where the second could be nothing else.
      'greedy-arrays': command.positionals === undefined,
      'parse-positional-numbers': false,
      'strip-aliased': true,
      'boolean-negation': false,
    });
  for (const [key, option] of Object.entries(command.options)) {
    parser.option(key, {
      type: option.type,
      describe: describeOption(option),
      requiresArg: option.type !== 'boolean' && option.bareWith === undefined,
      ...(option.alias === undefined ? {} : { alias: option.alias }),
      // Only told: an option that is given at its default is not the same as one that is not given.
      ...(option.default === undefined
        ? {}
        : { defaultDescription: JSON.stringify(option.default) }),
    });
  }
  for (const example of command.examples) parser.example(example, '');
  return parser;
}

/** `who runs what (single-unit|stage-wise|…)`: the names to choose from, or what the value stands for. */
function describeOption({ summary, value, choices }: OptionSpec): string {
  const stands = value?.includes('|') ? value : (choices?.join('|') ?? value);
  return stands === undefined ? summary : `${summary} (${stands})`;
}

/** All optional to yargs, so that a missing one is reported beside other faults. */
function positionalsOf({ positionals = {} }: Command): string {
  return Object.entries(positionals)
    .map(([key, { usage }]) => (usage.includes('..') ? `[${key}..]` : `[${key}]`))
    .join(' ');
}

/** Help of socsim as a whole, or of a group such as `probe`; written here, so that it need not wait for yargs. */
function overview(group: readonly string[]): string {
  const names = group.length > 0 ? group : Object.keys(commands);
  const width = Math.max(...names.map((name) => name.length));
  return [
    'Usage: socsim COMMAND [options]',
    '',
    'Predicts what a generative-AI workload does on a phone SoC before the chip exists.',
    '',
    'Commands:',
    ...names.map((name) => `  socsim ${name.padEnd(width)}  ${commands[name]?.summary}`),
    '',
    'Options:',
    '  -h, --help     show this help, or that of a command with an example',
    '  -V, --version  show the version number',
  ].join('\n');
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function sentence(summary: string): string {
  return `${summary.slice(0, 1).toUpperCase()}${summary.slice(1)}.`;
}

// `socsim list socs | head` closes the pipe early; that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.bug);
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const { code, text } = endingOf(yargsFault(error));
  if (text !== '') console.error(`socsim: ${text}`);
  process.exitCode = code;
}

/** What yargs throws at a command line is the user's to mend. */
function yargsFault(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'YError') return error;
  const option = /^Not enough arguments following: (\S+)$/.exec(error.message)?.[1];
  return new SpecError(option === undefined ? error.message : `--${option} needs a value`);
}
