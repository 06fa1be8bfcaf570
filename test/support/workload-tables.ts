/** Bundled model tables, read once for tests. */
import { readBundled } from '../../src/load.ts';
import { parseModelTables } from '../../src/workload/models/tables.ts';

export const tables = parseModelTables(readBundled);

export function llm(name: string) {
  const model = tables.llm.models[name];
  if (!model) throw new Error(`no model ${name}`);
  return model;
}

export function format(name: string) {
  const found = tables.formats[name];
  if (!found) throw new Error(`no format ${name}`);
  return found;
}
