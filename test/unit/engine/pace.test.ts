import { describe, expect, it } from 'vitest';
import type { DomainView, Governor } from '../../../src/runtime/governor.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyWork,
} from '../../support/toy-machine.ts';

const G = 1e9;
const phase = (name: string, seconds: number) => toyPhase(name, chain([toyWork(seconds * G)]));

/** Remembers when it was asked, and holds the fastest point. */
function watcher() {
  const looks: { time: number; period: number }[] = [];
  let time = 0;
  const governor: Governor = {
    choose: (view: DomainView) => {
      time += view.period;
      looks.push({ time, period: view.period });
      return view.frequencies.length - 1;
    },
  };
  return { looks, governor };
}

describe('looks of the control loop', () => {
  it('come every period at first, and ten times less often once nothing changes', () => {
    const { looks, governor } = watcher();
    runToy([toyPlan([phase('prefill', 10)])], { governors: [governor] });
    expect(looks[1]!.period).toBeCloseTo(0.01, 9);
    expect(looks.at(-1)!.period).toBeCloseTo(0.1, 9);
    expect(looks.length).toBeGreaterThan(100);
    expect(looks.length).toBeLessThan(125);
  });

  it('come at once when a phase begins, not at the end of a long wait', () => {
    const { looks, governor } = watcher();
    runToy([toyPlan([phase('prefill', 5.03), phase('decode', 5)])], { governors: [governor] });
    const next = looks.find(({ time }) => time > 5.03)!;
    expect(next.time).toBeCloseTo(5.04, 9);
  });

  it('do not change what happens: energy and heat as with a look every period', () => {
    const plan = toyPlan([phase('prefill', 40)]);
    const restless: Governor = { choose: ({ frequencies }) => frequencies.length - 1 };
    // A die at its trip is looked at every period.
    const watched = { ...toyMachine(), limits: { skin: 40, skinHard: 45, junction: 25 } };
    const [calm, busy] = [toyMachine(), watched].map((machine) =>
      runToy([plan], { machine, governors: [restless] }),
    );
    expect(busy!.eventCount).toBeGreaterThan(3999);
    expect(calm!.eventCount).toBeLessThan(450);
    expect(calm!.metrics.energy_joules).toBeCloseTo(busy!.metrics.energy_joules!, 9);
    expect(calm!.metrics.junction_temperature_celsius).toBeCloseTo(
      busy!.metrics.junction_temperature_celsius!,
      9,
    );
  });

  it('stay frequent while clocks move', () => {
    let turn = 0;
    const swinging: Governor = { choose: () => turn++ % 2 };
    const points = [
      { frequency: 0.9e9, voltage: 1 },
      { frequency: 1e9, voltage: 1 },
    ];
    const run = runToy([toyPlan([phase('prefill', 5)])], {
      machine: toyMachine({ points }),
      governors: [swinging],
    });
    expect(run.eventCount).toBeGreaterThan(500);
  });
});
