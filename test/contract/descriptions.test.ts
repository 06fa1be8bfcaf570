import { describe, expect, it } from 'vitest';
import { sourcedEntries } from '../../src/base/provenance.ts';
import { toJsonSchema } from '../../src/base/schema.ts';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import {
  completeSpec,
  KIND_NAMES,
  kindOf,
  type SpecKind,
  specKinds,
} from '../../src/cli/spec-kinds.ts';
import { listBundled, readBundled } from '../../src/load.ts';

const kinds = Object.entries<SpecKind>(specKinds);
const bundled = kinds.flatMap(([kind, { folder }]) =>
  folder === undefined
    ? []
    : listBundled(folder, '.yaml').map((name) => ({ kind, path: `${folder}/${name}.yaml` })),
);

describe('bundled descriptions', () => {
  it.each(bundled)('$path is a valid $kind, wherever it lies', async ({ kind, path }) => {
    const { text } = readBundled(path);
    const spec = parseSpecFile(text, 'elsewhere.yaml');
    expect(kindOf(spec)).toBe(kind);
    const { check } = await specKinds[kindOf(spec)].load();
    check(completeSpec(kindOf(spec), spec));
  });
});

describe.each(bundled.filter(({ kind }) => ['soc', 'part', 'phone'].includes(kind)))(
  '$path',
  ({ path }) => {
    const { data } = parseSpecFile(readBundled(path).text, path);
    const entries = sourcedEntries(data);

    it('cites every reference it lists', () => {
      const cited = new Set(entries.map(({ from }) => from));
      const listed = Object.keys((data as { references?: object }).references ?? {});
      expect(listed.filter((key) => !cited.has(key))).toEqual([]);
    });

    it('gives the reasoning of every estimate of a SoC', () => {
      if (path.startsWith('socs/phones/')) return;
      const silent = entries.filter(({ trust, note }) => trust === 'estimated' && !note);
      expect(silent.map((entry) => entry.path.join('.'))).toEqual([]);
    });
  },
);

it('gives no two descriptions the same name', () => {
  const names = bundled.map(({ path }) => path.replace(/^.*\//, ''));
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

describe.each(KIND_NAMES)('a %s', (kind) => {
  it('has a JSON Schema that lists its keys', async () => {
    const { schema } = await specKinds[kind].load();
    const json = toJsonSchema(schema as Parameters<typeof toJsonSchema>[0], kind);
    const text = JSON.stringify(json);
    for (const key of specKinds[kind].signature) expect(text).toContain(`"${key}"`);
  });

  it('refuses a file that holds nothing of it, without an exception of its own', async () => {
    const { check } = await specKinds[kind].load();
    for (const text of ['', '3', '[]', 'version: 1', 'version: [1]\nreferences: 4\nset: {}']) {
      expect(() => check(parseSpecFile(text, 'x.yaml'))).toThrow(/^x\.yaml:/);
    }
  });
});

describe('kindOf', () => {
  it('goes by the folder where the content does not tell', () => {
    const empty = (file: string) => kindOf(parseSpecFile('version: 1\n', file));
    expect(empty('socs/phones/new.yaml')).toBe('phone');
    expect(empty('/home/me/socs/new.yaml')).toBe('soc');
    expect(empty('C:\\me\\workloads\\new.yaml')).toBe('workload');
    expect(() => empty('new.yaml')).toThrow('cannot tell what this file describes');
  });

  it('goes by the content before the folder', () => {
    expect(kindOf(parseSpecFile('domains: {}\nunits: {}\n', 'workloads/odd.yaml'))).toBe('soc');
  });
});
