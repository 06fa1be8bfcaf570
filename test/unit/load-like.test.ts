import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { scenarioFile } from '../../src/analysis/sweep-run.ts';
import { SpecError } from '../../src/base/errors.ts';
import { completeSpec, kindOf } from '../../src/cli/spec-kinds.ts';
import { applyOverrides } from '../../src/engine/overrides.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import { simulate } from '../../src/engine/simulation.ts';
import { parseSoc, socSpec } from '../../src/hardware/soc-spec.ts';
import { descriptions, fileSources } from '../../src/load.ts';

const folder = mkdtempSync(join(tmpdir(), 'like-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `version: 1\n${text}`);
  return path;
}

const mine = `name: mine
summary: the 8 Gen 3 with half the matrix engines
like: snapdragon-8-gen-3
references: { idea: { title: What if } }
units:
  npu:
    matrix: { engines: { is: 8, from: idea, trust: estimated, note: half } }
`;

describe('a SoC like another', () => {
  const path = write('mine.yaml', mine);
  const sources = fileSources();
  const spec = sources.soc(path);
  const soc = parseSoc(spec);

  it('differs in what it says and in nothing else', () => {
    const model = parseSoc(sources.soc('snapdragon-8-gen-3'));
    const { npu } = model.units;
    if (npu?.kind !== 'npu') throw new Error('no NPU');
    expect(soc.units['npu']).toEqual({
      ...npu,
      matrix: {
        ...npu.matrix,
        engines: { is: 8, from: 'idea', trust: 'estimated', note: 'half' },
      },
    });
    expect({ ...soc.units, npu: 0 }).toEqual({ ...model.units, npu: 0 });
    expect(soc.domains).toEqual(model.domains);
    expect(soc.name).toBe('mine');
  });

  it('runs as the other where it says nothing', () => {
    const twin = write('twin.yaml', 'name: twin\nsummary: s\nlike: snapdragon-8-gen-3\n');
    const metricsOf = (name: string) => {
      const scenario = {
        soc: name,
        workload: 'llama-3.2-1b-chat',
        unit: 'cpu',
        calibration: 'none',
      };
      const set = ['workload.promptTokens=16', 'workload.generatedTokens=3'];
      const prepared = prepare(scenarioFile(scenario, 'test'), set, sources);
      return simulate(buildSimulation(prepared, set, sources)).metrics;
    };
    expect(metricsOf(twin)).toEqual(metricsOf('snapdragon-8-gen-3'));
  });

  it('is hashed with every file that it takes from', () => {
    expect(Object.keys(sources.hashes)).toEqual(
      expect.arrayContaining([path, 'socs/snapdragon-8-gen-3.yaml', 'socs/parts/hexagon-v75.yaml']),
    );
  });

  it('can be overridden where it was taken', () => {
    const roots = { soc: { spec, schema: socSpec } };
    const changed = applyOverrides(roots, ['npu.sram.size=4 MiB', 'npu.matrix.rows=64']).soc;
    const { npu } = parseSoc(changed).units;
    expect(npu).toMatchObject({ sram: { size: { is: 4 * 2 ** 20, from: 'override' } } });
    expect(npu).toMatchObject({ matrix: { rows: { is: 64 }, engines: { is: 8 } } });
  });

  it('is told to be a SoC by what it is like', () => {
    expect(kindOf({ file: path, data: { like: 'xiaomi-14', soc: 'x' }, locate: () => ({}) })).toBe(
      'phone',
    );
    expect(kindOf(spec)).toBe('soc');
    const child = write('sub/child.yaml', 'name: child\nsummary: s\nlike: ../mine.yaml\n');
    const raw = { file: child, data: { like: '../mine.yaml' }, locate: () => ({}) };
    expect(kindOf(raw)).toBe('soc');
    expect(parseSoc(sources.soc(child)).units['npu']).toEqual(soc.units['npu']);
  });
});

describe('faults', () => {
  const faultsOf = (path: string) => {
    try {
      parseSoc(descriptions().read('soc', path));
      return [];
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      return error.message.split('\n');
    }
  };

  it('in a part are told with the line of the part', () => {
    const part = write(
      'npu.yaml',
      'part: NPU\nsummary: s\nreferences: {}\nunit:\n  launch: { operator: { is: 4 kg, from: idea, trust: estimated } }\n',
    );
    const path = write(
      'bad.yaml',
      mine.replace('    matrix:', '    like: [./npu.yaml, hexagon-v75]\n    matrix:'),
    );
    expect(faultsOf(path)).toEqual([
      expect.stringContaining(`${part}:6:29: units.npu.launch.operator.is: `),
    ]);
  });

  it.each([
    ['like: hexagon-v57', /units\.npu\.like: unknown part "hexagon-v57"; did you mean "hexagon-v7/],
    ['like: cortex-x4', /units\.npu\.like: the part "cortex-x4" has no section "unit"/],
    ['sram: { like: hexagon-v75 }', /units\.npu\.sram\.like: cannot stand here \(expected like at/],
    ['like: ./gone.yaml', /gone\.yaml: /],
  ])('%s', (text, message) => {
    const path = write('bad.yaml', mine.replace('    matrix:', `    ${text}\n    matrix:`));
    expect(faultsOf(path)).toEqual([expect.stringMatching(message)]);
  });

  it('of a like that goes round in a circle name the circle', () => {
    write('a.yaml', 'name: a\nsummary: s\nlike: ./b.yaml\n');
    write('b.yaml', 'name: b\nsummary: s\nlike: ./a.yaml\n');
    expect(faultsOf(join(folder, 'a.yaml'))).toEqual([
      expect.stringMatching(/b\.yaml:4:7: like: goes round in a circle: .*a\.yaml → .*b\.yaml → /),
    ]);
  });

  it('of a SoC with an incomplete NPU point at the SoC', () => {
    const path = write(
      'gap.yaml',
      mine.replace('    matrix:', '    launch: { operator: ~ }\n    matrix:'),
    );
    expect(faultsOf(path)).toEqual([expect.stringContaining(`${path}:8:`)]);
  });
});

describe('a part', () => {
  const check = async (text: string) => {
    const { checkPart } = await import('../../src/hardware/spec/part-spec.ts');
    const { parseSpecFile } = await import('../../src/base/spec-file.ts');
    const spec = parseSpecFile(`version: 1\npart: NPU\nsummary: s\nreferences: {}\n${text}`, 'p');
    expect(kindOf(spec)).toBe('part');
    checkPart(completeSpec('part', spec));
  };

  it('may leave out what SoCs add', async () => {
    await check('domain: { power: { leakage: {} } }\nunit: { kind: npu, launch: {} }\n');
  });

  it.each([
    ['domain: { clok: 1 }', /p:5:17: domain\.clok: unknown key "clok"; did you mean "clock"/],
    ['unit: { kind: npu, launch: { operator: 3 } }', /wrong type/],
    ['unit: { kind: npv }', /did you mean "npu"/],
    ['cluster: { simdPipes: { is: 2.5, from: x, trust: paper } }', /whole number/],
    ['cluster: { simdPipes: { is: 2, from: x, trust: paper } }', /not a key of references/],
  ])('may not say %s', async (text, message) => {
    await expect(check(text)).rejects.toThrow(message);
  });
});
