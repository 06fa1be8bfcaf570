import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCsv, parseCsv } from '../../src/base/csv.ts';
import { SpecError } from '../../src/base/errors.ts';
import { GIGA } from '../../src/base/units.ts';
import {
  checkRows,
  type DramRowsResult,
  parseRows,
  placesIn,
} from '../../src/calibration/dram-rows.ts';
import { loadLpddrPreset } from '../../src/calibration/lpddr-presets.ts';
import type { LpddrPreset } from '../../src/hardware/dram/preset.ts';

type Row = Record<string, string>;

const FILE = 'mine.csv';
const reference = parseCsv(
  readFileSync('test/validation/data/lpddr_reference_runs.csv', 'utf8'),
  FILE,
);
const REQUIRED = [
  'run_id',
  'simulator',
  'preset',
  'channels',
  'refresh',
  'map',
  'mode',
  'window',
  'open_rate',
  'n_accesses',
  'requesters',
  'achieved_GBs',
];
/** One row in thirty, shortened. */
const ROWS: readonly Row[] = reference.rows
  .filter((_, index) => index % 30 === 0)
  .map(({ values }) => ({ ...values, n_accesses: '240' }));

const rowOf = fc.constantFrom(...ROWS);
const anyOf = (column: string, ...values: string[]) =>
  fc.constantFrom(...values).map((value): Row => ({ [column]: value }));
/** Other settings that somebody else's runs may have; some contradict each other. */
const change: fc.Arbitrary<Row> = fc.oneof(
  anyOf('channels', '1', '2', '4', '8', '3', '0', '-1', '1.5', '1e9', ''),
  anyOf('ranks', '1', '2', '4', '0'),
  anyOf('preset', 'LPDDR5-6400', 'lpddr5t_9600', 'LPDDR6-10667', 'LPDDR5X', '', 'DDR4'),
  anyOf('rate_mtps', '6400', '9600', '', 'fast'),
  anyOf('mode', 'open', 'closed', '', 'Open'),
  anyOf('window', '1', '7', '512', '0', '', '-4', '1e12', 'NaN'),
  anyOf('open_rate', '0.05', '0.9', '1.5', '0', '', '-0.1', 'Infinity'),
  anyOf('read_q', '1', '4', '256', '0', '', 'many'),
  anyOf('write_q', '1', '2', '256', '0', ''),
  anyOf('bank_q', '1', '2', '0', ''),
  anyOf('refresh', 'all-bank', 'per-bank', 'off', 'none', '', 'weekly'),
  anyOf(
    'row_policy',
    'open',
    'close',
    'close_adaptive',
    'closed after 2 column accesses',
    'ajar',
    '',
  ),
  anyOf('map', 'A', 'B', 'X', 'L', 'row:bank:column:channel', 'Z', ''),
  anyOf('map_lsb_to_msb', '', 'co1,bg2,co5,ba2,ro15', 'co9', 'co1,bg2,co5,ba2,ro3', 'ro99', ',,'),
  anyOf('simulator', 'ramulator2.1', 'dramsim3', 'gem5', 'drampower', ''),
  anyOf('n_accesses', '20', '300', '0', '19', '1e15', '', '30.5'),
  anyOf('achieved_GBs', '3', '', '0', '-1', 'n/a'),
  anyOf('lat_mean_ns', '100', '', 'x'),
  anyOf('row_hit_rate', '0.5', '', '1.01', '?'),
  anyOf('pct_peak', '50', '', '-'),
  anyOf(
    'requesters',
    'seq',
    'rand;region=64;wpct=50 | chunk;stride=8K;region=8K',
    'stride;stride=4K;region=4K;wpct=100',
    'seq;w=1 | rand;rate=0.5;base=1M;region=1M',
    'seq;region=1G;base=512G',
    'rand;rate=1',
    'seq;wpct=101',
    '',
    '|',
    'rand;seed=0',
  ),
);

function check(text: string): DramRowsResult | SpecError {
  try {
    const csv = parseRows(text, FILE);
    return checkRows(csv.rows, { placeOf: placesIn(text, csv) });
  } catch (error) {
    if (error instanceof SpecError) return error;
    throw error;
  }
}

const presets = new Map<string, LpddrPreset>();

/** Every row has run, within what is possible, or says in one place each what is wrong. */
function expectSound(result: DramRowsResult | SpecError): void {
  if (result instanceof SpecError) {
    for (const fault of result.faults) expect(fault.file).toBe(FILE);
    return;
  }
  for (const { predicted, reference: other, error, quantity, columns } of result.checks) {
    expect(Number.isFinite(predicted) && predicted >= 0).toBe(true);
    expect(Number.isFinite(error)).toBe(true);
    expect(other).toBeGreaterThanOrEqual(0);
    if (quantity === 'row_hit_rate') expect(predicted).toBeLessThanOrEqual(1);
    const name = columns['preset'] as string;
    const preset = presets.get(name) ?? loadLpddrPreset(name);
    presets.set(name, preset);
    const peak = (preset.rate.is * preset.channelBits.is * Number(columns['channels'] || 1)) / 8;
    // Between the marks of so short a run, writes that a queue took in count before the bus has carried them.
    const queued = /wpct/.test(columns['requesters'] as string) ? 2 : 1.05;
    if (quantity === 'bandwidth') expect(predicted / GIGA).toBeLessThan((queued * peak) / GIGA);
  }
  for (const { reason } of result.unmapped) {
    for (const line of reason.split('\n')) expect(line).toMatch(/^mine\.csv:\d+(:\d+)?: \S/);
  }
}

describe('rows of other simulators', () => {
  it('run or say what is wrong with them and where, whatever their settings', () => {
    fc.assert(
      fc.property(rowOf, fc.array(change, { maxLength: 4 }), (row, changes) => {
        const values = Object.assign({}, row, ...changes) as Row;
        const columns = Object.keys(values);
        const result = check(formatCsv(columns, [columns.map((name) => values[name])]));
        expectSound(result);
        if (!(result instanceof SpecError)) {
          expect(result.checks.length > 0).toBe(result.unmapped.length === 0);
        }
      }),
      { numRuns: 120 },
    );
  });

  it('mean the same in any order of columns, with more of them or fewer, quoted, with any line ends', () => {
    fc.assert(
      fc.property(
        rowOf,
        fc.nat(),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        fc.boolean(),
        (row, turn, lineEnd, mark, quote) => {
          const names = Object.keys(row);
          const shuffled = names.map((_, i) => names[(i * 7 + turn) % names.length] as string);
          const columns = [...new Set([...shuffled, ...names, 'my, own "column"'])];
          const field = (text: string) =>
            quote || /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
          const lines = [columns, columns.map((name) => row[name] ?? 'and, more')];
          const text = lines.map((line) => line.map(field).join(',')).join(lineEnd) + lineEnd;
          const plain = check(formatCsv(names, [names.map((name) => row[name])]));
          const other = check(mark ? `\uFEFF${text}` : text);
          const numbers = (result: DramRowsResult | SpecError) =>
            result instanceof SpecError
              ? result
              : result.checks.map(({ id, quantity, predicted, error }) => [
                  id,
                  quantity,
                  predicted,
                  error,
                ]);
          expect(numbers(other)).toEqual(numbers(plain));
          expect(plain).not.toBeInstanceOf(SpecError);
        },
      ),
      { numRuns: 6 },
    );
  });

  it('need their columns, each once, and quotes that close', () => {
    const names = Object.keys(ROWS[0] as Row);
    const row = names.map((name) => (ROWS[0] as Row)[name]);
    for (const gone of REQUIRED) {
      const kept = names.filter((name) => name !== gone);
      const text = formatCsv(kept, [kept.map((name) => (ROWS[0] as Row)[name])]);
      expect(() => parseRows(text, FILE)).toThrow(`mine.csv:1: column "${gone}" is missing`);
    }
    const twice = formatCsv([...names, 'window'], [[...row, '1']]);
    expect(() => parseRows(twice, FILE)).toThrow('column "window" is there twice');
    const open = `${formatCsv(names, [row])}"${'x,'.repeat(names.length)}\n`;
    expect(() => parseRows(open, FILE)).toThrow('mine.csv:3: a quote is not closed');
  });

  it('point at the field that is wrong', () => {
    const text = [
      REQUIRED.join(','),
      'a,gem5,LPDDR5X_8533,1,all-bank,A,closed,64,,2000,"rand;region=1M",10',
      'b,"x, y",LPDDR5X_8534,1,all-bank,A,closed,64,,2000,seq,10',
      'c,x,LPDDR5X_8533,1,all-bank,A,closed,64,,2000,seq;region=64G,10',
      '',
    ].join('\n');
    const result = check(text) as DramRowsResult;
    const places = result.unmapped.map(({ reason }) => reason.split(': ')[0]);
    // After `b,"x, y",` and after `c,x,LPDDR5X_8533,1,all-bank,A,closed,64,,2000,`.
    expect(places).toEqual(['mine.csv:3:10', 'mine.csv:4:47']);
    expect(result.unmapped[0]?.reason).toContain('did you mean "lpddr5x-8533"');
  });
});
