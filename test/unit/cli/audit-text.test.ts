/** What a terminal shows of an audit. */
import { describe, expect, it } from 'vitest';
import { renderSecurity } from '../../../src/analysis/charts/security.ts';
import { renderSecurityTables } from '../../../src/analysis/report/security.ts';
import { auditLines } from '../../../src/cli/audit-text.ts';
import type { Run } from '../../../src/engine/run.ts';
import type { AuditRow, SecurityAudit } from '../../../src/engine/secure-audit.ts';
import { sampleAudit } from '../../support/sample-audit.ts';

const [first] = sampleAudit.flows;
const withRow = (more: Partial<AuditRow>): SecurityAudit => ({
  ...sampleAudit,
  flows: [...sampleAudit.flows, { ...first!, initiator: 'npu-of-test', ...more }],
});
const shown = (audit: SecurityAudit) => [
  auditLines(audit).join('\n'),
  renderSecurityTables({ audit } as Run).html,
];

describe('tables of an audit', () => {
  it('show what moved, and leave out what stayed in local memory', () => {
    for (const text of shown(withRow({ bytes: 64 }))) expect(text).toContain('npu-of-test');
    for (const text of shown(withRow({ bytes: 0 }))) expect(text).not.toContain('npu-of-test');
  });

  it('call a replay what it is, beside a leak or without one', () => {
    const replay = {
      attack: 'replay-kv-page',
      seconds: 1,
      outcome: 'tampered',
      explanation: 'an old page',
    } as const;
    const last = (audit: SecurityAudit) => auditLines(audit).at(-1);
    const forged = { ...sampleAudit, attacks: [replay, replay], leakedBytes: 0 };
    expect(last(forged)).toMatch(
      /^audit: INTEGRITY BROKEN by replay-kv-page; no promised secret came below its clearance/,
    );
    expect(last({ ...forged, leakedBytes: 2048 })).toMatch(/replay-kv-page; LEAK of 2.05 kB/);
    expect(last({ ...forged, attacks: [], leakedBytes: 2048 })).toMatch(/^audit: LEAK of 2.05 kB/);
    const drawn = renderSecurity({ audit: forged } as unknown as Run) ?? '';
    const words = drawn.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
    expect(words).toContain('Integrity was broken by replay-kv-page.');
  });

  it('show what was refused, though it moved nothing', () => {
    for (const text of shown(withRow({ bytes: 0, verdict: 'refused' })))
      expect(text).toContain('npu-of-test');
  });

  it('add up what protection costs a workload', () => {
    const own = {
      name: 'chat',
      preset: 'weights',
      world: 'secure',
      choices: { protects: 'weights', NPU: 'coarse' },
      promises: 'public',
      protection: sampleAudit.protection,
      accesses: 1,
      leakedBytes: 2048,
      releasedBytes: 0,
    };
    // 10 ms of world calls, and 0.02 + 0.4 J.
    for (const text of shown({ ...sampleAudit, workloads: [own] })) {
      const plain = text.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
      expect(plain).toMatch(/chat weights secure weights nothing coarse 10 ms 420 mJ 2\.05 kB/);
    }
  });
});
