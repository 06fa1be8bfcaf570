/** What a strategy needs of a SoC: everything that is missing is told in one go. */
import { type Fault, SpecError } from '../../base/errors.ts';
import type { Cipher } from '../../hardware/secure/cipher.ts';
import type { SecuritySpec } from '../../hardware/secure/security-spec.ts';
import type { Strategy } from './strategy.ts';

/** Whether the strategy asks for anything at all. */
export function protectsAnything({ protects, world }: Strategy): boolean {
  return protects.length > 0 || world !== 'normal';
}

type Choice = Exclude<keyof Strategy, 'version' | 'summary'>;

/** Path of each choice in the scenario. */
export type ChoicePlaces = (choice: Choice | 'preset') => string;

/** What a scenario asks for. */
interface Wanted {
  /** Of the preset. */
  readonly name: string;
  readonly at: ChoicePlaces;
  readonly strategy: Strategy;
  /** Models give their memory to others. */
  readonly turns: boolean;
}

/** @throws SpecError that names every part that `soc` lacks for a strategy. */
export function requireHardware(
  { name, at, strategy, turns }: Wanted,
  soc: { readonly name: string; readonly security?: SecuritySpec | undefined },
  ciphers: readonly Cipher[],
): SecuritySpec {
  const { security } = soc;
  if (!security) {
    throw new SpecError([
      {
        path: at('preset'),
        message: `security "${name}" needs hardware that ${soc.name} does not describe`,
        expected: `a section security: in the description of ${soc.name}`,
        hint: 'socs/dimensity-9300.yaml has one; --security none runs without protection',
      },
    ]);
  }
  const faults = missing(strategy, security, ciphers, turns).map(
    ([choice, part, key]): Fault => ({
      path: at(choice),
      message: `security "${name}" needs ${part}, which ${soc.name} does not have`,
      expected: `security.${key} in the description of ${soc.name}`,
    }),
  );
  if (faults.length > 0) throw new SpecError(faults);
  return security;
}

/** The choice that asks for it, what it is, and what describes it under `security` of a SoC. */
type Need = readonly [Choice, part: string, key: string];

function missing(
  strategy: Strategy,
  security: SecuritySpec,
  ciphers: readonly Cipher[],
  takesTurns: boolean,
): Need[] {
  const { accelerator, integrity } = security;
  const found: Need[] = [];
  const need = (absent: boolean, ...lacking: Need) => {
    if (absent) found.push(lacking);
  };
  need(
    strategy.world === 'protected-vm' && !security.vm,
    'world',
    'protected virtual machines',
    'vm',
  );
  need(
    strategy.npu !== 'none' && !accelerator,
    'npu',
    'an NPU that can change worlds',
    'accelerator',
  );
  const fine = strategy.npu === 'fine' || strategy.clean === 'tagged';
  need(
    fine && accelerator !== undefined && accelerator.sharing.is !== 'fine',
    strategy.npu === 'fine' ? 'npu' : 'clean',
    'an NPU that tags requests and local memory by world',
    'accelerator.sharing: fine',
  );
  need(
    strategy.growth === 'elastic' && !security.growth,
    'growth',
    'secure memory that can grow',
    'growth',
  );
  const wipes = strategy.clean !== 'never' && strategy.encryption === 'none';
  const gives = strategy.afterUse === 'release' || takesTurns;
  need(
    gives && wipes && strategy.protects.includes('weights') && !security.growth,
    'clean',
    'a core that overwrites what a model leaves (or clean: never)',
    'growth.copy',
  );
  need(
    strategy.encryption === 'inline' && !security.encryption,
    'encryption',
    'inline encryption',
    'encryption',
  );
  const kind = strategy.integrity;
  need(
    kind !== 'none' && !(integrity && (integrity.kinds.is as readonly string[]).includes(kind)),
    'integrity',
    `memory integrity by ${kind}`,
    `integrity.kinds: [${kind}]`,
  );
  return [...found, ...missingCiphers(strategy, ciphers)];
}

const CIPHER_KEYS = {
  cpu: 'cpuCrypto',
  engine: 'engine',
  'npu-dma': 'dmaCrypto',
  fastest: 'cpuCrypto',
} as const;

function missingCiphers(
  { modelFile, decryption, runtimeStart }: Strategy,
  ciphers: readonly Cipher[],
): Need[] {
  if (modelFile !== 'encrypted') return [];
  if (!ciphers.some(({ name }) => decryption === 'fastest' || name === decryption))
    return [['decryption', `decryption by ${decryption}`, CIPHER_KEYS[decryption]]];
  if (runtimeStart !== 'checkpoint' || ciphers.some(({ throughMemory }) => throughMemory))
    return [];
  const part = 'a cipher that opens the checkpoint of its runtime for cores';
  return [['runtimeStart', part, CIPHER_KEYS.cpu]];
}
