/** Whatever is protected how: every byte of the DRAM has a label, a place and a verdict that fits both. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import type { Run } from '../../src/engine/run.ts';
import type { AuditRow } from '../../src/engine/secure-audit.ts';
import { simulate } from '../../src/engine/simulation.ts';
import { listBundled } from '../../src/load.ts';
import { kindOfClass, type Strategy, TENSOR_CLASSES } from '../../src/runtime/secure/strategy.ts';
import { sources } from '../support/sources.ts';

const PRESETS = listBundled('socs/security', '.yaml');
const SHORT = ['workload.promptTokens=32', 'workload.generatedTokens=3'];
const WORK = {
  'paged experts': { workload: 'mixtral-8x7b-paged', set: [] },
  'resident experts': { workload: 'olmoe-1b-7b-chat', set: [] },
  'an adapter beside it': skill('resident'),
  'an adapter swapped in': skill('swap'),
  'an adapter merged': skill('merge'),
} as const;

function skill(mode: string) {
  return { workload: 'llama-3.2-3b-skill', set: [`workload.techniques.lora.mode=${mode}`] };
}

interface Audited {
  readonly run: Run;
  readonly strategy: Strategy;
  readonly flows: readonly AuditRow[];
}

/** No system cache and no other master: every byte of the DRAM is one that the run knows of. */
function audited(
  preset: string,
  { workload, set }: { workload: string; set: readonly string[] },
): Audited {
  const probe = preset === 'none' ? ', attacks: [{ kind: bus-snoop, at: 99 s }]' : '';
  const text = `version: 1
soc: dimensity-9300
workload: ${workload}
security: { preset: ${preset}, onFault: record${probe} }`;
  const all = [...SHORT, ...set];
  const given = prepare(parseSpecFile(text, 'test'), all, sources);
  const { machine, protection } = given;
  const prepared = { ...given, machine: { ...machine, systemCache: undefined, background: [] } };
  const run = simulate(buildSimulation(prepared, all, sources));
  return { run, strategy: protection!.plans[0]!.strategy, flows: run.audit!.flows };
}

const isClass = (tensor: string): tensor is (typeof TENSOR_CLASSES)[number] =>
  (TENSOR_CLASSES as readonly string[]).includes(tensor);

describe.each(Object.entries(WORK))('%s', (_, work) => {
  const all = PRESETS.map((preset) => ({ preset, ...audited(preset, work) }));

  it.each(all)('under $preset: bytes by label are the bytes of the DRAM', ({ run, flows }) => {
    const labelled = flows
      .filter(({ tensor }) => tensor !== 'output')
      .reduce((sum, { bytes }) => sum + bytes, 0);
    expect(labelled / run.metrics['dram_bytes']!).toBeCloseTo(1, 6);
  });

  it.each(all)(
    'under $preset: every tensor lies where the strategy puts it',
    ({ strategy, flows }) => {
      for (const { tensor, region } of flows)
        if (isClass(tensor))
          expect([tensor, region]).toEqual([tensor, kindOfClass(strategy, tensor)]);
      // What comes from the drive lies with the weights, or on its way to a guest in a window of normal memory.
      const files = flows.filter(({ tensor }) => tensor === 'model file');
      const weights = kindOfClass(strategy, 'weights');
      const landing = weights === 'protected-vm' ? 'normal' : weights;
      for (const { region } of files) expect(region).toBe(landing);
    },
  );

  it('has the same data, by class and label, under every strategy', () => {
    // Codes and ciphers add bytes, worlds change names: what an operator works on stays as secret as it is.
    const labels = ({ flows }: Audited) =>
      new Set(
        flows
          .filter(({ tensor, phase }) => isClass(tensor) && phase !== 'restore')
          // What comes encrypted is written by a cipher, and what comes plain by nobody.
          .filter(({ tensor, access }) => tensor !== 'weights' || access === 'read')
          .map(({ phase, tensor, label }) => `${phase} ${tensor} ${label}`),
      );
    const [first] = all;
    for (const one of all) expect([one.preset, labels(one)]).toEqual([one.preset, labels(first!)]);
  });
});
