/** Builds graphs operator by operator: equal works share one entry, so a unit costs each shape once. */
import { InvariantError } from '../base/errors.ts';
import type { Work } from '../base/work.ts';
import type { Graph, Operator, StepWork } from './graph.ts';

export interface GraphBuilder {
  /** Appends one operator; @returns its index, to be named as an input of later ones. */
  add(name: string, work: StepWork, inputs?: readonly number[]): number;
  build(): Graph;
}

/** Opens an empty graph. Works that are functions are shared by identity, constant ones by content. */
export function openGraph(name: string): GraphBuilder {
  const operators: Operator[] = [];
  const works: StepWork[] = [];
  const known = new Map<StepWork | string, number>();
  const names = new Set<string>();
  const indexOf = (work: StepWork): number => {
    // The same object usually comes back once per layer; its content is compared only the first time.
    const byIdentity = known.get(work);
    if (byIdentity !== undefined) return byIdentity;
    const key = typeof work === 'function' ? work : contentKey(work);
    const index = known.get(key) ?? works.push(work) - 1;
    known.set(key, index);
    known.set(work, index);
    return index;
  };
  return {
    add: (operator, work, inputs = []) => {
      const index = operators.length;
      if (names.has(operator)) throw new InvariantError(`operator ${operator} is there twice`);
      if (inputs.some((input) => input < 0 || input >= index))
        throw new InvariantError(`operator ${operator} reads a later one`);
      names.add(operator);
      operators.push({ name: operator, work: indexOf(work), inputs });
      return index;
    },
    build: () => ({ name, operators, works }),
  };
}

function contentKey(work: Work): string {
  return JSON.stringify(work);
}
