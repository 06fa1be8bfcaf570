/** What the columns of simulators' runs may hold; every cell that cannot be is named with its line. */
import type { CsvFile, CsvRow } from '../base/csv.ts';
import { type Fault, SpecError } from '../base/errors.ts';
import { nearestHint } from '../base/registry.ts';
import { KIBI, MEBI, MEGA, MICRO } from '../base/units.ts';

interface Bounds {
  readonly least: number;
  readonly most: number;
  readonly whole: boolean;
}

const upTo = (most: number): Bounds => ({ least: 1, most, whole: true });
const DIMENSION = upTo(MEBI);
const ARRAY = upTo(4 * KIBI);
/** KiB: a gigabyte is beyond any on-chip memory. */
const MEMORY = upTo(MEBI);
const FEW = upTo(KIBI);
const RATE: Bounds = { least: MICRO, most: MEGA, whole: false };
const COUNTED: Bounds = { least: 0, most: Number.MAX_SAFE_INTEGER, whole: false };
const TOTAL = upTo(Number.MAX_SAFE_INTEGER);

const COLUMNS: Readonly<Record<string, Bounds>> = {
  ...column('M N K in_h in_w ifmap_h ifmap_w channels num_filters', DIMENSION),
  ...column('array_rows array_cols', ARRAY),
  ...column('ifmap_sram_kb filter_sram_kb ofmap_sram_kb spad_kb accum_kb onchip_kb', MEMORY),
  ...column('filt filt_h filt_w stride batch num_cores dram_channels dram_req_bytes', FEW),
  ...column('precision_bytes', upTo(16)),
  ...column('weight_bits act_bits', upTo(128)),
  ...column('bw_words_per_cycle core_mhz dram_peak_gbps dram_bytes_per_cycle', RATE),
  ...column('total_cycles no_stall_cycles cycles stall_free_cycles', TOTAL),
  ...column('dram_ifmap_reads dram_filter_reads dram_ofmap_writes', COUNTED),
  ...column('sram_ifmap_reads sram_filter_reads', COUNTED),
  dram_bw_util_pct: { least: 0, most: 100, whole: false },
  pad: { least: 0, most: KIBI, whole: true },
};

function column(names: string, bounds: Bounds): Readonly<Record<string, Bounds>> {
  return Object.fromEntries(names.split(' ').map((name) => [name, bounds]));
}

/** Cells of a row that are no numbers that their columns may hold. */
export function wrongNumbers(csv: CsvFile, row: CsvRow): Fault[] {
  return csv.columns.flatMap((name) => {
    const bounds = COLUMNS[name];
    const text = row.values[name] ?? '';
    if (!bounds || text === '' || fits(text, bounds)) return [];
    return [
      {
        ...placeOf(csv, row, name),
        message: 'not a number that it may hold',
        expected: describe(bounds),
        got: `"${text}"`,
      },
    ];
  });
}

/** Decimal digits only: `Number` also takes hexadecimal, `Infinity` and blanks. */
const DECIMAL = /^[+-]?\d+(\.\d*)?(e[+-]?\d+)?$/i;

function fits(text: string, { least, most, whole }: Bounds): boolean {
  if (!DECIMAL.test(text.trim())) return false;
  const value = Number(text);
  return value >= least && value <= most && (!whole || Number.isInteger(value));
}

function describe({ least, most, whole }: Bounds): string {
  const kind = whole ? 'a whole number' : 'a number';
  return most === Number.MAX_SAFE_INTEGER
    ? `${kind} of at least ${least}`
    : `${kind} from ${least} to ${most}`;
}

/** @throws SpecError naming the columns that a kind of file needs and this one has not. */
export function requireColumns({ file, columns }: CsvFile, needed: readonly string[]): void {
  const faults = needed
    .filter((name) => !columns.includes(name))
    .map((name) => ({
      file,
      line: 1,
      message: `column "${name}" is missing`,
      hint: nearestHint(name, columns),
    }));
  if (faults.length > 0) throw new SpecError(faults);
}

/** Cells that a row cannot be repeated without. */
export function emptyCells(csv: CsvFile, row: CsvRow, needed: readonly string[]): Fault[] {
  return needed
    .filter((name) => (row.values[name] ?? '').trim() === '')
    .map((name) => ({
      ...placeOf(csv, row, name),
      message: 'is empty',
      ...(COLUMNS[name] ? { expected: describe(COLUMNS[name]) } : {}),
    }));
}

export function placeOf({ file, columns }: CsvFile, { line }: CsvRow, name: string) {
  return { file, line, path: `${name} (column ${columns.indexOf(name) + 1})` };
}
