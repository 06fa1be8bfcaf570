/** Power traces as CSV, one row per interval of constant power, and their replay on any heat solver. */
import { type CsvFile, type CsvRow, parseCsv } from '../../base/csv.ts';
import { type Fault, SpecError } from '../../base/errors.ts';
import { nearestHint } from '../../base/registry.ts';
import type { Seconds } from '../../base/units.ts';

/** Prefix of the power columns; the rest of the name is the block. */
const POWER_PREFIX = 'P_';

interface PowerPiece {
  readonly start: Seconds;
  readonly end: Seconds;
  /** One value per block, W. */
  readonly watts: Float64Array;
}

export interface PowerRun {
  readonly name: string;
  readonly pieces: readonly PowerPiece[];
}

export interface PowerTrace {
  readonly runs: readonly PowerRun[];
  /** Runs of the file that are for another network. */
  readonly foreign: readonly { readonly name: string; readonly network: string }[];
}

/**
 * Reads `run,network,t_start_s,t_end_s,P_<block>…`; `network` may be missing: then every run is for this one.
 * @throws SpecError for power of unknown blocks, values that are no numbers, and intervals that overlap or leave gaps.
 */
export function parsePowerTrace(
  text: string,
  file: string,
  network: string,
  blocks: readonly string[],
): PowerTrace {
  const csv = parseCsv(text, file, ['run', 't_start_s', 't_end_s']);
  const faults: Fault[] = [];
  const runs = new Map<string, PowerPiece[]>();
  const foreign = new Map<string, string>();
  for (const row of csv.rows) {
    const { run = '', network: owner } = row.values;
    if (owner !== undefined && owner !== '' && owner !== network) {
      foreign.set(run, owner);
      continue;
    }
    const pieces = runs.get(run) ?? [];
    runs.set(run, pieces);
    pieces.push(pieceOf(csv, row, blocks, faults));
    faults.push(...orderFaults(csv, row, pieces));
  }
  if (faults.length > 0) throw new SpecError(faults);
  return {
    runs: [...runs].map(([name, pieces]) => ({ name, pieces })),
    foreign: [...foreign].map(([name, owner]) => ({ name, network: owner })),
  };
}

/** Watts per block of one row; columns of other networks' blocks must be empty. */
export function blockWatts(
  csv: CsvFile,
  row: CsvRow,
  blocks: readonly string[],
  faults: Fault[],
): Float64Array {
  const watts = new Float64Array(blocks.length);
  for (const column of csv.columns) {
    const text = row.values[column] ?? '';
    if (!column.startsWith(POWER_PREFIX) || text === '') continue;
    const name = column.slice(POWER_PREFIX.length);
    const block = blocks.indexOf(name);
    if (block < 0) {
      // One column is one mistake, however many rows it has.
      if (faults.some((fault) => fault.path === column)) continue;
      faults.push({
        file: csv.file,
        line: row.line,
        path: column,
        message: `power for unknown block "${name}"`,
        hint: nearestHint(name, blocks),
      });
    } else {
      const value = numberIn(csv, row, column, faults);
      if (value < 0) {
        faults.push({
          file: csv.file,
          line: row.line,
          path: column,
          message: 'a block cannot draw less than nothing',
          got: `${text} W`,
        });
      }
      watts[block] = value;
    }
  }
  return watts;
}

/** The number in a column; anything else is a fault of that line. */
export function numberIn(csv: CsvFile, row: CsvRow, column: string, faults: Fault[]): number {
  const text = row.values[column] ?? '';
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) {
    faults.push({
      file: csv.file,
      line: row.line,
      path: column,
      message: 'not a number',
      got: `"${text}"`,
    });
  }
  return value;
}

/**
 * Replays a run and stops at every time of `times` (rising).
 * Before the first interval and after the last there is no power.
 */
export function replayPower(
  run: PowerRun,
  times: readonly Seconds[],
  advance: (seconds: Seconds, watts: Float64Array) => void,
  visit: (index: number) => void,
): void {
  const silent = new Float64Array(run.pieces[0]?.watts.length ?? 0);
  let now = 0;
  let next = 0;
  for (const [index, time] of times.entries()) {
    while (now < time) {
      next = pieceAt(run.pieces, next, now);
      const piece = run.pieces[next];
      const active = piece !== undefined && piece.start <= now;
      const end = Math.min(active ? piece.end : (piece?.start ?? time), time);
      advance(end - now, active ? piece.watts : silent);
      now = end;
    }
    visit(index);
  }
}

/** First interval at or after `from` that has not ended at `now`; the count of intervals when all have. */
function pieceAt(pieces: readonly PowerPiece[], from: number, now: Seconds): number {
  let index = from;
  while (index < pieces.length && (pieces[index] as PowerPiece).end <= now) index++;
  return index;
}

function pieceOf(
  csv: CsvFile,
  row: CsvRow,
  blocks: readonly string[],
  faults: Fault[],
): PowerPiece {
  return {
    start: numberIn(csv, row, 't_start_s', faults),
    end: numberIn(csv, row, 't_end_s', faults),
    watts: blockWatts(csv, row, blocks, faults),
  };
}

function orderFaults(csv: CsvFile, row: CsvRow, pieces: readonly PowerPiece[]): Fault[] {
  const piece = pieces[pieces.length - 1] as PowerPiece;
  const previous = pieces[pieces.length - 2];
  const place = { file: csv.file, line: row.line };
  if (piece.end <= piece.start) {
    const got = `${piece.start} s to ${piece.end} s`;
    return [{ ...place, path: 't_end_s', message: 'interval must end after it starts', got }];
  }
  // Written decimals of neighbours agree to the digit; a microsecond of slack forgives other rounding.
  if (previous !== undefined && Math.abs(piece.start - previous.end) > 1e-6) {
    const expected = `${previous.end} s, where the interval before ends`;
    return [
      { ...place, path: 't_start_s', message: 'gap or overlap', expected, got: `${piece.start} s` },
    ];
  }
  return [];
}
