/** The public API: load descriptions, simulate, sweep. Everything is synchronous except `sweep`. */
export { type RowReport, reportRows } from './analysis/row-report.ts';
export { loadPhone, loadSoc, loadWorkload, simulate, sweep } from './api.ts';
export { InfeasibleError, InvariantError, SecurityFault, SpecError } from './base/errors.ts';
export { metrics } from './engine/metrics.ts';
export type { Run } from './engine/run.ts';
export type { Scenario } from './engine/scenario.ts';
export type { SecurityAudit } from './engine/secure-audit.ts';
