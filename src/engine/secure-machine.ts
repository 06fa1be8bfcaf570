/**
 * A machine whose memory path protects data: the same units, with what encryption, codes and address checks cost what
 * they work on in protected memory. Normal memory, and work that is not protected, pay nothing.
 *
 * Model    address checks: seconds per byte beside the port's own rate, for NPU jobs of a protected world;
 *          encryption: latency of reads from protected memory, a throughput that all such bytes share, energy per byte;
 *          weights that stay ciphertext in memory: each NPU deciphers them in its transfer path whenever it reads them, hits
 *          of the system cache included: a rate of its own, energy per byte; their codes are no part of them
 *          integrity: codes and counters of protected bytes are read and written too, and reads wait for counters
 *          which bytes are protected follows from what a unit fetches of each tensor, repeats included
 * Ignores  which bytes of an operator hit the system cache: protected and others alike, by their shares
 * Valid    as the parts (hardware/secure/*.ts), at both fidelities: under `transaction` latencies lengthen the time that a
 *          read spends outside the DRAM
 * Source   hardware/secure/translation.ts, integrity.ts; Little's law for the port as in bandwidth.ts
 * Checked  test/unit/engine/secure-machine.test.ts, test/unit/engine/secure-fidelity.test.ts, test/validation/secure.test.ts
 */
import type { Bytes, Seconds } from '../base/units.ts';
import type { Work } from '../base/work.ts';
import type { UnitCost } from '../hardware/compute-unit.ts';
import { translationSecondsPerByte } from '../hardware/secure/translation.ts';
import type { Strategy, TensorClass } from '../runtime/secure/strategy.ts';
import type { Fetched, Machine, MachineUnit } from './machine.ts';
import { type SecurityPlan, staysSealed } from './secure-plan.ts';
import type { StreamGuard, StreamSplit } from './stream.ts';

/** Mechanisms in the memory path, in the order in which their costs are told apart. */
export const PATH_MECHANISMS = [
  'address checks',
  'memory encryption',
  'decryption',
  'integrity',
] as const;
/** With so many of them in place. */
const [CHECKS, ENCRYPTION, DECRYPTION, INTEGRITY] = [1, 2, 3, 4] as const;

/** Load at which a walk reads memory: half, between idle and full. */
const WALK_LOAD = 0.5;

/** Whether anything of a plan lies in the way of its streams. */
export function guardsPath(plan: SecurityPlan): boolean {
  const { strategy, hardware } = plan;
  return (
    staysSealed(plan) ||
    strategy.encryption !== 'none' ||
    strategy.integrity !== 'none' ||
    (strategy.npu === 'coarse' && hardware?.accelerator?.pages !== undefined)
  );
}

/** @param count mechanisms of `PATH_MECHANISMS` that are in place, from the first on. */
export function secureMachine(
  machine: Machine,
  plan: SecurityPlan,
  count: number = INTEGRITY,
): Machine {
  if (!guardsPath(plan)) return machine;
  const units =
    count >= INTEGRITY ? machine.units.map((unit) => withCodes(unit, plan)) : machine.units;
  const { memoryClock } = machine;
  // At a lower clock of memory its path is protected all the same.
  const clock = memoryClock && {
    ...memoryClock,
    at: (point: number): Machine => {
      const slower = memoryClock.at(point);
      return slower === machine ? secured : secureMachine(slower, plan, count);
    },
  };
  const secured: Machine = {
    ...machine,
    memoryClock: clock,
    units,
    guard: guardOf(machine, plan, count),
  };
  return secured;
}

function guardOf(machine: Machine, plan: SecurityPlan, count: number): Machine['guard'] {
  const { strategy, hardware, integrity } = plan;
  const cipher =
    count >= ENCRYPTION && strategy.encryption !== 'none' ? hardware?.encryption : undefined;
  const again = count >= INTEGRITY ? integrity.latencyFactor - 1 : 0;
  const walk = count >= CHECKS ? walkSeconds(machine, plan) : 0;
  const own = count >= DECRYPTION && staysSealed(plan) ? plan.cipher : undefined;
  const withCodes = 1 + (count >= INTEGRITY ? integrity.readPerRead : 0);
  return (u: number, work: Work, fetched: Fetched, split: StreamSplit): StreamGuard => {
    const isNpu = machine.units[u]!.unit.kind === 'npu';
    const bytes = fetched.readBytes + fetched.writeBytes;
    const deciphered = own && isNpu && bytes > 0 ? fetched.weightReadBytes / withCodes / bytes : 0;
    const reads = split.dramReads * protectedReads(fetched, strategy);
    const writes = split.dramWrites * protectedWrites(fetched, work, strategy);
    const ciphered = cipher ? reads + writes : 0;
    return {
      held: reads * (cipher?.latency.is ?? 0),
      again: reads * again,
      secondsPerByte: isNpu ? walk : 0,
      ciphered,
      cipherRate: cipher?.throughput.is ?? Number.POSITIVE_INFINITY,
      cipherEnergy: ciphered * (cipher?.energy.is ?? 0),
      deciphered,
      decipherRate: own?.throughput ?? Number.POSITIVE_INFINITY,
      decipherEnergy: deciphered * (own?.energyPerByte ?? 0),
    };
  };
}

/** Of an NPU whose addresses are checked page by page; where whole ranges are compared it waits for nothing. */
function walkSeconds({ memory }: Machine, { hardware, strategy }: SecurityPlan): Seconds {
  const pages = hardware?.accelerator?.pages;
  if (!pages || strategy.npu === 'none') return 0;
  const spec = {
    kind: strategy.npu === 'coarse' ? ('pages' as const) : ('ranges' as const),
    entries: pages.entries.is,
    page: pages.page.is,
    reads: pages.reads.is,
    walksAtOnce: pages.walksAtOnce.is,
    pages: pages.inTurn.is,
    run: pages.run.is,
  };
  return translationSecondsPerByte(spec, memory.latency(WALK_LOAD));
}

function withCodes(unit: MachineUnit, { integrity, strategy }: SecurityPlan): MachineUnit {
  if (integrity.readPerRead === 0) return unit;
  const estimate = (work: Work): UnitCost => {
    const cost = unit.unit.estimate(work);
    const { readPerRead, readPerWrite, writePerWrite } = integrity;
    const held = (tensor: TensorClass, bytes: Bytes) =>
      strategy.protects.includes(tensor) ? bytes : 0;
    const weights = held('weights', cost.weightReadBytes);
    const kvReads = held('kv', cost.kvReadBytes);
    const inputs = held('activations', cost.readBytes - cost.weightReadBytes - cost.kvReadBytes);
    const kvWrites = held('kv', cost.kvWriteBytes);
    const results = held('activations', cost.writeBytes - cost.kvWriteBytes);
    const codes = (weights + kvReads + inputs) * readPerRead + (kvWrites + results) * readPerWrite;
    return {
      ...cost,
      readBytes: cost.readBytes + codes,
      writeBytes: cost.writeBytes + (kvWrites + results) * writePerWrite,
      weightReadBytes: cost.weightReadBytes + weights * readPerRead,
      kvReadBytes: cost.kvReadBytes + kvReads * readPerRead + kvWrites * readPerWrite,
      kvWriteBytes: cost.kvWriteBytes + kvWrites * writePerWrite,
    };
  };
  return { ...unit, unit: { ...unit.unit, estimate } };
}

/** Share of what an operator reads that comes from protected memory. */
export function protectedReads(fetched: Fetched, { protects }: Strategy): number {
  const { readBytes, weightReadBytes, kvReadBytes } = fetched;
  if (readBytes === 0) return 0;
  const held =
    (protects.includes('weights') ? weightReadBytes : 0) +
    (protects.includes('activations') ? readBytes - weightReadBytes - kvReadBytes : 0) +
    (protects.includes('kv') ? kvReadBytes : 0);
  return held / readBytes;
}

/** Share of what an operator writes that goes to protected memory. */
export function protectedWrites(fetched: Fetched, work: Work, { protects }: Strategy): number {
  const { writeBytes, kvWriteBytes } = fetched;
  if (writeBytes === 0) return 0;
  const held =
    (protects.includes(resultClass(work)) ? writeBytes - kvWriteBytes : 0) +
    (protects.includes('kv') ? kvWriteBytes : 0);
  return held / writeBytes;
}

/** What comes from storage without being used at once is an adapter. */
export function resultClass({ weightBytes, storageBytes = 0 }: Work): TensorClass {
  return weightBytes === 0 && storageBytes > 0 ? 'weights' : 'activations';
}
