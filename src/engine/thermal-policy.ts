/** Which thermal governor a run has: the one that the scenario names, else the phone's own, else `skin-pid`. */
import { type Fault, SpecError } from '../base/errors.ts';
import { nearestHint } from '../base/registry.ts';
import type { SocSpec } from '../hardware/soc-spec.ts';
import type { Phone } from '../hardware/thermal/phone-spec.ts';
import type { ThermalGovernor } from '../runtime/governor.ts';
import { type ThermalLimits, thermalGovernors } from '../runtime/governors/index.ts';
import type { Scenario } from './scenario.ts';

const DEFAULT = 'skin-pid';

export interface ThermalPolicy {
  /** For readers: the governor, and whether its settings are the vendor's. */
  readonly label: string;
  readonly governor: ThermalGovernor;
}

/** @throws SpecError for an unknown governor, bad options, and trips that the air alone would keep tripped. */
export function thermalPolicyOf(scenario: Scenario, soc: SocSpec, phone: Phone): ThermalPolicy {
  const limits = limitsOf(soc, phone, scenario.environment.ambient);
  const own = scenario.thermalGovernor === 'auto' ? phone.thermalPolicy : undefined;
  if (own) {
    return {
      label: `${own.governor} of the vendor`,
      governor: vendorGovernor(phone, limits),
    };
  }
  const name = scenario.thermalGovernor === 'auto' ? DEFAULT : scenario.thermalGovernor;
  return { label: name, governor: thermalGovernors[name].create({}, limits) };
}

/** Checks the policy that a phone description brings. @throws SpecError */
export function checkVendorPolicy(phone: Phone): void {
  vendorGovernor(phone);
}

function vendorGovernor(phone: Phone, limits?: ThermalLimits): ThermalGovernor {
  const { governor, options } = phone.thermalPolicy ?? { governor: DEFAULT, options: { is: {} } };
  const names = Object.keys(thermalGovernors);
  if (!names.includes(governor)) {
    throw new SpecError([
      {
        path: 'thermalPolicy.governor',
        message: `unknown thermal governor "${governor}"`,
        hint: nearestHint(governor, names),
      },
    ]);
  }
  try {
    return thermalGovernors[governor as keyof typeof thermalGovernors].create(options.is, limits);
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    throw new SpecError(error.faults.map((fault) => inPolicy(fault, phone.name)));
  }
}

function inPolicy({ file: _file, path, ...fault }: Fault, phone: string): Fault {
  return { ...fault, file: phone, path: ['thermalPolicy.options', path].filter(Boolean).join('.') };
}

function limitsOf(soc: SocSpec, phone: Phone, ambient: number): ThermalLimits {
  return {
    junctionSoft: soc.limits.junction.soft.is,
    junctionCritical: soc.limits.junction.critical.is,
    skinTarget: phone.limits.skinTarget.is,
    skinHard: phone.limits.skinSevere.is,
    skinEmergency: phone.limits.skinEmergency.is,
    sustainablePower: phone.limits.sustainablePower.is,
    ambient,
  };
}
