import { describe, expect, it } from 'vitest';
import { HeldClocks } from '../../../src/engine/held-clocks.ts';
import { thermalGovernors } from '../../../src/runtime/governors/index.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyWork,
} from '../../support/toy-machine.ts';

const POINTS = [
  { frequency: 0.25e9, voltage: 0.5 },
  { frequency: 0.5e9, voltage: 0.75 },
  { frequency: 1e9, voltage: 1 },
];
const machine = toyMachine({ points: POINTS });
const [{ clock }] = machine.domains as [(typeof machine.domains)[number]];

describe('what is told of clocks held back', () => {
  it('is how long, how far and why, longest first', () => {
    const held = new HeldClocks(machine);
    held.note(0, 'junction trip at 95 °C', 0.5e9, 2);
    held.note(0, 'skin budget for 41 °C', 0.5e9, 4);
    held.note(0, 'skin budget for 41 °C', 0.25e9, 1);
    held.note(0, 'junction trip at 95 °C', 0.5e9, 1);
    expect(held.notes(20)).toEqual([
      `clocks were held back: ${clock.name} for 25 % of the time, down to 250 MHz of 1 GHz (skin budget for 41 °C); ${clock.name} for 15 % of the time, down to 500 MHz of 1 GHz (junction trip at 95 °C)`,
    ]);
  });

  it('is nothing where nothing was held, or for less than a hundredth of the run', () => {
    const held = new HeldClocks(machine);
    expect(held.notes(10)).toEqual([]);
    held.note(0, 'battery', 0.5e9, 0.09);
    expect(held.notes(10)).toEqual([]);
    held.note(0, 'battery', 0.5e9, 0.02);
    expect(held.notes(10)).toHaveLength(1);
  });

  it('leaves out clocks on their way up, and how far where cores alone were stopped', () => {
    const held = new HeldClocks(machine);
    held.note(0, '', 0.25e9, 5);
    expect(held.notes(10)).toEqual([]);
    held.note(0, 'skin step at 43 °C', 1e9, 5);
    expect(held.notes(10)).toEqual([
      `clocks were held back: ${clock.name} for 50 % of the time (skin step at 43 °C)`,
    ]);
  });

  it('names the four that were held longest', () => {
    const five = { domains: Array(5).fill(machine.domains[0]) };
    const held = new HeldClocks(five);
    for (let d = 0; d < 5; d++) held.note(d, 'battery', 0.5e9, d + 1);
    const [line = ''] = held.notes(10);
    expect(line.split(';')).toHaveLength(4);
    expect(line).not.toContain('for 10 %');
  });
});

describe('a run', () => {
  const power = (matrix: number) => ({
    ...machine,
    domains: machine.domains.map((domain) => ({ ...domain, power: { ...domain.power, matrix } })),
  });
  const notesOf = (matrix: number) =>
    runToy([toyPlan([toyPhase('prefill', chain([toyWork(200e9)]))])], {
      machine: power(matrix),
      thermalGovernor: thermalGovernors.junction.create(),
    });

  it('says what held its clocks for as long as its throttled share', () => {
    // 40 W at full clock through 1 + 4 K/W would be 225 °C.
    const { notes, metrics } = notesOf(40e-9);
    const line = notes.find((note) => note.startsWith('clocks were held back'))!;
    expect(line).toContain('(junction trip at 95 °C)');
    const percent = Number(/for (\d+) %/.exec(line)![1]);
    expect(Math.abs(percent - 100 * metrics['throttled_ratio']!)).toBeLessThan(1);
  });

  it('says nothing where it stayed cool', () => {
    const { notes, metrics } = notesOf(1e-9);
    expect(metrics['throttled_ratio']).toBe(0);
    expect(notes.filter((note) => note.startsWith('clocks'))).toEqual([]);
  });
});
