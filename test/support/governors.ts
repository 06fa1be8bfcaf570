/** Views for tests of governors: one clock domain, and a die with a skin. */
import { MEGA } from '../../src/base/units.ts';
import type {
  CoolingDevice,
  DomainView,
  ThermalGovernor,
  ThermalView,
} from '../../src/runtime/governor.ts';

export const CLOCKS = [300, 600, 900, 1200, 1500].map((mhz) => mhz * MEGA);

export function domain(edit: Partial<DomainView> = {}): DomainView {
  return {
    name: 'cpu',
    frequencies: CLOCKS,
    current: 0,
    busyShare: 0,
    period: 0.01,
    ...edit,
  };
}

/** A device of six points up to `top` watts that asks for all of it. */
export function device(name: string, top = 5, edit: Partial<CoolingDevice> = {}): CoolingDevice {
  const powers = [0.1, 0.2, 0.35, 0.55, 0.8, 1].map((share) => share * top);
  return { name, powers, requested: top, busyShare: 1, current: 5, ...edit };
}

export function view(edit: Partial<ThermalView> = {}): ThermalView {
  return { junction: 60, skin: 30, devices: [device('npu'), device('gpu', 8)], period: 1, ...edit };
}

/** Caps after each of `skins`, as points of the first device. */
export function pointsOver(
  governor: ThermalGovernor,
  views: readonly Partial<ThermalView>[],
): number[] {
  return views.map((edit) => governor.limit(view(edit))[0]?.point as number);
}
