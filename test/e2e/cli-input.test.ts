/** Input that is wrong as a whole, and options of the probes, through the built command line. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { socsim } from '../support/cli.ts';
import { buildModel, FLOAT } from '../support/onnx-builder.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'socsim-input-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const data = (name: string) =>
  fileURLToPath(new URL(`../validation/data/thermal/${name}`, import.meta.url));

describe('a file that is no description', () => {
  it.each([
    [['run', '--soc', 'e.yaml', '--workload', 'llama-2-7b-chat'], 'e.yaml:1:1: not a SoC'],
    [['sweep', 'e.yaml'], 'e.yaml:1:1: not a sweep'],
    [['validate', '.'], '.: this is a folder, not a file'],
  ])('%j ends with 2 and one line', async (args, message) => {
    writeFileSync(join(folder, 'e.yaml'), '');
    const { code, stderr } = await socsim(args, folder);
    expect(code).toBe(2);
    expect(stderr).toContain(`socsim: ${message}`);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('probes without a name to probe', () => {
  it('run as their help says', async () => {
    const { code, stdout } = await socsim([
      ...['probe', 'governor', '--kind', 'step-wise'],
      ...['--vectors', data('stepwise_vectors.csv')],
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain(' 0 mismatches');
  });
});

it('an imported model runs from whatever folder its workload file is named', async () => {
  mkdirSync(join(folder, 'models'));
  mkdirSync(join(folder, 'mine'));
  const model = buildModel({
    nodes: [{ op: 'MatMul', name: 'wide', inputs: ['x', 'w'], outputs: ['y'] }],
    inputs: { x: [FLOAT, ['batch', 256]] },
    constants: { w: { type: FLOAT, dims: [256, 512] } },
    outputs: ['y'],
  });
  writeFileSync(join(folder, 'models/wide.onnx'), model);
  const args = ['import', 'models/wide.onnx', '--dim', 'batch=4', '--out', 'mine/wide.yaml'];
  const imported = await socsim(args, folder);
  expect(imported.stdout.trimEnd().split('\n').at(-1)).toBe('Wrote mine/wide.yaml');
  const run = await socsim(
    ['run', '--soc', 'dimensity-9300', '--workload', 'wide.yaml', '--json'],
    join(folder, 'mine'),
  );
  expect(run.stderr).toBe('');
  expect(run.code).toBe(0);
});

it('an option given at its default is told from one not given', async () => {
  const words = ['probe', 'dram', '--rows', 'runs.csv', '--map', 'A'];
  const { code, stderr } = await socsim(words, folder);
  expect(code).toBe(2);
  expect(stderr.trimEnd()).toBe('socsim: --map has no effect with --rows');
});

it('help names what an option can be', async () => {
  const { stdout } = await socsim(['play', '--help']);
  expect(stdout).toMatch(/--fidelity .*\n? *.*\(analytic\|fluid\|transaction\)/);
  expect(stdout).toContain('arrival_s, prompt_tokens, generated_tokens');
  expect(stdout).not.toContain('--repeat');
});
