/** `socsim list`: the names that other commands take, each with one line. */

import { pick } from '../base/registry.ts';
import { catalogue } from './catalogue.ts';
import type { Command } from './command.ts';
import { renderTable } from './terminal.ts';

export const list: Command = {
  name: 'list',
  summary: 'what there is: SoCs, phones, workloads, models, policies, governors, charts, metrics',
  examples: ['socsim list', 'socsim list socs', 'socsim list metrics --json'],
  positionals: {
    kind: { usage: '[KIND]', summary: `one of ${Object.keys(catalogue).join(', ')}` },
  },
  options: {
    json: { type: 'boolean', summary: 'print JSON for machines' },
  },
  run: async (args) => {
    if (args['kind'] === undefined) return listKinds(args['json'] === true);
    const entries = await pick(catalogue, String(args['kind']), 'kind').entries();
    if (args['json'] === true) {
      console.log(JSON.stringify(entries, undefined, 2));
      return undefined;
    }
    const labels = [...new Set(entries.flatMap(({ facts }) => Object.keys(facts)))];
    const columns = [
      { header: 'name' },
      ...labels.map((header) => ({
        header,
        align: entries.every(({ facts }) => /^\d*$/.test(facts[header] ?? ''))
          ? ('right' as const)
          : ('left' as const),
      })),
      { header: 'summary', wrap: true },
    ];
    const rows = entries.map(({ name, summary, facts }) => [
      name,
      ...labels.map((label) => facts[label] ?? ''),
      summary,
    ]);
    console.log(renderTable(columns, rows));
    return undefined;
  },
};

async function listKinds(json: boolean): Promise<undefined> {
  const counts = await Promise.all(
    Object.entries(catalogue).map(async ([kind, { entries }]) => {
      const names = (await entries()).map(({ name }) => name);
      return { kind, count: names.length, names };
    }),
  );
  if (json) {
    console.log(JSON.stringify(counts, undefined, 2));
    return undefined;
  }
  const columns = [
    { header: 'kind' },
    { header: 'count', align: 'right' as const },
    { header: 'names', wrap: true },
  ];
  const rows = counts.map(({ kind, count, names }) => [kind, String(count), names.join(' ')]);
  console.log(renderTable(columns, rows));
  return undefined;
}
