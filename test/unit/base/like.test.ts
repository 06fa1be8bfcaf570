import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../src/base/errors.ts';
import { complete } from '../../../src/base/like.ts';
import { withLike } from '../../../src/base/like-schema.ts';
import { parseSpecFile, type SpecPath } from '../../../src/base/spec-file.ts';

const files: Record<string, string> = {
  engine: `
references: { lab: { title: Lab book }, press: { title: Press of 2023 } }
unit:
  rows: { is: 32, from: lab, trust: measured }
  sram:
    size: { is: 8 MiB, from: press, trust: estimated, note: guess }
    ports: { is: 2, from: lab, trust: measured }
  formats: [int8, fp16]
`,
  bigger: `
references: { lab: { title: Lab book } }
unit:
  rows: { is: 64, from: lab, trust: measured }
  columns: { is: 16, from: lab, trust: measured }
`,
};

const donor = (name: string, path: SpecPath) => {
  const text = files[name];
  if (text === undefined) throw new SpecError(`unknown ${name}`);
  return { spec: parseSpecFile(text, `${name}.yaml`), path: path.length === 0 ? [] : ['unit'] };
};
const read = (text: string) => complete(parseSpecFile(text, 'mine.yaml'), donor);

describe('complete', () => {
  it('returns a description without like as it is', () => {
    const spec = parseSpecFile('a: 1\nb: ~\n', 'mine.yaml');
    expect(complete(spec, donor)).toBe(spec);
  });

  it('takes what a map leaves out, at any depth, and keeps what it says', () => {
    const { data } = read(`
units:
  npu:
    like: engine
    name: mine
    sram: { size: { is: 4 MiB, from: own, trust: datasheet } }
references: { own: { title: My sheet } }
`);
    expect(data).toEqual({
      units: {
        npu: {
          name: 'mine',
          rows: { is: 32, from: 'lab', trust: 'measured' },
          sram: {
            // Replaced whole: the note belonged to the other number.
            size: { is: '4 MiB', from: 'own', trust: 'datasheet' },
            ports: { is: 2, from: 'lab', trust: 'measured' },
          },
          formats: ['int8', 'fp16'],
        },
      },
      // Only what is cited comes along: `press` was for the size that was replaced.
      references: { own: { title: 'My sheet' }, lab: { title: 'Lab book' } },
    });
  });

  it('takes a list as a whole or not at all', () => {
    const { data } = read('units: { npu: { like: engine, formats: [int4] } }');
    expect(data).toMatchObject({ units: { npu: { formats: ['int4'] } } });
  });

  it('prefers the first of several names, and follows like in lists', () => {
    const { data } = read('clusters:\n  - { like: [bigger, engine], name: a }\n');
    expect(data).toMatchObject({
      clusters: [{ name: 'a', rows: { is: 64 }, columns: { is: 16 }, formats: ['int8', 'fp16'] }],
    });
  });

  it('drops what is set to nothing', () => {
    const { data } = read('units: { npu: { like: engine, sram: { ports: ~ }, formats: ~ } }');
    const { npu } = (data as { units: { npu: Record<string, unknown> } }).units;
    expect(Object.keys(npu)).toEqual(['sram', 'rows']);
    expect(Object.keys(npu['sram'] as object)).toEqual(['size']);
  });

  it('keeps sources apart that share a key', () => {
    const { data } = read(`
units: { npu: { like: engine, mine: { is: 1, from: lab, trust: measured } } }
references: { lab: { title: Another book } }
`);
    expect(data).toMatchObject({
      units: { npu: { mine: { from: 'lab' }, rows: { from: 'engine:lab' } } },
      references: { lab: { title: 'Another book' }, 'engine:lab': { title: 'Lab book' } },
    });
  });

  it('takes the whole of another description, but not its names', () => {
    files['whole'] = 'name: whole\nsummary: s\naliases: { W: "" }\nversion: 1\nphone: p\n';
    expect(read('like: whole\nname: mine\n').data).toEqual({ name: 'mine', phone: 'p' });
  });

  it('says where each value stands', () => {
    const spec = read('units:\n  npu:\n    like: engine\n    sram:\n      more: 1\n');
    const at = (...path: SpecPath) => spec.locate(path);
    expect(at('units', 'npu', 'rows', 'is')).toMatchObject({ file: 'engine.yaml', line: 4 });
    expect(at('units', 'npu', 'sram', 'size')).toMatchObject({ file: 'engine.yaml', line: 6 });
    expect(at('units', 'npu', 'sram', 'more')).toEqual({ line: 5, column: 13 });
    // What is missing everywhere is for the description to add.
    expect(at('units', 'npu', 'rows', 'note')).toMatchObject({ line: 2 });
    expect(at('units', 'npu', 'rows', 'note').file).toBeUndefined();
  });

  it('refuses a like that is no name', () => {
    expect(() => read('units: { npu: { like: 3 } }')).toThrow(
      'mine.yaml:1:23: units.npu.like: wrong type (expected a name, or a list of names)',
    );
  });

  it('names every like that cannot be followed, and keys given twice', () => {
    expect(() =>
      read('units: { npu: { like: gone }, gpu: { like: 3 }, gpu: { like: lost } }'),
    ).toThrow(/^mine\.yaml:1:\d+: this key is given twice.*\nunknown gone\nunknown lost$/);
  });

  it('passes on a key given twice in what it takes from, once', () => {
    files['twice'] = 'unit: { rows: 1, rows: 2 }\n';
    const spec = parseSpecFile(files['twice'], 'twice.yaml');
    const text = 'units: { a: { like: twice }, b: { like: twice } }';
    const found = complete(parseSpecFile(text, 'mine.yaml'), () => ({ spec, path: ['unit'] }));
    expect(found.faults?.map(({ file, message }) => `${file}: ${message}`)).toEqual([
      'twice.yaml: this key is given twice in the same map',
    ]);
  });

  it('gives a map that says everything itself nothing', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.integer()), (values) => {
        const spec = { file: 'x', data: { units: { npu: { ...values, like: 'same' } } } };
        const found = complete({ ...spec, locate: () => ({}) }, () => ({
          spec: { file: 'same', data: { unit: values }, locate: () => ({}) },
          path: ['unit'],
        }));
        const { like: _, ...own } = values;
        expect((found.data as { units: { npu: unknown } }).units.npu).toEqual(own);
      }),
    );
  });
});

describe('withLike', () => {
  const sourced = { properties: { is: {}, from: {} }, required: ['is', 'from'] };
  const schema = {
    required: ['version', 'units'],
    properties: {
      version: {},
      units: { additionalProperties: { properties: { rows: sourced }, required: ['rows'] } },
      list: { items: { properties: { a: {} }, required: ['a'] } },
    },
  };

  it('allows like where it may stand and asks for nothing that it could bring', () => {
    const json = withLike(schema, (path) => path.join('.') === 'units.*');
    const unit = (json as typeof schema).properties.units.additionalProperties;
    expect(json['required']).toEqual(['version']);
    expect(Object.keys(unit.properties)).toEqual(['like', 'rows']);
    expect(unit.required).toBeUndefined();
    expect(unit.properties.rows).toEqual(sourced);
    expect((json as typeof schema).properties.list.items).toEqual({ properties: { a: {} } });
  });
});
