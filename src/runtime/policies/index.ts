/** Registry of scheduling policies: CLI choices, `list` output and the contract suite are derived from it. */
import type { SchedulingPolicy } from '../scheduling-policy.ts';
import { energyAware } from './energy-aware.ts';
import { heft } from './heft.ts';
import { pipeline } from './pipeline.ts';
import { singleUnit } from './single-unit.ts';
import { stageWise } from './stage-wise.ts';
import { tensorSplit } from './tensor-split.ts';
import { thermalAware } from './thermal-aware.ts';
import { byDeadline } from './urgency.ts';

export interface PolicyOptions {
  /** Unit of the preparing stage, or of everything. */
  readonly unit: string;
  /** Unit of the generating stage; the same unless said otherwise. */
  readonly decodeUnit: string;
  /** Kind of the unit to which the runtime hands what a unit cannot run; the fastest other one where absent. */
  readonly refuge?: string | undefined;
}

export interface PolicyEntry {
  readonly summary: string;
  readonly create: (options: PolicyOptions) => SchedulingPolicy;
}

export const policies = {
  'single-unit': {
    summary:
      'everything on one unit (--unit); what it cannot run falls back to one other, the fastest for all of it',
    create: ({ unit, refuge }) => singleUnit(unit, refuge),
  },
  'stage-wise': {
    summary: 'prefill on --unit, decode on --decode-unit',
    create: ({ unit, decodeUnit, refuge }) => ({
      ...stageWise(unit, decodeUnit, refuge),
      tradeoff: 'its units are those asked for (--unit, --decode-unit)',
    }),
  },
  heft: {
    summary: 'list scheduling by upward rank: each operator where it finishes first',
    create: () => ({ ...heft(), tradeoff: 'it sees one operator at a time' }),
  },
  'tensor-split': {
    summary: 'products split over two units that stream weights together, where that is faster',
    create: () => ({ ...tensorSplit(), tradeoff: 'units round their parts to tiles' }),
  },
  pipeline: {
    summary: 'one stage of the graph per unit, for requests that overlap (concurrent above 1)',
    create: () => ({
      ...pipeline(),
      tradeoff:
        'stages of one request work in turn; it pays where requests overlap (concurrent above 1)',
    }),
  },
  'earliest-deadline-first': {
    summary: 'everything on --unit; of several workloads the one that is due first goes first',
    create: ({ unit, refuge }) => ({ ...singleUnit(unit, refuge), urgency: byDeadline }),
  },
  'energy-aware': {
    summary: 'the unit and clock of least energy: races to idle or goes slow and steady',
    create: () => ({ ...energyAware(), tradeoff: 'it spends time to save energy' }),
  },
  'thermal-aware': {
    summary: 'on the fastest unit until heat holds it back, then on the next, and back',
    create: () => ({ ...thermalAware(), tradeoff: 'it leaves a unit that heat holds back' }),
  },
} as const satisfies Record<string, PolicyEntry>;

export type PolicyName = keyof typeof policies;
