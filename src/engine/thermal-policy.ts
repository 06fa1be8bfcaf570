/** Which thermal governor a run has: the one that the scenario names, else the phone's own, else `skin-pid`. */
import { SpecError } from '../base/errors.ts';
import { nearestHint } from '../base/registry.ts';
import type { SpecFile } from '../base/spec-file.ts';
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
  /** What a reader should know of how it fares in this air. */
  readonly notes: readonly string[];
}

/** @throws SpecError for an unknown governor, bad options, and trips that ordinary air alone would keep tripped. */
export function thermalPolicyOf(
  scenario: Scenario,
  soc: SocSpec,
  phone: Phone,
  source?: SpecFile,
): ThermalPolicy {
  const { ambient } = scenario.environment;
  const held = new Set<number>();
  const limits: ThermalLimits = {
    ...limitsOf(soc, phone, ambient),
    onHeld: (trip) => held.add(trip),
  };
  const own = scenario.thermalGovernor === 'auto' ? phone.thermalPolicy : undefined;
  const name = scenario.thermalGovernor === 'auto' ? DEFAULT : scenario.thermalGovernor;
  const governor = own
    ? vendorGovernor(phone, limits, source)
    : thermalGovernors[name].create({}, limits);
  const label = own ? `${own.governor} of the vendor` : name;
  return { label, governor, notes: heldNotes(label, ambient, [...held]) };
}

function heldNotes(label: string, ambient: number, trips: readonly number[]): string[] {
  if (trips.length === 0) return [];
  const which = [...trips]
    .sort((a, b) => a - b)
    .map((trip) => `${trip} °C`)
    .join(', ');
  return [
    `air at ${ambient} °C is not below what ${label} holds (${which}): it holds clocks back all the time, down to the least it may`,
  ];
}

/** Checks the policy that a phone description brings. @throws SpecError */
export function checkVendorPolicy(phone: Phone, source?: SpecFile): void {
  vendorGovernor(phone, undefined, source);
}

/** @param source of the phone, for the line of a fault. */
function vendorGovernor(phone: Phone, limits?: ThermalLimits, source?: SpecFile): ThermalGovernor {
  const { governor, options } = phone.thermalPolicy ?? { governor: DEFAULT, options: { is: {} } };
  const names = Object.keys(thermalGovernors);
  const place = (path: string) =>
    source
      ? { file: source.file, ...source.locate(path.split('.')), path }
      : { file: phone.name, path };
  if (!names.includes(governor)) {
    throw new SpecError([
      {
        ...place('thermalPolicy.governor'),
        message: `unknown thermal governor "${governor}"`,
        hint: nearestHint(governor, names),
      },
    ]);
  }
  try {
    return thermalGovernors[governor as keyof typeof thermalGovernors].create(options.is, limits);
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    throw new SpecError(
      error.faults.map(({ path, ...fault }) => ({
        ...fault,
        ...place(['thermalPolicy.options.is', path].filter(Boolean).join('.')),
      })),
    );
  }
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
