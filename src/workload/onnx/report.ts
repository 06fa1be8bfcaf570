/** What an import understood and what it did not: nothing is dropped without a line here. */
import type { Work } from '../../base/work.ts';

/** Operators of one type that have no cost model, or whose shapes cannot be known before a run. */
interface Unmodelled {
  readonly operator: string;
  /** Node names, as in the file. */
  readonly nodes: readonly string[];
  readonly reason: string;
  /** Operators that stand behind these nodes: bodies of control flow count with what they contain. */
  readonly operators: number;
  /** Multiply–accumulates of the bodies, where they could be worked out. */
  readonly macs: number;
}

export interface ImportReport {
  readonly nodes: number;
  /** Launches of the graph. */
  readonly operators: number;
  /** Nodes worked out at import: shape arithmetic and weights computed from constants. */
  readonly folded: number;
  /** Of these, arithmetic on sizes that the file leaves open: engines do it in every run. */
  readonly steering: number;
  /** Nodes that only rename or reshape. */
  readonly views: number;
  readonly unmodelled: readonly Unmodelled[];
  /** Of all operators, bodies of control flow included. */
  readonly unmodelledOperatorShare: number;
  /** Of the multiply–accumulates that are known. */
  readonly unmodelledMacShare: number;
  /** Decisions taken on the way, one sentence each. */
  readonly notes: readonly string[];
}

/** One node that could not be modelled, as the walk meets it. */
export interface Gap {
  readonly operator: string;
  readonly node: string;
  readonly reason: string;
  readonly operators: number;
  readonly macs: number;
}

function groupGaps(gaps: readonly Gap[]): Unmodelled[] {
  const groups = new Map<string, Gap[]>();
  for (const gap of gaps) {
    const key = JSON.stringify([gap.operator, gap.reason]);
    const group = groups.get(key);
    if (group) group.push(gap);
    else groups.set(key, [gap]);
  }
  return [...groups.values()].map((group) => ({
    operator: group[0]?.operator ?? '',
    nodes: group.map((gap) => gap.node),
    reason: group[0]?.reason ?? '',
    operators: group.reduce((sum, gap) => sum + gap.operators, 0),
    macs: group.reduce((sum, gap) => sum + gap.macs, 0),
  }));
}

export function buildReport(
  counts: Pick<ImportReport, 'nodes' | 'folded' | 'steering' | 'views'>,
  works: readonly Work[],
  gaps: readonly Gap[],
  notes: readonly string[],
): ImportReport {
  const unmodelled = groupGaps(gaps);
  const missing = unmodelled.reduce((sum, group) => sum + group.operators, 0);
  const missingMacs = unmodelled.reduce((sum, group) => sum + group.macs, 0);
  const macs = works.reduce((sum, work) => sum + work.macs, 0);
  // Each gap has one launch in the graph; what is behind it counts instead.
  const all = works.length - gaps.length + missing;
  return {
    nodes: counts.nodes,
    folded: counts.folded,
    steering: counts.steering,
    views: counts.views,
    operators: works.length,
    unmodelled,
    unmodelledOperatorShare: all > 0 ? missing / all : 0,
    unmodelledMacShare: missingMacs > 0 ? missingMacs / (macs + missingMacs) : 0,
    notes,
  };
}
