import { describe, expect, it } from 'vitest';
import { sweepTasks } from '../../../src/analysis/sweep.ts';
import { parseSweep, pointsOf } from '../../../src/analysis/sweep-spec.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { prepare } from '../../../src/engine/prepare.ts';
import { sources } from '../../support/sources.ts';

const SCENARIO = 'version: 1\nsoc: dimensity-9300\nworkload: llama-3.2-1b-chat\n';

/** What tables show of an axis with one value. */
async function shown(path: string, text: string): Promise<string> {
  const file = `version: 1\nscenario: { soc: dimensity-9300, workload: llama-3.2-1b-chat }\naxes: { ${path}: ["${text}"] }\n`;
  const spec = parseSweep(parseSpecFile(file, 'sweep.yaml'));
  const [task] = await sweepTasks(spec, [{ index: 0, values: { [path]: text } }], sources, 'x');
  return String(task!.values[path]);
}

describe('values of an axis', () => {
  it.each([
    ['npu.clock', '732500000 Hz', '732.5 MHz'],
    ['security.carveout', '536870912 B', '512 MiB'],
    ['security.carveout', '1536 MiB', '1536 MiB'],
    ['security.carveout', '2048 MiB', '2 GiB'],
    ['security.carveout', '0.5 MB', '500 kB'],
    // Half as much again as the 512 MiB of the description.
    ['security.carveout', 'security.carveout * 1.5', '768 MiB'],
    ['security.engine.throughput', '4000 MB/s', '4 GB/s'],
  ])('%s: %s is shown as %s', async (path, text, readable) => {
    expect(await shown(path, text)).toBe(readable);
  });

  it('can be typed as they are shown where they have to be aligned', async () => {
    const text = await shown('security.carveout', 'security.carveout * 3');
    const scenario = parseSpecFile(`${SCENARIO}security: { preset: all }\n`, 'x');
    expect(() => prepare(scenario, [`security.carveout=${text}`], sources)).not.toThrow();
  });
});

describe('what the scenario of a sweep sets', () => {
  const tasks = (set: string, axis: string) => {
    const file = `version: 1\nscenario: { soc: dimensity-9300, workload: llama-3.2-1b-chat, set: ["${set}"] }\naxes: { ${axis} }\n`;
    const spec = parseSweep(parseSpecFile(file, 'sweep.yaml'));
    return sweepTasks(spec, pointsOf(spec.axes), sources, 'x');
  };

  it('is there when an axis is reckoned from it', async () => {
    const [task] = await tasks('memory.rate=4000 MT/s', 'npu.clock: ["memory.rate / 4"]');
    expect(task!.values['npu.clock']).toBe('1 GHz');
  });

  it('is refused before anything runs where no point can take it', async () => {
    await expect(tasks('npu.clok=1 GHz', 'memory.rate: ["8533 MT/s"]')).rejects.toThrow(
      /--set npu.clok=1 GHz: no such path "npu.clok"; did you mean "npu.clock"/,
    );
  });

  it('is left to the points where one SoC of several has it', async () => {
    // The board's CPU has two clock domains, the phone's one with another name.
    const points = await tasks('domains.cpu-big.clock=2 GHz', 'soc: [dimensity-9300, rk3588]');
    expect(points).toHaveLength(2);
  });
});

describe('what points are judged by unless the sweep says', () => {
  const objectives = (axes: string, more = '') =>
    parseSweep(
      parseSpecFile(
        `version: 1\nscenario: { soc: dimensity-9300, workload: llama-3.2-1b-chat }\naxes: { ${axes} }\n${more}`,
        'sweep.yaml',
      ),
    ).objectives;

  it('is rate and energy of answers', () => {
    const answers = ['decode_tokens_per_second', 'energy_per_token_joules'];
    expect(objectives('npu.clock: [1 GHz]')).toEqual(answers);
    expect(objectives('npu.clock: [1 GHz], security.clean: [never]')).toEqual(answers);
  });

  it('begins with the first token where only protection varies, which answers hardly show', () => {
    expect(
      objectives('security.engine.throughput: [1 GB/s], scenario.security.clean: [never]'),
    ).toEqual([
      'time_to_first_token_seconds',
      'decode_tokens_per_second',
      'energy_per_token_joules',
    ]);
    const own = 'objectives: [peak_power_watts]';
    expect(objectives('security.clean: [never]', own)).toEqual(['peak_power_watts']);
  });
});
