/** What a scenario may not ask of protection is told where it asks for it: file, line and column, or the option. */
import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../src/base/errors.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { prepare } from '../../../src/engine/prepare.ts';
import { sources } from '../../support/sources.ts';

function refused(text: string, set: readonly string[] = []): string {
  try {
    prepare(parseSpecFile(text, 'mine.yaml'), set, sources);
  } catch (error) {
    expect(error).toBeInstanceOf(SpecError);
    return (error as SpecError).message;
  }
  throw new Error('expected a refusal');
}

const one = (soc: string, security: string) => `version: 1
soc: ${soc}
workload: llama-3.2-1b-chat
security:
${security}`;

describe('a preset by its name alone', () => {
  const text = (security: string) =>
    `version: 1\nsoc: dimensity-9300\nworkload: llama-3.2-1b-chat\nsecurity: ${security}\n`;
  const planned = (security: string, set: readonly string[] = []) => {
    const { scenario, protection } = prepare(
      parseSpecFile(text(security), 'mine.yaml'),
      set,
      sources,
    );
    return { security: scenario.security, protection };
  };

  it('is the preset without choices that differ', () => {
    const short = planned('weights');
    expect(short.security).toEqual(planned('{ preset: weights }').security);
    expect(JSON.stringify(short.protection)).toBe(
      JSON.stringify(planned('{ preset: weights }').protection),
    );
    expect(short.protection).toBeDefined();
  });

  it('is one that choices can be laid over', () => {
    const short = planned('coarse', ['scenario.security.npu=none']);
    expect(short.security).toMatchObject({ preset: 'coarse', npu: 'none' });
  });

  it('is that of one of several workloads as well', () => {
    const shared = (security: string) => {
      const entries = `workloads:\n  - { name: a, workload: llama-3.2-1b-chat, security: ${security} }\n  - { name: b, workload: llama-3.2-1b-chat }\n`;
      const file = parseSpecFile(`version: 1\nsoc: dimensity-9300\n${entries}`, 'mine.yaml');
      return prepare(file, [], sources).scenario.workloads;
    };
    expect(shared('weights')).toEqual(shared('{ preset: weights }'));
  });

  it('is told with its line and the nearest where there is none, as choices are', () => {
    expect(refused(text('wieghts'))).toBe(
      'mine.yaml:4:11: unknown security "wieghts"; did you mean "weights"?',
    );
    expect(refused(text('{ presett: weights }'))).toBe(
      'mine.yaml:4:22: security.presett: unknown key "presett"; did you mean "preset"?',
    );
    expect(refused(text('{ npu: corse }'))).toMatch(
      /^mine\.yaml:4:18: security\.npu: .*did you mean "coarse"\?$/,
    );
    expect(refused(text('3'))).toMatch(/^mine\.yaml:4:11: security: /);
  });
});

describe('a preset that is not there', () => {
  const wrong = 'unknown security "wieghts"; did you mean "weights"?';

  it('is told with its line', () => {
    expect(refused(one('dimensity-9300', '  preset: wieghts'))).toBe(`mine.yaml:5:11: ${wrong}`);
  });

  it('is told with its line where one of several workloads wants it', () => {
    const text = `version: 1
soc: dimensity-9300
workloads:
  - name: a
    workload: llama-3.2-1b-chat
    security: { preset: wieghts }
  - { name: b, workload: llama-3.2-1b-chat }`;
    expect(refused(text)).toBe(`mine.yaml:6:25: ${wrong}`);
  });

  it('is told with its override', () => {
    const text = one('dimensity-9300', '  preset: all');
    const set = 'scenario.security.preset=wieghts';
    expect(refused(text, [set])).toBe(`--set ${set}: ${wrong}`);
  });

  it('of the whole scenario is told there where a workload only differs from it', () => {
    const text = `version: 1
soc: dimensity-9300
security:
  preset: wieghts
workloads:
  - { name: a, workload: llama-3.2-1b-chat, security: { clean: tagged } }
  - { name: b, workload: llama-3.2-1b-chat }`;
    expect(refused(text)).toBe(`mine.yaml:4:11: ${wrong}`);
  });
});

describe('hardware that is not there', () => {
  // RK3588 has a cipher on its cores only, and an NPU that is handed over whole.
  it('is told where a choice asks for it', () => {
    const text = one('rk3588', '  preset: pipelined\n  decryption: npu-dma');
    expect(refused(text)).toBe(
      'mine.yaml:6:15: security.decryption: security "pipelined" needs decryption by npu-dma, which rk3588 does not have (expected security.dmaCrypto in the description of rk3588)',
    );
  });

  it('is told with the override that asks for it', () => {
    const set = 'scenario.security.decryption=npu-dma';
    const told = refused(one('rk3588', '  preset: pipelined'), [set]);
    expect(told).toContain(`--set ${set}: security.decryption: security "pipelined" needs`);
  });

  it('is told under the preset that asks for it', () => {
    const told = refused(one('rk3588', '  preset: fine'));
    expect(told).toContain(
      'mine.yaml:5:11: security.preset: security "fine" needs an NPU that tags',
    );
    expect(told).toContain('accelerator.sharing: fine');
  });

  it('is told in one go, with a line each', () => {
    const text = one('rk3588', '  preset: fine\n  decryption: npu-dma\n  integrity: counter-tree');
    const lines = refused(text).split('\n');
    const places = lines.map((line) => line.slice(0, line.indexOf(': security "')));
    expect(places).toEqual([
      'mine.yaml:5:11: security.preset',
      'mine.yaml:7:14: security.integrity',
      'mine.yaml:6:15: security.decryption',
    ]);
  });
});
