import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpecError } from '../../src/base/errors.ts';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { overridePaths, resolvePath } from '../../src/engine/overrides.ts';
import { parseSoc, socSpec } from '../../src/hardware/soc-spec.ts';
import { wholeSocText as text } from '../support/whole-soc.ts';

const lines = text.split('\n');

/** What a person may do to a file by mistake: lose a line, repeat one, move it, or write something else into it. */
const slip = fc.record({
  line: fc.nat(lines.length - 1),
  how: fc.constantFrom('lose', 'repeat', 'indent', 'outdent', 'value', 'unit', 'cut'),
  text: fc.constantFrom('', '~', '-1', '0 W', '[]', '{}', '1e999 Hz', 'NaN', '8533 GB', '"', '*x'),
});

function apply(
  source: readonly string[],
  { line, how, text: value }: typeof slip extends fc.Arbitrary<infer T> ? T : never,
) {
  const old = source[line] ?? '';
  const changed: Record<typeof how, string[]> = {
    lose: [],
    repeat: [old, old],
    indent: [`  ${old}`],
    outdent: [old.replace(/^ {2}/, '')],
    value: [old.replace(/is: [^,}]+/, `is: ${value}`).replace(/: [^{&*].*$/, `: ${value}`)],
    unit: [old.replace(/(\d) [A-Za-z/°]+/, '$1 furlongs')],
    cut: [old.slice(0, old.length / 2)],
  };
  return [...source.slice(0, line), ...changed[how], ...source.slice(line + 1)];
}

describe('a SoC description with slips of the pen', () => {
  it('is accepted, or refused with faults that say where', () => {
    fc.assert(
      fc.property(fc.array(slip, { minLength: 1, maxLength: 4 }), (slips) => {
        const changed = slips.reduce<readonly string[]>(apply, lines).join('\n');
        try {
          parseSoc(parseSpecFile(changed, 'soc.yaml'));
        } catch (error) {
          expect(error).toBeInstanceOf(SpecError);
          const { faults } = error as SpecError;
          expect(faults.length).toBeGreaterThan(0);
          for (const fault of faults) {
            expect(fault.file).toBe('soc.yaml');
            expect(fault.line).toBeGreaterThan(0);
            expect(fault.line).toBeLessThanOrEqual(changed.split('\n').length + 1);
            expect(fault.message).not.toBe('');
            expect(fault.message).not.toMatch(/Invalid input|undefined|\[object/);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('override paths', () => {
  const roots = { soc: { spec: parseSpecFile(text, 'soc.yaml'), schema: socSpec } };
  const paths = overridePaths(roots);

  it('are found by their full name, and by every ending that is unique', () => {
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.nat(5), (path, skipped) => {
        const short = path.split('.').slice(skipped).join('.');
        fc.pre(short !== '');
        const same = paths.filter((other) => other === short || other.endsWith(`.${short}`));
        if (same.length === 1) {
          const { root, path: found } = resolvePath(roots, short);
          expect([root, ...found].join('.')).toBe(path);
        } else {
          expect(() => resolvePath(roots, short)).toThrow(/ambiguous/);
        }
      }),
    );
  });
});
