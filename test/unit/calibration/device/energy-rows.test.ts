import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../../src/base/spec-file.ts';
import {
  asMeasured,
  dramDraw,
  ofStage,
  type Scope,
  scopeOf,
  unseenEnergy,
} from '../../../../src/calibration/device/energy-rows.ts';
import type { MappedRow } from '../../../../src/calibration/device/llm-mapping.ts';
import { parseLlmRows } from '../../../../src/calibration/device/llm-rows.ts';
import { prepare } from '../../../../src/engine/prepare.ts';
import type { Run } from '../../../../src/engine/run.ts';
import { fileSources } from '../../../../src/load.ts';
import { sources } from '../../../support/sources.ts';

/** 2 s of prefill and 8 s of decode of 40 tokens at 5 W; of these 1 W idle, and a fifth of the rest lost on the way. */
const run = {
  phases: [
    { stage: 'prefill', startSeconds: 0, endSeconds: 2, joules: 10, outputs: 1, dramBytes: 1e9 },
    { stage: 'decode', startSeconds: 2, endSeconds: 10, joules: 40, outputs: 40, dramBytes: 80e9 },
  ],
  energy: { cpu: 32, screen: 6, 'rest of device': 4, regulators: 6, battery: 2 },
  metrics: { run_seconds: 10, energy_joules: 50 },
} as unknown as Run;

/** 50 pJ/B and 0.1 W: 4.8 J in those eight seconds. */
const DRAM = { perByte: 50e-12, standing: 0.1 };

const perToken = (given: Run, ...[scope, stage]: [Scope, 'decode']) => {
  const { joules, outputs } = ofStage(given, scope, stage, DRAM);
  return joules / outputs;
};

describe('energy per token', () => {
  it('counts what the meter saw', () => {
    expect(perToken(run, 'whole phone', 'decode')).toBeCloseTo(1, 12);
    expect(perToken(run, 'phone net of idle', 'decode')).toBeCloseTo((40 - 8) / 40, 12);
    // DRAM has rails of its own.
    const all = (40 - 8) * (1 - 8 / 40);
    expect(perToken(run, 'SoC rails', 'decode')).toBeCloseTo((all - 4.8) / 40, 12);
  });

  it('runs rows on the threads and with the screen that they were measured with', () => {
    const at = (unit: string, runtime: string, remarks: string, air = {}) => {
      const mapped = { row: { runtime, remarks }, scenario: { unit, set: ['a=1'] } };
      return asMeasured(mapped as unknown as MappedRow, air).scenario;
    };
    const rail = 'SoC-rail energy';
    expect(at('cpu', 'MNN', rail)['set']).toEqual(['a=1', 'cpu.threads=4']);
    // One thread per core is llama.cpp's default, and the SoC's own number.
    expect(at('cpu', 'llama.cpp', rail)['set']).toEqual(['a=1']);
    expect(at('cpu', 'llama.cpp', 'net of idle')['set']).toEqual(['a=1', 'cpu.threads=4']);
    expect(at('gpu', 'MNN', 'display off')['set']).toEqual([
      'a=1',
      'phone.screen.minimumPower=0 W',
    ]);
    expect(at('gpu', 'MNN', '')['environment']).toEqual({ brightness: 0 });
    expect(at('gpu', 'MNN', '', { start: '42 °C' })['environment']).toEqual({
      brightness: 0,
      start: '42 °C',
    });
  });

  it('knows what DRAM packages draw beside PHY and controller', () => {
    const prepared = prepare(
      parseSpecFile(
        'version: 1\nsoc: snapdragon-8-gen-2\nworkload: llama-3.2-1b-chat\n',
        'scenario.yaml',
      ),
      [],
      sources,
    );
    const { perByte, standing } = dramDraw(prepared);
    // Mobile DRAM itself: 2 to 6 pJ/bit.
    expect(perByte).toBeGreaterThan(16e-12);
    expect(perByte).toBeLessThan(48e-12);
    expect(standing).toBeGreaterThan(0.001);
    expect(standing).toBeLessThan(0.5);
  });

  it('reads the scope from what a row says of itself', () => {
    expect(scopeOf('4-bit weights; SoC-rail energy')).toBe('SoC rails');
    expect(scopeOf('net of idle power')).toBe('phone net of idle');
    expect(scopeOf('battery')).toBe('whole phone');
  });

  it('is compared for measured rows whose protocol is known, energy and power apart', () => {
    const header =
      'id,soc,unit,runtime,model,weight_bits,act_bits,prompt_tokens,context_tokens,prefill_tok_s,ttft_s,decode_tok_s,energy_j_per_tok,kind,quality,notes';
    const line = (id: string, energy: string, kind: string, quality: string) =>
      `${id},Snapdragon 8 Gen 3,cpu,MNN,Llama-3.2-1B,4,,64,,,,40,${energy},${kind},${quality},32-token decode`;
    const rows = parseLlmRows(
      [
        header,
        line('a', '0.2', 'measured', 'A'),
        line('b', '', 'measured', 'A'),
        line('c', '0.2', 'vendor_claim', 'A'),
        line('d', '0.2', 'measured', 'C'),
      ].join('\n'),
      'rows.csv',
    );
    // Nothing but what is passed as such counts as unseen.
    const found = unseenEnergy(rows, sources, fileSources({ calibration: 'none' }));
    expect(found.map(({ quantity, reference }) => [quantity, reference])).toEqual([
      ['energy_per_token', 0.2],
      ['power', 8],
    ]);
    const [energy, power] = found.map(({ withoutSoc }) => withoutSoc) as [number, number];
    // A phone decodes at one to fifteen watts.
    expect(power).toBeGreaterThan(1);
    expect(power).toBeLessThan(15);
    expect(power / energy).toBeGreaterThan(10);
    for (const { withoutModel, withoutSource, withoutSoc } of found) {
      expect(withoutSource).toBe(withoutModel);
      expect(withoutSoc).not.toBe(withoutModel);
    }
  });
});
