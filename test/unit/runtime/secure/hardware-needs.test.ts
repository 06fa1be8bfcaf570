import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../../src/base/errors.ts';
import type { SecuritySpec } from '../../../../src/hardware/secure/security-spec.ts';
import { requireHardware } from '../../../../src/runtime/secure/hardware-needs.ts';
import type { Strategy } from '../../../../src/runtime/secure/strategy.ts';

const plain = {
  world: 'secure',
  protects: ['weights'],
  npu: 'none',
  growth: 'fixed',
  encryption: 'none',
  integrity: 'none',
  modelFile: 'plain',
  clean: 'on-switch',
  afterUse: 'keep',
} as unknown as Strategy;

/** A SoC whose carve-out is all that it has. */
const bare = { name: 'bare', security: {} as SecuritySpec };
const growing = { name: 'growing', security: { growth: {} } as SecuritySpec };

function faults(own: Partial<Strategy>, takesTurns = false, soc = bare): string {
  try {
    requireHardware(
      {
        name: 'mine',
        at: (choice) => `security.${choice}`,
        strategy: { ...plain, ...own },
        turns: takesTurns,
      },
      soc,
      [],
    );
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(SpecError);
    return (error as SpecError).message;
  }
}

describe('a carve-out that cannot grow', () => {
  it('holds models for good without more hardware', () => {
    expect(faults({})).toBe('');
  });

  it.each([
    ['given back after use', { afterUse: 'release' }, false],
    ['of models that take turns', {}, true],
  ] as const)('%s, needs a core that overwrites it', (_, own, takesTurns) => {
    expect(faults(own, takesTurns)).toMatch(/overwrites what a model leaves.*bare/);
    expect(faults(own, takesTurns)).toContain('security.growth.copy');
    expect(faults(own, takesTurns, growing)).toBe('');
  });

  it.each([[{ clean: 'never' }], [{ protects: ['kv'] }]] as const)('needs none with %o', (own) => {
    expect(faults({ ...own, afterUse: 'release' } as Partial<Strategy>)).toBe('');
  });

  it('throws its key away instead where it is encrypted', () => {
    const own = { afterUse: 'release', encryption: 'inline' } as const;
    const soc = { name: 'sealed', security: { encryption: {} } as SecuritySpec };
    expect(faults(own, false, soc)).toBe('');
  });
});
