import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import { checkVendorPolicy } from '../../../src/engine/thermal-policy.ts';
import { fileSources } from '../../../src/load.ts';

const prepared = (lines: readonly string[] = []) => {
  const sources = fileSources();
  const text = ['version: 1', 'soc: dimensity-9300', 'workload: llama-3.2-1b-chat', ...lines];
  return { sources, parts: prepare(parseSpecFile(text.join('\n'), 'scenario.yaml'), [], sources) };
};
const policy = (governor: string, options: Record<string, unknown> = {}) => ({
  governor,
  options: { is: options, from: 'test', trust: 'estimated' as const },
});

describe('the thermal policy of a run', () => {
  it('is skin-pid where neither scenario nor phone says otherwise', () => {
    const { sources, parts } = prepared();
    const { inputs } = buildSimulation({ ...parts }, [], sources);
    expect(inputs.thermalGovernor).toBe('skin-pid');
  });

  it('is the phone’s own where it has one, and the scenario’s where that names one', () => {
    const { sources, parts } = prepared();
    const phone = { ...parts.phone, thermalPolicy: policy('skin-ladder', { polling: '2 s' }) };
    const own = buildSimulation({ ...parts, phone }, [], sources);
    expect(own.inputs.thermalGovernor).toBe('skin-ladder of the vendor');
    const named = prepared(['thermalGovernor: step-wise']);
    const run = buildSimulation({ ...named.parts, phone }, [], named.sources);
    expect(run.inputs.thermalGovernor).toBe('step-wise');
  });

  it('refuses unknown governors and options by their place in the phone', () => {
    const { parts } = prepared();
    const check = (given: ReturnType<typeof policy>) => () =>
      checkVendorPolicy({ ...parts.phone, thermalPolicy: given });
    expect(check(policy('skin-lader'))).toThrow(
      /unknown thermal governor "skin-lader".*\n?.*skin-ladder/,
    );
    expect(check(policy('skin-ladder', { poling: '1 s' }))).toThrow(/thermalPolicy\.options/);
    expect(check(policy('skin-ladder', { polling: '1 s' }))).not.toThrow();
  });

  it('refuses air at or above its trips', () => {
    const { sources, parts } = prepared(['environment: { ambient: 45 °C }']);
    expect(() => buildSimulation(parts, [], sources)).toThrow(/trip is not above the air/);
  });
});
