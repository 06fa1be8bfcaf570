import { describe, expect, it } from 'vitest';
import { phaseLabels } from '../../../src/engine/request.ts';
import { chain, runToy, toyPhase, toyPlan, toyWork } from '../../support/toy-machine.ts';

describe('phases of one name', () => {
  it('share a label as neighbours and are numbered when they come back', () => {
    expect(phaseLabels(['prefill', 'prefill', 'decode'])).toEqual(['prefill', 'prefill', 'decode']);
    expect(phaseLabels(['encoder', 'decode', 'encoder', 'decode', 'decode'])).toEqual([
      'encoder',
      'decode',
      'encoder 2',
      'decode 2',
      'decode 2',
    ]);
  });

  it('carry their own bytes and operations only', () => {
    const window = [
      toyPhase('encoder', chain([toyWork(3e6, 1e6)])),
      toyPhase('decode', chain([toyWork(1e6, 2e6)]), 2),
    ];
    const run = runToy([toyPlan([...window, ...window, ...window])]);
    expect(run.phases.map(({ phase }) => phase)).toEqual([
      'encoder',
      'decode',
      'encoder 2',
      'decode 2',
      'encoder 3',
      'decode 3',
    ]);
    expect(run.phases.map(({ dramBytes }) => dramBytes)).toEqual([1e6, 4e6, 1e6, 4e6, 1e6, 4e6]);
    const sum = run.phases.reduce((total, { macs }) => total + macs, 0);
    expect(sum).toBe(run.ledger.reduce((total, { macs }) => total + macs, 0));
    for (const { dramBytes, startSeconds, endSeconds } of run.phases) {
      expect(dramBytes / (endSeconds - startSeconds)).toBeLessThanOrEqual(1e9 * (1 + 1e-6));
    }
  });
});
