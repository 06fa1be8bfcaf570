/** The device that a simulation runs on: units, memory, clocks, power and heat, already built from descriptions. */
import type {
  Bytes,
  BytesPerSecond,
  Celsius,
  Joules,
  JoulesPerByte,
  Seconds,
  Watts,
} from '../base/units.ts';
import type { Work } from '../base/work.ts';
import type { SystemCache } from '../hardware/cache/system-cache.ts';
import type { ClockDomain } from '../hardware/clock-domain.ts';
import type { ComputeUnit, UnitCost } from '../hardware/compute-unit.ts';
import type { MemorySystem } from '../hardware/memory-system.ts';
import type { PowerModel } from '../hardware/power.ts';
import type { Storage } from '../hardware/storage/ufs.ts';
import type { Floorplan } from '../hardware/thermal/floorplan.ts';
import type { ThermalNetwork } from '../hardware/thermal/network.ts';
import type { VoteTable } from '../runtime/governors/memory-votes.ts';
import type { StreamGuard, StreamModel, StreamSplit } from './stream.ts';
import type { SupplySpec } from './supply.ts';

export interface MachineDomain {
  readonly clock: ClockDomain;
  readonly power: PowerModel;
  /** Thermal node that its power heats. */
  readonly node: number;
  /** Parts that can be taken out one by one, and how many of them work is spread over; one and all when absent. */
  readonly cores?: number;
  readonly coresUsed?: number;
  /** Supply that it shares with other domains of the same name; one of its own when absent. */
  readonly rail?: string | undefined;
}

export interface MachineUnit {
  readonly unit: ComputeUnit;
  /** Indices into `Machine.domains`, in the order of `unit.domains`. */
  readonly domains: readonly number[];
  /** Call from the host into the unit's driver, paid once for each run of consecutive operators on it. */
  readonly callSeconds: Seconds;
  readonly sramPerByte: JoulesPerByte;
  /** Local memory for weights of later operators, where graphs are compiled to fetch them ahead. */
  readonly aheadBytes?: Bytes | undefined;
  /** The thread that feeds it: on which domain, and how much of one core it keeps busy while the unit has work. */
  readonly host?: { readonly domain: number; readonly share: number } | undefined;
}

/** Constant draw of a part that runs whatever the workload does. */
export interface PlatformLoad {
  readonly name: string;
  readonly watts: Watts;
  readonly node: number;
}

/** The platform load that bodies are rated without. */
export const SCREEN = 'screen';

/** Real-time traffic of display, camera or modem: served before everything else. */
export interface BackgroundTraffic {
  readonly name: string;
  readonly bytesPerSecond: number;
}

/** Main memory that changes its clock. */
export interface MachineMemoryClock {
  readonly clock: ClockDomain;
  /** The same machine with its memory at a point; the last is the machine itself. */
  at(point: number): Machine;
  /** Votes of CPU clusters where a table is known. */
  readonly votes?: VoteTable | undefined;
  /** By clock domain: name of its monitor in the table. */
  readonly monitors: readonly (string | undefined)[];
}

/** Where a machine keeps models that are not in memory. */
export interface MachineStorage {
  readonly storage: Storage;
  /** Thermal node that it heats. */
  readonly node: number;
}

/** What a unit moves for some work, by tensors, repeated fetches included; the rest are activations. */
export type Fetched = Pick<
  UnitCost,
  'readBytes' | 'writeBytes' | 'weightReadBytes' | 'kvReadBytes' | 'kvWriteBytes'
>;

export interface Barred {
  readonly reason: string;
  readonly lever?: string;
  /** What it read would be noise: asking for it by name opens no way either. */
  readonly firm?: boolean;
}

export interface Machine {
  readonly soc: string;
  readonly phone: string;
  readonly units: readonly MachineUnit[];
  readonly domains: readonly MachineDomain[];
  readonly memory: MemorySystem;
  readonly memoryNode: number;
  /** Steps of its clock; it runs at the top one for ever when absent. */
  readonly memoryClock?: MachineMemoryClock | undefined;
  /** Between units and memory; traffic that hits never reaches DRAM. */
  readonly systemCache?: SystemCache | undefined;
  /** How fast streams run, where the closed forms of `memory` are not to be trusted with it. */
  readonly streamModel?: StreamModel | undefined;
  /** What protection puts in the way of a unit's stream while it does some work; nothing where absent. */
  readonly guard?:
    | ((u: number, work: Work, fetched: Fetched, split: StreamSplit) => StreamGuard | undefined)
    | undefined;
  /** What an operator waits for a cipher beyond the `drive` seconds that its bytes take from storage. */
  readonly opening?: ((bytes: Bytes, drive: Seconds) => Seconds) | undefined;
  /** Why protection keeps a unit from some work, and what would change that. */
  readonly barred?: ((u: number, work: Work) => Barred | undefined) | undefined;
  /** Host work of the runtime for every result that a request hands out. */
  readonly hostSeconds?: Seconds;
  /** Rate at which the host copies and converts what it hands to a graph and takes from it. */
  readonly hostCopyRate?: BytesPerSecond;
  /** Fabric energy of moving one byte between a unit and memory. */
  readonly fabricPerByte: JoulesPerByte;
  readonly fabricNode: number;
  /** Battery power over what reaches the rails; the difference heats `node`. */
  readonly regulator: { readonly efficiency: number; readonly node: number };
  readonly platform: readonly PlatformLoad[];
  readonly background: readonly BackgroundTraffic[];
  readonly thermal: ThermalNetwork;
  /** Thermal nodes that count as junction and as skin. */
  readonly junctionNodes: readonly number[];
  readonly skinNodes: readonly number[];
  /** Where thermistors on the board sit; the skin's stand in when absent. */
  readonly boardNodes?: readonly number[];
  /** Handing a result of `bytes` from one unit to another: cache maintenance, format change, synchronisation. */
  transferSeconds(bytes: Bytes): Seconds;
  readonly ambient: Celsius;
  /** DRAM that a workload cannot have: the system's, and that of applications that stay. */
  readonly osReserve: Bytes;
  readonly applications?: Bytes;
  /** Where models wait that are not in memory. */
  readonly storage?: MachineStorage;
  /** Energy of a full battery. */
  readonly batteryEnergy: Joules;
  /** Battery and charger; without, power comes from a socket that stands any load. */
  readonly supply?: SupplySpec;
  /** Where the blocks of the die lie, for pictures of its heat; names are thermal nodes. */
  readonly floorplan?: Floorplan;
  /** Temperatures at which throttling begins and where a limit is hard; drawn in charts. */
  readonly limits: {
    readonly skin: Celsius;
    readonly skinHard: Celsius;
    readonly junction: Celsius;
  };
}
