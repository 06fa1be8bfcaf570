/**
 * What the drive brings in the middle of a request, experts that were missed and adapters that are swapped in, deciphered
 * before an operator uses it.
 *
 * Model    the cipher works on one block while the drive brings the next: an operator waits for what the cipher takes longer
 *          than the drive, at least for the last block; strategies that restore in sequence decipher when all is there;
 *          cores that decipher draw what vector work draws, other ciphers energy by the byte, spread over drive and wait;
 *          a cipher that is no part of the NPU reads from memory what has landed, and writes it once more
 * Ignores  that cores which decipher are missing to operators of the CPU;
 *          codes and inline encryption of the bytes on their way; the key's set-up
 * Valid    blocks of 512 KiB, the size in which experts and adapters are read
 * Source   hardware/secure/cipher.ts; hardware/storage/ufs.ts
 * Checked  test/unit/engine/secure-opening.test.ts
 */
import type { Bytes, Joules, Seconds } from '../base/units.ts';
import { decryptSeconds } from '../hardware/secure/cipher.ts';
import { LARGE_BLOCK } from '../hardware/storage/ufs.ts';
import type { DrawnMeanwhile } from './beside.ts';
import { burnCores, coreWatts } from './cores.ts';
import type { Execution } from './execution.ts';
import type { Ledger } from './ledger.ts';
import type { ProtectionLedger } from './secure-costs.ts';
import type { SecurityPlan } from './secure-plan.ts';
import type { TaskTable } from './task-table.ts';

/** Whether what a plan keeps on the drive has to be deciphered. */
export function isCiphered({ strategy, cipher }: SecurityPlan): boolean {
  const { modelFile, protects } = strategy;
  return cipher !== undefined && modelFile === 'encrypted' && protects.includes('weights');
}

/** How often what the drive brings passes memory again: once where a cipher of its own reads it and writes it back. */
export function passesAgain(plan: SecurityPlan): number {
  return isCiphered(plan) && plan.cipher?.throughMemory ? 1 : 0;
}

/** What an operator waits beyond the `drive` seconds that its bytes take from storage. */
export function openingSeconds(plan: SecurityPlan, bytes: Bytes, drive: Seconds): Seconds {
  const { cipher, strategy } = plan;
  if (!cipher || bytes === 0 || !isCiphered(plan)) return 0;
  const whole = decryptSeconds(cipher, bytes);
  if (strategy.restore === 'sequential') return whole;
  return Math.max(whole - drive, decryptSeconds(cipher, Math.min(bytes, LARGE_BLOCK)));
}

/** Books it: the wait when an operator is admitted, what ciphers draw while it lasts. */
export class Openings implements DrawnMeanwhile {
  private readonly execution: Execution;
  private readonly ledger: Ledger;
  private readonly cpu: number;
  /** Of the operator admitted last. */
  private drive: Seconds = 0;
  private coreSeconds: Seconds = 0;
  private cipherJoules: Joules = 0;
  /** By unit: for each second that its operator waits. */
  private readonly cores: Float64Array;
  private readonly watts: Float64Array;

  constructor(execution: Execution, ledger: Ledger, cpuUnit: string | undefined) {
    const { units } = execution.machine;
    this.execution = execution;
    this.ledger = ledger;
    this.cpu = units.findIndex(({ unit }) => unit.name === cpuUnit);
    this.cores = new Float64Array(units.length);
    this.watts = new Float64Array(units.length);
    execution.beside.openings = this;
  }

  /** @returns seconds that an operator waits on unit `u`. */
  admit(
    { plan, costs }: { readonly plan: SecurityPlan; readonly costs: ProtectionLedger },
    u: number,
    table: TaskTable,
    operator: number,
  ): Seconds {
    const { cipher } = plan;
    const cell = table.cell[operator]!;
    const bytes = table.storageBytes[cell]!;
    const drive = table.storageSeconds[cell]!;
    const seconds = openingSeconds(plan, bytes, drive);
    if (!cipher || seconds === 0) return 0;
    const { execution } = this;
    this.drive = drive + table.transferSeconds[operator]!;
    this.coreSeconds = cipher.name === 'cpu' ? decryptSeconds(cipher, bytes) : 0;
    this.cipherJoules = bytes * cipher.energyPerByte;
    const { memory, fabricPerByte } = execution.machine;
    const perByte = memory.energyPerReadByte + memory.energyPerWriteByte + 2 * fabricPerByte;
    const joules =
      seconds * execution.stalledWatts[u]! +
      this.coreSeconds * coreWatts(execution, this.cpu) +
      this.cipherJoules +
      passesAgain(plan) * bytes * perByte;
    costs.add('decryption', { seconds, joules });
    return seconds;
  }

  /** The operator admitted last has started on unit `u`, `wait` seconds of protection before its launch. */
  started(u: number, wait: Seconds): void {
    const whole = this.drive + wait;
    this.cores[u] = whole > 0 ? this.coreSeconds / whole : 0;
    this.watts[u] = whole > 0 ? this.cipherJoules / whole : 0;
    this.drive = 0;
    this.coreSeconds = 0;
    this.cipherJoules = 0;
  }

  pass(u: number, row: number, seconds: Seconds): void {
    if (this.cores[u] === 0 && this.watts[u] === 0) return;
    const { execution, ledger, cpu } = this;
    const cipher = this.watts[u]! * seconds;
    execution.fabricJoules += cipher;
    ledger.joules[row]! += burnCores(execution, cpu, this.cores[u]! * seconds) + cipher;
  }
}
