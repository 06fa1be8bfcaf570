/** What protection takes that no row of its ledger holds: units that protected jobs have no way onto. */
import type { SocSpec } from '../hardware/soc-spec.ts';
import { barredFromNpu } from './plan-security.ts';
import type { SecurityPlan } from './secure-plan.ts';

/** @param asked whether the scenario itself says where work runs. */
export function barredNotes(
  { units }: Pick<SocSpec, 'units'>,
  plans: readonly SecurityPlan[] = [],
  asked = false,
): string[] {
  const [npu] = Object.entries(units).find(([, { kind }]) => kind === 'npu') ?? [];
  const barred = plans.filter(({ strategy }) => barredFromNpu(strategy));
  if (npu === undefined || asked || barred.length === 0) return [];
  const names = barred.flatMap(({ workload }) => workload ?? []);
  const whose = names.length > 0 ? ` of ${names.join(', ')}` : '';
  return [
    `protected jobs${whose} have no way onto the ${npu} (security.npu: none) and run elsewhere: what that takes longer is in no row of the ledger of protection, compare with security: none`,
  ];
}
