/** The shape of a registry entry of governors: one line, an options schema, a factory that checks its options. */
import { SpecError } from '../../base/errors.ts';
import type { Entry } from '../../base/registry.ts';
import { checkSpec, type z } from '../../base/schema.ts';
import type { Celsius, Watts } from '../../base/units.ts';
import type { ThermalGovernor } from '../governor.ts';

export interface FactoryEntry<T> extends Entry {
  /** What a scenario may write under the governor's options; every field has a default. */
  readonly options: z.ZodType;
  /** @throws SpecError naming every bad option; `options` as a user writes them, quantities with units. */
  create(options?: unknown): T;
}

/** Limits of the SoC and the phone: what a thermal governor goes by where its options say nothing. */
export interface ThermalLimits {
  /** Clocks are stepped down from here, and cut to the slowest point there. */
  readonly junctionSoft: Celsius;
  readonly junctionCritical: Celsius;
  /** Virtual skin: goal, hard step, emergency. */
  readonly skinTarget: Celsius;
  readonly skinHard: Celsius;
  readonly skinEmergency: Celsius;
  /** Power that the body holds for ever at `skinTarget`. */
  readonly sustainablePower: Watts;
  /** Air around the phone; a trip at or below it could never be left again. */
  readonly ambient?: Celsius;
  /** Told of every trip that warm air keeps tripped. */
  readonly onHeld?: (trip: Celsius) => void;
}

/**
 * Air in which a policy that is always tripped is a mistake. Phones may be used in up to 35 °C (Apple, "If your iPhone or
 * iPad gets too hot or too cold", support.apple.com/118431), but policies begin below that: at 33 °C of the board on an
 * iPhone 15 Pro (socs/phones/iphone-15-pro.yaml).
 */
const ORDINARY_AIR: Celsius = 30;

/** A flagship of 2023–25: junction and skin limits of Snapdragon device trees and the Pixel 8 Pro configuration,
 * sustained power from gaming at 41–43 °C of skin. Descriptions of a SoC and a phone replace them. */
export const TYPICAL_LIMITS: ThermalLimits = {
  junctionSoft: 95,
  junctionCritical: 110,
  skinTarget: 41,
  skinHard: 45,
  skinEmergency: 52,
  sustainablePower: 4.5,
};

export interface ThermalEntry extends Entry {
  readonly options: z.ZodType;
  /** @throws SpecError naming every bad option. */
  create(options?: unknown, limits?: ThermalLimits): ThermalGovernor;
}

export function thermalFactory<S extends z.ZodType>(
  name: string,
  summary: string,
  options: S,
  create: (options: z.output<S>, limits: ThermalLimits) => ThermalGovernor,
): ThermalEntry {
  return {
    summary,
    options,
    create: (given = {}, limits = TYPICAL_LIMITS) =>
      create(checkOptions(name, given, options), limits),
  };
}

/**
 * Refuses trips that ordinary air alone would keep tripped, all at once. In warmer air a trip below it is no
 * mistake: a phone in there runs, held back all the time.
 */
export function requireAboveAmbient(
  governor: string,
  trips: Readonly<Record<string, Celsius>>,
  { ambient, onHeld }: ThermalLimits,
): void {
  if (ambient === undefined) return;
  const least = Math.min(ambient, ORDINARY_AIR);
  const faults = Object.entries(trips)
    .filter(([, trip]) => trip <= least)
    .map(([path, trip]) => ({
      file: `options of ${governor}`,
      path,
      message: 'trip is not above the air',
      expected: `above ${least} °C`,
      got: `${trip} °C`,
      hint: 'air this warm never lets go of the trip: raise it, lower the ambient, or choose the thermal governor junction or none',
    }));
  if (faults.length > 0) throw new SpecError(faults);
  for (const trip of Object.values(trips)) if (trip <= ambient) onHeld?.(trip);
}

export function factory<S extends z.ZodType, T>(
  name: string,
  summary: string,
  options: S,
  create: (options: z.output<S>) => T,
): FactoryEntry<T> {
  return {
    summary,
    options,
    create: (given = {}) => create(checkOptions(name, given, options)),
  };
}

/** Faults of options carry no line: they come from inside a scenario or from a command line. */
function checkOptions<S extends z.ZodType>(name: string, given: unknown, schema: S): z.output<S> {
  const source = { file: `options of ${name}`, data: given, locate: () => ({}) as never };
  return checkSpec(source, schema);
}
