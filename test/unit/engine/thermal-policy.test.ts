import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { checkVendorPolicy, thermalPolicyOf } from '../../../src/engine/thermal-policy.ts';
import { parsePhone } from '../../../src/hardware/thermal/phone-spec.ts';
import { fileSources, listBundled } from '../../../src/load.ts';

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

  it('names file and line where it knows them', () => {
    const { parts } = prepared();
    const phone = (given: ReturnType<typeof policy>) => ({ ...parts.phone, thermalPolicy: given });
    const source = parseSpecFile(
      ['thermalPolicy:', '  governor: skin-ladder', '  options:', '    is: { poling: 1 s }'].join(
        '\n',
      ),
      'phone.yaml',
    );
    const check = (given: ReturnType<typeof policy>) => () =>
      checkVendorPolicy(phone(given), source);
    expect(check(policy('skin-ladder', { poling: '1 s' }))).toThrow(
      /^phone\.yaml:4:\d+: thermalPolicy\.options\.is\.poling: unknown key "poling"/,
    );
    expect(check(policy('skin-lader'))).toThrow(/^phone\.yaml:2:\d+: thermalPolicy\.governor/);
  });

  it('refuses trips that ordinary air keeps tripped', () => {
    const { sources, parts } = prepared(['environment: { ambient: 30 °C }']);
    const phone = (target: string) => ({
      ...parts.phone,
      thermalPolicy: policy('skin-pid', { loops: [{ target }] }),
    });
    const build = (target: string) => () =>
      buildSimulation({ ...parts, phone: phone(target) }, [], sources);
    expect(build('30 °C')).toThrow(/trip is not above the air \(expected above 30 °C, got 30 °C/);
    expect(build('31 °C')).not.toThrow();
  });

  it.each(listBundled('socs/phones', '.yaml'))('lets %s be used in the warmest air', (name) => {
    for (const ambient of [33, 36, 45]) {
      const { sources, parts } = prepared([`environment: { ambient: ${ambient} °C }`]);
      const source = sources.phone(name);
      const { scenario, soc } = parts;
      expect(() => thermalPolicyOf(scenario, soc, parsePhone(source), source)).not.toThrow();
    }
  });

  it('runs in air warmer than what its policy holds, held back, and says so', () => {
    const run = (ambient: number) => {
      const { sources, parts } = prepared([`environment: { ambient: ${ambient} °C }`]);
      return simulate(buildSimulation(parts, [], sources));
    };
    const [mild, hot] = [run(35), run(45)];
    const note = /air at 45 °C is not below what.*skin-pid holds \(41 °C, 45 °C\)/;
    expect(hot.notes.filter((one) => note.test(one))).toHaveLength(1);
    expect(mild.notes.filter((one) => /not below what/.test(one))).toEqual([]);
    expect(hot.metrics['throttled_ratio']).toBeGreaterThan(0.5);
    expect(hot.metrics['decode_tokens_per_second']).toBeLessThan(
      mild.metrics['decode_tokens_per_second'] as number,
    );
  });
});
