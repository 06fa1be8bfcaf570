import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../../src/base/errors.ts';
import type { Cipher } from '../../../../src/hardware/secure/cipher.ts';
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

function faults(
  own: Partial<Strategy>,
  takesTurns = false,
  soc = bare,
  ciphers: readonly Cipher[] = [],
): string {
  try {
    requireHardware(
      {
        name: 'mine',
        at: (choice) => `security.${choice}`,
        strategy: { ...plain, ...own },
        turns: takesTurns,
      },
      soc,
      ciphers,
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

describe('a runtime that starts from a checkpoint', () => {
  const own = {
    modelFile: 'encrypted',
    decryption: 'npu-dma',
    runtimeStart: 'checkpoint',
  } as const;
  const cipher = (name: Cipher['name']): Cipher => ({
    name,
    throughput: 1e9,
    energyPerByte: 0,
    throughMemory: name !== 'npu-dma',
  });
  const given = (...names: Cipher['name'][]) => faults(own, false, bare, names.map(cipher));

  it('needs a cipher that cores can use, beside the one of an NPU', () => {
    expect(given('npu-dma')).toMatch(/security\.runtimeStart.*checkpoint[\s\S]*cpuCrypto/);
    expect(given('npu-dma', 'engine')).toBe('');
    expect(given('npu-dma', 'cpu')).toBe('');
  });

  it('tells of the one that is asked for first where that is missing', () => {
    expect(given()).toMatch(/decryption by npu-dma/);
    expect(given()).not.toContain('checkpoint');
  });

  it('needs none where nothing is encrypted, or it starts from nothing', () => {
    expect(faults({ ...own, modelFile: 'plain' })).toBe('');
    const fresh = { ...own, runtimeStart: 'initialise' } as const;
    expect(faults(fresh, false, bare, [cipher('npu-dma')])).toBe('');
  });
});
