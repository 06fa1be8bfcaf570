import { describe, expect, it } from 'vitest';
import { type Fault, SpecError } from '../../../src/base/errors.ts';
import { checkReferences, sourcedEntries, trustShares } from '../../../src/base/provenance.ts';
import {
  type CrossCheck,
  checkSpec,
  quantity,
  risingQuantities,
  sourced,
  sourcedValue,
  toJsonSchema,
  z,
} from '../../../src/base/schema.ts';
import { keysAt, leafPaths } from '../../../src/base/schema-walk.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';

const device = z.strictObject({
  version: z.literal(1),
  references: z.record(z.string(), z.strictObject({ title: z.string() })).optional(),
  memory: z.strictObject({
    rate: sourced('transfer-rate'),
    size: quantity('size'),
    kind: z.enum(['lpddr5', 'lpddr5x']),
    idle: quantity('power', { min: 0 }).optional(),
    share: quantity('ratio', { max: 1 }).default(1),
  }),
  units: z.record(
    z.string(),
    z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('npu'), rows: z.int().min(1) }),
      z.strictObject({ kind: z.literal('gpu'), cores: z.int().min(1) }),
    ]),
  ),
});

const GOOD = `version: 1
references: { sheet: { title: A data sheet } }
memory:
  rate: { is: 8533 MT/s, from: sheet, trust: datasheet }
  size: 12 GiB
  kind: lpddr5x
units:
  npu: { kind: npu, rows: 64 }
`;

function faults(text: string, checks: CrossCheck[] = []): readonly Fault[] {
  try {
    checkSpec(parseSpecFile(text, 'd.yaml'), device, checks);
  } catch (error) {
    if (error instanceof SpecError) return error.faults;
    throw error;
  }
  return [];
}
const change = (from: string, to: string) => faults(GOOD.replace(from, to));

describe('checkSpec', () => {
  it('gives quantities as numbers in base units and fills defaults', () => {
    const parsed = checkSpec(parseSpecFile(GOOD, 'd.yaml'), device);
    expect(parsed.memory.rate.is).toBe(8_533_000_000);
    expect(parsed.memory.size).toBe(12 * 1_073_741_824);
    expect(parsed.memory.share).toBe(1);
  });

  it('checks a description once, and again where other parts are compared or it did not pass', () => {
    const spec = parseSpecFile(GOOD, 'd.yaml');
    let compared = 0;
    const passing: CrossCheck = () => {
      compared += 1;
      return [];
    };
    const first = checkSpec(spec, device, [passing]);
    expect(checkSpec(spec, device, [passing])).toBe(first);
    expect(compared).toBe(1);
    const failing: CrossCheck = () => [{ path: ['memory'], message: 'does not fit' }];
    for (let time = 0; time < 2; time++)
      expect(() => checkSpec(spec, device, [failing])).toThrow('does not fit');
    expect(checkSpec(parseSpecFile(GOOD, 'd.yaml'), device)).toEqual(first);
  });

  it('refuses a size where a rate is due, at its line and column', () => {
    expect(change('8533 MT/s', '8533 GB')).toEqual([
      {
        file: 'd.yaml',
        line: 4,
        column: 15,
        path: 'memory.rate.is',
        message: '"GB" measures size, expected transfer-rate (T/s, MT/s, GT/s)',
        got: '"8533 GB"',
      },
    ]);
  });

  it('refuses a number without a unit and says which units there are', () => {
    expect(change('12 GiB', '12')[0]).toMatchObject({
      line: 5,
      message: expect.stringContaining('expected text with a unit: B, kB'),
      got: '12',
    });
  });

  it.each([
    ['-3 GiB', 'must be above zero'],
    ['0 GiB', 'must be above zero'],
  ])('refuses a size of %s', (size, message) => {
    expect(change('12 GiB', size)).toMatchObject([
      { path: 'memory.size', message, got: `"${size}"` },
    ]);
  });

  it('takes zero where the schema says so', () => {
    expect(change('  kind: lpddr5x', '  kind: lpddr5x\n  idle: 0 W')).toEqual([]);
    expect(change('  kind: lpddr5x', '  kind: lpddr5x\n  idle: -1 W')[0]?.message).toContain('0');
    expect(change('  kind: lpddr5x', '  kind: lpddr5x\n  share: 120 %')[0]?.message).toContain('1');
  });

  it('names the nearest key for an unknown one', () => {
    expect(change('  size:', '  sise:')).toMatchObject([
      { line: 3, path: 'memory.size', message: 'missing', expected: 'text' },
      {
        line: 5,
        column: 9,
        path: 'memory.sise',
        message: 'unknown key "sise"',
        hint: 'did you mean "size"?',
      },
    ]);
  });

  it('names keys of the branch that the kind picks, not of another', () => {
    expect(change('rows: 64', 'row: 64')).toMatchObject([
      { path: 'units.npu.rows', message: 'missing' },
      { path: 'units.npu.row', hint: 'did you mean "rows"?' },
    ]);
  });

  it('lists the kinds where none is given, and names the nearest', () => {
    expect(change('kind: npu, ', '')).toMatchObject([
      { path: 'units.npu.kind', message: 'missing', expected: 'npu, gpu' },
    ]);
    expect(change('kind: npu', 'kind: nup')).toMatchObject([
      { line: 8, path: 'units.npu.kind', got: '"nup"', hint: 'did you mean "npu"?' },
    ]);
    expect(change('{ kind: npu, rows: 64 }', '4')).toMatchObject([
      { path: 'units.npu', message: 'wrong type', expected: 'a map', got: '4' },
    ]);
  });

  it('says what a value may be where it may be several things', () => {
    expect(change('rate: { is: 8533 MT/s', 'rate: { is: [8533]')).toMatchObject([
      { path: 'memory.rate.is', message: expect.stringContaining('expected text with a unit') },
    ]);
    expect(change('kind: lpddr5x', 'kind: lpddr5x\n  share: [1]')).toMatchObject([
      { path: 'memory.share', message: 'not a value that fits here', expected: 'number or text' },
    ]);
  });

  it('tells a comma inside braces from a misspelt key', () => {
    expect(
      change('trust: datasheet', 'trust: datasheet, note: first part, second part')[0],
    ).toMatchObject({ hint: expect.stringContaining('put the text in quotes') });
  });

  it('names the nearest value of a fixed set', () => {
    expect(change('lpddr5x', 'lpdr5x')[0]).toMatchObject({
      message: 'not one of the allowed values',
      got: '"lpdr5x"',
      hint: 'did you mean "lpddr5x"?',
    });
  });

  it('reports every fault of a file at once, in the order of the file, keys given twice included', () => {
    const bad = GOOD.replace('8533 MT/s', '8533 GB')
      .replace('12 GiB', '0 GiB')
      .replace('trust: datasheet', 'trust: gospel')
      .replace('rows: 64', 'rows: none')
      .concat('version: 2\n');
    const found = faults(bad, [checkReferences]);
    expect(found.map(({ line, path }) => [line, path])).toEqual([
      [4, 'memory.rate.is'],
      [4, 'memory.rate.trust'],
      [5, 'memory.size'],
      [8, 'units.npu.rows'],
      [9, undefined],
      [9, 'version'],
    ]);
  });

  it('speaks of maps and lists, not of objects and arrays', () => {
    expect(faults('[1, 2]')).toMatchObject([{ message: 'wrong type', expected: 'a map' }]);
    expect(faults('')).toMatchObject([{ expected: 'a map', line: 1 }]);
  });

  it('runs cross-checks beside the schema', () => {
    const found = faults(GOOD.replace('from: sheet', 'from: shet').replace('12 GiB', '12 W'), [
      checkReferences,
    ]);
    expect(found).toMatchObject([
      { line: 4, column: 32, path: 'memory.rate.from', hint: 'did you mean "sheet"?' },
      { line: 5, path: 'memory.size' },
    ]);
  });
});

describe('risingQuantities', () => {
  const list = risingQuantities('frequency');
  const read = (input: unknown) => list.safeParse(input);

  it('reads a text with a common unit', () => {
    expect(read('307.2 364.8 460.8 MHz').data).toEqual([307_200_000, 364_800_000, 460_800_000]);
    expect(read('1, 2, 3GHz').data).toEqual([1e9, 2e9, 3e9]);
  });

  it('reads a list, and units that differ', () => {
    expect(read(['500 MHz', '1 GHz']).data).toEqual([5e8, 1e9]);
    expect(read('500MHz 1GHz').data).toEqual([5e8, 1e9]);
    expect(risingQuantities('ratio').safeParse('0.2 0.5 1').data).toEqual([0.2, 0.5, 1]);
    expect(risingQuantities('ratio').safeParse([0.2, 1]).data).toEqual([0.2, 1]);
  });

  it.each([
    ['3 2 1 MHz', 'must rise: 2 MHz does not follow 3 MHz'],
    ['1 1 MHz', 'must rise'],
    ['1 2 GB', '"GB" measures size'],
    ['1 2', 'expected a unit'],
    ['0 1 MHz', 'must be above zero'],
    ['', 'the list is empty'],
    [[], 'the list is empty'],
  ])('refuses %j', (input, message) => {
    expect(read(input).error?.issues[0]?.message).toContain(message);
  });

  it('lets neighbours be equal where it is told to', () => {
    const level = risingQuantities('voltage', { level: true });
    expect(level.safeParse('0.55 0.55 0.6 V').data).toEqual([0.55, 0.55, 0.6]);
    expect(level.safeParse('0.55 0.5 V').success).toBe(false);
  });
});

describe('toJsonSchema', () => {
  it('describes what a user writes, with the units of each quantity', () => {
    const schema = JSON.stringify(toJsonSchema(device, 'Device'));
    expect(JSON.parse(schema)).toMatchObject({ title: 'Device', type: 'object' });
    expect(schema).toContain('transfer-rate: T/s, MT/s, GT/s');
    expect(schema).toContain('"additionalProperties":false');
  });
});

describe('schema walk', () => {
  const data = parseSpecFile(GOOD, 'd.yaml').data;

  it('lists leaves: plain and sourced ones, absent optional ones, entries of maps that are there', () => {
    const leaves = leafPaths(device, data).map(
      ({ path, sourced: has }) => `${path.join('.')}${has ? '*' : ''}`,
    );
    expect(leaves).toEqual([
      'version',
      'references.sheet.title',
      'memory.rate*',
      'memory.size',
      'memory.kind',
      'memory.idle',
      'memory.share',
      'units.npu.kind',
      'units.npu.rows',
    ]);
  });

  it('lists entries of lists by their index', () => {
    const schema = z.object({
      parts: z.array(z.object({ size: z.number() })),
      tags: z.array(z.string()),
    });
    const paths = leafPaths(schema, { parts: [{}, {}], tags: [] }).map(({ path }) =>
      path.join('.'),
    );
    expect(paths).toEqual(['parts.0.size', 'parts.1.size', 'tags']);
  });

  it('knows the keys at a path', () => {
    expect(keysAt(device, ['units', 'npu'], data)).toEqual(['kind', 'rows']);
    expect(keysAt(device, ['units', 'npu'], { units: { npu: { kind: 'gpu' } } })).toContain(
      'cores',
    );
    expect(keysAt(device, ['memory', 'rate'], data)).toEqual(['is', 'from', 'trust', 'note']);
    expect(keysAt(device, ['absent'], data)).toEqual([]);
  });
});

describe('provenance', () => {
  const data = {
    a: { is: 1, from: 'x', trust: 'measured' },
    b: [{ c: { is: '2 V', from: 'y', trust: 'estimated', note: 'guess' } }],
    plain: 3,
  };

  it('lists sourced values with their paths', () => {
    expect(sourcedEntries(data)).toEqual([
      { path: ['a'], is: 1, from: 'x', trust: 'measured', note: undefined },
      { path: ['b', 0, 'c'], is: '2 V', from: 'y', trust: 'estimated', note: 'guess' },
    ]);
  });

  it('gives shares that sum to one', () => {
    expect(trustShares(data)).toEqual({ measured: 0.5, estimated: 0.5 });
    const mixed = trustShares(data, { z: { is: 1, from: 'x', trust: 'paper' } });
    expect(Object.values(mixed).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    expect(trustShares({})).toEqual({});
  });

  it('accepts values that an override replaced', () => {
    const overridden = { a: { is: 1, from: 'override', trust: 'estimated' } };
    expect(checkReferences(overridden)).toEqual([]);
  });

  it('leaves a missing source to the schema', () => {
    expect(checkReferences({ a: { is: 1, trust: 'paper' }, b: { is: 1, from: 4 } })).toEqual([]);
  });

  it('refuses a source of the wrong kind', () => {
    const value = sourcedValue(z.string());
    expect(value.safeParse({ is: 'x', from: 'y', trust: 'rumour' }).success).toBe(false);
    expect(value.safeParse({ is: 'x', from: 'y' }).success).toBe(false);
  });
});
