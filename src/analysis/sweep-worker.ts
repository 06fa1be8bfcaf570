/** Thread entry of a sweep: a plain task in, metrics out. Descriptions are read and parsed once per thread. */
import { fileSources } from '../load.ts';
import { runTask, type SweepResult, type SweepTask } from './sweep-run.ts';

const sources = fileSources();

export function run(task: SweepTask): SweepResult {
  return runTask(task, sources);
}
