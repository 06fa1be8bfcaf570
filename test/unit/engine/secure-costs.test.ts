/** What the ledger of protection tells is what a run takes more than one without. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { sources } from '../../support/sources.ts';

const SHORT = ['workload.promptTokens=64', 'workload.generatedTokens=8'];

function run(security: string, unit = 'npu', workload = 'llama-2-7b-chat') {
  const text = `version: 1\nsoc: dimensity-9300\nworkload: ${workload}\nsecurity: ${security}`;
  const set = [...SHORT, `scenario.unit=${unit}`];
  return simulate(
    buildSimulation(prepare(parseSpecFile(text, 'test'), set, sources), set, sources),
  );
}

describe('joules of protection', () => {
  const plain = run('{ preset: none }');

  it.each([
    '{ preset: all }',
    '{ preset: pipelined }',
    '{ preset: all, integrity: counter-tree, restore: sequential }',
  ])(
    'of %s sum to those by which a run grows, what the phone draws meanwhile included',
    (security) => {
      const full = run(security);
      const grown = full.metrics['energy_joules']! - plain.metrics['energy_joules']!;
      expect(grown).toBeGreaterThan(0);
      // Leakage follows the load and is not counted.
      expect(full.metrics['protection_joules']! / grown).toBeGreaterThan(0.93);
      expect(full.metrics['protection_joules']! / grown).toBeLessThan(1.07);
    },
  );

  it('do so on a CPU too, whose load leaks and loses more than what protection does', () => {
    const [naive, none] = ['naive', 'none'].map((preset) => run(`{ preset: ${preset} }`, 'cpu'));
    const grown = naive!.metrics['energy_joules']! - none!.metrics['energy_joules']!;
    expect(naive!.metrics['protection_joules']! / grown).toBeGreaterThan(0.93);
    expect(naive!.metrics['protection_joules']! / grown).toBeLessThan(1.07);
  });

  it('count the phone for as long as the run grows, and for nothing where it does not', () => {
    const meanwhile = ({ audit }: ReturnType<typeof run>) =>
      audit!.protection.find(({ mechanism }) => mechanism === 'phone on for longer')!;
    const [little, much] = [run('{ preset: fine }'), run('{ preset: all }')];
    expect(meanwhile(little).joules).toBeLessThan(0.01 * meanwhile(much).joules);
    for (const result of [little, much]) {
      const watts = meanwhile(result).joules / result.metrics['protection_seconds']!;
      expect(watts).toBeGreaterThan(0.5);
      expect(watts).toBeLessThan(result.metrics['average_power_watts']!);
      expect(meanwhile(result).seconds).toBe(0);
    }
  });
});

describe('seconds of protection where the drive brings experts', () => {
  const paged = (security: string, unit = 'npu') => run(security, unit, 'mixtral-8x7b-paged');
  const bare = paged('{ preset: none }');
  const none = bare.metrics['run_seconds']!;
  type Rows = typeof bare.ledger;
  const sum = (rows: Rows, of: (row: Rows[number]) => number) =>
    rows.reduce((all, row) => all + of(row), 0);

  it.each([
    '{ preset: all }',
    '{ preset: all, modelFile: plain, integrity: none }',
    '{ preset: all, integrity: counter-tree }',
  ])('of %s are those by which a run grows', (security) => {
    const full = paged(security);
    const grown = full.metrics['run_seconds']! - none;
    expect(grown).toBeGreaterThan(0.01);
    expect(full.metrics['protection_seconds']! / grown).toBeCloseTo(1, 2);
  });

  it('count what operators wait for a drive that brings the model beside them', () => {
    const full = paged('{ preset: pipelined }');
    const read = ({ ledger }: typeof full) => sum(ledger, ({ seconds }) => seconds.transfer);
    const shared = full.audit!.protection.find(({ mechanism }) => /^drive/.test(mechanism))!;
    expect(read(full) - read(bare)).toBeGreaterThan(0.1);
    expect(shared.seconds).toBeCloseTo(read(full) - read(bare), 6);
    // Memory, which it shares too, is not counted.
    const grown = full.metrics['run_seconds']! - none;
    expect(full.metrics['protection_seconds']! / grown).toBeGreaterThan(0.98);
    expect(full.metrics['protection_seconds']! / grown).toBeLessThan(1.005);
  });

  it('cost a CPU that deciphers the sleep that it would have had', () => {
    const drawnBy = ({ ledger }: typeof bare, what: string) =>
      sum(ledger, ({ operator, joules }) => (operator === what ? joules : 0));
    const [all, plain] = ['all', 'none'].map((preset) => paged(`{ preset: ${preset} }`, 'cpu'));
    const grown = all!.metrics['energy_joules']! - plain!.metrics['energy_joules']!;
    const more = (what: string) => drawnBy(all!, what) - drawnBy(plain!, what);
    // Leakage follows the load and is not counted, nor what supplies lose for it.
    const lost = more('conversion loss');
    const counted = grown - more('leakage') * (grown / (grown - lost));
    expect(all!.metrics['protection_joules']! / counted).toBeGreaterThan(0.93);
    expect(all!.metrics['protection_joules']! / counted).toBeLessThan(1.07);
    // Threads that slept all the time of the drive would leave the phone at a few watts.
    expect(all!.metrics['average_power_watts']).toBeGreaterThan(
      1.5 * plain!.metrics['average_power_watts']!,
    );
  });
});
