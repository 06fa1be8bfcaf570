import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sourcedEntries } from '../../src/base/provenance.ts';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { readBundled } from '../../src/load.ts';
import { builtCli, socsim, socsimProcess } from '../support/cli.ts';
import { wholeSocText } from '../support/whole-soc.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'socsim-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
const soc = wholeSocText;
const lineOf = (start: string) => soc.split('\n').findIndex((line) => line.startsWith(start)) + 1;

describe('socsim', () => {
  it('shows its commands, alone and with --help', async () => {
    for (const args of [[], ['--help']]) {
      const { code, stdout } = await socsim(args);
      expect(code).toBe(0);
      expect(stdout).toContain('socsim validate');
    }
  });

  it('loads neither a command nor a slow package for --help', async () => {
    // Wall time of a busy machine says little; what is loaded decides it.
    const trace =
      "import { register } from 'node:module'; register('data:text/javascript,' + encodeURIComponent(`export async function load(url, context, next) { console.error(url); return next(url, context); }`));";
    const { stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(trace)}`, builtCli, '--help'],
      { encoding: 'utf8' },
    );
    const loaded = stderr.split('\n').filter((url) => url.startsWith('file:'));
    expect(loaded.some((url) => url.endsWith('/dist/cli/commands.js'))).toBe(true);
    expect(loaded.filter((url) => /yargs|yaml|zod|mathjs|cli-table3|onnx/.test(url))).toEqual([]);
    expect(loaded.length).toBeLessThan(20);
  });

  it('tells its version', () => {
    const { version } = JSON.parse(readBundled('package.json').text) as { version: string };
    expect(socsimProcess(['--version']).stdout.trim()).toBe(version);
  });

  it('names the nearest command and ends with 2', () => {
    expect(socsimProcess(['lisst'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'socsim: unknown command "lisst"; did you mean "list"?\n',
    });
  });

  it('names the nearest option, and every fault of a command line at once', async () => {
    const { code, stderr } = await socsim(['show', '--onyl', 'npu', '--json']);
    expect(code).toBe(2);
    expect(stderr).toContain('2 faults');
    expect(stderr).toContain('unknown option --onyl; did you mean "--only"?');
    expect(stderr).toContain('NAME is missing; usage: socsim show NAME [options]');
    expect(stderr).not.toContain('at ');
  });

  it.each([
    [['show', 'heft', '--only'], '--only needs a value'],
    [['validate', '--schema', 'sco'], '--schema: unknown value "sco"; did you mean "soc"?'],
    [['--verbose'], 'unknown option --verbose'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await socsim(args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('shows the commands of a group, and the nearest of them', async () => {
    const { code, stdout } = await socsim(['probe']);
    expect(code).toBe(0);
    expect(stdout).toContain('socsim probe thermal');
    expect(stdout).not.toContain('socsim validate');
    expect(await socsim(['probe', 'therml'])).toMatchObject({
      code: 2,
      stderr: 'socsim: unknown command "probe therml"; did you mean "probe thermal"?\n',
    });
  });

  it('shows the help of a command with an example', async () => {
    const { code, stdout } = await socsim(['help', 'show']);
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: socsim show NAME');
    expect(stdout).toContain('socsim show dimensity-9300');
  });
});

describe('socsim list', () => {
  it('lists what there is of every kind', async () => {
    const { code, stdout } = await socsim(['list', '--json']);
    expect(code).toBe(0);
    const kinds = JSON.parse(stdout) as { kind: string; count: number; names: string[] }[];
    expect(kinds.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['socs', 'phones', 'workloads', 'policies', 'governors', 'metrics']),
    );
    for (const { count, names } of kinds) expect(count).toBe(names.length);
  });

  it('shows a table with a line for each', async () => {
    const { code, stdout } = await socsim(['list', 'socs']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^name +numbers +estimated +summary\n─+/);
    expect(stdout).toMatch(/^dimensity-9300 +\d+ +\d+ {2}Dimensity 9300/m);
  });

  it('names the nearest kind', async () => {
    expect(await socsim(['list', 'sox'])).toMatchObject({
      code: 2,
      stderr: 'socsim: unknown kind "sox"; did you mean "socs"?\n',
    });
  });
});

describe('socsim show', () => {
  it('gives source and trust of every number of a SoC', async () => {
    const { stdout } = await socsim(['show', 'dimensity-9300', '--json']);
    const shown = JSON.parse(stdout) as {
      values: { path: string; value: unknown; trust?: string; from?: string }[];
      references: Record<string, unknown>;
      trust: Record<string, number>;
    };
    const entries = sourcedEntries(parseSpecFile(soc, 'soc.yaml').data);
    const paths = shown.values.map(({ path }) => path);
    for (const { path } of entries) {
      const name = path.join('.');
      expect(paths.some((given) => given === name || given.startsWith(`${name}.`))).toBe(true);
    }
    const numbers = shown.values.filter(({ value }) => /^-?[\d.]+( |$)/.test(String(value)));
    for (const { path, trust, from } of numbers.filter((row) => row.path !== 'version')) {
      expect(trust, path).toBeDefined();
      expect(Object.keys(shown.references), path).toContain(from);
    }
    expect(Object.values(shown.trust).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
  });

  it('prints value, trust, source and note in a table, and the sources below', async () => {
    const { stdout } = await socsim(['show', 'dimensity-9300', '--only', 'memory.rate']);
    expect(stdout).toMatch(/^memory\.rate +9600 MT\/s +datasheet +computerbase$/m);
    expect(stdout).toMatch(/^memory\.rates +1600 … 9600 MT\/s \(8 points\) +estimated/m);
    expect(stdout).toContain('computerbase: ComputerBase');
    expect(stdout).toMatch(/Trust: \d+ % datasheet/);
  });

  it.each([
    ['decode_tokens_per_second', 'metric'],
    ['llama-2-7b-chat', 'workload'],
  ])('knows %s as a %s', async (name, kind) => {
    const { code, stdout } = await socsim(['show', name]);
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toContain(kind);
  });

  it('names the nearest entry of any kind', async () => {
    expect(await socsim(['show', 'dimensity-9030'])).toMatchObject({
      code: 2,
      stderr: 'socsim: nothing is called "dimensity-9030"; did you mean "dimensity-9300"?\n',
    });
  });
});

describe('socsim run on bad input', () => {
  const scenario = ['run', '--soc', 'dimensity-9300', '--workload', 'llama-2-7b-chat'];

  it('names every override that cannot be, with the nearest path', async () => {
    const sets = ['npu.clok=2GHz', 'clock=2GHz', 'npu.clock'];
    const { code, stdout, stderr } = await socsim([
      ...scenario,
      ...sets.flatMap((set) => ['--set', set]),
    ]);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(
      '--set npu.clok=2GHz: no such path "npu.clok"; did you mean "npu.clock"?',
    );
    expect(stderr).toContain(
      '--set clock=2GHz: "clock" is ambiguous; it may mean soc.domains.npu.clock',
    );
    expect(stderr).toContain('--set npu.clock: expected path=value');
  });

  it('points at the override whose value is wrong', async () => {
    const sets = ['memory.rate=8533 GB', 'npu.sram.size=0 MiB', 'soc.memory.channels=-4'];
    const { code, stderr } = await socsim([...scenario, ...sets.flatMap((set) => ['--set', set])]);
    expect(code).toBe(2);
    expect(stderr).toContain('--set memory.rate=8533 GB: memory.rate.is: "GB" measures size');
    expect(stderr).toContain(
      '--set npu.sram.size=0 MiB: units.npu.sram.size.is: must be above zero',
    );
    expect(stderr).toContain(
      '--set soc.memory.channels=-4: memory.channels.is: must be at least 1',
    );
  });

  it('names the nearest SoC', async () => {
    const { code, stderr } = await socsim([
      'run',
      '--soc',
      'dimensity-9030',
      '--workload',
      'llama-2-7b-chat',
    ]);
    expect(code).toBe(2);
    expect(stderr).toBe('socsim: unknown soc "dimensity-9030"; did you mean "dimensity-9300"?\n');
  });
});

describe('socsim validate', () => {
  it('accepts what is bundled and says what it is', async () => {
    const { code, stdout, stderr } = await socsim([
      'validate',
      'socs/dimensity-9300.yaml',
      'socs/phones/vivo-x100.yaml',
      'socs/lpddr/lpddr5t-9600.yaml',
      'workloads/llama-2-7b-chat.yaml',
      write('scenario.yaml', 'version: 1\nsoc: dimensity-9300\nworkload: llama-2-7b-chat\n'),
    ]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toEqual([
      'socs/dimensity-9300.yaml: valid soc',
      'socs/phones/vivo-x100.yaml: valid phone',
      'socs/lpddr/lpddr5t-9600.yaml: valid preset',
      'workloads/llama-2-7b-chat.yaml: valid workload',
      `${join(folder, 'scenario.yaml')}: valid scenario`,
    ]);
  });

  it('reports every fault of a file with line, column, expectation and the nearest name', async () => {
    const bad = soc
      .replace('9600 MT/s, from', '8533 GB, from')
      .replace('is: 8 MiB', 'is: -8 MiB')
      .replace('clock: cpu-prime', 'clock: cpu-prim')
      .replace('  systemCache', '  systemCash')
      .replace('vendor: MediaTek', 'vendor: MediaTek\nvendor: Qualcomm')
      .replace('dataflow: { is: weight-stationary', 'dataflow: { is: weight-stationry')
      .replace('systemCache:', 'systemCash:');
    const file = write('bad.yaml', bad);
    const { code, stdout, stderr } = await socsim(['validate', file]);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    const shift = 1;
    expect(stderr).toContain(`${file}:6:1: this key is given twice in the same map`);
    expect(stderr).toContain(
      `${file}:${lineOf('  rate:') + shift}:15: memory.rate.is: "GB" measures size, expected transfer-rate`,
    );
    expect(stderr).toMatch(
      /:\d+:\d+: units\.npu\.sram\.size\.is: must be above zero \(got "-8 MiB"\)/,
    );
    expect(stderr).toContain('did you mean "cpu-prime"?');
    expect(stderr).toContain('did you mean "weight-stationary"?');
    expect(stderr).toContain('unknown key "systemCash"; did you mean "systemCache"?');
    expect(stderr.split('\n')[0]).toBe('socsim: 7 faults:');
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it('goes on to the next file after a bad one', async () => {
    const broken = write('broken.yaml', 'a: [1, 2\n');
    const { code, stdout, stderr } = await socsim(['validate', broken, 'socs/dimensity-9300.yaml']);
    expect(code).toBe(2);
    expect(stdout).toContain('socs/dimensity-9300.yaml: valid soc');
    expect(stderr).toContain(`${broken}:`);
  });

  it.each([
    ['missing.yaml', undefined, 'no such file'],
    ['empty.yaml', '', 'cannot tell what this file describes'],
    ['list.yaml', '- 1\n- 2\n', 'cannot tell what this file describes'],
  ])('refuses %s', async (name, text, message) => {
    const file = text === undefined ? join(folder, name) : write(name, text);
    const { code, stderr } = await socsim(['validate', file]);
    expect(code).toBe(2);
    expect(stderr).toContain(`${file}`);
    expect(stderr).toContain(message);
  });

  it('gives the result as JSON, with the same exit code', async () => {
    const file = write('negative.yaml', soc.replace('is: 8 MiB', 'is: 0 MiB'));
    const { code, stdout } = await socsim(['validate', file, '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject([
      {
        file,
        kind: 'soc',
        faults: [{ path: 'units.npu.sram.size.is', message: 'must be above zero' }],
      },
    ]);
  });

  it('prints the JSON Schema of a kind of file', async () => {
    const { code, stdout } = await socsim(['validate', '--schema', 'soc']);
    expect(code).toBe(0);
    const schema = JSON.parse(stdout) as { title: string; $schema: string };
    expect(schema.$schema).toContain('json-schema.org');
    expect(schema.title).toContain('SoC');
    expect(stdout).toContain('transfer-rate: T/s, MT/s, GT/s');
  });
});
