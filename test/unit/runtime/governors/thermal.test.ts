import { describe, expect, it } from 'vitest';
import { TYPICAL_LIMITS, thermalGovernors } from '../../../../src/runtime/governors/index.ts';
import { device, pointsOver, view } from '../../../support/governors.ts';

const skins = (...values: number[]) => values.map((skin) => ({ skin }));
const junctions = (period: number, ...values: number[]) =>
  values.map((junction) => ({ junction, period }));

describe('none and junction', () => {
  it('none lets silicon melt', () => {
    const caps = thermalGovernors.none.create().limit(view({ junction: 150, skin: 80 }));
    expect(caps.map(({ point }) => point)).toEqual([5, 5]);
    expect(caps[0]?.reason).toBe('');
  });

  it('looks one poll ahead on the way up, holds at the trip, and opens below its hysteresis', () => {
    const governor = thermalGovernors.junction.create({ junction: { release: '0 s' } });
    const points = pointsOver(governor, junctions(0.01, 90, 95, 96, 96, 97, 94, 92.9, 92, 90));
    // 90 → 95 is heading for 100: two points for 5 K. 96 heads for 97, 97 for 98: one each.
    expect(points).toEqual([5, 3, 2, 2, 1, 1, 2, 3, 4]);
  });

  it('starts stepping where the unit runs, not from an open cap above it', () => {
    const governor = thermalGovernors.junction.create();
    const devices = [device('gpu', 8, { current: 2 })];
    expect(governor.limit(view({ junction: 96, devices }))[0]?.point).toBe(1);
  });

  it('cuts to the slowest point at the emergency temperature until it has cooled', () => {
    const governor = thermalGovernors.junction.create({ junction: { release: '0 s' } });
    const points = pointsOver(governor, junctions(0.01, 60, 110, 105, 101, 99, 80, 80));
    expect(points).toEqual([5, 0, 0, 0, 0, 1, 2]);
    const caps = thermalGovernors.junction.create().limit(view({ junction: 111 }));
    expect(caps[0]?.reason).toContain('110 °C');
  });

  it('gives a point back only after the release time', () => {
    const governor = thermalGovernors.junction.create({ junction: { release: '30 ms' } });
    const points = pointsOver(governor, junctions(0.01, 90, 96, 90, 90, 90, 90, 90, 90));
    expect(points).toEqual([5, 2, 2, 2, 3, 3, 3, 4]);
  });

  it('goes by the limits of the description, and options before them', () => {
    const limits = { ...TYPICAL_LIMITS, junctionSoft: 85 };
    const described = thermalGovernors.junction.create({}, limits);
    expect(described.limit(view({ junction: 86 }))[0]?.point).toBe(4);
    const chosen = thermalGovernors.junction.create({ junction: { soft: '70 °C' } }, limits);
    expect(chosen.limit(view({ junction: 71 }))[0]?.point).toBe(4);
  });

  it('throttles only the unit that is hot where it knows', () => {
    const devices = [device('npu', 5, { temperature: 70 }), device('gpu', 8, { temperature: 98 })];
    const caps = thermalGovernors.junction.create().limit(view({ junction: 98, devices }));
    expect(caps.map(({ point }) => point)).toEqual([5, 4]);
  });
});

describe('step-wise', () => {
  it('moves one state per poll and waits for the passive delay', () => {
    const governor = thermalGovernors['step-wise'].create({ trip: '41 °C' });
    const rising = [40, 41.1, 41.2, 41.3].map((skin) => ({ skin, period: 1 }));
    expect(pointsOver(governor, rising)).toEqual([5, 4, 3, 2]);
    const fast = [41.4, 41.5, 41.6, 41.7, 41.8].map((skin) => ({ skin, period: 0.125 }));
    expect(pointsOver(governor, fast)).toEqual([2, 1, 1, 0, 0]);
    const falling = [40.9, 40.8, 40.9, 40.7].map((skin) => ({ skin, period: 1 }));
    expect(pointsOver(governor, falling)).toEqual([1, 2, 2, 3]);
  });

  it('watches the junction on demand', () => {
    const governor = thermalGovernors['step-wise'].create({ sensor: 'junction', trip: '80 °C' });
    expect(pointsOver(governor, junctions(1, 79, 81, 82))).toEqual([5, 4, 3]);
  });
});

describe('power-allocator', () => {
  it('is open below switch-on, then shares a budget that shrinks with the error', () => {
    const governor = thermalGovernors['power-allocator'].create({
      control: '41 °C',
      range: 4,
      sustainablePower: '4 W',
    });
    const totals = [36, 37.5, 39, 41, 43, 44.9].map((skin) => {
      const caps = governor.limit(view({ skin, period: 1 }));
      const devices = view().devices;
      return caps.reduce((sum, { point }, i) => sum + (devices[i]?.powers[point] as number), 0);
    });
    expect(totals[0]).toBe(13);
    expect(totals).toEqual([...totals].sort((a, b) => b - a));
    // At the control temperature the budget is the sustainable power, and each share is rounded down to a point.
    expect(totals[3]).toBeLessThanOrEqual(4);
    expect(totals[3]).toBeGreaterThan(2);
  });

  it('grants by request and by weight', () => {
    const devices = [device('npu', 5), device('gpu', 5)];
    const points = (weights: Record<string, number>) =>
      thermalGovernors['power-allocator']
        .create({ control: '41 °C', sustainablePower: '5 W', weights })
        .limit(view({ skin: 41, devices }))
        .map(({ point }) => point);
    expect(points({})).toEqual([2, 2]);
    const [npu, gpu] = points({ npu: 4096, gpu: 1024 });
    expect(npu).toBeGreaterThan(gpu as number);
  });

  it('cuts loaded and idle units by the same share of their request', () => {
    const devices = [device('npu', 5), device('gpu', 8, { requested: 0.1, busyShare: 0.01 })];
    const governor = thermalGovernors['power-allocator'].create({ sustainablePower: '4 W' });
    // 4 of 5.1 W: both keep 78 %, which on this table is the point of 55 %.
    expect(governor.limit(view({ skin: 41, devices })).map(({ point }) => point)).toEqual([3, 3]);
  });

  it('leaves everything open while the budget covers all requests', () => {
    const devices = [device('npu', 5, { requested: 1 }), device('gpu', 8, { requested: 0.5 })];
    const governor = thermalGovernors['power-allocator'].create({ sustainablePower: '4 W' });
    expect(governor.limit(view({ skin: 41, devices })).map(({ point }) => point)).toEqual([5, 5]);
  });
});

describe('skin-ladder', () => {
  const governor = () =>
    thermalGovernors['skin-ladder'].create({
      ladder: [
        { at: '43 °C', ceiling: 0.6 },
        { at: '46 °C', ceiling: 0 },
      ],
    });

  it('drops like a cliff and comes back below the hysteresis', () => {
    expect(pointsOver(governor(), skins(42.9, 43, 45.9, 46, 44.2, 44, 41.2, 41))).toEqual([
      5, 3, 3, 0, 0, 3, 3, 5,
    ]);
  });

  it('says which step holds', () => {
    const caps = governor().limit(view({ skin: 44 }));
    expect(caps[0]?.reason).toBe('skin step at 43 °C');
  });

  it('leaves units that no step names to a skin budget, not to run as hot as they like', () => {
    const steps = () =>
      thermalGovernors['skin-ladder'].create({
        ladder: [{ at: '43 °C', ceilings: { gpu: 0.2 } }],
        polling: '1 s',
      });
    const over = (...temperatures: number[]) => {
      const own = steps();
      const alone = thermalGovernors['skin-pid'].create();
      const npu = device('npu', 5);
      return temperatures.map((skin) => {
        const devices = [npu, device('gpu', 8)];
        const [named] = alone.limit(view({ skin, devices: [npu], period: 7 }));
        const caps = own.limit(view({ skin, devices, period: 7 }));
        return { npu: caps[0], gpu: caps[1], named };
      });
    };
    const seen = over(30, 42, 43.5, 46, 46, 46, 46);
    for (const { npu, named } of seen) expect(npu).toEqual(named);
    expect(seen[0]?.npu?.point).toBe(5);
    expect(seen.at(-1)?.npu?.point).toBeLessThan(3);
    expect(seen.at(-1)?.npu?.reason).toMatch(/skin (budget|step)/);
    expect(seen.map(({ gpu }) => gpu?.point)).toEqual([5, 5, 1, 1, 1, 1, 1]);
  });
});

describe('skin-pid', () => {
  it('sleeps below the trigger and moves by bounded steps above it', () => {
    const governor = thermalGovernors['skin-pid'].create({ sampling: '1 s' });
    const points = pointsOver(governor, skins(30, 38.9, 41, 41, 41, 41));
    // Budget 4.5 W by request 5 : 8 leaves 1.73 W for the NPU: point 1 of its table, two points per sample.
    expect(points).toEqual([5, 5, 3, 1, 1, 1]);
  });

  it('looks only once per sample', () => {
    const governor = thermalGovernors['skin-pid'].create();
    const hot = Array.from({ length: 8 }, () => ({ skin: 43, period: 1 }));
    expect(pointsOver(governor, hot)).toEqual([3, 3, 3, 3, 3, 3, 3, 1]);
  });

  it('counts all that the phone draws against what its body stands, but not against what a vendor gives its units', () => {
    const points = (drawn: number, others: number, options: object = {}) => {
      const governor = thermalGovernors['skin-pid'].create({ sampling: '1 s', ...options });
      const npu = device('npu', 5, { drawn });
      return pointsOver(
        governor,
        Array.from({ length: 4 }, () => ({ skin: 41, devices: [npu], others })),
      ).at(-1);
    };
    // 4.5 W at the target. Alone the unit may draw 4: all but the fastest of 0.5 1 1.75 2.75 4 5 W.
    expect(points(5, 0)).toBe(4);
    // What memory and regulators draw is not left for it.
    expect(points(5, 2)).toBe(2);
    // At full clock it draws half of what its table gives for full load.
    expect(points(2.5, 2)).toBe(5);
    expect(points(2.5, 4.2)).toBe(0);
    const vendor = { loops: [{ base: '4.5 W' }] };
    expect(points(5, 2, vendor)).toBe(4);
    expect(points(2.5, 2, vendor)).toBe(4);
  });

  it('counts what units draw that rest, or that the budget does not name', () => {
    const points = (gpu: object, options: object = {}) => {
      const governor = thermalGovernors['skin-pid'].create({ sampling: '1 s', ...options });
      const devices = [device('npu', 5, { drawn: 5 }), device('gpu', 8, gpu)];
      const looks = Array.from({ length: 4 }, () => ({ skin: 41, devices, others: 0 }));
      return pointsOver(governor, looks).at(-1);
    };
    const idle = { busyShare: 0, requested: 0 };
    // Of 4.5 W at the target the unit may draw 4, or 2.75 where one at rest leaks a watt.
    expect(points({ ...idle, drawn: 0 })).toBe(4);
    expect(points({ ...idle, drawn: 1 })).toBe(3);
    // 2.5 W are left beside 2 W of a unit that the budget is not for.
    expect(points({ drawn: 2 }, { loops: [{ devices: { npu: 1 } }] })).toBe(2);
    expect(points({ drawn: 2 }, { loops: [{ devices: { npu: 1 }, base: '4.5 W' }] })).toBe(4);
  });

  it('counts what units draw that a ladder holds where it holds the others', () => {
    const governor = thermalGovernors['skin-ladder'].create({
      ladder: [{ at: '60 °C', ceilings: { gpu: 0 } }],
    });
    const devices = (drawn: number) => [
      device('npu', 5, { drawn: 5 }),
      device('gpu', 8, { drawn }),
    ];
    const over = (drawn: number) =>
      Array.from({ length: 4 }, () => ({ skin: 41, devices: devices(drawn), period: 7 }));
    expect(pointsOver(governor, over(2)).at(-1)).toBe(2);
  });

  it('goes by what was drawn since its last sample, not by the last look', () => {
    const governor = thermalGovernors['skin-pid'].create({ sampling: '4 s' });
    const look = (drawn: number) => ({ skin: 41, devices: [device('npu', 5, { drawn })] });
    const over = [5, 5, 1, 1, 5].map(look);
    // 3 W of 5 on average is more than the 2 W left; the last look alone would ask for another step down.
    const points = pointsOver(
      governor,
      over.map((one) => ({ ...one, others: 2.5 })),
    );
    expect(points).toEqual([3, 3, 3, 3, 3]);
  });

  it('goes by load and table where nothing was drawn yet, as at the start of a run on a warm phone', () => {
    const governor = thermalGovernors['skin-pid'].create();
    const npu = device('npu', 5, { drawn: 0 });
    expect(pointsOver(governor, [{ skin: 43, devices: [npu], others: 0, period: 0 }])).toEqual([3]);
  });

  it('gives a loop of its own to the units it names', () => {
    const governor = thermalGovernors['skin-pid'].create({
      sampling: '1 s',
      loops: [{ target: '39 °C', base: '1 W', devices: { gpu: 1 } }],
    });
    const caps = governor.limit(view({ skin: 40 }));
    expect(caps.map(({ point }) => point)).toEqual([5, 3]);
    expect(caps[1]?.reason).toBe('skin budget for 39 °C');
  });

  it('obeys the severity ladder whatever the budget', () => {
    const governor = thermalGovernors['skin-pid'].create({
      sampling: '1 s',
      loops: [{ base: '50 W', minimum: '50 W', maximum: '50 W' }],
    });
    expect(pointsOver(governor, skins(44, 45, 52, 49, 40))).toEqual([5, 2, 0, 1, 2]);
  });

  it('releases one point per sample', () => {
    const governor = thermalGovernors['skin-pid'].create({ sampling: '1 s' });
    pointsOver(governor, skins(44, 44, 44));
    expect(pointsOver(governor, skins(30, 30, 30))).toEqual([2, 3, 4]);
  });
});

describe('what governors hold', () => {
  it.each([
    ['none', {}, undefined, undefined],
    ['junction', { junction: { soft: '90 °C' } }, undefined, 90],
    ['skin-pid', {}, 41, 95],
    ['skin-pid', { loops: [{ target: '39 °C' }, { target: '43 °C' }] }, 43, 95],
    ['skin-pid', { sensor: 'board' }, undefined, 95],
    ['skin-ladder', {}, 52, 95],
    ['skin-ladder', { sensor: 'board' }, undefined, 95],
    ['step-wise', { trip: '44 °C' }, 44, 95],
    ['step-wise', { sensor: 'junction' }, undefined, 95],
    ['power-allocator', { sensor: 'skin', control: '42 °C' }, 42, 95],
  ] as const)('%s with %j', (name, options, skin, junction) => {
    const { holds } = thermalGovernors[name].create(options);
    expect([holds?.skin, holds?.junction]).toEqual([skin, junction]);
  });
});

describe('trips that cannot be', () => {
  const limits = { ...TYPICAL_LIMITS, skinTarget: 29, ambient: 30 };
  const ladder = [{ at: '28 °C', ceiling: 0.5 }];

  it('are refused where ordinary air is as hot', () => {
    expect(() => thermalGovernors['skin-pid'].create({}, limits)).toThrow(/loops.0.target.*30 °C/);
    expect(() => thermalGovernors['step-wise'].create({ trip: '30 °C' }, limits)).toThrow(/trip/);
    expect(() => thermalGovernors['power-allocator'].create({}, limits)).toThrow(/control/);
    expect(() => thermalGovernors['skin-ladder'].create({ ladder }, limits)).toThrow(/ladder.0.at/);
    expect(() => thermalGovernors.junction.create({}, limits)).not.toThrow();
  });

  it('are told of, not refused, in warm air', () => {
    const held: number[] = [];
    const hot = { ...TYPICAL_LIMITS, ambient: 42, onHeld: (trip: number) => held.push(trip) };
    expect(() => thermalGovernors['skin-pid'].create({}, hot)).not.toThrow();
    expect(() => thermalGovernors['power-allocator'].create({}, hot)).not.toThrow();
    expect(held).toEqual([41, 41]);
    // Below 30 °C a trip is a mistake whatever the air.
    expect(() => thermalGovernors['skin-ladder'].create({ ladder }, hot)).toThrow(/above 30 °C/);
  });

  it('are refused where the emergency lies below the soft trip', () => {
    const junction = { soft: '95 °C', emergency: '90 °C' };
    expect(() => thermalGovernors.junction.create({ junction })).toThrow(/not above the soft trip/);
  });
});
