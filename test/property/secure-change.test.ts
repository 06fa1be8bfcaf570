/** Rights that change while a run goes on: a kept verdict holds for the gates that gave it, and for no access after. */
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import type { Run } from '../../src/engine/run.ts';
import { simulate } from '../../src/engine/simulation.ts';
import { SecureSystem, type Verdict } from '../../src/hardware/secure/secure-system.ts';
import '../support/fast-check.ts';
import { sources } from '../support/sources.ts';

const SET = ['workload.promptTokens=32', 'workload.generatedTokens=6'];
const asked = SecureSystem.prototype.access;

function runWith(preset: string, attacks: string): Run {
  const security = `{ preset: ${preset}, onFault: record, attacks: [${attacks}] }`;
  const text = `version: 1\nsoc: dimensity-9300\nworkload: llama-3.2-1b-chat\nsecurity: ${security}`;
  const prepared = prepare(parseSpecFile(text, 'test'), SET, sources);
  return simulate(buildSimulation(prepared, SET, sources));
}

/** When the camera asks, the NPU's world gains or loses its right to protected memory. */
function changeRights(from: Verdict | undefined, to: Verdict | undefined): void {
  let present = from;
  vi.spyOn(SecureSystem.prototype, 'access').mockImplementation(function (
    this: SecureSystem,
    ...access
  ) {
    if (access[0] === 'camera') {
      present = to;
      this.epoch++;
    }
    const isNpu = access[0] === 'npu-secure' && access[1] === 'secure';
    return isNpu && present ? present : asked.apply(this, access);
  });
}

const refused = { kind: 'refused', gate: 'firewall' } as const;
const time = fc.double({ min: 0.02, max: 0.98, noNaN: true });
const preset = fc.constantFrom('fine', 'coarse', 'all');

afterEach(() => vi.restoreAllMocks());

describe('rights that change in the middle of a run', () => {
  it('are lost for the very next operator, and everything before stays as it was', () => {
    fc.assert(
      fc.property(preset, time, (name, share) => {
        vi.restoreAllMocks();
        const before = runWith(name, '');
        const at = share * before.metrics['run_seconds']!;
        changeRights(undefined, refused);
        const { audit, timeline } = runWith(
          name,
          `{ kind: initiator-reads-region, initiator: camera, at: ${at} s }`,
        );
        const npu = audit!.flows.filter(({ initiator }) => initiator === 'npu-secure');
        const made = npu.filter(({ verdict }) => verdict === 'protected');
        const stopped = npu.filter(({ verdict }) => verdict === 'refused');
        expect(made.every(({ lastSeconds }) => lastSeconds <= at + 1e-9)).toBe(true);
        expect(stopped.every(({ bytes }) => bytes === 0)).toBe(true);
        const { start, track } = timeline.spans;
        const own = timeline.tracks.findIndex((one) => one.name === 'npu');
        const next = start.filter((begin, i) => track[i] === own && begin >= at - 1e-9).toSorted();
        const first = Math.min(...stopped.map(({ firstSeconds }) => firstSeconds));
        if (next.length > 0) expect(first).toBeCloseTo(next[0]!, 9);
        else expect(stopped).toEqual([]);
        // Nothing is lost on the way, nothing is counted twice.
        expect(audit!.checks).toBe(audit!.accesses);
        expect(audit!.accesses).toBe(before.audit!.accesses);
      }),
      { numRuns: 8 },
    );
  });

  it('are gained in the same way: what one step makes before and after is told apart', () => {
    fc.assert(
      fc.property(preset, time, (name, share) => {
        changeRights(refused, undefined);
        const never = runWith(name, '');
        const at = share * never.metrics['run_seconds']!;
        const { audit } = runWith(
          name,
          `{ kind: initiator-reads-region, initiator: camera, at: ${at} s }`,
        );
        vi.restoreAllMocks();
        const npu = audit!.flows.filter(({ initiator }) => initiator === 'npu-secure');
        const made = npu.filter(({ verdict }) => verdict === 'protected');
        const stopped = npu.filter(({ verdict }) => verdict === 'refused');
        expect(made.every(({ firstSeconds }) => firstSeconds >= at - 1e-9)).toBe(true);
        expect(stopped.every(({ lastSeconds }) => lastSeconds <= at + 1e-9)).toBe(true);
        expect(audit!.checks).toBe(audit!.accesses);
        expect(audit!.accesses).toBe(never.audit!.accesses);
      }),
      { numRuns: 8 },
    );
  });
});
