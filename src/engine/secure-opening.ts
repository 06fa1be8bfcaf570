/**
 * What the drive brings in the middle of a request, experts that were missed and adapters that are swapped in, deciphered
 * before an operator uses it.
 *
 * Model    the cipher works on one block while the drive brings the next: an operator waits for what the cipher takes longer
 *          than the drive, at least for the last block; strategies that restore in sequence decipher when all is there;
 *          cores that decipher draw what vector work draws, other ciphers energy by the byte, spread over drive and wait;
 *          a cipher that is no part of the NPU reads from memory what has landed, and writes it once more, meanwhile
 *          what an NPU deciphers in its own path waits for nothing here: it does so at every read (secure-machine.ts)
 * Ignores  that cores which decipher are missing to operators of the CPU, and what its bytes take from other streams;
 *          that a drive which others slow leaves its cipher less to catch up with;
 *          codes and inline encryption of the bytes on their way; the key's set-up;
 *          in the ledger of protection, leakage of cores that wake for it
 * Valid    blocks of 512 KiB, the size in which experts and adapters are read
 * Source   hardware/secure/cipher.ts; hardware/storage/ufs.ts
 * Checked  test/unit/engine/secure-opening.test.ts, secure-opening-policy.test.ts (policies see it)
 */
import type { Bytes, Joules, Seconds, Watts } from '../base/units.ts';
import { decryptSeconds } from '../hardware/secure/cipher.ts';
import { LARGE_BLOCK } from '../hardware/storage/ufs.ts';
import type { DrawnMeanwhile } from './beside.ts';
import { burnCores, coreWatts } from './cores.ts';
import type { Execution } from './execution.ts';
import type { Ledger } from './ledger.ts';
import type { Machine } from './machine.ts';
import type { ProtectionLedger } from './secure-costs.ts';
import { type SecurityPlan, staysSealed } from './secure-plan.ts';
import type { TaskTable } from './task-table.ts';

/** Whether what a plan keeps on the drive is deciphered before anybody reads it, and not as the NPU reads. */
export function isCiphered(plan: SecurityPlan): boolean {
  const { modelFile, protects } = plan.strategy;
  if (!plan.cipher || staysSealed(plan)) return false;
  return modelFile === 'encrypted' && protects.includes('weights');
}

/** How often what the drive brings passes memory again: once where a cipher of its own reads it and writes it back. */
export function passesAgain(plan: SecurityPlan): number {
  return isCiphered(plan) && plan.cipher?.throughMemory ? 1 : 0;
}

/** The machine with what its operators wait for ciphers, for those who place them; the same one where they never do. */
export function openingMachine(machine: Machine, plan: SecurityPlan): Machine {
  if (!machine.storage || !isCiphered(plan)) return machine;
  return { ...machine, opening: (bytes, drive) => openingSeconds(plan, bytes, drive) };
}

/** What an operator waits beyond the `drive` seconds that its bytes take from storage. */
export function openingSeconds(plan: SecurityPlan, bytes: Bytes, drive: Seconds): Seconds {
  const { cipher, strategy } = plan;
  if (!cipher || bytes === 0 || !isCiphered(plan)) return 0;
  const whole = decryptSeconds(cipher, bytes);
  if (strategy.restore === 'sequential') return whole;
  return Math.max(whole - drive, decryptSeconds(cipher, Math.min(bytes, LARGE_BLOCK)));
}

/** What a cipher has still to draw for the operator of a unit. */
interface Opening {
  /** Drive and waits together, over which it is spread. */
  left: Seconds;
  coreSeconds: Seconds;
  /** Of those, where the cores are the unit's own: while it would sleep for the drive. */
  awakeSeconds: Seconds;
  cipherJoules: Joules;
  /** Read, and written as often. */
  bytes: Bytes;
}

/** Books it: the wait when an operator is admitted, what ciphers draw while it lasts. */
export class Openings implements DrawnMeanwhile {
  private readonly execution: Execution;
  private readonly ledger: Ledger;
  private readonly cpu: number;
  /** Of the operator admitted last. */
  private admitted: Opening | undefined;
  private readonly open: (Opening | undefined)[];

  constructor(execution: Execution, ledger: Ledger, cpuUnit: string | undefined) {
    const { units } = execution.machine;
    this.execution = execution;
    this.ledger = ledger;
    this.cpu = units.findIndex(({ unit }) => unit.name === cpuUnit);
    this.open = units.map(() => undefined);
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
    const coreSeconds = cipher.name === 'cpu' ? decryptSeconds(cipher, bytes) : 0;
    const awakeSeconds = u === this.cpu ? Math.max(0, coreSeconds - seconds) : 0;
    const cipherJoules = bytes * cipher.energyPerByte;
    const again = passesAgain(plan) * bytes;
    this.admitted = {
      left: drive + table.transferSeconds[operator]!,
      coreSeconds,
      awakeSeconds,
      cipherJoules,
      bytes: again,
    };
    const joules =
      (seconds + awakeSeconds) * execution.stalledWatts[u]! +
      coreSeconds * this.wattsBeside(u) +
      cipherJoules +
      again * (this.memoryPerByte + 2 * execution.machine.fabricPerByte);
    costs.add('decryption', { seconds, joules });
    return seconds;
  }

  /**
   * The operator admitted last has started on unit `u`, `wait` seconds of protection before its launch.
   * @param withheld of what is read and written for it: gates let it not pass.
   */
  started(u: number, wait: Seconds, withheld: Bytes): void {
    if (!this.admitted) return;
    this.admitted.left += wait;
    this.admitted.bytes = Math.max(0, this.admitted.bytes - withheld / 2);
    this.open[u] = this.admitted;
    this.admitted = undefined;
    this.execution.beside.openings = this;
  }

  /** The operator waits longer than was said, or shorter. */
  delay(u: number, seconds: Seconds): void {
    const opening = this.open[u];
    if (opening) opening.left = Math.max(0, opening.left + seconds);
  }

  pass(u: number, row: number, seconds: Seconds): void {
    const opening = this.open[u];
    if (!opening || seconds <= 0) return;
    const { execution, ledger } = this;
    const share = seconds < opening.left ? seconds / opening.left : 1;
    const cores =
      this.burn(u, share * opening.coreSeconds) + this.wake(u, share * opening.awakeSeconds);
    const cipher = share * opening.cipherJoules;
    const bytes = share * opening.bytes;
    const memory = bytes * this.memoryPerByte;
    const fabric = 2 * bytes * execution.machine.fabricPerByte + cipher;
    execution.memoryJoules += memory;
    execution.fabricJoules += fabric;
    execution.unitBytes[u]! += 2 * bytes;
    ledger.bytes[row]! += 2 * bytes;
    ledger.joules[row]! += cores + memory + fabric;
    if (share === 1) this.close(u);
    opening.left -= seconds;
    opening.coreSeconds *= 1 - share;
    opening.awakeSeconds *= 1 - share;
    opening.cipherJoules -= cipher;
    opening.bytes -= bytes;
  }

  /** Nobody looks at operators that open nothing. */
  private close(u: number): void {
    this.open[u] = undefined;
    if (this.open.every((opening) => !opening)) this.execution.beside.openings = undefined;
  }

  /** Of a byte read and written. */
  private get memoryPerByte(): number {
    const { memory } = this.execution.machine;
    return memory.energyPerReadByte + memory.energyPerWriteByte;
  }

  /** The unit does not sleep for so long. */
  private wake(u: number, seconds: Seconds): Joules {
    const { reads, stalledWatts, unitJoules } = this.execution;
    const joules = stalledWatts[u]! * seconds;
    reads.asleepSeconds[u]! -= seconds;
    unitJoules[u]! += joules;
    return joules;
  }

  /** A CPU that waits for its own cores draws what stalled ones draw already. */
  private wattsBeside(u: number): Watts {
    const { cpu, execution } = this;
    return u === cpu ? execution.vectorWatts[cpu]! : coreWatts(execution, cpu);
  }

  private burn(u: number, seconds: Seconds): Joules {
    const { cpu, execution } = this;
    if (u !== cpu) return burnCores(execution, cpu, seconds);
    const joules = this.wattsBeside(u) * seconds;
    execution.unitJoules[u]! += joules;
    return joules;
  }
}
