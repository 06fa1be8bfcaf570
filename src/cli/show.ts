/** `socsim show`: one entry with all it says, and for every number its source and how far to trust it. */
import { SpecError } from '../base/errors.ts';
import { sourcedEntries, trustShares } from '../base/provenance.ts';
import { formatQuantity } from '../base/quantity.ts';
import { nearestHint } from '../base/registry.ts';
import { TRUST_LEVELS } from '../base/schema.ts';
import { parseSpecFile, type SpecFile, type SpecPath } from '../base/spec-file.ts';
import type { DerivedFigure } from '../hardware/soc-summary.ts';
import { readDescription, readUserFile, type TextFile } from '../load.ts';
import { catalogue, fileNames } from './catalogue.ts';
import type { CatalogueEntry } from './catalogue-entry.ts';
import type { Command } from './command.ts';
import { completeSpec, kindOf, type SpecKindName } from './spec-kinds.ts';
import { renderTable } from './terminal.ts';

export const show: Command = {
  name: 'show',
  summary: 'one entry, with the source and trust of every number',
  examples: [
    'socsim show dimensity-9300',
    'socsim show dimensity-9300 --only memory',
    'socsim show decode_tokens_per_second',
    'socsim show my-soc.yaml --json',
  ],
  positionals: {
    name: {
      usage: 'NAME',
      summary: 'a name that `socsim list` shows, or a description file of yours',
    },
  },
  options: {
    only: { type: 'string', summary: 'rows whose path contains this text', value: 'TEXT' },
    json: { type: 'boolean', summary: 'print JSON for machines' },
  },
  run: async (args) => {
    const name = String(args['name']);
    const only = args['only'] === undefined ? '' : String(args['only']);
    const json = args['json'] === true;
    const found = findFile(name);
    if (found) await showFile(found, only, json);
    else showEntry(await findEntry(name), json);
    return undefined;
  },
};

interface Row {
  readonly path: string;
  readonly value: unknown;
  readonly trust?: string;
  readonly from?: string;
  readonly note?: string | undefined;
  /** The file that says it, where that is not the one shown. */
  readonly file?: string;
}

interface FoundFile {
  readonly kind: SpecKindName;
  readonly spec: SpecFile;
}

function findFile(name: string): FoundFile | undefined {
  const known = fileNames().find((entry) => entry.name === name);
  if (known) return openFile(readDescription(known.kind, name), known.kind);
  return /[/\\]|\.ya?ml$/.test(name) ? openFile(readUserFile(name)) : undefined;
}

function openFile({ file, text }: TextFile, known?: SpecKindName): FoundFile {
  const spec = parseSpecFile(text, file);
  const kind = known ?? kindOf(spec);
  return { kind, spec: completeSpec(kind, spec) };
}

async function showFile({ kind, spec }: FoundFile, only: string, json: boolean): Promise<void> {
  const rows = rowsOf(spec).filter(({ path }) => path.includes(only));
  if (rows.length === 0) {
    const paths = rowsOf(spec).map(({ path }) => path);
    throw new SpecError([
      {
        message: `nothing in ${spec.file} has "${only}" in its path`,
        hint: nearestHint(only, paths),
      },
    ]);
  }
  const { references = {}, summary = '' } = spec.data as {
    references?: Record<string, string | { title: string; url?: string }>;
    summary?: string;
  };
  const trust = trustShares(spec.data);
  const derived = only === '' && kind === 'soc' ? await derivedOf(spec) : [];
  if (json) {
    const data = { kind, file: spec.file, summary, derived, values: rows, references, trust };
    console.log(JSON.stringify(data, undefined, 2));
    return;
  }
  console.log(`${kind} · ${spec.file}\n${summary}\n`);
  if (derived.length > 0) console.log(`${derivedTable(derived)}\n`);
  console.log(valueTable(rows));
  const cited = new Set(rows.map(({ from }) => from));
  const sources = Object.entries(references).filter(([key]) => cited.has(key));
  if (sources.length > 0) console.log('\nSources');
  for (const [key, source] of sources) console.log(`  ${key}: ${titleOf(source)}`);
  if (Object.keys(trust).length > 0) console.log(`\nTrust: ${describeTrust(trust)}`);
}

function valueTable(rows: readonly Row[]): string {
  const shared = rows.some(({ file }) => file !== undefined);
  const columns = [
    { header: 'path' },
    { header: 'value', align: 'quantity' as const },
    { header: 'trust' },
    { header: 'source' },
    ...(shared ? [{ header: 'like' }] : []),
    { header: 'note', wrap: true },
  ];
  const cells = rows.map(({ path, value, trust = '', from = '', note = '', file = '' }) => [
    path,
    shorten(value),
    trust,
    from,
    ...(shared ? [nameOf(file)] : []),
    note,
  ]);
  return renderTable(columns, cells);
}

/** `socs/parts/hexagon-v75.yaml` → `hexagon-v75` */
function nameOf(file: string): string {
  return file.replace(/^.*[/\\]|\.ya?ml$/g, '');
}

async function derivedOf(spec: SpecFile): Promise<readonly DerivedFigure[]> {
  const { parseSoc } = await import('../hardware/soc-spec.ts');
  const { summariseSoc } = await import('../hardware/soc-summary.ts');
  return summariseSoc(parseSoc(spec));
}

function derivedTable(figures: readonly DerivedFigure[]): string {
  const columns = [
    { header: 'derived' },
    { header: 'value', align: 'quantity' as const },
    { header: 'trust' },
    { header: 'formula', wrap: true },
  ];
  const rows = figures.map(({ name, value, dimension, trust, formula }) => [
    name,
    formatQuantity(value, dimension),
    trust,
    formula,
  ]);
  return renderTable(columns, rows);
}

/** Every value of the file in its order; those without a source are choices and names. */
function rowsOf({ data, locate }: SpecFile): Row[] {
  const sourced = new Map(sourcedEntries(data).map((entry) => [entry.path.join('.'), entry]));
  const rows = leavesOf(data, [], sourced);
  return rows
    .filter(({ path }) => !/^(references|summary)\b/.test(path))
    .map((row) => {
      const { file } = locate(row.path.split('.'));
      return file === undefined ? row : { ...row, file };
    });
}

function leavesOf(
  data: unknown,
  path: SpecPath,
  sourced: ReadonlyMap<string, ReturnType<typeof sourcedEntries>[number]>,
): Row[] {
  const name = path.join('.');
  const entry = sourced.get(name);
  if (entry) return spread(name, entry);
  if (typeof data !== 'object' || data === null) return [{ path: name, value: data }];
  if (Array.isArray(data) && data.every((item) => typeof item !== 'object')) {
    return [{ path: name, value: data }];
  }
  return Object.entries(data).flatMap(([key, child]) => leavesOf(child, [...path, key], sourced));
}

/** A source that covers a map, such as a floorplan, gives one row per entry. */
function spread(
  name: string,
  { is, from, trust, note }: ReturnType<typeof sourcedEntries>[number],
) {
  if (typeof is !== 'object' || is === null || Array.isArray(is)) {
    return [{ path: name, value: is, trust, from, note }];
  }
  return Object.entries(is).map(([key, value]) => {
    const text =
      typeof value === 'object' && value !== null
        ? Object.entries(value)
            .map(([part, size]) => `${part} ${size}`)
            .join(', ')
        : value;
    return { path: `${name}.${key}`, value: text, trust, from, note };
  });
}

const LONGEST_VALUE = 24;

/** Long tables by their ends: `480 … 3302.4 MHz (49 points)`. */
function shorten(value: unknown): string {
  const text = Array.isArray(value) ? value.join(' ') : String(value);
  if (text.length <= LONGEST_VALUE) return text;
  const words = text.split(/[\s,]+/);
  const unit = /^[\d.]/.test(words.at(-1) as string) ? [] : words.slice(-1);
  const numbers = words.slice(0, words.length - unit.length);
  if (!numbers.every((word) => /^[\d.]+$/.test(word))) return text;
  return [numbers[0], '…', numbers.at(-1), ...unit, `(${numbers.length} points)`].join(' ');
}

function titleOf(source: string | { readonly title: string; readonly url?: string }): string {
  if (typeof source === 'string') return source;
  return source.url === undefined ? source.title : `${source.title} <${source.url}>`;
}

function describeTrust(shares: Readonly<Record<string, number>>): string {
  return TRUST_LEVELS.filter((level) => shares[level] !== undefined)
    .map((level) => `${Math.round((shares[level] as number) * 100)} % ${level}`)
    .join(', ');
}

async function findEntry(name: string): Promise<CatalogueEntry & { readonly kind: string }> {
  const names = fileNames().map((entry) => entry.name);
  for (const { one, file, entries } of Object.values(catalogue)) {
    if (file) continue;
    const known = await entries();
    const found = known.find((entry) => entry.name === name);
    if (found) return { ...found, kind: one };
    names.push(...known.map((entry) => entry.name));
  }
  throw new SpecError([{ message: `nothing is called "${name}"`, hint: nearestHint(name, names) }]);
}

function showEntry(entry: CatalogueEntry & { readonly kind: string }, json: boolean): void {
  if (json) {
    console.log(JSON.stringify(entry, undefined, 2));
    return;
  }
  console.log(`${entry.kind} · ${entry.name}\n${entry.summary}`);
  for (const [label, value] of Object.entries(entry.facts)) console.log(`${label}: ${value}`);
}
