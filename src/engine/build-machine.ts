/** Descriptions → Machine: units, clocks, memory, power and heat of one SoC in one phone. */
import { BITS_PER_BYTE, type BytesPerSecond, type Seconds } from '../base/units.ts';
import { batteryEnergy, batteryOf } from '../hardware/battery.ts';
import type { SystemCache } from '../hardware/cache/system-cache.ts';
import type { ComputeUnit } from '../hardware/compute-unit.ts';
import { presetAtShare } from '../hardware/dram/device.ts';
import { buildFluidMemory } from '../hardware/dram/fluid-memory.ts';
import type { LpddrPreset } from '../hardware/dram/preset.ts';
import { memoryAtShare, memoryClockDomain } from '../hardware/memory/memory-points.ts';
import { fullWindowsFor, withStreams } from '../hardware/memory/stream-memory.ts';
import type { MemorySystem } from '../hardware/memory-system.ts';
import { screenWatts } from '../hardware/power.ts';
import type { SocSpec, SocUnitSpec } from '../hardware/soc-spec.ts';
import { buildClockDomain } from '../hardware/spec/domain-spec.ts';
import { buildStorage } from '../hardware/storage/ufs.ts';
import type { EnvironmentSpec } from '../hardware/thermal/environment.ts';
import type { Floorplan } from '../hardware/thermal/floorplan.ts';
import { nodeIndex } from '../hardware/thermal/network.ts';
import { buildPhoneNetwork } from '../hardware/thermal/phone-network.ts';
import type { Phone } from '../hardware/thermal/phone-spec.ts';
import { allowedClusters, coresInUse } from '../hardware/units/cpu-cores.ts';
import { buildUnit } from '../hardware/units/index.ts';
import type { KernelClass } from '../hardware/units/unit-options.ts';
import {
  hasVotes,
  monitorsOf,
  parseVoteTable,
  type VoteTable,
} from '../runtime/governors/memory-votes.ts';
import { type KernelTuning, tuneKernels } from '../runtime/kernel-tuning.ts';
import { kernelsOf, lackingKernels, type RuntimeSpec, runsOn } from '../runtime/runtime-spec.ts';
import { aheadRoom } from './fetch-ahead.ts';
import {
  type BackgroundTraffic,
  type Machine,
  type MachineMemoryClock,
  type MachineStorage,
  type MachineUnit,
  type PlatformLoad,
  SCREEN,
} from './machine.ts';
import type { Fidelity } from './scenario.ts';
import { buildStreamModel } from './transaction.ts';
import { domainPower } from './what-if.ts';

export interface MachineInputs {
  readonly soc: SocSpec;
  /** The description before overrides; the same one when absent. */
  readonly base?: SocSpec | undefined;
  readonly phone: Phone;
  readonly preset: LpddrPreset;
  readonly runtime: RuntimeSpec;
  readonly environment: EnvironmentSpec;
  /** Real-time traffic on top of the SoC's own, or instead of its entry of that name. */
  readonly background?: Readonly<Record<string, BytesPerSecond>>;
  readonly fidelity?: Fidelity;
  /** What measurements change of the runtime's kernels, by unit. */
  readonly tuning?: ((unit: string) => KernelTuning) | undefined;
  /** `socs/memory-votes.csv`: what clock CPU clusters ask of memory. */
  readonly memoryVotes?: VoteFile | undefined;
}

export interface VoteFile {
  readonly file: string;
  readonly text: string;
}

/** Side of a die block where the description has no floorplan: a domain of 10 mm², a common CPU cluster or NPU. */
const DEFAULT_BLOCK_SIDE = 3.2e-3;
/** Blocks that fabric power heats, first that the floorplan has. */
const FABRIC_BLOCKS = ['system-cache', 'other', 'memory'];

export function buildMachine(inputs: MachineInputs): Machine {
  const { soc, phone } = inputs;
  const floorplan = floorplanOf(soc);
  const thermal = buildPhoneNetwork(floorplan, phone, inputs.environment);
  const node = (name: string) => nodeIndex(thermal.nodes, name);
  const fabricBlock = FABRIC_BLOCKS.find((name) => thermal.nodes.includes(name));
  const memory = mainMemory(inputs);
  const background = backgroundOf(inputs);
  const machine: Machine = {
    soc: soc.name,
    phone: phone.name,
    units: machineUnits(soc, inputs.runtime, inputs.tuning),
    domains: Object.entries(soc.domains).map(([name, spec]) => ({
      clock: buildClockDomain(name, spec, phone.limits.clocks?.[name]?.is),
      power: domainPower(name, soc, inputs.base ?? soc),
      node: node(name),
      rail: spec.rail?.is,
      ...coresOf(soc, name),
    })),
    memory,
    memoryNode: node('dram'),
    systemCache: systemCacheOf(soc),
    streamModel:
      inputs.fidelity === 'transaction'
        ? buildStreamModel({ ...deviceOf(inputs), background, peak: memory.peak })
        : undefined,
    hostSeconds: hostSecondsOf(soc, inputs.runtime, inputs.tuning),
    hostCopyRate: inputs.runtime.host?.copy?.is ?? Number.POSITIVE_INFINITY,
    fabricPerByte: soc.fabric.energy.is,
    fabricNode: fabricBlock === undefined ? 0 : node(fabricBlock),
    regulator: { efficiency: phone.battery.regulatorEfficiency.is, node: node('board') },
    platform: platformLoads(phone, inputs.environment, node),
    background,
    thermal,
    junctionNodes: floorplan.map(({ name }) => node(name)),
    skinNodes: [node('skin-front'), node('skin-back')],
    boardNodes: [node('board'), node('vapour-chamber')],
    transferSeconds: (bytes) => soc.fabric.handover.is + bytes / soc.fabric.handoverBandwidth.is,
    ambient: inputs.environment.ambient,
    osReserve: soc.limits.memory.osReserve.is,
    applications: soc.limits.memory.applications.is,
    storage: storageOf(phone, node('board')),
    batteryEnergy: batteryEnergy(batteryOf(phone)),
    supply: {
      cell: batteryOf(phone),
      charge: inputs.environment.charge,
      cellNode: node('battery'),
      chargerNode: node('board'),
      chargerWatts: inputs.environment.charging,
    },
    floorplan,
    limits: {
      skin: phone.limits.skinTarget.is,
      skinHard: phone.limits.skinSevere.is,
      junction: soc.limits.junction.soft.is,
    },
  };
  return { ...machine, memoryClock: memoryClockOf(inputs, machine) };
}

/** Memory at every rate that its controller can step down to; each is built when it is first used. */
function memoryClockOf(inputs: MachineInputs, machine: Machine): MachineMemoryClock | undefined {
  const { memory, name, units } = inputs.soc;
  const { rates, channels, channelWidth } = memory;
  if (!rates) return undefined;
  const top = (machine.memory.peak * BITS_PER_BYTE) / (channels.is * channelWidth.is);
  const clock = memoryClockDomain(rates.is, top);
  const last = clock.points.length - 1;
  const known: Machine[] = [];
  const cpu = Object.values(units).find((unit) => unit.kind === 'cpu');
  const clusters = cpu?.clusters.map(({ clock: domain }) => domain) ?? [];
  const votes = inputs.memoryVotes && votesFor(inputs.memoryVotes, memory.votes ?? name);
  const monitors = votes ? monitorsOf(votes, clusters.length) : [];
  return {
    clock,
    votes,
    monitors: machine.domains.map(({ clock: domain }) => monitors[clusters.indexOf(domain.name)]),
    at: (point) => {
      if (point === last) return machine;
      const share = clock.points[point]!.frequency / clock.points[last]!.frequency;
      known[point] ??= slowerMachine(inputs, machine, share);
      return known[point];
    },
  };
}

function slowerMachine(inputs: MachineInputs, machine: Machine, share: number): Machine {
  const device = deviceOf(inputs);
  const memory = memoryAtShare(machine.memory, share, device);
  if (!machine.streamModel) return { ...machine, memory };
  const streamModel = buildStreamModel({
    ...device,
    preset: presetAtShare(device.preset, share),
    background: machine.background,
    peak: memory.peak,
  });
  return { ...machine, memory, streamModel };
}

function votesFor({ text, file }: VoteFile, soc: string): VoteTable | undefined {
  return hasVotes(text, file, soc, 'ddr') ? parseVoteTable(text, file, soc, 'ddr') : undefined;
}

type Tuning = MachineInputs['tuning'];

/**
 * The same machine with other kernels; nothing else is built anew.
 * @param used units that are wanted; the others stay as they were.
 */
export function retuneMachine(
  machine: Machine,
  soc: SocSpec,
  runtime: RuntimeSpec,
  tuning: Tuning,
  used: readonly string[] = Object.keys(soc.units),
): Machine {
  const built = machineUnits(soc, runtime, tuning, used);
  const units = machine.units.map(
    (old) => built.find(({ unit }) => unit.name === old.unit.name) ?? old,
  );
  return { ...machine, units, hostSeconds: hostSecondsOf(soc, runtime, tuning) };
}

function machineUnits(
  soc: SocSpec,
  runtime: RuntimeSpec,
  tuning: Tuning,
  wanted: readonly string[] = Object.keys(soc.units),
): MachineUnit[] {
  const domainNames = Object.keys(soc.domains);
  const chosen = Object.entries(soc.units).filter(([name]) => wanted.includes(name));
  return chosen.map(([name, spec]) => {
    const kernels = tuneKernels(kernelsOf(runtime, spec.kind, soc.name), tuning?.(name) ?? {});
    const built = machineUnit(name, spec, domainNames, kernels);
    const host = hostOf(soc, spec, domainNames, kernelsOf(runtime, spec.kind).hostThread);
    return { ...built, host, unit: withRuntime(built.unit, runtime, soc.vendor) };
  });
}

/** Host work runs on the CPU whoever computes; a calibration knows it by the unit it was measured with. */
function hostSecondsOf(soc: SocSpec, runtime: RuntimeSpec, tuning: Tuning): Seconds {
  const own = runtime.host?.perOutput?.is ?? 0;
  const unit = Object.keys(soc.units).find((name) => runsOn(runtime, soc.units[name]!.kind));
  return own * ((unit && tuning?.(unit).host) || 1);
}

function machineUnit(
  name: string,
  spec: SocUnitSpec,
  domainNames: readonly string[],
  kernels: KernelClass,
): MachineUnit {
  const unit = buildUnit(
    spec,
    {
      name,
      domains: 'domain' in spec ? [spec.domain] : [],
      port: { bandwidth: spec.port.bandwidth.is, outstandingBytes: spec.port.outstanding.is },
    },
    { kernels },
  );
  return {
    unit,
    domains: unit.domains.map((domain) => domainNames.indexOf(domain)),
    callSeconds:
      (kernels.callSeconds ?? compiledCall(spec, kernels) ?? spec.launch.graph?.is ?? 0) *
      (kernels.callScale ?? 1),
    sramPerByte: spec.sramEnergy.is,
    aheadBytes: aheadRoom(spec, kernels),
  };
}

/**
 * The thread that feeds a unit runs beside what the user sees: on the second fastest cluster, which schedulers keep
 * lighter threads on.
 */
function hostOf(
  soc: SocSpec,
  { kind }: SocUnitSpec,
  domainNames: readonly string[],
  share: number | undefined,
): MachineUnit['host'] {
  const cpu = Object.values(soc.units).find((unit) => unit.kind === 'cpu');
  if (!share || kind === 'cpu' || cpu?.kind !== 'cpu') return undefined;
  const cluster = cpu.clusters.at(-2) ?? cpu.clusters.at(-1);
  return cluster && { domain: domainNames.indexOf(cluster.clock), share };
}

/** What a call of a network compiled ahead of time takes, where the unit's description says. */
export function compiledCall(spec: SocUnitSpec, kernels: KernelClass): Seconds | undefined {
  return kernels.compiled && spec.kind === 'npu' ? spec.compiled?.call.is : undefined;
}

/** What hotplug can take out of a domain: CPU cores, shader cores, matrix engines. */
function coresOf(soc: SocSpec, domain: string): { cores: number; coresUsed: number } {
  for (const unit of Object.values(soc.units)) {
    if (unit.kind === 'cpu') {
      const cluster = unit.clusters.find(({ clock }) => clock === domain);
      if (!cluster) continue;
      const groups = coresInUse(allowedClusters(unit), unit.threads.is);
      const used = groups.find(({ clock }) => clock === domain)?.used ?? 0;
      return { cores: cluster.count.is, coresUsed: used };
    }
    if (unit.domain !== domain) continue;
    const cores = unit.kind === 'gpu' ? unit.cores.is : unit.matrix.engines.is;
    return { cores, coresUsed: cores };
  }
  return { cores: 1, coresUsed: 1 };
}

/** A unit without kernels of the runtime runs nothing, no operator that they lack, and no product with weights that they do not read. */
function withRuntime(unit: ComputeUnit, runtime: RuntimeSpec, vendor: string): ComputeUnit {
  const missing = `runtime ${runtime.name} has no kernels for`;
  if (!runsOn(runtime, unit.kind, vendor))
    return { ...unit, supports: () => ({ ok: false, reason: `${missing} it` }) };
  return {
    ...unit,
    supports: (work) => {
      const lacking = lackingKernels(runtime, unit.kind, work);
      return lacking ? { ok: false, reason: `${missing} ${lacking}` } : unit.supports(work);
    },
  };
}

/** The preset's device at the description's own rate, with the phone's capacity. */
function mainMemory(inputs: MachineInputs): MemorySystem {
  const { memory } = inputs.soc;
  const capacity = inputs.phone.memory.capacity.is;
  const fluid = buildFluidMemory({ ...deviceOf(inputs), capacity });
  const table = inputs.preset.fluid;
  const streams = table
    ? withStreams(fluid, {
        interconnect: memory.interconnectLatency.is,
        idle: table.idleLatency.is,
        waiting: table.waiting.is,
        fullWindows: fullWindowsFor(table.fullWindows, memory.ranks.is),
      })
    : fluid;
  const share = rateShare(inputs);
  if (share === undefined) return streams;
  const peak = (memory.channels.is * memory.channelWidth.is * memory.rate.is) / BITS_PER_BYTE;
  return { ...memoryAtShare(streams, share, deviceOf(inputs)), peak };
}

/** The rate of the description over that of its speed bin. Another bin brings its own, unless a rate is asked for as well. */
function rateShare({ soc: { memory }, base, preset }: MachineInputs): number | undefined {
  const written = base?.memory ?? memory;
  const binChosen = memory.preset !== written.preset && memory.rate.is === written.rate.is;
  return binChosen ? undefined : memory.rate.is / preset.rate.is;
}

function deviceOf(inputs: MachineInputs) {
  const { memory } = inputs.soc;
  return {
    preset: presetAtShare(inputs.preset, rateShare(inputs) ?? 1),
    channels: memory.channels.is,
    density: memory.density.is,
    ranks: memory.ranks.is,
    interconnectLatency: memory.interconnectLatency.is,
  };
}

/** A hit takes at most the way that every access takes beside the DRAM itself. */
function systemCacheOf({ systemCache, memory }: SocSpec): SystemCache | undefined {
  return (
    systemCache && {
      size: systemCache.size.is,
      bandwidth: systemCache.bandwidth.is,
      latency: memory.interconnectLatency.is,
      energyPerByte: systemCache.energy?.is ?? 0,
      shares: Object.fromEntries(
        Object.entries(systemCache.shares ?? {}).map(([unit, { is }]) => [unit, is]),
      ),
    }
  );
}

function storageOf({ storage }: Phone, node: number): MachineStorage {
  const rates = {
    sequentialRead: storage.sequentialRead.is,
    randomRead: storage.randomRead.is,
    randomReadLarge: storage.randomReadLarge?.is,
  };
  const setup = storage.setup?.is ?? 0;
  return { storage: buildStorage(rates, setup, storage.readEnergy?.is ?? 0), node };
}

function backgroundOf({ soc, background }: MachineInputs): BackgroundTraffic[] {
  const own = Object.entries(soc.background ?? {}).map(([name, { is }]) => [name, is] as const);
  const all = new Map([...own, ...Object.entries(background ?? {})]);
  return [...all]
    .filter(([, bytesPerSecond]) => bytesPerSecond > 0)
    .map(([name, bytesPerSecond]) => ({ name, bytesPerSecond }));
}

function platformLoads(
  phone: Phone,
  environment: EnvironmentSpec,
  node: (name: string) => number,
): PlatformLoad[] {
  const { minimumPower, maximumPower, brightness } = phone.screen;
  const shown = environment.brightness ?? brightness.is;
  const screen = screenWatts(minimumPower.is, maximumPower.is, shown);
  const near = phone.body.nearShare.is;
  return [
    { name: SCREEN, watts: screen * near, node: node('skin-front') },
    { name: SCREEN, watts: screen * (1 - near), node: node('skin-front-far') },
    { name: 'rest of device', watts: phone.restPower.is, node: node('board') },
  ];
}

function floorplanOf(soc: SocSpec): Floorplan {
  if (soc.floorplan) {
    return Object.entries(soc.floorplan.blocks.is).map(([name, block]) => ({ name, ...block }));
  }
  const side = DEFAULT_BLOCK_SIDE;
  return Object.keys(soc.domains).map((name, i) => ({
    name,
    x: i * side,
    y: 0,
    width: side,
    height: side,
  }));
}
