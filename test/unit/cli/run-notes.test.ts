import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { calibrationNotes } from '../../../src/cli/run.ts';
import { intervalsOf } from '../../../src/engine/bands.ts';
import { compileRequest, unitSeconds } from '../../../src/engine/closed-form.ts';
import { policyFor, prepare } from '../../../src/engine/prepare.ts';
import type { RunInputs } from '../../../src/engine/run.ts';
import type { Seen } from '../../../src/runtime/calibration-spec.ts';
import { sources } from '../../support/sources.ts';

const interval = (seen: Seen) => ({ low: 1, high: 2, basis: '9 measured rows', seen });
const noteOf = (calibration: string, prefill: Seen, decode: Seen = prefill) =>
  calibrationNotes({
    inputs: { soc: 'mine', calibration } as RunInputs,
    intervals: {
      time_to_first_token_seconds: interval(prefill),
      decode_tokens_per_second: interval(decode),
    },
  })[0];

describe('the note on intervals', () => {
  it('names what was measured, no more', () => {
    expect(noteOf('mine', 'engine')).toMatch(/, of this SoC, unit and engine among others;/);
    expect(noteOf('mine', 'unit')).toMatch(/, of this unit of this SoC with other engines, and/);
    expect(noteOf('mine', 'others')).toMatch(/, of other SoCs: this SoC was not measured on this/);
    expect(noteOf('classes', 'others')).toMatch(/^this SoC has no measurements of its own;/);
    expect(noteOf('base', 'engine')).toMatch(/of base, unit .*what differs from it is known less/);
  });

  it('tells stages apart where they differ', () => {
    expect(noteOf('mine', 'engine', 'others')).toMatch(
      /prefill of this SoC, unit and engine among others, decode of other SoCs/,
    );
  });

  it.each([
    // Four rows of ExecuTorch on the CPU are all that is known of it.
    ['snapdragon-8-gen-1', 'llama-cpp', 'gpu', /of other SoCs: this SoC was not measured on this/],
    ['snapdragon-8-gen-3', 'llama-cpp', 'cpu', /of this SoC, unit and engine among others/],
  ])('of %s with %s on the %s', (soc, runtime, unit, note) => {
    const scenario = `version: 1\nsoc: ${soc}\nworkload: llama-3.2-1b-chat\nruntime: ${runtime}\nunit: ${unit}\n`;
    const prepared = prepare(parseSpecFile(scenario, 'scenario'), [], sources);
    const { machine, calibration } = prepared;
    const request = compileRequest(prepared.plan, machine, policyFor(prepared));
    const intervals = intervalsOf(
      { time_to_first_token_seconds: 1, decode_tokens_per_second: 1 },
      (stage) => unitSeconds(request, machine, stage as 'decode'),
      { calibration: calibration!, runtime },
    );
    const inputs = { soc, calibration: calibration!.name } as RunInputs;
    expect(calibrationNotes({ inputs, intervals })[0]).toMatch(note);
  });
});
