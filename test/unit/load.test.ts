import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SpecError } from '../../src/base/errors.ts';
import { fileSources, readTrace, readUserFile, traceNames, writeUserFile } from '../../src/load.ts';

const folder = mkdtempSync(join(tmpdir(), 'load-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('descriptions that are none', () => {
  const workload = 'version: 1\nfamily: llm\nmodel: llama-2-7b\n';
  it.each([
    ['empty.yaml', '', 'an empty file'],
    ['list.yaml', '[]\n', 'a list'],
    ['plain.yaml', 'hello\n', 'plain text'],
    ['map.yaml', '{}\n', 'an empty map'],
    ['workload.yaml', workload, 'the keys version, family, model'],
  ])('%s is no SoC', (name, text, got) => {
    const path = write(name, text);
    expect(() => fileSources().soc(path)).toThrow(
      `${path}:1:1: not a SoC description (expected the keys domains, units, fabric, floorplan, got ${got})`,
    );
  });

  it.each([
    ['phone', 'not a phone description'],
    ['preset', 'not a memory description'],
    ['runtime', 'not a runtime description'],
    ['workload', 'not a workload description'],
  ] as const)('nothing is no %s', (kind, message) => {
    const path = write('nothing.yaml', '# only a comment\n');
    expect(() => fileSources()[kind](path)).toThrow(`${path}:1:1: ${message}`);
  });

  it('names the phone that a SoC leaves out', () => {
    const path = write('soc.yaml', 'version: 1\nunits: {}\n');
    expect(() => fileSources().soc(path)).toThrow(/soc\.yaml:\d+:\d+: phone: is missing/);
  });
});

describe('workloads of ONNX models', () => {
  it('find their model from the folder they lie in, or by its whole path', () => {
    mkdirSync(join(folder, 'sub'), { recursive: true });
    const text = (model: string) => `version: 1\nfamily: onnx\nsummary: s\nmodel: ${model}\n`;
    const relative = write('sub/near.yaml', text('../models/m.onnx'));
    expect(fileSources().workload(relative).data).toMatchObject({
      model: join(folder, 'models/m.onnx'),
    });
    const whole = write('sub/far.yaml', text('/models/m.onnx'));
    expect(fileSources().workload(whole).data).toMatchObject({ model: '/models/m.onnx' });
  });

  it('alone take dimensions, precision and fusions', () => {
    const onnx = { dims: { batch: 1 }, precision: 'fp16', fusions: [] };
    try {
      fileSources({ onnx }).workload('llama-2-7b-chat');
      expect.unreachable();
    } catch (error) {
      const { faults } = error as SpecError;
      expect(error).toBeInstanceOf(SpecError);
      expect(faults.map(({ path }) => path)).toEqual(['--dim', '--precision', '--fusions']);
    }
    expect(fileSources({ onnx: { dims: {} } }).workload('llama-2-7b-chat').data).toBeDefined();
    expect(fileSources({ onnx }).workload('m.onnx').data).toMatchObject(onnx);
  });
});

describe('files of the user', () => {
  it('say in plain words why they cannot be read or written', () => {
    expect(() => readUserFile(folder)).toThrow(`${folder}: this is a folder, not a file`);
    expect(() => writeUserFile(folder, '')).toThrow(
      `${folder}: cannot be written: this is a folder, not a file`,
    );
    expect(() => writeUserFile(join(folder, 'none/x.csv'), '')).toThrow(
      'cannot be written: no such file or folder',
    );
  });
});

it('knows the bundled traces by name', () => {
  for (const name of traceNames()) expect(readTrace(name).text).not.toBe('');
  expect(() => readTrace('azure-llm-2023-conv-sampel')).toThrow('azure-llm-2023-conv-sample');
});

it('reads and builds a calibration once, however many points of a sweep ask for it', () => {
  const sources = fileSources();
  const calibration = sources.calibration?.('auto', 'dimensity-9300');
  expect(sources.calibration?.('auto', 'dimensity-9300')).toBe(calibration);
  expect(calibration?.name).toBe('dimensity-9300');
  expect(sources.calibration?.('auto', 'exynos-2400')?.name).toBe('classes');
  expect(sources.calibration?.('none', 'dimensity-9300')?.name).toBe('none');
});
