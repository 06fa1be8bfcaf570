/**
 * Predicts measured rates of memory: units that stream alone or beside each other, and what decoding draws.
 *
 * Model    a row that names an engine and a model is decode rate × stored bytes, as such rows are made: bytes of the file
 *          that was measured where the row has them (`weight_gb`), else of the model as described; any other is a read
 *          stream of each unit at its port, together at most what memory gives
 * Ignores  what microbenchmarks write; the caches of a CPU
 * Valid    streams much longer than the caches
 * Source   src/engine/bandwidth.ts, src/engine/closed-form.ts
 * Checked  test/unit/calibration/device/bandwidth-predict.test.ts, test/validation/phones.test.ts
 */
import { parseCsv } from '../../base/csv.ts';
import { type Fault, SpecError } from '../../base/errors.ts';
import { GIGA } from '../../base/units.ts';
import { availableBandwidth, portLimits } from '../../engine/bandwidth.ts';
import type { Machine } from '../../engine/machine.ts';
import { prepareMachine, type Sources } from '../../engine/prepare.ts';
import { findSoc, type MappingTables } from './llm-names.ts';
import { numberOf, rowsOf } from './llm-rows.ts';
import type { DevicePrediction, DevicePredictions } from './measured.ts';
import { predictLlmRows, prepareRow } from './predict.ts';

/** The columns that a file of such rows must have. */
export const BANDWIDTH_COLUMNS = [
  'id',
  'soc',
  'unit',
  'runtime',
  'workload',
  'achieved_gb_s',
  'achieved_min_gb_s',
  'achieved_max_gb_s',
] as const;

/** What a row that names an engine may say as well, as rows of language models do: it tells formats and files apart. */
export const DECODE_COLUMNS = ['weight_bits', 'context_tokens', 'weight_gb'] as const;

/** No memory of a phone or laptop reads at more; a figure beyond is in another unit. */
const PLAUSIBLE = [0.05, 2000] as const;

interface BandwidthRow {
  readonly id: string;
  readonly line: number;
  readonly low: number;
  readonly high: number;
  readonly columns: Readonly<Record<string, string>>;
}

type Outcome = { readonly value: number; readonly assumptions: readonly string[] } | Refusal;
interface Refusal {
  readonly reason: string;
}

/** @throws SpecError for missing columns and implausible figures. */
export function predictBandwidthRows(
  text: string,
  file: string,
  tables: MappingTables,
  sources: Sources,
): DevicePredictions {
  const rows: DevicePrediction[] = [];
  const unmapped: { id: string; reason: string }[] = [];
  for (const row of parseBandwidthRows(text, file)) {
    const { id, low, high, columns } = row;
    const found = Number.isNaN(low) ? { reason: NOTHING } : outcomeOf(row, tables, sources);
    if ('reason' in found) {
      unmapped.push({ id, reason: found.reason });
      continue;
    }
    const predicted = found.value / GIGA;
    // The nearest end of what was measured as a range.
    const reference = Math.min(Math.max(predicted, low), high);
    rows.push({
      id,
      quantity: 'bandwidth',
      predicted,
      reference,
      error: predicted / reference - 1,
      group: `${columns['soc']}, ${columns['unit']}`,
      assumptions: found.assumptions,
      columns,
    });
  }
  return { rows, unmapped };
}

const NOTHING = 'no rate, and no range with both ends';

function parseBandwidthRows(text: string, file: string): BandwidthRow[] {
  const faults: Fault[] = [];
  const rows = parseCsv(text, file, BANDWIDTH_COLUMNS).rows.map(({ line, values }) => {
    const numbers = ['achieved_gb_s', 'achieved_min_gb_s', 'achieved_max_gb_s'].map((path) => {
      const cell = (values[path] ?? '').trim();
      const value = numberOf(cell);
      if (cell === '' || (value !== undefined && value >= PLAUSIBLE[0] && value <= PLAUSIBLE[1]))
        return value;
      const message = value === undefined ? 'is no number' : 'is no plausible value in this unit';
      const expected = `${PLAUSIBLE.join(' to ')} GB/s, without a unit behind it`;
      faults.push({ file, line, path, message, expected, got: cell });
      return undefined;
    });
    const [one = Number.NaN, low = one, high = low] = numbers;
    if (low > high)
      faults.push({ file, line, path: 'achieved_min_gb_s', message: 'is above the maximum' });
    return { id: values['id'] ?? '', line, low, high, columns: values };
  });
  if (faults.length > 0) throw new SpecError(faults);
  return rows;
}

function outcomeOf(row: BandwidthRow, tables: MappingTables, sources: Sources): Outcome {
  const { soc = '', runtime = '' } = row.columns;
  if (runtime !== '') return decodeRate(row, sources);
  const found = findSoc({ soc }, tables);
  if ('reason' in found) return found;
  const rate = streamRate(row.columns['unit'] ?? '', prepareMachine(found.id, sources));
  if (typeof rate !== 'number') return rate;
  return { value: rate, assumptions: found.assumptions };
}

/** Read streams of the named units side by side; `any` is whatever memory gives at most, `single` the NPU. */
function streamRate(unit: string, machine: Machine): number | Refusal {
  if (unit === 'any') return availableBandwidth(machine, 1, 2);
  const names = unit === 'single' ? ['npu'] : unit.split('+');
  const units = names.map((name) => machine.units.find((one) => one.unit.name === name));
  const missing = names.filter((_, i) => units[i] === undefined);
  if (missing.length > 0) return { reason: `${machine.soc} has no unit "${missing.join(', ')}"` };
  const available = availableBandwidth(machine, 1, names.length);
  const ports = units.flatMap((one) => (one ? [one.unit.port] : []));
  const drawn = portLimits(machine, ports, available).reduce((sum, rate) => sum + rate, 0);
  return Math.min(available, drawn);
}

/** Models are named behind the comma: `LLM decode, Llama-2-7B`. */
const DECODE = /decode, (.+)$/;

function decodeRate({ columns, line }: BandwidthRow, sources: Sources): Outcome {
  const [, model] = DECODE.exec(columns['workload'] ?? '') ?? [];
  if (model === undefined)
    return { reason: 'an engine is named, but no model ("LLM decode, MODEL")' };
  const bits = /(\d+)-bit|\b(fp16|bf16)\b/.exec(columns['notes'] ?? '');
  const values = {
    ...columns,
    model,
    model_base: '',
    weight_bits: columns['weight_bits'] || (bits?.[1] ?? bits?.[2] ?? ''),
    prefill_tok_s: '',
    ttft_s: '',
    decode_tok_s: '1',
  };
  const { rows, unmapped } = predictLlmRows(rowsOf({ rows: [{ line, values }] }), sources);
  const [found] = rows;
  if (!found) return { reason: unmapped[0]?.reason ?? NOTHING };
  const { weightGigabytes } = found.mapped.row;
  const bytes =
    weightGigabytes === undefined
      ? prepareRow(found.mapped, sources).plan.memory.weights
      : weightGigabytes * GIGA;
  return { value: found.predicted * bytes, assumptions: found.mapped.assumptions };
}
