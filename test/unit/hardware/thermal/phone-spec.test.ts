import { describe, expect, it } from 'vitest';
import { sourcedEntries } from '../../../../src/base/provenance.ts';
import { loadPhone, PHONES, phoneText } from '../../../support/thermal.ts';

describe('phone descriptions', () => {
  it.each(PHONES)('%s reads, and every number names a source', (name) => {
    const phone = loadPhone(name);
    const entries = sourcedEntries(phone);
    expect(entries.length).toBeGreaterThan(40);
    for (const { from } of entries) expect(Object.keys(phone.references)).toContain(from);
    const used = new Set(entries.map(({ from }) => from));
    expect(Object.keys(phone.references).filter((key) => !used.has(key))).toEqual([]);
  });

  const edited = (from: string | RegExp, to: string) => () =>
    loadPhone('galaxy-s24', (text) => text.replace(from, to));
  const lineOf = (part: string) =>
    phoneText('galaxy-s24')
      .split('\n')
      .findIndex((line) => line.includes(part)) + 1;

  it('places an unknown key, and suggests the right one', () => {
    expect(edited('  boardToFrame:', '  boardToFrme:')).toThrow(
      new RegExp(`galaxy-s24.yaml:${lineOf('boardToFrame:')}:.*boardToFrme.*boardToFrame`),
    );
  });

  it('refuses skin limits out of order', () => {
    expect(edited('"45 °C"', '"40 °C"')).toThrow(/skin limits must rise/);
  });

  it('refuses a voltage curve that falls, and one that is too short', () => {
    expect(edited('3.65 3.72', '3.72 3.65')).toThrow(/openCircuit/);
    expect(edited('3.65 3.72', '3.72')).toThrow(/eleven voltages/);
  });

  it('refuses a wrong unit and a source that is not there', () => {
    expect(edited('"80 mohm"', '"80 mW"')).toThrow(/resistance.*measures power/s);
    expect(edited('from: cell', 'from: sell')).toThrow(/sell/);
  });
});
