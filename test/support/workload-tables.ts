/** Bundled model tables, read once for tests. */
import { readFileSync } from 'node:fs';
import { parseLlmTable } from '../../src/workload/models/llm-model.ts';
import { parseWeightFormats } from '../../src/workload/models/weight-format.ts';

function bundled(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

export const llms = parseLlmTable(bundled('workloads/models/llm.csv'), 'llm.csv');
export const formats = parseWeightFormats(
  bundled('workloads/models/weight-formats.csv'),
  'weight-formats.csv',
);

export function llm(name: string) {
  const model = llms.models[name];
  if (!model) throw new Error(`no model ${name}`);
  return model;
}

export function format(name: string) {
  const found = formats[name];
  if (!found) throw new Error(`no format ${name}`);
  return found;
}
