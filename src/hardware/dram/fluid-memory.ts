/**
 * Main memory for the fluid engine: efficiency, latency and energy of one LPDDR system in closed form.
 *
 * Model    efficiency from a table over visit, read share and streams, linear between its points (visit and streams on
 *          a logarithmic scale) × factor of the refresh rate; latency = interconnect + that of the DRAM by ranks, clock and
 *          load, linear between its points in the time of a cycle and in load² / (1 − load / 2)
 * Ignores  which addresses collide: streams are taken as spread over the banks
 * Valid    64-byte accesses, up to 8 streams (more are no worse), the controller that the table was made with; latency of
 *          visits of 512 bytes, three quarters of them reads
 * Source   socs/lpddr/*.yaml, section fluid, fitted to the transaction model by `socsim fit dram`
 * Checked  test/unit/hardware/dram/fluid-memory.test.ts, test/validation/dram.test.ts
 */
import { InvariantError } from '../../base/errors.ts';
import type {
  Bytes,
  BytesPerSecond,
  Celsius,
  JoulesPerByte,
  Seconds,
  Watts,
} from '../../base/units.ts';
import type { MemorySystem, TrafficMix } from '../memory-system.ts';
import { buildDevice, defaultDensity, peakBandwidth, refreshMultiple } from './device.ts';
import { type IdleState, idlePower, type PowerCorner } from './energy.ts';
import { idleStates } from './idle-states.ts';
import type { FluidTable, LpddrPreset } from './preset.ts';
import { ACCESS_BYTES } from './requester.ts';

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

/** Bytes that an activate serves on average: streams use most of a 2 KiB row, the rest of the traffic little. */
const BYTES_PER_ACTIVATE: Bytes = 512;

/** Builds the fluid model of one memory system; pure and cheap afterwards. */
export function buildFluidMemory(options: FluidMemoryOptions): MemorySystem {
  const { preset, channels, density } = options;
  const corner = options.corner ?? 'typical';
  const device = buildDevice(preset, { density, ranks: options.ranks });
  const table = preset.fluid;
  if (!table)
    throw new InvariantError(`${preset.name} has no fluid section: run "socsim fit dram"`);
  const arrivals = arrivalLatency(table, device.ranks);
  return {
    name: `${preset.name} x${channels}`,
    capacity: options.capacity ?? device.capacity * channels,
    peak: peakBandwidth(preset, channels),
    efficiency: (mix) => efficiency(table, mix),
    latency: (load, clock = 1) => options.interconnectLatency + arrivals(load, clock),
    refreshWait: refreshWait(preset, density),
    energyPerReadByte: byteEnergy(preset, corner, 'read'),
    energyPerWriteByte: byteEnergy(preset, corner, 'write'),
    backgroundPower: backgroundPower(options, channels * device.ranks),
  };
}

/** Ranks stand by while accesses come, and power down or refresh themselves in the pauses. */
function backgroundPower(options: FluidMemoryOptions, ranks: number) {
  const { preset, density, corner } = options;
  // Temperature matters by how often rows are refreshed, which has a few values.
  const known = new Map<number, ReturnType<typeof standing>>();
  const standing = (temperature: Celsius) => {
    const device = buildDevice(preset, { density, ranks: options.ranks, temperature });
    const watts = (state: IdleState) => idlePower(preset, density, state, temperature, corner);
    return {
      shares: idleStates(device),
      up: watts('active-standby'),
      down: watts('power-down'),
      refreshing: watts('self-refresh'),
    };
  };
  return (temperature: Celsius, rate: BytesPerSecond): Watts => {
    const multiple = refreshMultiple(temperature);
    const own = known.get(multiple) ?? standing(temperature);
    known.set(multiple, own);
    const { powerDown, selfRefresh } = own.shares(rate / ACCESS_BYTES / ranks);
    return (
      ranks *
      ((1 - powerDown - selfRefresh) * own.up + powerDown * own.down + selfRefresh * own.refreshing)
    );
  };
}

/** In every tREFI a bank's row is closed, refreshed and opened anew; who comes meanwhile waits for half of that. */
function refreshWait(preset: LpddrPreset, density = defaultDensity(preset)): Seconds {
  const { tRPpb, tRCD, tREFI } = preset.times;
  const refresh = preset.densities[density]?.tRFCpb.is ?? 0;
  return (tRPpb.is + refresh + tRCD.is) ** 2 / (2 * tREFI.is);
}

function efficiency(table: FluidTable, mix: TrafficMix): number {
  const { visits, readShares, streams } = table;
  const visit = place(visits, mix.granularityBytes, Math.log2);
  const reads = place(readShares, mix.readShare, (value) => value);
  const stream = place(streams, mix.streams, Math.log2);
  const atReads = (rows: readonly (readonly number[])[], index: number) =>
    between(rows[index] as readonly number[], visit);
  const atStreams = (index: number) => {
    const rows = table.efficiency.is[index] as readonly (readonly number[])[];
    return blend(atReads(rows, reads.index), atReads(rows, reads.index + 1), reads.share);
  };
  const cool = blend(atStreams(stream.index), atStreams(stream.index + 1), stream.share);
  const multiple = refreshMultiple(mix.temperature);
  if (multiple === 1) return cool;
  const factors = table.refreshFactor.is[multiple === 2 ? 0 : 1] as readonly number[];
  return cool * between(factors, visit);
}

/**
 * What an access that comes by itself waits. It is the same at less load than the least of the table, and goes on as it
 * rose where load or cycles exceed the most.
 */
function arrivalLatency(table: FluidTable, ranks: number) {
  const { clocks, loads } = table;
  const rows = ranks === 1 ? table.latency.is.oneRank : table.latency.is.twoRanks;
  return (load: number, clock: number): Seconds => {
    const at = locate(loads, Math.min(Math.max(load, loads[0] as number), 1), loadPressure);
    const pace = locate(clocks, clock, (share) => 1 / share);
    const timed = (index: number) => between(rows[index] as readonly Seconds[], at);
    return blend(timed(pace.index), timed(pace.index + 1), pace.share);
  };
}

interface Place {
  readonly index: number;
  readonly share: number;
}

/** Where a value lies on a rising axis; outside it counts as its end. */
function place(axis: readonly number[], value: number, scale: (value: number) => number): Place {
  const first = axis[0] as number;
  const last = axis.at(-1) as number;
  return locate(axis, Math.min(Math.max(value, first), last), scale);
}

/** The same where values outside lie on the line through the nearest two. */
function locate(axis: readonly number[], value: number, scale: (value: number) => number): Place {
  let index = 0;
  while (index < axis.length - 2 && value > (axis[index + 1] as number)) index++;
  const low = scale(axis[index] as number);
  const high = scale(axis[index + 1] as number);
  return { index, share: (scale(value) - low) / (high - low) };
}

function between(values: readonly number[], { index, share }: Place): number {
  return blend(values[index] as number, values[index + 1] as number, share);
}

function blend(low: number, high: number, share: number): number {
  return low + share * (high - low);
}

/**
 * How waiting grows with the share of the achievable load. It stays finite at full load, because requesters with
 * finite windows stop asking.
 */
export function loadPressure(load: number): number {
  const bounded = Math.min(Math.max(load, 0), 1);
  return bounded ** 2 / (1 - bounded / 2);
}

function byteEnergy(
  { power }: LpddrPreset,
  corner: PowerCorner,
  direction: 'read' | 'write',
): JoulesPerByte {
  const activates = power.activate[corner].is / BYTES_PER_ACTIVATE;
  return power.scale.is * (power[direction][corner].is + activates) + power.host[corner].is;
}
