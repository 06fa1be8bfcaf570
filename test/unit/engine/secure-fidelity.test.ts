/** What protection adds to a stream, by closed forms and by the transactions of the DRAM. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import type { Work } from '../../../src/base/work.ts';
import { soloRate, splitOf, streamPort } from '../../../src/engine/bandwidth.ts';
import { NO_HITS } from '../../../src/engine/cache-traffic.ts';
import { prepare } from '../../../src/engine/prepare.ts';
import { secureMachine } from '../../../src/engine/secure-machine.ts';
import { sources } from '../../support/sources.ts';
import { toyWork } from '../../support/toy-machine.ts';

const WEIGHTS = toyWork(1, 1000);

/** Bytes per second of a stream of weights to the CPU, whose few bytes in flight make latency count. */
function rate(fidelity: string, security: string, set: readonly string[], work: Work = WEIGHTS) {
  const text = `version: 1
soc: dimensity-9300
workload: llama-3.2-1b-chat
fidelity: ${fidelity}
security: ${security}`;
  const { machine, protection } = prepare(parseSpecFile(text, 'test'), set, sources);
  const secured = secureMachine(machine, protection!.plans[0]!);
  const u = secured.units.findIndex(({ unit }) => unit.kind === 'cpu');
  const cost = secured.units[u]!.unit.estimate(work);
  const { readBytes, writeBytes } = cost;
  const guard = secured.guard?.(u, work, cost, splitOf(cost, NO_HITS));
  const all = soloRate(secured, streamPort(secured.units[u]!), cost, NO_HITS, guard);
  return { data: (all * work.weightBytes) / (readBytes + writeBytes), guard };
}

const base = '{ preset: fine }';
const encrypted = '{ preset: fine, encryption: inline }';
const tree = '{ preset: fine, integrity: counter-tree }';
const slow = ['security.encryption.latency=60ns'];
// A cache that holds nothing makes every counter a further access.
const small = ['security.integrity.cache=0B', 'security.integrity.run=64B'];

describe.each(['fluid', 'transaction'])('under %s memory', (fidelity) => {
  const plain = rate(fidelity, base, []).data;

  it('encryption delays reads of what is encrypted', () => {
    const { data, guard } = rate(fidelity, encrypted, slow);
    expect(guard!.held).toBeCloseTo(60e-9, 12);
    expect(data / plain).toBeLessThan(0.9);
    // 60 ns more on a read that takes 100 ns or more.
    expect(data / plain).toBeGreaterThan(1 / (1 + 60 / 100));
  });

  it('integrity moves its codes, and reads wait for counters', () => {
    const { data, guard } = rate(fidelity, tree, small);
    expect(guard!.again).toBeGreaterThan(0.5);
    expect(data / plain).toBeLessThan(0.6);
  });

  it('normal memory pays nothing', () => {
    const open = '{ preset: fine, encryption: inline, protects: [prompt], promises: [] }';
    const { data, guard } = rate(fidelity, open, slow);
    expect(guard).toMatchObject({ held: 0, ciphered: 0 });
    expect(data / plain).toBeCloseTo(1, 9);
  });
});

describe('the two fidelities', () => {
  it('agree on what encryption takes', () => {
    const share = (fidelity: string) =>
      rate(fidelity, encrypted, slow).data / rate(fidelity, base, []).data;
    expect(share('transaction') / share('fluid')).toBeCloseTo(1, 1);
  });
});
