import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../../src/base/errors.ts';
import type { Environment } from '../../../../src/hardware/thermal/environment.ts';
import { decompose } from '../../../../src/hardware/thermal/modal.ts';
import {
  buildPhoneNetwork,
  phoneNetworkSpec,
} from '../../../../src/hardware/thermal/phone-network.ts';
import { DIE, loadPhone, PHONES, wattsAt } from '../../../support/thermal.ts';

/** Four watts in the die, one in DRAM, half in the board, half in the screen. */
const CHAT = {
  'cpu-big': 0.9,
  'cpu-mid': 0.4,
  npu: 1.4,
  gpu: 0.15,
  other: 0.95,
  modem: 0.2,
  dram: 1,
  board: 0.5,
  'skin-front': 0.2,
  'skin-front-far': 0.3,
};

describe.each(PHONES)('heat network of %s', (name) => {
  const phone = loadPhone(name);
  const network = buildPhoneNetwork(DIE, phone);
  const at = (temperatures: Float64Array, node: string) =>
    temperatures[network.nodes.indexOf(node)] as number;
  const watts = wattsAt(network.nodes, CHAT);
  const total = watts.reduce((sum, w) => sum + w, 0);
  const steady = network.steadyState(watts);

  it('names the blocks of the die and the parts of the body', () => {
    expect(network.nodes.slice(0, 6)).toEqual(DIE.map((block) => block.name));
    for (const node of ['dram', 'board', 'frame', 'battery', 'skin-front', 'skin-back']) {
      expect(network.nodes).toContain(node);
    }
  });

  it('has the skin resistance of a flagship', () => {
    const near = phone.body.nearShare.is;
    const mean =
      (near * (at(steady, 'skin-front') + at(steady, 'skin-back')) +
        (1 - near) * (at(steady, 'skin-front-far') + at(steady, 'skin-back-far'))) /
      2;
    const hottest = Math.max(at(steady, 'skin-front'), at(steady, 'skin-back'));
    // Skin mean 3.3–4.6 K/W (flat plate, both faces); a smaller phone sits higher.
    const scale = (0.163 * 0.079) / (phone.body.width.is * phone.body.height.is);
    expect((mean - 25) / total / scale).toBeGreaterThan(2.9);
    expect((mean - 25) / total / scale).toBeLessThan(4.6);
    expect((hottest - 25) / total / scale).toBeLessThan(4.6);
    // Mean over maximum of the rise: 0.8 in a 2013 phone, 1 is perfect.
    expect((mean - 25) / (hottest - 25)).toBeGreaterThan(0.8);
    expect((mean - 25) / (hottest - 25)).toBeLessThan(1);
  });

  it('has the four decades of time constants of real phones', () => {
    const taus = [...decompose(phoneNetworkSpec(DIE, phone, 25)).rates]
      .map((rate) => 1 / rate)
      .sort((a, b) => b - a);
    expect(taus[0]).toBeGreaterThan(400);
    expect(taus[0]).toBeLessThan(900);
    expect(taus[1]).toBeGreaterThan(60);
    expect(taus[1]).toBeLessThan(150);
    expect(taus.filter((tau) => tau > 5 && tau < 40).length).toBeGreaterThanOrEqual(2);
    expect(taus.at(-1)).toBeGreaterThan(0.005);
    expect(taus.at(-1)).toBeLessThan(0.1);
  });

  it('stores the heat of its mass', () => {
    const { capacities } = phoneNetworkSpec(DIE, phone, 25);
    const stored = capacities.reduce((sum, c) => sum + c, 0);
    expect(stored).toBeGreaterThan(130);
    expect(stored).toBeLessThan(210);
  });

  it('warms one core by tens of kelvins within seconds, below any trip, while the skin is cold', () => {
    const burst = buildPhoneNetwork(DIE, phone);
    burst.advance(3, wattsAt(burst.nodes, { 'cpu-big': 5.5, other: 0.5 }));
    // Phones keep one core at its top clock through a benchmark of minutes: 95 °C must be far. One phone's
    // ways out of the die are fitted to its hottest sensor, so hold three times what others' do.
    const rise = (at(burst.temperatures, 'cpu-big') - 25) * (3 / phone.thermal.dieToDram.is);
    expect(rise).toBeGreaterThan(20);
    expect(rise).toBeLessThan(60);
    expect(at(burst.temperatures, 'skin-back')).toBeLessThan(27);
  });

  it('warms an evenly loaded die by what its ways out say, however small the block', () => {
    const area = DIE.reduce((sum, { width, height }) => sum + width * height, 0);
    const even = DIE.map(({ name, width, height }) => [name, (6 * width * height) / area] as const);
    const watched = network.steadyState(wattsAt(network.nodes, Object.fromEntries(even)));
    const t = phone.thermal;
    const [dram, board] = ['dram', 'board'].map((node) => at(watched, node));
    const [up, down] = [t.dieToDram.is, t.dieToPackage.is + t.packageToBoard.is];
    const mean = (6 + dram! / up + board! / down) / (1 / up + 1 / down);
    for (const { name } of DIE) expect(at(watched, name)).toBeCloseTo(mean, 6);
  });

  it('orders the temperatures along the heat path', () => {
    const path = ['npu', 'dram', 'vapour-chamber', 'skin-front', 'skin-front-far'];
    const values = path.map((node) => at(steady, node));
    expect(values).toEqual([...values].sort((a, b) => b - a));
  });
});

describe('surroundings of the phone', () => {
  const phone = loadPhone('vivo-x100');
  const skinOf = (environment: Parameters<typeof buildPhoneNetwork>[2]) => {
    const network = buildPhoneNetwork(DIE, phone, environment);
    const steady = network.steadyState(wattsAt(network.nodes, CHAT));
    return (steady[network.nodes.indexOf('skin-back')] as number) - (environment?.ambient ?? 25);
  };
  const free = skinOf({ ambient: 25 });

  it('a case and a table make it hotter, a fan cooler', () => {
    expect(skinOf({ ambient: 25, case: true })).toBeGreaterThan(free + 0.3);
    expect(skinOf({ ambient: 25, placement: 'table' })).toBeGreaterThan(free * 1.15);
    expect(skinOf({ ambient: 25, placement: 'table' })).toBeLessThan(free * 1.45);
    expect(skinOf({ ambient: 25, fan: 'clip-on' })).toBeLessThan(free * 0.85);
  });

  it('a fan of its own cools as one of the environment does', () => {
    const skin = (own: object, environment: Environment) => {
      const body = { ...phone.body, ...own };
      const network = buildPhoneNetwork(DIE, { ...phone, body }, environment);
      const steady = network.steadyState(wattsAt(network.nodes, CHAT));
      return steady[network.nodes.indexOf('skin-back')];
    };
    const within = skin({}, { ambient: 25, fan: 'built-in' });
    expect(skin({ fan: 'built-in' }, { ambient: 25 })).toBe(within);
    expect(skin({ fan: 'built-in' }, { ambient: 25, fan: 'none' })).toBe(within);
    expect(within).toBeLessThan(skin({}, { ambient: 25 }) as number);
  });

  it('hot air sheds a little better per kelvin', () => {
    expect(skinOf({ ambient: 40 })).toBeLessThan(free);
    expect(skinOf({ ambient: 40 })).toBeGreaterThan(free * 0.9);
  });

  it('starts where it is told', () => {
    const network = buildPhoneNetwork(DIE, phone, { ambient: 25, start: 33 });
    expect(new Set(network.temperatures)).toEqual(new Set([33]));
  });

  it('refuses air outside the model and floorplans that cannot be', () => {
    expect(() => buildPhoneNetwork(DIE, phone, { ambient: 75 })).toThrow(/outside the range/);
    const twice = [...DIE, { ...DIE[0]!, name: 'npu' }];
    const clash = [{ ...DIE[0]!, name: 'battery' }];
    expect(() => buildPhoneNetwork(twice, phone)).toThrow(SpecError);
    expect(() => buildPhoneNetwork(clash, phone)).toThrow(/part of the body/);
  });
});
