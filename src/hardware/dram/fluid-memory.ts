/**
 * Main memory for the fluid engine: efficiency, latency and energy of one LPDDR system in closed form.
 *
 * Model    1/efficiency = 1/stream + refresh + turnaround·writes + activation·(64 B / visit) + collision·(streams − 1)
 * Ignores  which addresses collide: streams are taken as spread over the banks
 * Valid    64-byte accesses, bank-group mode, open rows, 32-deep queues or better
 * Source   first-order shares read off third-party runs of the same devices; to be replaced by socs/lpddr/efficiency.yaml
 * Checked  test/unit/hardware/dram/fluid-memory.test.ts
 */
import type { Bytes, Celsius, JoulesPerByte, Seconds, Watts } from '../../base/units.ts';
import type { MemorySystem, TrafficMix } from '../memory-system.ts';
import { buildDevice, type DramDevice, peakBandwidth, refreshMultiple } from './device.ts';
import type { LpddrPreset } from './preset.ts';

export type PowerCorner = 'typical' | 'maximum';

export interface FluidMemoryOptions {
  readonly preset: LpddrPreset;
  readonly channels: number;
  /** What the package holds; by default channels × density × ranks. */
  readonly capacity?: Bytes | undefined;
  readonly density?: string | undefined;
  readonly ranks?: number | undefined;
  /** From a unit's port through fabric and system cache to the controller and back. */
  readonly interconnectLatency: Seconds;
  readonly corner?: PowerCorner | undefined;
}

/** Bytes of one access, the grain below which locality cannot fall. */
const ACCESS: Bytes = 64;

/** Builds the fluid model of one memory system; pure and cheap afterwards. */
export function buildFluidMemory(options: FluidMemoryOptions): MemorySystem {
  const { preset, channels } = options;
  const corner = options.corner ?? 'typical';
  const density = options.density;
  const device = buildDevice(preset, { density, ranks: options.ranks });
  const peak = peakBandwidth(preset, channels);
  const idle = options.interconnectLatency + idleReadLatency(device);
  const service = ACCESS / device.peak;
  return {
    name: `${preset.name} x${channels}`,
    capacity: options.capacity ?? device.capacity * channels,
    peak,
    efficiency: (mix) => efficiency(device, mix),
    latency: (load) => idle + queueing(load) * service,
    energyPerReadByte: bytesEnergy(preset, device, corner, 'read'),
    energyPerWriteByte: bytesEnergy(preset, device, corner, 'write'),
    backgroundPower: (temperature) => {
      const one = backgroundPower(preset, density, corner, temperature);
      return one * channels * device.ranks;
    },
  };
}

function efficiency(device: DramDevice, mix: TrafficMix): number {
  const { timing } = device;
  const accessCycles = ACCESS / device.peak / device.tCK;
  const refresh =
    (refreshMultiple(mix.temperature) * (timing.nRFCab + timing.nRPab + timing.nRCD)) /
    timing.nREFI;
  // One switch to writing and back per batch drained from a 32-deep write queue between its watermarks.
  const batch = 20;
  const turnaround = (timing.nRTW + timing.nWTRS - 2 * timing.nBLmin) / (batch * timing.nBLmin);
  const writes = Math.min(1 - mix.readShare, mix.readShare);
  // A visit opens a row; about half of its share of the banks' cycle time hides behind other banks.
  const activation = (0.5 * (timing.nRC + timing.nRRD)) / device.banks / accessCycles;
  const visit = Math.min(1, ACCESS / Math.max(mix.granularityBytes, ACCESS));
  const collision = 0.01 * Math.max(0, Math.min(mix.streams, 8) - 1);
  const cost = 1.02 + refresh + turnaround * writes + activation * visit + collision;
  return 1 / cost;
}

/** A read that finds its bank closed: activate, column access, and both bursts of the 64 bytes. */
function idleReadLatency(device: DramDevice): Seconds {
  const { nRCD, nRL, nCCDL, nBLmin } = device.timing;
  return (nRCD + nRL + nCCDL + nBLmin) * device.tCK;
}

/** Mean waiting of a queue with near-constant service, in services; flat where the queue is full. */
function queueing(load: number): number {
  const bounded = Math.min(Math.max(load, 0), 0.97);
  return (2 * bounded) / (1 - bounded);
}

function bytesEnergy(
  preset: LpddrPreset,
  device: DramDevice,
  corner: PowerCorner,
  direction: 'read' | 'write',
): JoulesPerByte {
  const { power } = preset;
  const activates = power.activate[corner].is / device.pageBytes;
  return power.scale.is * (power[direction][corner].is + activates) + power.host[corner].is;
}

/** One channel and rank with a row open, refreshed at the rate its temperature asks for. */
function backgroundPower(
  preset: LpddrPreset,
  density: string | undefined,
  corner: PowerCorner,
  temperature: Celsius,
): Watts {
  const name = density ?? (preset.family === 'LPDDR5' ? '8Gb' : '16Gb');
  const refresh = preset.densities[name]?.refreshEnergy[corner].is ?? 0;
  const rate = refreshMultiple(temperature) / preset.times.tREFI.is;
  return preset.power.scale.is * (preset.power.activeStandby[corner].is + refresh * rate);
}
