/**
 * Joules of DRAM commands and states.
 *
 * Model    activates, bursts and refreshes each cost their energy; standby power flows by state; all × scale
 * Ignores  data patterns (a toggling bus costs more), temperature dependence of leakage
 * Valid    typical or data-sheet-maximum silicon; energies per bit are those of the whole x16 die
 * Source   power section of socs/lpddr/*.yaml (IDD of one public data sheet)
 * Checked  test/unit/hardware/dram/energy.test.ts
 */
import type { Bytes, Celsius, Joules, Seconds, Watts } from '../../base/units.ts';
import { defaultDensity, refreshMultiple } from './device.ts';
import type { LpddrPreset } from './preset.ts';

export type PowerCorner = 'typical' | 'maximum';

/** What one run did to all channels and ranks together. */
export interface DramActivity {
  readonly seconds: Seconds;
  readonly activates: number;
  readonly readBytes: Bytes;
  readonly writeBytes: Bytes;
  /** REFab; a REFpb of one bank counts as its share of one. */
  readonly refreshes: number;
  /** Summed over channels and ranks. */
  readonly openSeconds: Seconds;
  readonly closedSeconds: Seconds;
  readonly powerDownSeconds?: Seconds | undefined;
  readonly selfRefreshSeconds?: Seconds | undefined;
  /** Decides how much a rank in self-refresh refreshes. */
  readonly temperature?: Celsius | undefined;
}

const ENERGY_PARTS = [
  'activate',
  'read',
  'write',
  'refresh',
  'standby',
  'lowPower',
  'host',
] as const;
export type EnergyPart = (typeof ENERGY_PARTS)[number];

const ROOM: Celsius = 25;

/** Joules by part; `host` is the PHY and controller on the SoC. */
export function dramEnergy(
  preset: LpddrPreset,
  density: string | undefined,
  activity: DramActivity,
  corner: PowerCorner = 'typical',
): Record<EnergyPart, Joules> {
  const { power } = preset;
  const scale = power.scale.is;
  const perRefresh = preset.densities[density ?? defaultDensity(preset)]?.refreshEnergy[corner].is;
  const bytes = activity.readBytes + activity.writeBytes;
  return {
    activate: scale * activity.activates * power.activate[corner].is,
    read: scale * activity.readBytes * power.read[corner].is,
    write: scale * activity.writeBytes * power.write[corner].is,
    refresh: scale * activity.refreshes * (perRefresh ?? 0),
    standby:
      scale *
      (activity.openSeconds * power.activeStandby[corner].is +
        activity.closedSeconds * power.prechargeStandby[corner].is),
    lowPower:
      scale *
      ((activity.powerDownSeconds ?? 0) * power.powerDown[corner].is +
        (activity.selfRefreshSeconds ?? 0) *
          power.selfRefresh[corner].is *
          refreshMultiple(activity.temperature ?? ROOM)),
    host: bytes * power.host[corner].is,
  };
}

export type IdleState = 'active-standby' | 'precharge-standby' | 'power-down' | 'self-refresh';

/** Power of one channel and rank without traffic; refresh included where the controller has to do it. */
export function idlePower(
  preset: LpddrPreset,
  density: string | undefined,
  state: IdleState,
  temperature: Celsius,
  corner: PowerCorner = 'typical',
): Watts {
  const { power } = preset;
  const multiple = refreshMultiple(temperature);
  const states: Record<IdleState, Watts> = {
    'active-standby': power.activeStandby[corner].is,
    'precharge-standby': power.prechargeStandby[corner].is,
    'power-down': power.powerDown[corner].is,
    // The device refreshes itself; the array's share rises with the rate it needs.
    'self-refresh': power.selfRefresh[corner].is * multiple,
  };
  if (state === 'self-refresh') return power.scale.is * states[state];
  const name = density ?? defaultDensity(preset);
  const perRefresh = preset.densities[name]?.refreshEnergy[corner].is ?? 0;
  return power.scale.is * (states[state] + (perRefresh * multiple) / preset.times.tREFI.is);
}
