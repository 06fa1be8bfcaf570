import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = new URL('..', import.meta.url).pathname;
const here = new URL('.', import.meta.url).pathname;
const source = join(root, 'src');

/** Layers a layer may import, itself included. Nothing else passes; there is no debt list. */
const ALLOWED: Record<string, readonly string[]> = {
  base: ['base'],
  kernel: ['base', 'kernel'],
  hardware: ['base', 'kernel', 'hardware'],
  workload: ['base', 'workload'],
  runtime: ['base', 'hardware', 'workload', 'runtime'],
  engine: ['base', 'kernel', 'hardware', 'workload', 'runtime', 'engine'],
  'load.ts': ['base', 'kernel', 'hardware', 'workload', 'runtime', 'engine'],
  calibration: ['base', 'hardware', 'workload', 'runtime', 'engine', 'calibration', 'load.ts'],
  emulation: ['base', 'workload', 'engine', 'emulation', 'load.ts'],
  analysis: ['base', 'engine', 'analysis', 'load.ts'],
  web: ['base', 'engine', 'analysis', 'web', 'load.ts'],
};
/** These join everything. */
const OPEN = ['cli', 'index.ts', 'api.ts'];
/** From here to the left the code also runs in a page. */
const PURE = ['base', 'kernel', 'hardware', 'workload', 'runtime', 'engine'];

/** One door per package: the only files that may import it. */
const DOORS: Record<string, readonly string[]> = {
  yaml: ['base/spec-file.ts', 'cli/dump-yaml.ts'],
  zod: ['base/schema.ts'],
  'fastest-levenshtein': ['base/registry.ts'],
  papaparse: ['base/csv.ts'],
  seedrandom: ['base/random.ts'],
  mathjs: ['analysis/expression.ts'],
  'd3-node': ['analysis/charts/svg.ts'],
  piscina: ['analysis/pool.ts'],
  '@duckdb/node-api': ['analysis/table-file.ts'],
  'onnx-proto': ['workload/onnx/onnx-file.ts', 'calibration/onnx-writer.ts'],
  'ml-matrix': [
    'hardware/thermal/modal.ts',
    'calibration/fit.ts',
    'calibration/normal-equations.ts',
  ],
  'ml-levenberg-marquardt': ['calibration/least-squares.ts'],
  'onnxruntime-node': ['calibration/measure.ts', 'emulation/playback.ts'],
  yargs: ['cli/main.ts'],
  picocolors: ['cli/terminal.ts'],
  'cli-table3': ['cli/terminal.ts'],
  'cli-progress': ['cli/terminal.ts'],
};

const MAX_LINES = 400;

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return filesUnder(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

function importsOf(text: string): string[] {
  const found = text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g);
  return [...found].map((match) => match[1] as string);
}

const files = filesUnder(source).map((path) => ({
  name: relative(source, path),
  text: readFileSync(path, 'utf8'),
}));
const layerOf = (name: string) => name.split('/')[0] as string;

describe('architecture', () => {
  it('imports only from layers to the left', () => {
    const broken = files.flatMap(({ name, text }) => {
      const layer = layerOf(name);
      if (OPEN.includes(layer)) return [];
      const targets = importsOf(text).filter((path) => path.startsWith('.'));
      return targets
        .map((path) => layerOf(relative(source, join(source, name, '..', path))))
        .filter((target) => !(ALLOWED[layer] ?? []).includes(target))
        .map((target) => `${name} imports ${target}`);
    });
    expect(broken).toEqual([]);
  });

  it('imports in no circle, types included', () => {
    const targets = new Map(
      files.map(({ name, text }) => [
        name,
        importsOf(text)
          .filter((path) => path.startsWith('.'))
          .map((path) => relative(source, join(source, name, '..', path))),
      ]),
    );
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (name: string, way: readonly string[]) => {
      if (way.includes(name)) circles.push([...way.slice(way.indexOf(name)), name].join(' → '));
      if (way.includes(name) || done.has(name)) return;
      for (const target of targets.get(name) ?? []) visit(target, [...way, name]);
      done.add(name);
    };
    for (const { name } of files) visit(name, []);
    expect(circles).toEqual([]);
  });

  it('keeps node: out of everything up to the engine', () => {
    const broken = files
      .filter(({ name }) => PURE.includes(layerOf(name)))
      .filter(({ text }) => /from 'node:|Date\.now|performance\.now|new Date\(/.test(text))
      .map(({ name }) => name);
    expect(broken).toEqual([]);
  });

  it('imports each package through its door', () => {
    const broken = files.flatMap(({ name, text }) =>
      importsOf(text)
        .filter((path) => !path.startsWith('.') && !path.startsWith('node:'))
        .map((path) =>
          path
            .split('/')
            .slice(0, path.startsWith('@') ? 2 : 1)
            .join('/'),
        )
        .filter((pack) => !(DOORS[pack] ?? []).includes(name))
        .map((pack) => `${name} imports ${pack}`),
    );
    expect(broken).toEqual([]);
  });

  it('keeps files short, tests too', () => {
    const tests = filesUnder(here).map((name) => ({ name, text: readFileSync(name, 'utf8') }));
    const long = [...files, ...tests].filter(({ text }) => text.split('\n').length - 1 > MAX_LINES);
    expect(long.map(({ name }) => name)).toEqual([]);
  });

  it('draws chance from named streams only', () => {
    const broken = files.filter(({ text }) => text.includes('Math.random('));
    expect(broken.map(({ name }) => name)).toEqual([]);
  });

  it('spells powers of ten and two in base/units.ts only', () => {
    const scale = /[^\w.](1e[369]|1e12|2 \*\* [1-6]0)\b/;
    const broken = files.filter(({ name, text }) => name !== 'base/units.ts' && scale.test(text));
    expect(broken.map(({ name }) => name)).toEqual([]);
  });

  it('opens every file with a sentence that says what it is for', () => {
    const bare = files.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text));
    expect(bare.map(({ name }) => name)).toEqual([]);
  });

  it('names only tests that exist where a card says by what it is checked', () => {
    const missing = files.flatMap(({ name, text }) =>
      [...text.matchAll(/test\/[\w/.-]+\.test\.ts/g)]
        .filter(([test]) => !existsSync(join(root, test)))
        .map(([test]) => `${name}: ${test}`),
    );
    expect(missing).toEqual([]);
  });
});
