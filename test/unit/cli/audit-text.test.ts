/** What a terminal shows of an audit. */
import { describe, expect, it } from 'vitest';
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

  it('show what was refused, though it moved nothing', () => {
    for (const text of shown(withRow({ bytes: 0, verdict: 'refused' })))
      expect(text).toContain('npu-of-test');
  });
});
