import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseCsv } from '../../../src/base/csv.ts';
import { SpecError } from '../../../src/base/errors.ts';
import { checkSpec } from '../../../src/base/schema.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import type { Command } from '../../../src/cli/command.ts';
import { importModel } from '../../../src/cli/import-model.ts';
import { parseDims } from '../../../src/cli/model-file.ts';
import { buildProbeGraph, probeGraph } from '../../../src/cli/probe-graph.ts';
import { openModelFile } from '../../../src/load.ts';
import type { ModelTables } from '../../../src/workload/models/tables.ts';
import { onnxFamily } from '../../../src/workload/onnx/family.ts';
import { sourceOf } from '../../../src/workload/onnx/wire-skim.ts';
import { buildModel, FLOAT } from '../../support/onnx-builder.ts';

const folder = mkdtempSync(join(tmpdir(), 'onnx-'));
afterAll(() => rmSync(folder, { recursive: true }));

const path = join(folder, 'two.onnx');
const bytes = buildModel({
  nodes: [
    { op: 'MatMul', name: 'wide', inputs: ['x', 'w'], outputs: ['h'] },
    { op: 'Relu', name: 'act', inputs: ['h'], outputs: ['r'] },
    { op: 'MatMul', name: 'narrow', inputs: ['r', 'v'], outputs: ['y'] },
  ],
  inputs: { x: [FLOAT, ['batch', 8]] },
  constants: { w: { type: FLOAT, dims: [8, 32] }, v: { type: FLOAT, dims: [32, 4] } },
  outputs: ['y'],
});
writeFileSync(path, bytes);

let printed: string[] = [];
beforeEach(() => {
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(text));
});
afterEach(() => vi.restoreAllMocks());

async function run(command: Command, args: Record<string, unknown>): Promise<string> {
  await command.run(args);
  return printed.join('\n');
}
const probing = { by: 'operator', sort: 'execution' };

describe('socsim import', () => {
  it('prints what the model holds and writes a workload of family onnx', async () => {
    const out = join(folder, 'two.yaml');
    const text = await run(importModel, { file: path, dim: ['batch=5'], out });
    expect(text).toContain('x float[5, 8]');
    expect(text).toContain('Every operator is modelled.');
    expect(text).toMatch(new RegExp(`\\nWrote ${out}$`));
    const spec = parseSpecFile(readFileSync(out, 'utf8'), out);
    expect(spec.data).toMatchObject({
      version: 1,
      family: 'onnx',
      model: relative(folder, path),
      dims: { batch: 5 },
      found: { parameters: 384, macs: 5 * 384, operators: 3, unmodelled_operator_share: 0 },
    });
    expect(() => checkSpec(spec, onnxFamily.schema)).not.toThrow();
  });

  it('answers machines in JSON', async () => {
    const text = await run(importModel, { file: path, dim: ['batch=2'], json: true });
    expect(JSON.parse(text)).toMatchObject({ parameters: 384, weight_bytes: 1536, unmodelled: [] });
  });

  it('names dimensions that are missing, and files that are', async () => {
    await expect(importModel.run({ file: path })).rejects.toThrow('--dim batch=1');
    await expect(importModel.run({ file: join(folder, 'none.onnx') })).rejects.toThrow(
      'no such file',
    );
    await expect(importModel.run({ file: folder })).rejects.toThrow('not a file');
  });
});

describe('socsim probe graph', () => {
  it('lists operators with arithmetic, bytes and intensity', async () => {
    const text = await run(probeGraph, {
      target: path,
      dim: ['batch=1'],
      ...probing,
      fusions: 'none',
      json: true,
    });
    const { operators, totals } = JSON.parse(text);
    expect(operators.map(({ name, macs }: { name: string; macs: number }) => [name, macs])).toEqual(
      [
        ['wide', 256],
        ['act', 0],
        ['narrow', 128],
      ],
    );
    expect(operators[0].macs_per_byte).toBeCloseTo(256 / (1024 + 32 + 128), 12);
    expect(totals).toMatchObject({ operators: 3, macs: 384, weight_bytes: 1536 });
  });

  it('groups by type, sorts and cuts', async () => {
    const text = await run(probeGraph, {
      target: path,
      dim: ['batch=1'],
      ...probing,
      by: 'type',
      sort: 'macs',
      top: 1,
      fusions: 'none',
      json: true,
    });
    const { operators } = JSON.parse(text);
    expect(operators).toHaveLength(1);
    expect(operators[0]).toMatchObject({ operator: 'MatMul', count: 2, macs: 384 });
  });

  it('says what fusion saves', async () => {
    const text = await run(probeGraph, { target: path, dim: ['batch=1'], ...probing });
    expect(text).toMatch(/all +1 +2 +384 /);
    expect(text).toContain('fusion saved 1 launch and');
  });

  const onMine = buildProbeGraph(({ soc }) => ({ macs }) => ({
    unit: `npu of ${soc}`,
    seconds: macs > 128 ? 3e-6 : 1e-6,
    dramBytes: 500,
    bound: macs > 128 ? 'compute' : 'launch',
  }));
  const mine = { target: path, dim: ['batch=1'], soc: 'mine', ...probing };

  it('shows unit, time and bound where something predicts them, and their sums', async () => {
    const text = await run(onMine, { ...mine, fusions: 'none' });
    expect(text).toMatch(/wide +MatMul .*npu of mine +500 B +3 µs +compute/);
    expect(text).toMatch(
      /all +1 +3 +384 .* 1.5 kB +5 µs +npu of mine 100 % +compute 60 %, launch 40 %/,
    );
  });

  it('prints every line as CSV, the same columns whether or not a unit was found', async () => {
    let csv = '';
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      csv += String(text);
      return true;
    });
    const some = buildProbeGraph(
      () =>
        ({ macs }) =>
          macs === 0 ? undefined : { unit: 'npu', seconds: 2e-6, dramBytes: 64, bound: 'compute' },
    );
    await some.run({ ...mine, fusions: 'none', csv: true });
    write.mockRestore();
    const { rows } = parseCsv(csv, 'out.csv', ['name', 'form', 'macs', 'unit', 'seconds']);
    expect(rows.map(({ values }) => [values['name'], values['form'], values['unit']])).toEqual([
      ['wide', 'matmul batch=1 m=1 n=32 k=8', 'npu'],
      ['act', expect.stringMatching(/^vector elements=32 /), ''],
      ['narrow', 'matmul batch=1 m=1 n=4 k=32', 'npu'],
    ]);
  });

  it('cuts a table of many lines and says how to see them, but neither JSON nor CSV', async () => {
    const many = join(folder, 'many.onnx');
    const nodes = Array.from({ length: 130 }, (_, i) => ({
      op: i % 2 === 0 ? 'Relu' : 'Exp',
      name: `n${i}`,
      inputs: [i === 0 ? 'x' : `t${i - 1}`],
      outputs: [i === 129 ? 'y' : `t${i}`],
    }));
    const inputs = { x: [FLOAT, [4, 8]] as [number, number[]] };
    writeFileSync(many, buildModel({ nodes, inputs, constants: {}, outputs: ['y'] }));
    const args = { target: many, ...probing, fusions: 'none' };
    const text = await run(probeGraph, args);
    expect(text).toContain('n99');
    expect(text).not.toContain('n100');
    expect(text).toContain('… 30 more lines');
    expect(text).toMatch(/all +1 +130 /);
    printed = [];
    const json = JSON.parse(await run(probeGraph, { ...args, json: true }));
    expect(json.operators).toHaveLength(130);
    printed = [];
    expect(await run(probeGraph, { ...args, top: 3 })).toContain('… 127 more lines');
  });

  it('refuses options that would change nothing', async () => {
    const args = { target: path, dim: ['batch=1'], ...probing };
    await expect(probeGraph.run({ ...args, unit: 'npu' })).rejects.toThrow('--soc');
    await expect(probeGraph.run({ ...args, sort: 'time' })).rejects.toThrow('add --soc NAME');
    await expect(probeGraph.run({ ...args, json: true, csv: true })).rejects.toThrow('exclude');
  });

  it('takes bundled workloads, phase by phase', async () => {
    const text = await run(probeGraph, { target: 'llama-3.2-1b-chat', ...probing, by: 'type' });
    expect(text).toContain('prefill');
    expect(text).toContain('GroupQueryAttention');
  });

  it('refuses fusions that are none', async () => {
    const args = { target: path, dim: ['batch=1'], ...probing, fusions: 'atention' };
    await expect(probeGraph.run(args)).rejects.toThrow('did you mean "attention"?');
  });
});

describe('dimensions on the command line', () => {
  it('may be given together or apart', () => {
    expect(parseDims(['batch=1,sequence=128', 'p2o.DynamicDimension.0=2'])).toEqual({
      batch: 1,
      sequence: 128,
      'p2o.DynamicDimension.0': 2,
    });
  });

  it('are all checked in one go', () => {
    try {
      parseDims(['batch', 'a=b', 'n=1', 'n=2', 'm=-1', 'k=']);
    } catch (error) {
      expect((error as SpecError).faults).toHaveLength(5);
      return;
    }
    throw new Error('nothing was refused');
  });
});

describe('the workload family', () => {
  const opening = { openModel: () => sourceOf(bytes) } as unknown as ModelTables;
  const spec = {
    version: 1,
    family: 'onnx',
    summary: 's',
    model: path,
    dims: { batch: 3 },
    inferences: 2,
  } as const;

  it('builds the request that a file describes', () => {
    const plan = onnxFamily.build(spec, opening, 'mine');
    expect(plan).toMatchObject({ name: 'mine', memory: { weights: 1536 } });
    expect(plan.phases[0]).toMatchObject({ steps: 2 });
  });

  it('says so where model files cannot be opened', () => {
    expect(onnxFamily.check(spec, {} as ModelTables)[0]?.path).toEqual(['model']);
    expect(() => onnxFamily.build(spec, {} as ModelTables, 'mine')).toThrow(SpecError);
  });

  it('refuses a pass named twice', () => {
    const [fault] = onnxFamily.check({ ...spec, fusions: ['qkv', 'qkv'] }, opening);
    expect(fault?.message).toContain('twice');
  });
});

describe('model files', () => {
  it('are read in pieces and end where they end', () => {
    const source = openModelFile(path);
    expect(source.size).toBe(bytes.length);
    expect(Buffer.from(source.read(2, 5)).equals(Buffer.from(bytes.subarray(2, 7)))).toBe(true);
    expect(source.read(source.size - 1, 10)).toHaveLength(1);
  });
});
