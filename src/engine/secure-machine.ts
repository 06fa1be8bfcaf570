/**
 * A machine whose memory path protects data: the same units, with what encryption, codes and address checks cost them.
 *
 * Model    address checks: seconds per byte beside the port's own (bytes in flight and width shrink alike);
 *          encryption: latency of every read, a ceiling on the whole path, energy per byte;
 *          integrity: codes and counters of protected bytes are read and written too, and reads wait for counters
 * Ignores  the share of normal traffic that a bypass would spare the latency; under `transaction` fidelity, latencies
 * Valid    as the parts (hardware/secure/*.ts)
 * Source   hardware/secure/translation.ts, integrity.ts; Little's law for the port as in bandwidth.ts
 * Checked  test/unit/engine/secure-machine.test.ts, test/validation/secure.test.ts
 */
import type { Seconds } from '../base/units.ts';
import type { Work } from '../base/work.ts';
import type { MemoryPort, UnitCost } from '../hardware/compute-unit.ts';
import type { MemorySystem } from '../hardware/memory-system.ts';
import { translationSecondsPerByte } from '../hardware/secure/translation.ts';
import type { Strategy } from '../runtime/secure/strategy.ts';
import type { Machine, MachineUnit } from './machine.ts';
import type { SecurityPlan } from './secure-plan.ts';

/** Mechanisms in the memory path, in the order in which their costs are told apart. */
export const PATH_MECHANISMS = ['address checks', 'memory encryption', 'integrity'] as const;

/** Load at which a walk reads memory: half, between idle and full. */
const WALK_LOAD = 0.5;

/** @param count mechanisms of `PATH_MECHANISMS` that are in place, from the first on. */
export function secureMachine(machine: Machine, plan: SecurityPlan, count = 3): Machine {
  const units =
    count >= 1 ? machine.units.map((unit) => checked(unit, machine, plan)) : machine.units;
  const encrypted = count >= 2 ? withEncryption(machine.memory, plan) : machine.memory;
  const memory = count >= 3 ? withCounters(encrypted, plan) : encrypted;
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
    memory,
    memoryClock: clock,
    units: count >= 3 ? units.map((unit) => withCodes(unit, plan)) : units,
  };
  return secured;
}

/** An NPU whose addresses are checked page by page streams slower; where whole ranges are compared it does not. */
function checked(unit: MachineUnit, machine: Machine, plan: SecurityPlan): MachineUnit {
  const pages = plan.hardware?.accelerator?.pages;
  if (!pages || unit.unit.kind !== 'npu' || plan.strategy.npu === 'none') return unit;
  const latency = machine.memory.latency(WALK_LOAD);
  const added = translationSecondsPerByte(
    {
      kind: plan.strategy.npu === 'coarse' ? 'pages' : 'ranges',
      entries: pages.entries.is,
      page: pages.page.is,
      reads: pages.reads.is,
      walksAtOnce: pages.walksAtOnce.is,
      pages: pages.inTurn.is,
      run: pages.run.is,
    },
    latency,
  );
  return { ...unit, unit: { ...unit.unit, port: slowed(unit.unit.port, added, latency) } };
}

function slowed(port: MemoryPort, secondsPerByte: Seconds, latency: Seconds): MemoryPort {
  const { bandwidth, outstandingBytes } = port;
  return {
    bandwidth: 1 / (1 / bandwidth + secondsPerByte),
    outstandingBytes: outstandingBytes / (1 + (outstandingBytes * secondsPerByte) / latency),
  };
}

function withEncryption(memory: MemorySystem, plan: SecurityPlan): MemorySystem {
  const spec = plan.hardware?.encryption;
  if (!spec || plan.strategy.encryption === 'none') return memory;
  const ceiling = spec.throughput.is / memory.peak;
  return {
    ...delayed(memory, 1, spec.latency.is),
    efficiency: (mix) => Math.min(memory.efficiency(mix), ceiling),
    energyPerReadByte: memory.energyPerReadByte + spec.energy.is,
    energyPerWriteByte: memory.energyPerWriteByte + spec.energy.is,
  };
}

function withCounters(memory: MemorySystem, { integrity }: SecurityPlan): MemorySystem {
  return integrity.latencyFactor === 1 ? memory : delayed(memory, integrity.latencyFactor, 0);
}

function delayed(memory: MemorySystem, factor: number, more: Seconds): MemorySystem {
  const { streamLatency } = memory;
  return {
    ...memory,
    latency: (load) => memory.latency(load) * factor + more,
    ...(streamLatency && {
      streamLatency: (load: number, readShare: number) =>
        streamLatency(load, readShare) * factor + more,
    }),
  };
}

function withCodes(unit: MachineUnit, { integrity, strategy }: SecurityPlan): MachineUnit {
  if (integrity.readPerRead === 0) return unit;
  const estimate = (work: Work): UnitCost => {
    const cost = unit.unit.estimate(work);
    const reads = cost.readBytes * protectedReads(work, strategy);
    const writes = cost.writeBytes * protectedWrites(work, strategy);
    return {
      ...cost,
      readBytes: cost.readBytes + reads * integrity.readPerRead + writes * integrity.readPerWrite,
      writeBytes: cost.writeBytes + writes * integrity.writePerWrite,
    };
  };
  return { ...unit, unit: { ...unit.unit, estimate } };
}

/** Share of an operator's reads that come from protected memory. */
export function protectedReads(work: Work, { protects }: Strategy): number {
  const all = work.weightBytes + work.inputBytes + work.kvReadBytes;
  if (all === 0) return 0;
  const held =
    (protects.includes('weights') ? work.weightBytes : 0) +
    (protects.includes('activations') ? work.inputBytes : 0) +
    (protects.includes('kv') ? work.kvReadBytes : 0);
  return held / all;
}

/** Share of an operator's writes that go to protected memory. */
export function protectedWrites(work: Work, { protects }: Strategy): number {
  const all = work.outputBytes + work.kvWriteBytes;
  if (all === 0) return 0;
  const held =
    (protects.includes('activations') ? work.outputBytes : 0) +
    (protects.includes('kv') ? work.kvWriteBytes : 0);
  return held / all;
}
