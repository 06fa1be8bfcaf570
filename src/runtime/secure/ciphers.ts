/** The places of a SoC where a model file can be decrypted. */
import {
  type Cipher,
  type CipherCores,
  coreThroughput,
  type KeyBits,
} from '../../hardware/secure/cipher.ts';
import type { SecuritySpec } from '../../hardware/secure/security-spec.ts';
import type { SocSpec } from '../../hardware/soc-spec.ts';

export interface CipherCoresOfSoc {
  readonly unit: string;
  readonly cores: readonly CipherCores[];
}

/** Cores that have cipher instructions, at their highest clock, and the unit that they belong to. */
export function cipherCores(soc: SocSpec): CipherCoresOfSoc | undefined {
  const { cpuCrypto } = soc.security ?? {};
  if (!cpuCrypto) return undefined;
  for (const [unit, spec] of Object.entries(soc.units)) {
    if (spec.kind !== 'cpu') continue;
    const all = spec.clusters.map(({ name, count, clock }) => ({
      name,
      count: count.is,
      clock: soc.domains[clock]?.clock.is ?? 0,
    }));
    const slowest = Math.min(...all.map(({ clock }) => clock));
    const named = cpuCrypto.clusters?.is;
    const cores = all.filter(({ name, clock }) =>
      named ? named.includes(name) : all.length === 1 || clock > slowest,
    );
    if (cores.length > 0) return { unit, cores };
  }
  return undefined;
}

/** Every cipher of the SoC, fastest first. */
export function ciphersOf(soc: SocSpec): Cipher[] {
  const { security } = soc;
  if (!security) return [];
  const { engine, dmaCrypto } = security;
  const found: Cipher[] = [...coreCipher(soc, security)];
  const unit = (name: 'engine' | 'npu-dma', spec: typeof engine): Cipher[] =>
    spec
      ? [
          {
            name,
            throughput: spec.throughput.is,
            energyPerByte: spec.energy.is,
            throughMemory: name === 'engine',
          },
        ]
      : [];
  found.push(...unit('engine', engine), ...unit('npu-dma', dmaCrypto));
  return found.sort((a, b) => b.throughput - a.throughput);
}

function coreCipher(soc: SocSpec, { cpuCrypto }: SecuritySpec): Cipher[] {
  const found = cipherCores(soc);
  if (!cpuCrypto || !found) return [];
  const bits: KeyBits = cpuCrypto.keyBits.is === 128 ? 128 : 256;
  const throughput = coreThroughput(found.cores, bits, cpuCrypto.efficiency.is);
  return [{ name: 'cpu', throughput, energyPerByte: 0, throughMemory: true }];
}
