/** The largest cost of some protections is the unit that they give up: a run says so, for no ledger row does. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import { sources } from '../../support/sources.ts';

const notes = (soc: string, more: string): string[] => {
  const text = `version: 1\nsoc: ${soc}\n${more}`;
  const prepared = prepare(parseSpecFile(text, 'test'), [], sources);
  return (buildSimulation(prepared, [], sources).notes ?? []).filter((note) =>
    note.includes('no way onto'),
  );
};
const one = (security: string, more = '') =>
  `workload: llama-3.2-1b-chat\nsecurity: { preset: ${security} }\n${more}`;

describe('protection that keeps work off the NPU', () => {
  it('is told where the NPU would have been taken', () => {
    expect(notes('snapdragon-8-gen-3', one('naive'))).toEqual([
      'protected jobs have no way onto the npu (security.npu: none) and run elsewhere: what that takes longer is in no row of the ledger of protection, compare with security: none',
    ]);
  });

  it('is told of the workloads that lose it', () => {
    const two = `workloads:
  - { name: secret, workload: llama-3.2-1b-chat, security: { preset: naive } }
  - { name: open, workload: llama-3.2-3b-chat, security: { preset: none } }`;
    expect(notes('snapdragon-8-gen-3', two)).toMatchObject([
      expect.stringMatching(/^protected jobs of secret have no way onto the npu/),
    ]);
  });

  it.each([
    ['a strategy that brings the NPU along', one('all')],
    ['no protection', one('none')],
    ['work that was asked for elsewhere', one('naive', 'unit: cpu')],
  ])('is nothing under %s', (_, more) => {
    expect(notes('snapdragon-8-gen-3', more)).toEqual([]);
  });
});
