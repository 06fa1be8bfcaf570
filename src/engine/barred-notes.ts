/** What protection takes that no row of its ledger holds, and whom a preset does not reach. */
import type { SocSpec } from '../hardware/soc-spec.ts';
import { barredFromNpu, type Wishes } from './plan-security.ts';
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

/** Whom a scenario's own preset does not reach, as its workloads have presets of their own. */
export function ownPresetNotes({ security, workloads = [] }: Wishes): string[] {
  if (!security) return [];
  const own = workloads.flatMap(({ name, security: mine }) =>
    mine?.preset === undefined || mine.preset === security.preset
      ? []
      : [`${name} (${mine.preset})`],
  );
  if (own.length === 0) return [];
  const rest = workloads.length - own.length;
  const reach = rest === 0 ? 'no workload' : 'the other workloads alone';
  return [
    `security: ${security.preset} reaches ${reach}: the scenario gives a preset of its own to ${own.join(', ')}`,
  ];
}
