/** The tables of published results: well formed, of known names, and no row in two of them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../../src/base/csv.ts';
import { mapLlmRow } from '../../src/calibration/device/llm-mapping.ts';
import { type LlmRow, parseLlmRows } from '../../src/calibration/device/llm-rows.ts';
import { mappingTables } from '../../src/calibration/device/predict.ts';
import { checkCells } from '../../src/calibration/device/row-checks.ts';
import { fileSources } from '../../src/load.ts';

const NAMES = ['llm', 'llm-more', 'llm-held-out'] as const;
type Name = (typeof NAMES)[number];
const textOf = (name: Name) =>
  readFileSync(new URL(`../validation/data/phones/${name}.csv`, import.meta.url), 'utf8');
const tables = Object.fromEntries(
  NAMES.map((name) => [name, parseLlmRows(textOf(name), `${name}.csv`)]),
) as Record<Name, LlmRow[]>;
const mapping = mappingTables(fileSources());
const fresh = [...tables['llm-more'], ...tables['llm-held-out']];

/** What was measured on what, whatever the row is called and wherever it was found. */
const resultOf = ({ soc, unit, model, columns }: LlmRow) =>
  JSON.stringify([
    soc,
    unit,
    model,
    ...['weight_bits', 'prompt_tokens', 'prefill_tok_s', 'ttft_s', 'decode_tok_s'].map(
      (column) => columns[column],
    ),
  ]);
const sourcesOf = (rows: readonly LlmRow[]) =>
  new Set(rows.map(({ columns }) => columns['source_url'] as string));
const shared = <T>(a: ReadonlySet<T>, b: ReadonlySet<T>) => [...a].filter((one) => b.has(one));

describe.each(['llm-more', 'llm-held-out'] as const)('%s.csv', (name) => {
  const rows = tables[name];

  it('has the columns of llm.csv, in their order', () => {
    const header = (one: Name) => parseCsv(textOf(one), one).columns;
    expect(header(name)).toEqual(header('llm'));
  });

  it('holds plausible numbers, each with its source and grade, of one measurement a row', () => {
    expect(() => checkCells(rows, `${name}.csv`)).not.toThrow();
    const measurements = rows.map(({ columns: { id, ...said } }) => JSON.stringify(said));
    expect(new Set(measurements).size).toBe(rows.length);
    for (const { id, kind, quality, columns } of rows) {
      expect(`${id} ${kind}`).toBe(`${id} measured`);
      expect(`${id} ${quality}`).toMatch(/ [ABC]$/);
      expect(`${id} ${columns['source_url']}`).toMatch(/ https:\/\/\S+$/);
      expect(`${id}: ${columns['source_title']}`).toMatch(/: .{8}/);
      expect(`${id}: ${columns['notes']}`).toMatch(/: .{4}/);
    }
  });

  it('names a SoC, unit, engine, model and precision that there is, in nine rows of ten', () => {
    const missing = rows.flatMap((row) => {
      const found = mapLlmRow(row, mapping);
      return 'reason' in found ? [`${row.id}: ${found.reason}`] : [];
    });
    expect(missing.length / rows.length, missing.join('\n')).toBeLessThanOrEqual(0.1);
  });

  it('is large enough to say something: several SoCs, every kind of unit, several engines', () => {
    const of = (key: 'soc' | 'unit' | 'runtime') => new Set(rows.map((row) => row[key])).size;
    expect(rows.length).toBeGreaterThanOrEqual(50);
    expect(of('soc')).toBeGreaterThanOrEqual(4);
    expect(of('unit')).toBe(3);
    expect(of('runtime')).toBeGreaterThanOrEqual(4);
  });
});

describe('the tables of language-model results', () => {
  it('give every row its own name', () => {
    const ids = NAMES.flatMap((name) => tables[name].map(({ id }) => id));
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
  });

  it('hold no result twice, under whatever name', () => {
    const known = new Set(tables.llm.map(resultOf));
    expect(fresh.filter((row) => known.has(resultOf(row))).map(({ id }) => id)).toEqual([]);
  });

  it('draw what is held out from sources that no other table uses', () => {
    const held = sourcesOf(tables['llm-held-out']);
    expect(shared(held, sourcesOf(tables['llm-more']))).toEqual([]);
    expect(shared(held, sourcesOf(tables.llm))).toEqual([]);
  });
});
