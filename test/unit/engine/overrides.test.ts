import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../src/base/errors.ts';
import { checkSpec, quantity, sourced, z } from '../../../src/base/schema.ts';
import { parseSpecFile, parseSpecValue } from '../../../src/base/spec-file.ts';
import {
  applyOverrides,
  overridePaths,
  resolvePath,
  valueAt,
} from '../../../src/engine/overrides.ts';

const soc = z.strictObject({
  domains: z.record(z.string(), z.strictObject({ clock: sourced('frequency') })),
  units: z.record(
    z.string(),
    z.strictObject({
      domain: z.string(),
      sram: z.strictObject({ size: sourced('size'), width: z.int().optional() }),
      clusters: z.array(z.strictObject({ count: z.int().min(1) })).optional(),
    }),
  ),
  memory: z.strictObject({ rate: sourced('transfer-rate') }),
});
const phone = z.strictObject({ memory: z.strictObject({ capacity: quantity('size') }) });

const SOC = `domains:
  npu: { clock: &c { is: 1 GHz, from: sheet, trust: datasheet, note: typical } }
  gpu: { clock: *c }
units:
  npu: { domain: npu, sram: { size: { is: 8 MiB, from: sheet, trust: paper } } }
  cpu: { domain: gpu, sram: { size: { is: 1 MiB, from: sheet, trust: paper } }, clusters: [ { count: 4 }, { count: 1 } ] }
memory: { rate: { is: 8533 MT/s, from: sheet, trust: datasheet } }
`;

const roots = {
  soc: { spec: parseSpecFile(SOC, 'soc.yaml'), schema: soc },
  phone: { spec: parseSpecFile('memory: { capacity: 12 GiB }', 'phone.yaml'), schema: phone },
};

function faults(run: () => unknown) {
  try {
    run();
  } catch (error) {
    if (error instanceof SpecError) return error.faults;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('resolvePath', () => {
  it.each([
    ['soc.domains.npu.clock', 'domains.npu.clock'],
    ['domains.npu.clock', 'domains.npu.clock'],
    ['npu.clock', 'domains.npu.clock'],
    ['npu.sram.size', 'units.npu.sram.size'],
    ['cpu.clusters.1.count', 'units.cpu.clusters.1.count'],
    ['npu.size', 'units.npu.sram.size'],
    ['rate', 'memory.rate'],
  ])('takes %s for %s', (text, path) => {
    expect(resolvePath(roots, text)).toMatchObject({ root: 'soc', path: expect.anything() });
    expect(resolvePath(roots, text).path.join('.')).toBe(path);
  });

  it('finds paths of other descriptions', () => {
    expect(resolvePath(roots, 'memory.capacity')).toMatchObject({ root: 'phone', sourced: false });
  });

  it('lists what an ambiguous path may mean', () => {
    expect(faults(() => resolvePath(roots, 'clock'))).toEqual([
      {
        message: '"clock" is ambiguous',
        hint: 'it may mean soc.domains.npu.clock, soc.domains.gpu.clock',
      },
    ]);
  });

  it.each([
    ['npu.clok', 'npu.clock'],
    ['soc.domain.npu.clock', 'soc.domains.npu.clock'],
    ['memory.capcity', 'memory.capacity'],
  ])('names the nearest path for %s', (text, near) => {
    expect(faults(() => resolvePath(roots, text))).toMatchObject([
      { message: `no such path "${text}"`, hint: `did you mean "${near}"?` },
    ]);
  });

  it.each([
    ['soc.domains.npu', 'set what it holds (soc.domains.npu.clock), or write'],
    ['units.cpu.clusters', '(soc.units.cpu.clusters.0.count, soc.units.cpu.clusters.1.count)'],
    ['soc', '(soc.domains.npu.clock, soc.domains.gpu.clock, soc.units.npu.domain, … (12))'],
  ])('does not take %s, a map or a list, for a value', (text, hint) => {
    const [fault] = faults(() => resolvePath(roots, text));
    expect(fault?.message).toBe(`"${text}" is no single value`);
    expect(fault?.hint).toContain(hint);
  });

  it('reads the value of a path as written', () => {
    expect(valueAt(roots, resolvePath(roots, 'npu.clock'))).toBe('1 GHz');
    expect(valueAt(roots, resolvePath(roots, 'memory.capacity'))).toBe('12 GiB');
    expect(valueAt(roots, resolvePath(roots, 'npu.sram.width'))).toBeUndefined();
  });

  it('lists every path in full', () => {
    const paths = overridePaths(roots);
    expect(paths).toContain('soc.units.cpu.clusters.0.count');
    expect(paths).toContain('phone.memory.capacity');
    for (const path of paths) expect(resolvePath(roots, path).path.length).toBeGreaterThan(0);
  });
});

describe('applyOverrides', () => {
  const parse = (overrides: string[]) => checkSpec(applyOverrides(roots, overrides).soc, soc);

  it('replaces a sourced value and says where it now comes from', () => {
    expect(parse(['npu.clock=1.5GHz']).domains['npu']?.clock).toEqual({
      is: 1_500_000_000,
      from: 'override',
      trust: 'estimated',
    });
  });

  it('leaves the descriptions given, and values that share an anchor, as they are', () => {
    const before = JSON.stringify(roots.soc.spec.data);
    const after = parse(['npu.clock=1.5GHz']);
    expect(after.domains['gpu']?.clock).toMatchObject({ is: 1_000_000_000, from: 'sheet' });
    expect(JSON.stringify(roots.soc.spec.data)).toBe(before);
  });

  it('sets optional values that the file does not give', () => {
    expect(parse(['npu.sram.width=64']).units['npu']?.sram.width).toBe(64);
  });

  it('replaces entries of lists', () => {
    expect(parse(['cpu.clusters.1.count=3']).units['cpu']?.clusters).toEqual([
      { count: 4 },
      { count: 3 },
    ]);
  });

  it('lets the later of two win, and spreads over descriptions', () => {
    const specs = applyOverrides(roots, [
      'npu.clock=2GHz',
      'memory.capacity = 16 GiB',
      'npu.clock=3GHz',
    ]);
    expect(checkSpec(specs.soc, soc).domains['npu']?.clock.is).toBe(3_000_000_000);
    expect(checkSpec(specs.phone, phone).memory.capacity).toBe(17_179_869_184);
  });

  it('points at the override for faults that it causes, at the file for others', () => {
    const found = faults(() => parse(['memory.rate=8533 GB', 'npu.sram.size=-1 MiB'])).toSorted(
      (a, b) => (a.path as string).localeCompare(b.path as string),
    );
    expect(found).toEqual([
      {
        file: '--set memory.rate=8533 GB',
        path: 'memory.rate.is',
        message: '"GB" measures size, expected transfer-rate (T/s, MT/s, GT/s)',
        got: '"8533 GB"',
      },
      {
        file: '--set npu.sram.size=-1 MiB',
        path: 'units.npu.sram.size.is',
        message: 'must be above zero',
        got: '"-1 MiB"',
      },
    ]);
  });

  it('reports every override that cannot be applied', () => {
    const found = faults(() =>
      applyOverrides(roots, ['npu.clok=1', 'npu.clock', '=3', 'clock=1', 'npu.clock=']),
    );
    expect(found.map(({ file }) => file)).toEqual([
      '--set npu.clok=1',
      '--set npu.clock',
      '--set =3',
      '--set clock=1',
      '--set npu.clock=',
    ]);
    expect(found[1]?.message).toContain('expected path=value');
  });

  it('takes text that YAML cannot read as text', () => {
    const found = faults(() => parse(['npu.clock=*1.5']));
    expect(found[0]).toMatchObject({ file: '--set npu.clock=*1.5', got: '"*1.5"' });
  });

  it('reads a value as a file would, whichever way is taken', () => {
    const text = fc.oneof(
      fc.constantFrom(
        '1.5GHz',
        '8 MiB',
        'true',
        '4',
        '-1e3',
        '0x10',
        '.5',
        'null',
        '35 °C',
        '12 %',
        '~',
        '- a',
      ),
      fc.string({ unit: fc.constantFrom(...'aA1. -+/%:#e[{~\'"'), minLength: 1, maxLength: 8 }),
    );
    const schema = z.strictObject({ a: z.unknown() });
    const loose = { x: { spec: parseSpecFile('a: 0', 'x.yaml'), schema } };
    fc.assert(
      fc.property(text, (value) => {
        fc.pre(value.trim() !== '');
        const { data } = applyOverrides(loose, [`x.a=${value}`]).x;
        let expected: unknown = value.trim();
        try {
          expected = parseSpecValue(value.trim(), 'x');
        } catch {}
        expect((data as { a: unknown }).a).toEqual(expected);
      }),
    );
  });

  it('changes nothing without overrides', () => {
    expect(applyOverrides(roots, []).soc).toBe(roots.soc.spec);
  });
});
