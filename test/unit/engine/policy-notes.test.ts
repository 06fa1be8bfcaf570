import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { policyNotes } from '../../../src/engine/policy-notes.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { fileSources } from '../../../src/load.ts';
import { singleUnit } from '../../../src/runtime/policies/single-unit.ts';
import {
  chain,
  toyMachine,
  toyPhase,
  toyPlan,
  toyUnit,
  toyWork,
} from '../../support/toy-machine.ts';

/** Two units, the second twice as slow. */
const slow = { ...toyUnit('slow'), speed: ([f]: readonly number[]) => f! / 2 };
const machine = toyMachine({ units: [toyUnit('quick'), slow] });
const jobs = [
  {
    plan: toyPlan([toyPhase('decode', chain([toyWork(1e8, 100)]), 3)]),
    arrival: 0,
    priority: 0,
  },
];

describe('a policy', () => {
  it('that is slower than the best unit alone is told with its reason', () => {
    const policy = { ...singleUnit('slow'), tradeoff: 'it has been asked to' };
    expect(policyNotes(machine, jobs, policy, 0)).toEqual([
      'a step of decode takes 200 ms where the quick alone takes 100 ms: it has been asked to',
    ]);
  });

  it('that takes the best, or that chooses nothing, says nothing', () => {
    expect(policyNotes(machine, jobs, { ...singleUnit('quick'), tradeoff: 'x' }, 0)).toEqual([]);
    expect(policyNotes(machine, jobs, singleUnit('slow'), 0.9)).toEqual([]);
  });

  it('that chose at full clocks says so where heat held them', () => {
    const policy = { ...singleUnit('quick'), tradeoff: 'x' };
    expect(policyNotes(machine, jobs, policy, 0.9)[0]).toContain('held back for 90 % of the time');
  });
});

describe.each(['dimensity-9300', 'snapdragon-8-gen-3', 'snapdragon-8-elite'])('on %s', (soc) => {
  const sources = fileSources();
  const run = (extra: string) => {
    const text = `version: 1
soc: ${soc}
workload: llama-3.2-3b-chat
set: ["workload.promptTokens=128", "workload.generatedTokens=25"]
${extra}`;
    const prepared = prepare(parseSpecFile(text, 'test.yaml'), [], sources);
    return simulate(buildSimulation(prepared, [], sources));
  };
  const decode = (extra: string) => run(extra).metrics['decode_tokens_per_second']!;

  it('a split over two units decodes no slower than either of them', () => {
    const alone = Math.max(decode('unit: npu'), decode('unit: cpu'));
    expect(decode('policy: tensor-split')).toBeGreaterThan(0.99 * alone);
  });

  it('a pipeline for one request says why it is slow', () => {
    const notes = run('policy: pipeline').notes.filter((note) => note.includes('work in turn'));
    expect(notes.length).toBeGreaterThan(0);
  });
});
