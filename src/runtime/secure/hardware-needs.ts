/** What a strategy needs of a SoC: everything that is missing is told in one go. */
import { type Fault, SpecError } from '../../base/errors.ts';
import type { Cipher } from '../../hardware/secure/cipher.ts';
import type { SecuritySpec } from '../../hardware/secure/security-spec.ts';
import type { Strategy } from './strategy.ts';

/** Whether the strategy asks for anything at all. */
export function protectsAnything({ protects, world }: Strategy): boolean {
  return protects.length > 0 || world !== 'normal';
}

/** @param takesTurns models give their memory to others. @throws SpecError that names every part that `soc` lacks for strategy `name`. */
export function requireHardware(
  name: string,
  strategy: Strategy,
  soc: { readonly name: string; readonly security?: SecuritySpec | undefined },
  ciphers: readonly Cipher[],
  takesTurns = false,
): SecuritySpec {
  const { security } = soc;
  if (!security) {
    throw new SpecError([
      {
        message: `security "${name}" needs hardware that ${soc.name} does not describe`,
        expected: `a section security: in the description of ${soc.name}`,
        hint: 'socs/dimensity-9300.yaml has one; --security none runs without protection',
      },
    ]);
  }
  const faults = missing(strategy, security, ciphers, takesTurns).map(
    ([part, key]): Fault => ({
      message: `security "${name}" needs ${part}, which ${soc.name} does not have`,
      expected: `security.${key} in the description of ${soc.name}`,
    }),
  );
  if (faults.length > 0) throw new SpecError(faults);
  return security;
}

function missing(
  strategy: Strategy,
  security: SecuritySpec,
  ciphers: readonly Cipher[],
  takesTurns: boolean,
): (readonly [string, string])[] {
  const { accelerator, integrity } = security;
  const found: (readonly [string, string])[] = [];
  const need = (absent: boolean, part: string, key: string) => {
    if (absent) found.push([part, key]);
  };
  need(strategy.world === 'protected-vm' && !security.vm, 'protected virtual machines', 'vm');
  need(strategy.npu !== 'none' && !accelerator, 'an NPU that can change worlds', 'accelerator');
  const fine = strategy.npu === 'fine' || strategy.clean === 'tagged';
  need(
    fine && accelerator !== undefined && accelerator.sharing.is !== 'fine',
    'an NPU that tags requests and local memory by world',
    'accelerator.sharing: fine',
  );
  need(strategy.growth === 'elastic' && !security.growth, 'secure memory that can grow', 'growth');
  const wipes = strategy.clean !== 'never' && strategy.encryption === 'none';
  const gives = strategy.afterUse === 'release' || takesTurns;
  need(
    gives && wipes && strategy.protects.includes('weights') && !security.growth,
    'a core that overwrites what a model leaves (or clean: never)',
    'growth.copy',
  );
  need(strategy.encryption === 'inline' && !security.encryption, 'inline encryption', 'encryption');
  const kind = strategy.integrity;
  need(
    kind !== 'none' && !(integrity && (integrity.kinds.is as readonly string[]).includes(kind)),
    `memory integrity by ${kind}`,
    `integrity.kinds: [${kind}]`,
  );
  const cipher = strategy.decryption;
  const there = ciphers.some(({ name }) => cipher === 'fastest' || name === cipher);
  const keys = { cpu: 'cpuCrypto', engine: 'engine', 'npu-dma': 'dmaCrypto', fastest: 'cpuCrypto' };
  need(strategy.modelFile === 'encrypted' && !there, `decryption by ${cipher}`, keys[cipher]);
  return found;
}
