/** Registry of scheduling policies: CLI choices, `list` output and the contract suite are derived from it. */
import type { SchedulingPolicy } from '../scheduling-policy.ts';
import { heft } from './heft.ts';
import { singleUnit } from './single-unit.ts';
import { stageWise } from './stage-wise.ts';

export interface PolicyOptions {
  /** Unit of the preparing stage, or of everything. */
  readonly unit: string;
  /** Unit of the generating stage; the same unless said otherwise. */
  readonly decodeUnit: string;
}

export interface PolicyEntry {
  readonly summary: string;
  readonly create: (options: PolicyOptions) => SchedulingPolicy;
}

export const policies = {
  'single-unit': {
    summary:
      'everything on one unit (--unit); what it cannot run falls back to one other, the fastest for all of it',
    create: ({ unit }) => singleUnit(unit),
  },
  'stage-wise': {
    summary: 'prefill on --unit, decode on --decode-unit',
    create: ({ unit, decodeUnit }) => stageWise(unit, decodeUnit),
  },
  heft: {
    summary: 'list scheduling by upward rank: each operator where it finishes first',
    create: () => heft(),
  },
} as const satisfies Record<string, PolicyEntry>;

export type PolicyName = keyof typeof policies;
