/** A hand-made audit for tests of charts and reports: a chat with weights in secure memory, and one leak. */
import type { AuditRow, SecurityAudit } from '../../src/engine/secure-audit.ts';

const row = (
  initiator: string,
  access: AuditRow['access'],
  tensor: string,
  region: string,
  label: string,
  verdict: AuditRow['verdict'],
  bytes: number,
): AuditRow => ({
  phase: 'decode',
  initiator,
  access,
  tensor,
  region,
  label,
  verdict,
  accesses: 32,
  bytes,
  firstSeconds: 0.5,
  lastSeconds: 2,
});

export const sampleAudit: SecurityAudit = {
  preset: 'weights',
  world: 'secure',
  choices: { NPU: 'coarse' },
  promises: 'model-secret',
  regions: [
    { name: 'normal', kind: 'normal', base: 0, size: 0, used: 4e8, clearance: 'public' },
    {
      name: 'carveout',
      kind: 'secure',
      base: 2 ** 31,
      size: 2 ** 32,
      used: 3.9e9,
      clearance: 'model-secret + user-secret',
    },
  ],
  flows: [
    row('npu-secure', 'read', 'weights', 'secure', 'model-secret', 'protected', 31e9),
    row(
      'npu-secure',
      'write',
      'activations',
      'normal',
      'model-secret + user-secret',
      'released',
      2e6,
    ),
    row('npu-secure', 'read', 'prompt', 'normal', 'user-secret', 'unpromised', 256),
    row('gpu', 'read', 'weights', 'secure', 'model-secret', 'refused', 0),
    row('npu-secure', 'write', 'kv', 'normal', 'model-secret + user-secret', 'leak', 4e6),
    row('cpu-secure', 'write', 'output', 'normal', 'public', 'public', 32),
  ],
  faults: [],
  attacks: [
    {
      attack: 'bus-snoop',
      seconds: 1,
      outcome: 'leak',
      explanation: 'a probe reads the weights',
      closedBy: 'encryption: inline',
    },
  ],
  protection: [
    { mechanism: 'world calls', seconds: 0.01, hiddenSeconds: 0, joules: 0.02, bytes: 0 },
    { mechanism: 'memory growth', seconds: 0, hiddenSeconds: 1.5, joules: 0.4, bytes: 0 },
    {
      mechanism: 'integrity codes and counters',
      seconds: 0,
      hiddenSeconds: 0,
      joules: 0,
      bytes: 5e8,
    },
  ],
  accesses: 192,
  checks: 192,
  leakedBytes: 4e6,
  releasedBytes: 2e6,
};
