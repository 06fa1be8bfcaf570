/** The device that a simulation runs on: units, memory, clocks, power and heat, already built from descriptions. */
import type {
  Bytes,
  Celsius,
  Joules,
  JoulesPerByte,
  Seconds,
  Volts,
  Watts,
} from '../base/units.ts';
import type { ClockDomain } from '../hardware/clock-domain.ts';
import type { ComputeUnit } from '../hardware/compute-unit.ts';
import type { MemorySystem } from '../hardware/memory-system.ts';
import type { ThermalNetwork } from '../hardware/thermal/network.ts';

/** Energy coefficients of one unit; multiplied by V² they give joules. */
export interface UnitEnergy {
  /** Per matrix-engine cycle, per vector cycle, and per clock cycle in which the unit has work (stalled or not). */
  readonly matrix: number;
  readonly vector: number;
  readonly clock: number;
  readonly perSramByte: JoulesPerByte;
  /** Leakage while powered, at the domain's voltage and the block's temperature. */
  leakage(voltage: Volts, temperature: Celsius): Watts;
  /** Share of leakage that remains when the unit idles behind its power switch. */
  readonly gatedShare: number;
}

export interface MachineUnit {
  readonly unit: ComputeUnit;
  readonly energy: UnitEnergy;
  /** Indices into `Machine.domains`, in the order of `unit.domains`. */
  readonly domains: readonly number[];
  /** Thermal node that its power heats. */
  readonly node: number;
}

/** Constant draw of a part that runs whatever the workload does. */
export interface PlatformLoad {
  readonly name: string;
  readonly watts: Watts;
  readonly node: number;
}

/** Real-time traffic of display, camera or modem: served before everything else. */
export interface BackgroundTraffic {
  readonly name: string;
  readonly bytesPerSecond: number;
}

export interface Machine {
  readonly soc: string;
  readonly phone: string;
  readonly units: readonly MachineUnit[];
  readonly domains: readonly ClockDomain[];
  readonly memory: MemorySystem;
  readonly memoryNode: number;
  /** Fabric energy of moving one byte between a unit and memory. */
  readonly fabricPerByte: JoulesPerByte;
  readonly fabricNode: number;
  readonly platform: readonly PlatformLoad[];
  readonly background: readonly BackgroundTraffic[];
  readonly thermal: ThermalNetwork;
  /** Thermal nodes that count as junction and as skin. */
  readonly junctionNodes: readonly number[];
  readonly skinNodes: readonly number[];
  /** Handing a result of `bytes` from one unit to another: cache maintenance, format change, synchronisation. */
  transferSeconds(bytes: Bytes): Seconds;
  readonly ambient: Celsius;
  readonly osReserve: Bytes;
  readonly batteryEnergy: Joules;
  /** Temperatures at which throttling begins and where a limit is hard; drawn in charts. */
  readonly limits: {
    readonly skin: Celsius;
    readonly skinHard: Celsius;
    readonly junction: Celsius;
  };
}
