/** What surrounds the phone, by command-line words, against what it does to skin and battery over three minutes. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { sources } from '../../support/sources.ts';
import { chain, toyPhase, toyPlan, toyUnit, toyWork } from '../../support/toy-machine.ts';

/** An NPU at full load for three minutes at least. */
function warm(environment: string, phone = 'vivo-x100') {
  const file = parseSpecFile(
    `version: 1\nsoc: dimensity-9300\nphone: ${phone}\nworkload: llama-2-7b-chat\nenvironment: { ${environment} }`,
    'scenario.yaml',
  );
  const prepared = prepare(file, [], sources);
  const { machine } = prepared;
  const npu = machine.domains.findIndex(({ clock }) => clock.name === 'npu');
  const unit = { unit: toyUnit('npu'), domains: [npu], callSeconds: 0, sramPerByte: 0 };
  const plan = toyPlan([toyPhase('busy', chain([toyWork(180 * 1.465e9)]))]);
  const { metrics } = simulate(
    buildSimulation({ ...prepared, machine: { ...machine, units: [unit] } }, [], sources, [
      { plan, arrival: 0, priority: 0 },
    ]),
  );
  return {
    skin: metrics['end_skin_temperature_celsius'] as number,
    watts: metrics['average_power_watts'] as number,
    battery: metrics['battery_ratio'] as number,
    hours: metrics['battery_hours'],
  };
}

describe('environment', () => {
  const plain = warm('ambient: 25 °C');

  it('is warm after three minutes, but not burning', () => {
    expect(plain.skin).toBeGreaterThan(30);
    expect(plain.skin).toBeLessThan(42);
  });

  it('10 K of air are nearly 10 K of skin', () => {
    const hot = warm('ambient: 35 °C');
    expect(hot.skin - plain.skin).toBeGreaterThan(4);
    expect(hot.skin - plain.skin).toBeLessThan(10);
  });

  it('a warm start is kept for minutes', () => {
    expect(warm('ambient: 25 °C, start: 35 °C').skin).toBeGreaterThan(plain.skin + 3);
  });

  it('case and table keep heat in; a fan takes it away, a built-in one more', () => {
    const skins = ['fan: built-in', 'fan: clip-on', 'fan: none', 'case: true'].map(
      (text) => warm(text).skin,
    );
    expect(skins).toEqual([...skins].sort((a, b) => a - b));
    expect(new Set(skins).size).toBe(4);
    expect(warm('placement: table').skin).toBeGreaterThan(plain.skin);
    expect(warm('placement: held').skin).toBeGreaterThan(plain.skin);
  });

  it('a bright screen draws the difference and warms the front', () => {
    const [dark, bright] = [warm('brightness: 0'), warm('brightness: 1')];
    // 1.249 W against 0.398 W, and a little more lost in the cell.
    expect(bright.watts - dark.watts).toBeGreaterThan(0.85);
    expect(bright.watts - dark.watts).toBeLessThan(1);
    expect(bright.skin).toBeGreaterThan(dark.skin);
    expect(bright.hours).toBeLessThan(dark.hours as number);
  });

  it('charging fills the battery and warms the phone', () => {
    const alone = warm('charge: 0.4');
    const charged = warm('charge: 0.4, charging: 18 W');
    expect(alone.battery).toBeGreaterThan(0);
    expect(charged.battery).toBeLessThan(0);
    expect(charged.skin).toBeGreaterThan(alone.skin);
  });

  it('refuses air, shares and powers out of range, all at once', () => {
    const bad = () => warm('ambient: 80 °C, brightness: 2, charge: 0, charging: -1 W, fan: huge');
    expect(bad).toThrow(
      /environment.ambient[\s\S]*brightness[\s\S]*charge[\s\S]*charging[\s\S]*fan/,
    );
  });
});
