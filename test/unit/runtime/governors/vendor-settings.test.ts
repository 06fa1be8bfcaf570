import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../../src/base/errors.ts';
import { thermalGovernors } from '../../../../src/runtime/governors/index.ts';
import { device, view } from '../../../support/governors.ts';

const cpu = () => device('cpu', 5, { cores: 4 });
const gpu = () => device('gpu', 8);

describe('a ladder with ceilings of single devices', () => {
  const ladder = [
    { at: '41 °C', ceilings: { gpu: 0 } },
    { at: '45 °C', ceiling: 0.5, cores: 0.5 },
  ];
  const at = (skin: number, board = skin, sensor = 'skin') =>
    thermalGovernors['skin-ladder']
      .create({ ladder, sensor })
      .limit(view({ skin, board, devices: [cpu(), gpu()] }));

  it('clamps the named one and leaves the others free', () => {
    const [first, second] = at(42);
    const top = cpu().powers.length - 1;
    expect(first!.point).toBe(top);
    expect(second!.point).toBe(0);
    expect(second!.reason).toBe('skin step at 41 °C');
  });

  it('takes cores out at a step that says so', () => {
    const [first] = at(46);
    expect(first!.cores).toBe(2);
    expect(first!.coresReason).toBe('skin step at 45 °C');
  });

  it('holds main memory at a step that says so, through the guard of the junction, until it cools', () => {
    const steps = [
      { at: '41 °C', ceilings: { gpu: 0.5 }, memory: { gpu: 0.5 } },
      { at: '45 °C', ceilings: { gpu: 0.2 } },
    ];
    for (const name of ['skin-ladder', 'skin-pid'] as const) {
      const governor = thermalGovernors[name].create({ ladder: steps });
      const seen = [30, 42, 46, 30].map((skin) => {
        governor.limit(view({ skin, devices: [cpu(), gpu()], period: 10 }));
        return governor.memory;
      });
      expect(seen).toEqual([
        undefined,
        { shares: { gpu: 0.5 }, reason: 'skin step at 41 °C' },
        undefined,
        undefined,
      ]);
    }
  });

  it('goes by the board where it is told to', () => {
    expect(at(30, 42, 'board')[1]!.point).toBe(0);
    expect(at(42, 30, 'board')[1]!.point).toBe(gpu().powers.length - 1);
  });
});

describe('loops that are severities of one sensor', () => {
  /** Budgets are held at their maximum by far: 3.5 W below 43 °C, 1 W above, as on a Pixel 6a in small. */
  const loops = [
    { target: '43 °C', lead: 4, base: '2 W', gain: '1 W', gainIntegral: '0 W', maximum: '3.5 W' },
    { target: '45 °C', lead: 2, base: '2 W', gain: '1 W', gainIntegral: '0 W', maximum: '1 W' },
  ];
  const governorOf = (together: boolean) => {
    const governor = thermalGovernors['skin-pid'].create({
      loops,
      together,
      ladder: [{ at: '60 °C' }],
    });
    return (skin: number, samples = 20) => {
      let caps = governor.limit(view({ skin, period: 7, devices: [cpu()] }));
      for (let i = 1; i < samples; i++)
        caps = governor.limit(view({ skin, period: 7, devices: [cpu()] }));
      return { watts: cpu().powers[caps[0]!.point]!, reason: caps[0]!.reason };
    };
  };
  const fits = (budget: number) => Math.max(...cpu().powers.filter((watts) => watts <= budget));

  it('take turns: the severity that was reached holds alone, until its hysteresis is left', () => {
    const limit = governorOf(false);
    expect(limit(40)).toMatchObject({ watts: fits(3.5) });
    expect(limit(43.5)).toMatchObject({ watts: fits(1), reason: 'skin budget for 45 °C' });
    // 43 °C less 1.9 K.
    expect(limit(41.2)).toMatchObject({ watts: fits(1) });
    expect(limit(41)).toMatchObject({ watts: fits(3.5) });
    expect(limit(36)).toMatchObject({ watts: cpu().powers.at(-1) });
  });

  it('hold together otherwise, the smaller budget first', () => {
    // At 44.9 °C: 2 W less 1.9 W, against 1 W.
    expect(governorOf(true)(44.9)).toMatchObject({ watts: fits(0.6) });
    expect(governorOf(false)(44.9)).toMatchObject({ watts: fits(1) });
  });

  it('need no order in the file', () => {
    const governor = thermalGovernors['skin-pid'].create({
      loops: [...loops].reverse(),
      together: false,
      ladder: [{ at: '60 °C' }],
    });
    let caps = governor.limit(view({ skin: 44, period: 7, devices: [cpu()] }));
    for (let i = 0; i < 20; i++)
      caps = governor.limit(view({ skin: 44, period: 7, devices: [cpu()] }));
    expect(caps[0]!.reason).toBe('skin budget for 45 °C');
  });
});

describe('a skin loop as the Pixel thermal HAL runs it', () => {
  const limit = (skin: number, loop: object, samples = 20) => {
    const governor = thermalGovernors['skin-pid'].create({
      loops: [{ target: '43 °C', lead: 4, base: '2 W', gain: '1 W', gainIntegral: '0 W', ...loop }],
      ladder: [{ at: '60 °C' }],
    });
    let caps = governor.limit(view({ skin, period: 7, devices: [cpu(), gpu()] }));
    for (let i = 1; i < samples; i++) {
      caps = governor.limit(view({ skin, period: 7, devices: [cpu(), gpu()] }));
    }
    return caps;
  };

  it('splits by weight alone, whatever is asked for', () => {
    // 2 W at the target: nine tenths for the CPU, two tenths of a watt for the GPU.
    const caps = limit(43, { devices: { cpu: 9, gpu: 1 }, split: 'weight' });
    const share = [1.8, 0.2];
    for (const [i, one] of [cpu(), gpu()].entries()) {
      const fits = one.powers.findLastIndex((watts) => watts <= share[i]!);
      expect(caps[i]!.point).toBe(Math.max(fits, 0));
    }
  });

  it('goes no deeper than the ceiling of the device', () => {
    const caps = limit(50, { minimum: '0 W', deepest: { cpu: 2 } });
    expect(caps[0]!.point).toBe(cpu().powers.length - 1 - 2);
    expect(caps[1]!.point).toBe(0);
  });

  it('may fall faster above the target than it rises below', () => {
    const budget = (gainOver?: string) =>
      limit(44, { minimum: '0 W', ...(gainOver && { gainOver }) })[1]!.point;
    expect(budget('4 W')).toBeLessThanOrEqual(budget());
  });
});

describe('hotplug', () => {
  it('takes one core a poll from its trip on and gives them back far below it', () => {
    const governor = thermalGovernors.junction.create();
    const look = (temperature: number, period = 0.01) =>
      governor.limit(
        view({ junction: temperature, period, devices: [{ ...cpu(), temperature }] }),
      )[0]!;
    expect(look(107).cores).toBeUndefined();
    expect([look(108.5), look(109), look(109)].map(({ cores }) => cores)).toEqual([3, 2, 1]);
    expect(look(104).cores).toBe(1);
    expect(look(99, 0.1).cores).toBe(2);
    expect([look(98, 0.1), look(98, 0.1)].map(({ cores }) => cores)).toEqual([3, undefined]);
  });
});

it('refuses trips that ordinary air alone would hold', () => {
  const limits = {
    junctionSoft: 95,
    junctionCritical: 110,
    skinTarget: 28,
    skinHard: 45,
    skinEmergency: 52,
    sustainablePower: 4,
    ambient: 29,
  };
  expect(() => thermalGovernors['skin-pid'].create({}, limits)).toThrow(SpecError);
  expect(() => thermalGovernors['skin-pid'].create({}, limits)).toThrow(/above 29 °C/);
  expect(() => thermalGovernors.junction.create({}, limits)).not.toThrow();
});
