import { describe, expect, it } from 'vitest';
import { socsim, socsimProcess } from '../support/cli.ts';

const phone = ['--soc', 'dimensity-9300', '--workload', 'llama-3.2-1b-chat'];
const short = ['--set', 'workload.promptTokens=64', '--set', 'workload.generatedTokens=8'];

describe('protection on the command line', () => {
  it('tells what it cost and that nothing leaked, and puts the audit into the JSON', async () => {
    const { code, stdout } = await socsim([
      'run',
      ...phone,
      ...short,
      '--security',
      'all',
      '--json',
    ]);
    expect(code).toBe(0);
    const { audit, metrics } = JSON.parse(stdout);
    expect(audit.leakedBytes).toBe(0);
    expect(audit.protection.map(({ mechanism }: { mechanism: string }) => mechanism)).toContain(
      'integrity',
    );
    expect(metrics.protection_seconds).toBeGreaterThan(0);
  });

  it('ends with 4 at a fault, told with who, where and when, and goes on where asked to', async () => {
    const soon = ['--set', 'scenario.security.attacks.0.at=10ms'];
    const attack = ['run', 'socs/security/attacks/gpu-reads-carveout.yaml', ...short, ...soon];
    const stopped = socsimProcess(attack);
    expect(stopped.code).toBe(4);
    for (const part of ['security fault', 'gpu', 'weights (model-secret)', 'simulated time']) {
      expect(stopped.stderr).toContain(part);
    }
    const recorded = await socsim([...attack, '--on-fault', 'record']);
    expect(recorded.code).toBe(0);
    expect(recorded.stdout).toContain('attack gpu-reads-carveout: STOPPED');
  });

  it('puts presets side by side, and lists them', async () => {
    const { code, stdout } = await socsim([
      'compare',
      ...phone,
      ...short,
      '--security',
      'none,naive,pipelined',
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain('time for protection');
    expect(stdout).toContain('naive: restore on cpu+storage');
    expect((await socsim(['list', 'security'])).stdout).toContain('pipelined');
  });

  it('ends with 3 where secure memory is too small, and 2 for names that are not there', async () => {
    const fixed = ['--security', 'weights', '--set', 'scenario.security.growth=fixed'];
    const small = await socsim(['run', ...phone, ...fixed]);
    expect(small.code).toBe(3);
    expect(small.stderr).toContain('security.carveout');
    const unknown = await socsim(['run', ...phone, '--security', 'pipelind']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('pipelined');
  });
});
