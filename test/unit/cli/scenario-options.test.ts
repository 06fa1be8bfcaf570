import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { play } from '../../../src/cli/play.ts';
import { scenarioOf, scenarioOptions } from '../../../src/cli/scenario-options.ts';
import { sweep } from '../../../src/cli/sweep.ts';
import { parseScenario } from '../../../src/engine/scenario.ts';

const folder = mkdtempSync(join(tmpdir(), 'scenario-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const named = { soc: 'dimensity-9300', workload: 'llama-2-7b-chat' };

describe('options of a scenario', () => {
  it.each([
    [{ pause: '3 s' }, '--pause: has no effect on a single request'],
    [{ pause: '3 s', repeat: 1 }, '--pause: has no effect'],
    [{ 'decode-unit': 'cpu' }, '--decode-unit: has no effect under the policy single-unit'],
    [{ repeat: 2, duration: '3 s' }, '--repeat and --duration exclude each other'],
  ])('%o are refused where they change nothing', (args, message) => {
    expect(() => scenarioOf({ ...named, ...args })).toThrow(message);
  });

  it.each([
    [{ pause: '-1 s' }, 'pause: must be at least 0 s (got "-1 s")'],
    [{ pause: 'soon' }, 'pause: expected a number with a unit'],
  ])('%o are refused for what they say before what they change', (args, message) => {
    expect(() => parseScenario(scenarioOf({ ...named, ...args }))).toThrow(message);
  });

  it.each([
    { pause: '3 s', repeat: 2 },
    { pause: '3 s', duration: '1 min' },
    { pause: '3 s', set: ['scenario.repeat=4'] },
    { 'decode-unit': 'cpu', policy: 'stage-wise' },
    { 'decode-unit': 'cpu', axis: ['policy=single-unit,stage-wise'] },
  ])('%o are taken', (args) => {
    expect(scenarioOf({ ...named, ...args }).data).toMatchObject(named);
  });

  it('take the place of the rival in the file', () => {
    const file = write('long.yaml', 'version: 1\nsoc: a\nworkload: b\nrepeat: 9\n');
    expect(scenarioOf({ duration: '1 min' }, file).data).not.toHaveProperty('repeat');
    expect(scenarioOf({ pause: '1 s' }, file).data).toMatchObject({ repeat: 9 });
  });

  it('say what else goes through memory by the name that it has in a file', () => {
    const file = write(
      'camera.yaml',
      'version: 1\nsoc: a\nworkload: b\nbackground: { a: 1 GB/s }\n',
    );
    const args = { background: ['camera=2.5 GB/s', 'b = 3 GB/s'] };
    expect(scenarioOf(args, file).data).toMatchObject({
      background: { a: '1 GB/s', camera: '2.5 GB/s', b: '3 GB/s' },
    });
    expect(() => scenarioOf({ ...named, background: ['camera'] })).toThrow(
      '--background camera: expected NAME=RATE',
    );
    expect(() => scenarioOf({ ...named, background: ['b=1 GB/s', 'b = 2 GB/s'] })).toThrow(
      '--background b = 2 GB/s: "b" is given twice',
    );
    const { locate } = scenarioOf({ ...named, background: ['camera=2.5'] });
    expect(locate(['background', 'camera']).file).toBe('--background');
    // The name that it had before is an alias.
    expect(scenarioOptions.background.formerly).toBe('traffic');
  });

  it('lay a preset over one that the file names alone, and what belongs to the run beside it', () => {
    const file = write('safe.yaml', 'version: 1\nsoc: a\nworkload: b\nsecurity: weights\n');
    expect(scenarioOf({ 'on-fault': 'record' }, file).data).toMatchObject({
      security: { preset: 'weights', onFault: 'record' },
    });
    expect(scenarioOf({ security: 'fine' }, file).data).toMatchObject({
      security: { preset: 'fine' },
    });
    expect(scenarioOf({}, file).data).toMatchObject({ security: 'weights' });
  });

  it('are laid over a file that must be a scenario', () => {
    const file = write('soc.yaml', 'domains: {}\n');
    expect(() => scenarioOf(named, file)).toThrow(`${file}:1:1: not a scenario description`);
  });

  it('offer no governor that would need a frequency', () => {
    expect(scenarioOptions.governor.choices).toContain('schedutil');
    expect(scenarioOptions.governor.choices).not.toContain('userspace');
  });

  it('of play leave the times of requests to the trace', () => {
    for (const name of ['repeat', 'duration', 'pause']) {
      expect(play.options).not.toHaveProperty(name);
    }
  });
});

describe('sweep', () => {
  const wrong = (args: Record<string, unknown>) => expect(sweep.run({ ...named, ...args })).rejects;

  it('refuses a path that is varied twice, or set and varied', async () => {
    const axis = ['policy=single-unit', 'scenario.policy=heft'];
    await wrong({ axis }).toThrow('"policy" is given twice');
    await wrong({ axis: ['npu.clock=1 GHz'], set: ['npu.clock=2 GHz'] }).toThrow(
      '"npu.clock" is also given by --set',
    );
  });

  it.each([0, 1.5, -2])('refuses %d threads', async (threads) => {
    await wrong({ axis: ['npu.clock=1 GHz'], threads }).toThrow('--threads must be a whole number');
  });

  it('refuses a file that varies what its scenario sets', async () => {
    const file = write(
      'both.yaml',
      'version: 1\nscenario:\n  soc: a\n  set: ["scenario.unit=npu"]\naxes:\n  unit: [cpu, gpu]\n',
    );
    await expect(sweep.run({ spec: file })).rejects.toThrow(
      `${file}:6:3: axes: "unit" is also given by set of the scenario`,
    );
  });

  it('refuses a file that is no sweep, and options beside one', async () => {
    const empty = write('empty.yaml', '');
    const { soc: _, workload: __, ...none } = named;
    await expect(sweep.run({ ...none, spec: empty })).rejects.toThrow(
      `${empty}:1:1: not a sweep description`,
    );
    await wrong({ spec: empty }).toThrow('--soc: has no effect beside a sweep file');
  });
});
