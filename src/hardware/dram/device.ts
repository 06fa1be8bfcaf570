/**
 * One LPDDR channel as a controller sees it: organisation and timing in whole cycles of CK.
 *
 * Model    every limit in time is rounded up to cycles by itself, as a controller's registers are
 * Ignores  temperature-dependent write latency, partial-array refresh, DBI and link ECC (they lengthen RL)
 * Valid    4:1 data clock; the hot derating applies above 85 degC class temperature codes
 * Source   socs/lpddr/*.yaml
 * Checked  test/unit/hardware/dram/device.test.ts
 */
import { SpecError } from '../../base/errors.ts';
import { pick } from '../../base/registry.ts';
import {
  BITS_PER_BYTE,
  type Bytes,
  type BytesPerSecond,
  type Celsius,
  type Seconds,
} from '../../base/units.ts';
import type { LpddrPreset } from './preset.ts';

export interface DeviceOptions {
  /** Key of the preset's `modes`; the first one by default. */
  readonly mode?: string | undefined;
  /** Key of the preset's `densities` (per channel and rank), such as `16Gb`. */
  readonly density?: string | undefined;
  readonly ranks?: number | undefined;
  readonly temperature?: Celsius | undefined;
}

/** JEDEC names; `n` is a count of CK cycles. */
export interface DeviceTiming {
  readonly nRL: number;
  readonly nWL: number;
  readonly nBLmin: number;
  readonly nBLmax: number;
  readonly nCCDS: number;
  readonly nCCDL: number;
  readonly nRCD: number;
  readonly nRPpb: number;
  readonly nRPab: number;
  readonly nRAS: number;
  readonly nRC: number;
  readonly nRRD: number;
  readonly nFAW: number;
  readonly nRTP: number;
  /** Write command to precharge. */
  readonly nWTP: number;
  /** Read command to write command. */
  readonly nRTW: number;
  /** Write command to read command, other and same bank group. */
  readonly nWTRS: number;
  readonly nWTRL: number;
  readonly nPPD: number;
  readonly nAAD: number;
  /** PREab to REFab. */
  readonly nRPREF: number;
  /** Column command to column command of the other rank, which shares the data bus. */
  readonly nRTRO: number;
  readonly nRTWO: number;
  readonly nWTRO: number;
  readonly nWTWO: number;
  readonly nWCKPST: number;
  readonly nCMD: number;
  readonly nREFI: number;
  readonly nREFIpb: number;
  readonly nRFCab: number;
  readonly nRFCpb: number;
  readonly nPBR2PBR: number;
  readonly nPBR2ACT: number;
  readonly nXP: number;
  readonly nSR: number;
  readonly nXSR: number;
}

export interface DramDevice {
  readonly preset: string;
  readonly tCK: Seconds;
  readonly ranks: number;
  readonly bankGroups: number;
  readonly banksPerGroup: number;
  /** Banks of one rank. */
  readonly banks: number;
  readonly rows: number;
  /** Bursts of one row. */
  readonly columns: number;
  readonly burstBytes: Bytes;
  readonly pageBytes: Bytes;
  /** One channel, all ranks. */
  readonly capacity: Bytes;
  /** One channel. */
  readonly peak: BytesPerSecond;
  readonly timing: DeviceTiming;
}

/** Above this case temperature LPDDR5 asks for derated timing and twice the refresh (JESD209-5, temperature codes). */
export const HOT: Celsius = 85;
/** Above this one refresh comes four times as often. */
export const VERY_HOT: Celsius = 95;

/** How much faster than nominal the array must be refreshed. */
export function refreshMultiple(temperature: Celsius): number {
  if (temperature > VERY_HOT) return 4;
  return temperature > HOT ? 2 : 1;
}

/** Peak of `channels` channels of a preset. */
export function peakBandwidth(preset: LpddrPreset, channels: number): BytesPerSecond {
  const bits = preset.rate.is * preset.channelBits.is * (preset.dataShare?.is ?? 1);
  return (channels * bits) / BITS_PER_BYTE;
}

/** Builds the device; unknown mode or density and impossible rank counts are the user's fault. */
export function buildDevice(preset: LpddrPreset, options: DeviceOptions = {}): DramDevice {
  const modeName = options.mode ?? (Object.keys(preset.modes)[0] as string);
  const mode = pick(preset.modes, modeName, `bank mode of ${preset.name}`);
  const densityName = options.density ?? defaultDensity(preset);
  const density = pick(preset.densities, densityName, `density of ${preset.name}`);
  const ranks = options.ranks ?? 1;
  if (ranks !== 1 && ranks !== 2) {
    throw new SpecError([
      { message: 'impossible rank count', expected: '1 or 2', got: `${ranks}` },
    ]);
  }
  const payload = mode.burstBeats.is * preset.channelBits.is * (preset.dataShare?.is ?? 1);
  const burstBytes = Math.round(payload) / BITS_PER_BYTE;
  const banks = mode.bankGroups.is * mode.banksPerGroup.is;
  return {
    preset: preset.name,
    tCK: preset.beatsPerClock.is / preset.rate.is,
    ranks,
    bankGroups: mode.bankGroups.is,
    banksPerGroup: mode.banksPerGroup.is,
    banks,
    rows: Math.floor(density.capacity.is / mode.page.is / banks),
    columns: Math.floor(mode.page.is / burstBytes),
    burstBytes,
    pageBytes: mode.page.is,
    capacity: density.capacity.is * ranks,
    peak: peakBandwidth(preset, 1),
    timing: timingOf(preset, modeName, densityName, options.temperature ?? 25),
  };
}

/** 8 Gb per channel up to LPDDR5-6400 and 16 Gb above, the common packages of their years. */
export function defaultDensity(preset: LpddrPreset): string {
  const usual = preset.family === 'LPDDR5' ? '8Gb' : '16Gb';
  return Object.hasOwn(preset.densities, usual)
    ? usual
    : (Object.keys(preset.densities)[0] as string);
}

function timingOf(
  preset: LpddrPreset,
  modeName: string,
  densityName: string,
  temperature: Celsius,
): DeviceTiming {
  const mode = pick(preset.modes, modeName, 'bank mode');
  const density = pick(preset.densities, densityName, 'density');
  const { times, cycles } = preset;
  const tCK = preset.beatsPerClock.is / preset.rate.is;
  const derating = temperature > HOT ? times.hotDerating.is : 0;
  // Data sheets round tCK to four digits; a limit that is a whole number of those must not gain a cycle.
  const count = (seconds: Seconds) => Math.ceil(seconds / tCK - 1e-3);
  const hot = (seconds: Seconds) => count(seconds + derating);
  const nRAS = hot(times.tRAS.is);
  const nRPpb = hot(times.tRPpb.is);
  const multiple = refreshMultiple(temperature);
  return {
    nRL: cycles.RL.is,
    nWL: cycles.WL.is,
    nBLmin: mode.BLmin.is,
    nBLmax: mode.BLmax.is,
    nCCDS: mode.CCD_S.is,
    nCCDL: mode.CCD_L.is,
    nRCD: hot(times.tRCD.is),
    nRPpb,
    nRPab: hot(times.tRPab.is),
    nRAS,
    nRC: Math.max(nRAS + nRPpb, count(times.tRC.is)),
    nRRD: hot(mode.tRRD.is),
    nFAW: count(mode.tFAW.is),
    nRTP: mode.BLmax.is + cycles.RBTP.is,
    nWTP: cycles.WL.is + mode.BLmin.is + count(times.tWR.is),
    nRTW: cycles.RL.is + mode.BLmin.is + cycles.RTWgap.is - cycles.WL.is,
    nWTRS: cycles.WL.is + mode.BLmin.is + count(mode.tWTR_S.is),
    nWTRL: cycles.WL.is + mode.BLmax.is + count(mode.tWTR_L.is),
    nPPD: cycles.PPD.is,
    nAAD: cycles.AAD.is,
    nRPREF: hot(times.tRPab.is),
    nRTRO: mode.BLmin.is + cycles.CS.is,
    nRTWO: cycles.RL.is + mode.BLmin.is + cycles.CS.is - cycles.WL.is,
    nWTRO: Math.max(1, cycles.WL.is + mode.BLmin.is + cycles.CS.is - cycles.RL.is),
    nWTWO: mode.BLmin.is + cycles.CS.is,
    nWCKPST: cycles.WCKPST.is,
    nCMD: cycles.CMD?.is ?? 1,
    nREFI: count(times.tREFI.is / multiple),
    nREFIpb: count(times.tREFIpb.is / multiple),
    nRFCab: count(density.tRFCab.is),
    nRFCpb: count(density.tRFCpb.is),
    nPBR2PBR: count(density.tpbR2pbR.is),
    nPBR2ACT: count(times.tpbR2act.is),
    nXP: count(times.tXP.is),
    nSR: count(times.tSR.is),
    nXSR: count(times.tXSR.is) + count(density.tRFCab.is),
  };
}

/**
 * The preset with its bus at a share of its rate, as a controller steps it down, or above it, as parts that are sold
 * before their data sheet: times of the array stay, so latencies set in cycles change with the rate, as the table of read
 * latencies by rate has them (JESD209-5, tables of RL and WL).
 */
export function presetAtShare(preset: LpddrPreset, share: number): LpddrPreset {
  if (share === 1) return preset;
  const { rate, cycles } = preset;
  const scaled = <T extends { readonly is: number }>(value: T): T => ({
    ...value,
    is: Math.ceil(value.is * share),
  });
  return {
    ...preset,
    rate: { ...rate, is: rate.is * share },
    cycles: { ...cycles, RL: scaled(cycles.RL), WL: scaled(cycles.WL), RBTP: scaled(cycles.RBTP) },
  };
}
