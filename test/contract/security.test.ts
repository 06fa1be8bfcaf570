/** Every SoC that phones ship says what it has to protect data with; every preset runs on it or says what is missing. */
import { describe, expect, it } from 'vitest';
import { SpecError } from '../../src/base/errors.ts';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { prepare } from '../../src/engine/prepare.ts';
import { parseSoc } from '../../src/hardware/soc-spec.ts';
import { listBundled } from '../../src/load.ts';
import { ciphersOf } from '../../src/runtime/secure/ciphers.ts';
import { requireHardware } from '../../src/runtime/secure/hardware-needs.ts';
import { parseStrategy } from '../../src/runtime/secure/strategy.ts';
import { sources } from '../support/sources.ts';

const PRESETS = listBundled('socs/security', '.yaml');
/** What those before protected virtual machines, or without a way to let memory grow, cannot do. */
const LACKS: Readonly<Record<string, readonly string[]>> = {
  'snapdragon-855-plus': ['all', 'fine', 'protected-vm'],
  'snapdragon-865': ['all', 'fine', 'protected-vm'],
  'snapdragon-888': ['all', 'fine'],
  'apple-a18-pro': PRESETS.filter((name) => name !== 'none'),
  'dimensity-9300': [],
  'snapdragon-8-gen-3': [],
};

function refused(soc: string): string[] {
  const spec = parseSoc(sources.soc(soc));
  return PRESETS.filter((preset) => {
    const strategy = parseStrategy(sources.security(preset));
    if (preset === 'none') return false;
    try {
      requireHardware(
        { name: preset, at: (choice) => `security.${choice}`, strategy, turns: false },
        spec,
        ciphersOf(spec),
      );
      return false;
    } catch (error) {
      expect(error).toBeInstanceOf(SpecError);
      expect((error as Error).message).toContain(soc);
      expect((error as Error).message).toMatch(/security\.[a-z]/);
      return true;
    }
  });
}

describe('protection of', () => {
  it.each(listBundled('socs', '.yaml'))('%s is described', (name) => {
    const { security } = parseSoc(sources.soc(name));
    expect(security).toBeDefined();
    expect(security!.carveout.is).toBeGreaterThan(0);
  });

  it.each(Object.entries(LACKS))('%s cannot do %j, and says why', (soc, presets) => {
    expect(refused(soc)).toEqual([...presets].sort());
  });

  it('says where none of it is described', () => {
    const spec = { ...parseSoc(sources.soc('rk3588')), security: undefined };
    const strategy = parseStrategy(sources.security('all'));
    expect(() =>
      requireHardware(
        { name: 'all', at: (choice) => `security.${choice}`, strategy, turns: false },
        spec,
        [],
      ),
    ).toThrow(/section security:/);
  });
});

describe('a carve-out', () => {
  it.each(['512 MiB', '1 GiB', '4608 MiB', '6 GiB'])('may be made %s large', (size) => {
    const spec = parseSpecFile(
      'version: 1\nsoc: dimensity-9300\nworkload: llama-2-7b-chat\nsecurity: { preset: all }\n',
      'test',
    );
    expect(() => prepare(spec, [`security.carveout=${size}`], sources)).not.toThrow();
  });
});
