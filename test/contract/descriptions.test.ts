import { describe, expect, it } from 'vitest';
import { toJsonSchema } from '../../src/base/schema.ts';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { KIND_NAMES, kindOf, type SpecKind, specKinds } from '../../src/cli/spec-kinds.ts';
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
    check(spec);
  });
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
