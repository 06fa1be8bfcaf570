/** Tokens that a checking step accepts, by drafting method and task. */
import { readTable } from './table-cells.ts';

export const TASKS = ['chat', 'translation', 'summary', 'qa', 'math', 'rag'] as const;
export type DecodingTask = (typeof TASKS)[number];

export interface DecodingTrick {
  /** Mean over all tasks. */
  readonly accepted: number;
  /** By task: the mean scaled by the task's measured speed-up over that of all, since a step costs the same in each. */
  readonly byTask: Readonly<Record<DecodingTask, number>>;
}

export function parseDecodingTricks(
  text: string,
  file: string,
): Readonly<Record<string, DecodingTrick>> {
  return readTable(text, file, ['method', 'accepted', 'speedup', ...TASKS, 'source'], (cells) => {
    const accepted = cells.numberOr('accepted', 1);
    const overall = cells.numberOr('speedup', 1);
    const byTask = TASKS.map((task) => [
      task,
      Math.max(1, (accepted * cells.numberOr(task, 1)) / overall),
    ]);
    return { accepted, byTask: Object.fromEntries(byTask) as DecodingTrick['byTask'] };
  });
}
