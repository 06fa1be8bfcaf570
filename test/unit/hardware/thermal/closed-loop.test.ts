/** Heat network, power and thermal governors together: the loop that a run closes every control period. */
import { describe, expect, it } from 'vitest';
import { buildPhoneNetwork } from '../../../../src/hardware/thermal/phone-network.ts';
import type { CoolingDevice } from '../../../../src/runtime/governor.ts';
import { type ThermalLimits, TYPICAL_LIMITS } from '../../../../src/runtime/governors/entry.ts';
import { thermalGovernors } from '../../../../src/runtime/governors/index.ts';
import { DIE, loadPhone } from '../../../support/thermal.ts';

const PERIOD = 0.05;
/** Full-load power of each operating point, W: cubic in the clock, as f·V² is. */
const table = (top: number) =>
  Array.from({ length: 10 }, (_, i) => top * (0.1 + 0.9 * ((i + 1) / 10) ** 3));

/** Runs a load on one block for `seconds`; what skin, junction and power did. */
function soak(
  governor: keyof typeof thermalGovernors,
  block: string,
  top: number,
  seconds: number,
  limits: ThermalLimits = TYPICAL_LIMITS,
) {
  const network = buildPhoneNetwork(DIE, loadPhone('vivo-x100'));
  const thermal = thermalGovernors[governor].create({}, limits);
  const at = (name: string) => network.temperatures[network.nodes.indexOf(name)] as number;
  const node = network.nodes.indexOf(block);
  const powers = table(top);
  const watts = new Float64Array(network.nodes.length);
  watts[network.nodes.indexOf('dram')] = 0.8;
  watts[network.nodes.indexOf('skin-front')] = 0.6;
  let current = powers.length - 1;
  let [skin, junction, changes] = [0, 0, 0];
  const history: number[] = [];
  for (let t = 0; t < seconds; t += PERIOD) {
    watts[node] = powers[current] as number;
    network.advance(PERIOD, watts);
    skin = Math.max(at('skin-front'), at('skin-back'));
    junction = Math.max(junction, at(block));
    const device: CoolingDevice = {
      name: block,
      powers,
      requested: top,
      busyShare: 1,
      current,
    };
    const next = thermal.limit({ junction: at(block), skin, devices: [device], period: PERIOD });
    const point = next[0]?.point as number;
    if (point !== current) changes++;
    current = point;
    history.push(powers[current] as number);
  }
  const mean = (from: number, to: number) => {
    const part = history.slice(Math.round(from / PERIOD), Math.round(to / PERIOD));
    return part.reduce((sum, w) => sum + w, 0) / part.length;
  };
  return { skin, junction, changes, mean };
}

describe('closed loop', () => {
  it('the junction guard keeps a lone hot core off the emergency temperature', () => {
    const { junction, mean } = soak('junction', 'cpu-big', 12, 20);
    expect(junction).toBeLessThan(TYPICAL_LIMITS.junctionCritical);
    expect(junction).toBeGreaterThan(88);
    expect(mean(10, 20)).toBeLessThan(11);
    expect(mean(10, 20)).toBeGreaterThan(4);
  });

  it.each(['skin-pid', 'power-allocator', 'step-wise'] as const)(
    '%s brings skin to its target within half an hour and holds it there',
    (governor) => {
      const { skin, mean, changes } = soak(governor, 'gpu', 10, 1800);
      expect(skin).toBeGreaterThan(37.5);
      expect(skin).toBeLessThan(43);
      // About 6 W whole device at 43 °C and 25 °C of air; here 1.4 W are not the unit's.
      expect(mean(1500, 1800)).toBeGreaterThan(2.2);
      expect(mean(1500, 1800)).toBeLessThan(5.5);
      expect(mean(0, 10)).toBeGreaterThan(1.5 * mean(1500, 1800));
      // step_wise swings by design: it acts on every poll while skin answers in minutes.
      expect(changes).toBeLessThan(governor === 'step-wise' ? 12_000 : 3000);
    },
  );

  it('a ladder falls off a cliff instead', () => {
    const { mean } = soak('skin-ladder', 'gpu', 10, 1800);
    expect(mean(0, 60)).toBeGreaterThan(6);
    expect(mean(1500, 1800)).toBeLessThan(5.5);
  });

  it('a cooler limit costs power, about 0.3 W per kelvin', () => {
    const cool = soak('skin-pid', 'gpu', 10, 1800, {
      ...TYPICAL_LIMITS,
      skinTarget: 38,
      sustainablePower: 3.4,
    });
    const warm = soak('skin-pid', 'gpu', 10, 1800);
    const perKelvin = (warm.mean(1500, 1800) - cool.mean(1500, 1800)) / (warm.skin - cool.skin);
    expect(perKelvin).toBeGreaterThan(0.15);
    expect(perKelvin).toBeLessThan(0.6);
  });

  it('without heat control the same load burns the hand', () => {
    expect(soak('none', 'gpu', 10, 1800).skin).toBeGreaterThan(55);
  });
});
