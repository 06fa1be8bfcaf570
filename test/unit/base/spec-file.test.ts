import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../src/base/errors.ts';
import { parseOnce, parseSpecFile, parseSpecValue } from '../../../src/base/spec-file.ts';

const TEXT = `# a comment
name: x
memory:
  rate: { is: "8533 MT/s", from: a }
  channels:
    - 4
    - wide: yes
empty:
`;

function faultsOf(run: () => unknown) {
  try {
    run();
  } catch (error) {
    if (error instanceof SpecError) return error.faults;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('parseSpecFile', () => {
  const spec = parseSpecFile(TEXT, 'x.yaml');

  it('gives plain data', () => {
    expect(spec.data).toEqual({
      name: 'x',
      memory: { rate: { is: '8533 MT/s', from: 'a' }, channels: [4, { wide: 'yes' }] },
      empty: null,
    });
  });

  it.each([
    [['name'], 2, 7],
    [['memory', 'rate', 'is'], 4, 15],
    [['memory', 'channels', 0], 6, 7],
    [['memory', 'channels', 1, 'wide'], 7, 13],
    [['empty'], 8, 7],
  ])('points at the scalar of %j', (path, line, column) => {
    expect(spec.locate(path)).toEqual({ line, column });
  });

  it.each([
    [['memory'], 3, 1],
    [['memory', 'channels'], 5, 3],
    [['memory', 'rate'], 4, 3],
  ])('points at the key of %j, a map or a list', (path, line, column) => {
    expect(spec.locate(path)).toEqual({ line, column });
  });

  it.each([
    [['memory', 'rate', 'trust'], 4, 3],
    [['memory', 'absent', 'deeper'], 3, 1],
    [['memory', 'channels', 9], 5, 3],
    [['absent'], 2, 1],
  ])('points at the nearest parent of %j, which is not there', (path, line, column) => {
    expect(spec.locate(path)).toEqual({ line, column });
  });

  it('keeps keys given twice as faults, so that the rest of the file is checked too', () => {
    const twice = parseSpecFile('a: 1\nb:\n  c: 2\n  c: 3\na: 4\n', 'twice.yaml');
    expect(twice.faults).toEqual([
      {
        file: 'twice.yaml',
        line: 4,
        column: 3,
        message: 'this key is given twice in the same map',
      },
      {
        file: 'twice.yaml',
        line: 5,
        column: 1,
        message: 'this key is given twice in the same map',
      },
    ]);
  });

  it('throws syntax faults with their place', () => {
    const faults = faultsOf(() => parseSpecFile('a: 1\nb: [1, 2\nc: "x\n', 'bad.yaml'));
    expect(faults.length).toBeGreaterThan(0);
    expect(faults[0]).toMatchObject({ file: 'bad.yaml', line: 3 });
    for (const fault of faults) expect(fault.message).not.toContain('\n');
  });

  it('refuses tabs as indentation', () => {
    const [fault] = faultsOf(() => parseSpecFile('a:\n\tb: 1\n', 'tabs.yaml'));
    expect(fault).toMatchObject({ file: 'tabs.yaml', line: 2 });
  });

  it('refuses aliases without an anchor as the fault of the author', () => {
    expect(faultsOf(() => parseSpecFile('a: 1\nb: *nowhere\n', 'alias.yaml'))).toEqual([
      { file: 'alias.yaml', line: 2, column: 4, message: 'there is no anchor &nowhere' },
    ]);
  });

  it('refuses aliases that would expand without bound', () => {
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i++) {
      const list = Array(9)
        .fill(`*a${i - 1}`)
        .join(', ');
      bomb.push(`a${i}: &a${i} [${list}]`);
    }
    const [fault] = faultsOf(() => parseSpecFile(bomb.join('\n'), 'bomb.yaml'));
    expect(fault?.message).toMatch(/alias/i);
  });

  it('resolves aliases to equal values', () => {
    const { data } = parseSpecFile('a: &x { b: 1 }\nc: *x\n', 'x.yaml');
    expect(data).toEqual({ a: { b: 1 }, c: { b: 1 } });
  });

  it('takes an empty file as no data at all', () => {
    const empty = parseSpecFile('', 'empty.yaml');
    expect(empty.data).toBeNull();
    expect(empty.locate(['x'])).toEqual({ line: 1, column: 1 });
  });
});

describe('parseOnce', () => {
  it('parses a file again only where its text has changed since', () => {
    const first = parseOnce({ file: 'once.yaml', text: 'a: 1' });
    expect(first.data).toEqual({ a: 1 });
    expect(parseOnce({ file: 'once.yaml', text: 'a: 1' })).toBe(first);
    expect(parseOnce({ file: 'once.yaml', text: 'a: 2' }).data).toEqual({ a: 2 });
    expect(parseOnce({ file: 'twice.yaml', text: 'a: 1' }).file).toBe('twice.yaml');
  });

  it('refuses a broken file every time', () => {
    const broken = () => parseOnce({ file: 'broken.yaml', text: 'a: [1' });
    expect(broken).toThrow(SpecError);
    expect(broken).toThrow(SpecError);
  });
});

describe('parseSpecValue', () => {
  it.each([
    ['1.5 GHz', '1.5 GHz'],
    ['4', 4],
    ['true', true],
    ['[1, 2]', [1, 2]],
    ['"4"', '4'],
    ['weight-stationary', 'weight-stationary'],
  ])('reads %s', (text, value) => {
    expect(parseSpecValue(text, '--set')).toEqual(value);
  });
});
