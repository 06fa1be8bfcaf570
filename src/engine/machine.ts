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

/**
 * Power of everything on one clock domain; the parts add up.
 * Coefficients are watts per (hertz × volt²): multiplied by f·V² they give watts.
 */
export interface DomainPower {
  /** Without work, clocks gated. */
  readonly idle: Watts;
  /** With work open and the clock running, whether or not anything moves. */
  readonly stalled: number;
  /** Added while the matrix engine (or the multiply–accumulate pipes) is busy. */
  readonly matrix: number;
  /** Added while vector lanes are busy. */
  readonly vector: number;
  /** While powered, at the block's temperature. */
  leakage(voltage: Volts, temperature: Celsius): Watts;
  /** Share of leakage that remains while nothing runs and the power switch is open. */
  readonly gatedShare: number;
}

export interface MachineDomain {
  readonly clock: ClockDomain;
  readonly power: DomainPower;
  /** Thermal node that its power heats. */
  readonly node: number;
}

export interface MachineUnit {
  readonly unit: ComputeUnit;
  /** Indices into `Machine.domains`, in the order of `unit.domains`. */
  readonly domains: readonly number[];
  /** Call from the host into the unit's driver, paid once for each run of consecutive operators on it. */
  readonly callSeconds: Seconds;
  readonly sramPerByte: JoulesPerByte;
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
  readonly domains: readonly MachineDomain[];
  readonly memory: MemorySystem;
  readonly memoryNode: number;
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
