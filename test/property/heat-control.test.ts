/** What every phone's heat control keeps to, whatever its units draw: heat network and default policy, closed into a loop. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildPhoneNetwork } from '../../src/hardware/thermal/phone-network.ts';
import { TYPICAL_LIMITS } from '../../src/runtime/governors/entry.ts';
import { thermalGovernors } from '../../src/runtime/governors/index.ts';
import { DIE, loadPhone, PHONES } from '../support/thermal.ts';

const between = (min: number, max: number) => fc.double({ min, max, noNaN: true });

const load = fc.record({
  phone: fc.constantFrom(...PHONES),
  block: fc.constantFrom('npu', 'gpu', 'cpu-big'),
  /** W at full load and the fastest point, and how much of that the work draws. */
  top: between(1, 16),
  share: between(0.3, 1),
  /** W of memory and board. */
  dram: between(0.2, 1.5),
  board: between(0.2, 2.5),
});

type Load = typeof load extends fc.Arbitrary<infer T> ? T : never;

const AIR = 25;
const BODIES = new Map(
  PHONES.map((name) => {
    const phone = loadPhone(name);
    return [name, { phone, network: buildPhoneNetwork(DIE, phone) }];
  }),
);

interface Look {
  readonly skin: number;
  readonly junction: number;
  readonly point: number;
}

/** Runs the load for `seconds`, looked at every `period`. */
function soak(
  { phone: name, block, top, share, dram, board }: Load,
  seconds: number,
  period: number,
) {
  const { phone, network } = BODIES.get(name)!;
  network.setTemperatures(network.nodes.map(() => AIR));
  const limits = {
    ...TYPICAL_LIMITS,
    skinTarget: phone.limits.skinTarget.is,
    skinHard: phone.limits.skinSevere.is,
    sustainablePower: phone.limits.sustainablePower.is,
  };
  const thermal = thermalGovernors['skin-pid'].create({}, limits);
  const node = (one: string) => network.nodes.indexOf(one);
  const at = (one: string) => network.temperatures[node(one)] as number;
  const powers = Array.from({ length: 10 }, (_, i) => top * (0.05 + 0.95 * ((i + 1) / 10) ** 3));
  const watts = new Float64Array(network.nodes.length);
  watts[node('dram')] = dram;
  watts[node('board')] = board;
  let current = powers.length - 1;
  const looks: Look[] = [];
  for (let t = 0; t < seconds; t += period) {
    const drawn = share * (powers[current] as number);
    watts[node(block)] = drawn;
    network.advance(period, watts);
    const skin = Math.max(at('skin-front'), at('skin-back'));
    const junction = at(block);
    const device = { name: block, powers, requested: top, busyShare: 1, drawn, current };
    const others = dram + board;
    const [cap] = thermal.limit({ skin, junction, devices: [device], others, period });
    current = cap!.point;
    looks.push({ skin, junction, point: current });
  }
  return { looks, limits };
}

/** Longest time in a row. */
function longest(looks: readonly Look[], period: number, is: (look: Look) => boolean): number {
  let most = 0;
  let now = 0;
  for (const look of looks) {
    now = is(look) ? now + period : 0;
    most = Math.max(most, now);
  }
  return most;
}

describe('heat control', () => {
  it('brings skin to its target and no cooler, or every clock to its slowest', () => {
    fc.assert(
      fc.property(load, (given) => {
        const { looks, limits } = soak(given, 2400, 2);
        const last = looks.slice(-300);
        const skins = last.map(({ skin }) => skin);
        const points = last.map(({ point }) => point);
        if (Math.max(...skins) > limits.skinTarget + 1) expect(Math.max(...points)).toBe(0);
        // Two kelvins below the target the loop sleeps once it has cooled by 1.9 more; the trip holds the rest.
        const trip = last.some(({ junction }) => junction > limits.junctionSoft - 5);
        if (Math.min(...skins) < limits.skinTarget - 4 && !trip)
          expect(Math.min(...points)).toBe(9);
      }),
      { numRuns: 10 },
    );
  });

  it('leaves no block above its trip for half a second with a slower clock at hand', () => {
    fc.assert(
      fc.property(load, (given) => {
        const { looks, limits } = soak(given, 8, 0.01);
        const above = longest(
          looks,
          0.01,
          ({ junction, point }) => junction > limits.junctionSoft + 0.5 && point > 0,
        );
        expect(above).toBeLessThan(0.5);
      }),
      { numRuns: 15 },
    );
  });
});
