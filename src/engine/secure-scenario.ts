/** The `security:` part of a scenario: a preset, choices that differ from it, labels, and attacks to try. */

import { LABELS } from '../base/labels.ts';
import { type Infer, quantity, z } from '../base/schema.ts';
import { REGION_KINDS } from '../hardware/secure/regions.ts';
import { ATTACK_NAMES, choicesSchema } from '../runtime/secure/strategy.ts';

const attack = z.strictObject({
  kind: z.enum(ATTACK_NAMES),
  /** Whose data it aims at, where several workloads share the phone; the first that is protected unless given. */
  workload: z.string().optional(),
  /** Who reads which kind of region, for `initiator-reads-region`. */
  initiator: z.string().optional(),
  region: z.enum(REGION_KINDS).optional(),
  /** When it is tried; not at all where the run ends before. */
  at: quantity('time', { min: 0 }).default(0),
});

export const securityScenario = z.strictObject({
  /** A name under socs/security. */
  preset: z.string().default('all'),
  ...choicesSchema,
  /** Stop at the first fault, or go on without the access and list it. */
  onFault: z.enum(['stop', 'record']).default('stop'),
  /** How secret the inputs are. */
  labels: z
    .strictObject({
      weights: z.enum(LABELS).default('model-secret'),
      adapters: z.enum(LABELS).default('user-secret'),
      prompt: z.enum(LABELS).default('user-secret'),
    })
    .prefault({}),
  /** A normal application that uses the NPU too, in turns with the protected one. */
  normalWork: z
    .strictObject({
      share: quantity('ratio', { min: 0, max: 0.95 }).default(0),
      /** How long one of them keeps the NPU. */
      slice: quantity('time').default(0.01),
    })
    .prefault({}),
  /** Share of the memory to be taken that other data fill; what the SoC's description says unless given. */
  occupied: quantity('ratio', { min: 0, max: 1 }).optional(),
  attacks: z.array(attack).default([]),
});

export type SecurityScenario = Infer<typeof securityScenario>;

/** As a scenario writes it: the name of a preset alone, or with choices that differ from it. */
export const scenarioSecurity = z.union([
  z.string().transform((preset) => securityScenario.parse({ preset })),
  securityScenario,
]);

/** Of one of several workloads; what is left out is as the scenario has it. */
export const workloadSecurity = z.strictObject({
  /** Starts from this preset alone, not from what the scenario chose. */
  preset: z.string().optional(),
  ...choicesSchema,
  labels: z
    .strictObject({
      weights: z.enum(LABELS).optional(),
      adapters: z.enum(LABELS).optional(),
      prompt: z.enum(LABELS).optional(),
    })
    .optional(),
});
export type WorkloadSecurity = Infer<typeof workloadSecurity>;

/** The same of one of several workloads. */
export const ownSecurity = z.union([
  z.string().transform((preset): WorkloadSecurity => ({ preset })),
  workloadSecurity,
]);

/** What belongs to the run, whatever is protected in it. */
const RUN_KEYS = ['onFault', 'normalWork', 'occupied', 'attacks', 'labels'] as const;
const UNPROTECTED = 'none';

/** How one workload is protected: by its own choices, else by those of the scenario, else not at all. */
export function securityFor(
  run: SecurityScenario | undefined,
  own: WorkloadSecurity | undefined,
): SecurityScenario {
  const base = run ?? securityScenario.parse({ preset: UNPROTECTED });
  if (!own) return base;
  const { labels, ...choices } = own;
  const from =
    own.preset === undefined
      ? base
      : Object.fromEntries(RUN_KEYS.map((key) => [key, base[key]] as const));
  const given = Object.fromEntries(
    Object.entries(labels ?? {}).filter(([, label]) => label !== undefined),
  );
  return {
    ...(from as SecurityScenario),
    ...Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== undefined)),
    labels: { ...base.labels, ...given },
  };
}
