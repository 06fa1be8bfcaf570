/** A machine with round numbers, so that expected times, bytes and joules can be worked out by hand. */

import type { Work } from '../../src/base/work.ts';
import type { Machine, MachineUnit } from '../../src/engine/machine.ts';
import type { Simulation } from '../../src/engine/setup.ts';
import { simulate } from '../../src/engine/simulation.ts';
import type { ComputeUnit } from '../../src/hardware/compute-unit.ts';
import { buildModalNetwork } from '../../src/hardware/thermal/modal.ts';
import type { NetworkSpec } from '../../src/hardware/thermal/network.ts';
import type { Governor, ThermalGovernor } from '../../src/runtime/governor.ts';
import { singleUnit } from '../../src/runtime/policies/single-unit.ts';
import type { Graph, Phase, RequestPlan } from '../../src/workload/graph.ts';

/** One multiply–accumulate per cycle; matrix engine always on; launch as given. */
export function toyUnit(name: string, launch = 0, outstanding = 1e9): ComputeUnit {
  return {
    name,
    kind: 'npu',
    domains: [name],
    speed: ([frequency]) => frequency!,
    supports: () => ({ ok: true }),
    estimate: (work) => ({
      cycles: work.macs,
      matrixCycles: work.macs,
      vectorCycles: 0,
      readBytes: work.weightBytes + work.inputBytes,
      writeBytes: work.outputBytes,
      weightReadBytes: work.weightBytes,
      kvReadBytes: 0,
      kvWriteBytes: 0,
      sramBytes: 0,
      launchSeconds: launch,
      utilisation: 1,
    }),
    port: { bandwidth: 1e12, outstandingBytes: outstanding },
  };
}

export function toyWork(macs: number, readBytes = 0, writeBytes = 0): Work {
  return {
    operator: 'MatMul',
    form: { kind: 'matmul', batch: 1, m: 1, n: 1, k: macs },
    macs,
    vectorOps: 0,
    weightDType: 'int8',
    activationDType: 'int8',
    weightBytes: readBytes,
    inputBytes: 0,
    outputBytes: writeBytes,
    kvReadBytes: 0,
    kvWriteBytes: 0,
  };
}

/** Works in a row, each reading the one before. */
export function chain(works: Graph['works'], name = 'chain'): Graph {
  return {
    name,
    works,
    operators: works.map((_, i) => ({ name: `op${i}`, work: i, inputs: i === 0 ? [] : [i - 1] })),
  };
}

export function toyPhase(name: string, graph: Graph, steps = 1): Phase {
  return { name, graph, steps, contextStart: 1, contextStride: 1, outputsPerStep: 1 };
}

export function toyPlan(phases: Phase[], name = 'toy'): RequestPlan {
  return {
    name,
    phases,
    memory: { weights: 100, kvCache: 10, activations: 1 },
    promptTokens: 1,
    generatedTokens: phases.reduce((sum, phase) => sum + phase.steps, 0),
  };
}

const BODY: NetworkSpec = {
  name: 'toy body',
  ambient: 25,
  nodes: ['die', 'skin'],
  capacities: [1, 100],
  links: [{ a: 0, b: 1, conductance: 1 }],
  ambientLinks: [{ node: 1, conductance: 0.25 }],
};

export interface ToyOptions {
  readonly units?: readonly ComputeUnit[];
  /** Bytes per second that memory delivers in all. */
  readonly bandwidth?: number;
  readonly points?: readonly { frequency: number; voltage: number }[];
  readonly capacity?: number;
}

/** 1 GHz at 1 V, 1 nJ per matrix cycle, 10 pJ per byte, no leakage, 1 W platform. */
export function toyMachine(options: ToyOptions = {}): Machine {
  const units = options.units ?? [toyUnit('npu')];
  const points = options.points ?? [{ frequency: 1e9, voltage: 1 }];
  const machineUnits: MachineUnit[] = units.map((unit, d) => ({
    unit,
    domains: [d],
    callSeconds: 0,
    sramPerByte: 0,
  }));
  // 1 nW per hertz and volt²: 1 nJ for each matrix cycle at 1 V.
  const power = { idle: 0, stalled: 0, matrix: 1e-9, vector: 0, leakage: () => 0, gatedShare: 0 };
  return {
    soc: 'toy',
    phone: 'toy phone',
    units: machineUnits,
    domains: units.map(({ name }) => ({
      clock: { name, points, transitionSeconds: 0 },
      power,
      node: 0,
    })),
    memory: {
      name: 'toy memory',
      capacity: options.capacity ?? 1e9,
      peak: options.bandwidth ?? 1e9,
      efficiency: () => 1,
      latency: () => 1e-7,
      energyPerReadByte: 10e-12,
      energyPerWriteByte: 20e-12,
      backgroundPower: () => 0,
    },
    memoryNode: 0,
    fabricPerByte: 0,
    fabricNode: 0,
    regulator: { efficiency: 1, node: 1 },
    platform: [{ name: 'rest', watts: 1, node: 1 }],
    background: [],
    thermal: buildModalNetwork(BODY),
    junctionNodes: [0],
    skinNodes: [1],
    transferSeconds: () => 0.5,
    ambient: 25,
    osReserve: 0,
    batteryEnergy: 1000,
    limits: { skin: 40, skinHard: 45, junction: 95 },
  };
}

export const fastest: Governor = { choose: ({ frequencies }) => frequencies.length - 1 };
export const uncapped: ThermalGovernor = {
  limit: ({ devices }) => devices.map(({ powers }) => ({ point: powers.length - 1, reason: '' })),
};

export function toySimulation(
  plans: readonly RequestPlan[],
  over: Partial<Simulation> = {},
): Simulation {
  const machine = over.machine ?? toyMachine();
  return {
    machine,
    jobs: plans.map((plan) => ({ plan, arrival: 0, priority: 0 })),
    policy: singleUnit(machine.units[0]!.unit.name),
    governors: machine.domains.map(() => fastest),
    thermalGovernor: uncapped,
    concurrent: 1,
    controlPeriod: 0.01,
    thermalEvery: 10,
    inputs: {
      soc: 'toy',
      phone: 'toy phone',
      workload: 'toy',
      policy: 'single-unit',
      governor: 'performance',
      thermalGovernor: 'none',
      runtime: 'vendor',
      fidelity: 'fluid',
      seed: 1,
      overrides: [],
      hashes: {},
      version: '0',
    },
    trust: {},
    ...over,
  };
}

export const runToy = (plans: readonly RequestPlan[], over: Partial<Simulation> = {}) =>
  simulate(toySimulation(plans, over));
