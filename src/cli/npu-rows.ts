/** Rows of systolic-array simulators' runs, each repeated with that tool's array, memory and accounting rule. */
import {
  type CheckedRow,
  type RowReport,
  relativeError,
  reportRows,
} from '../analysis/row-report.ts';
import { type CsvFile, type CsvRow, parseCsv } from '../base/csv.ts';
import { type Fault, SpecError } from '../base/errors.ts';
import { GIGA, KIBI, MEGA } from '../base/units.ts';
import { type AccountingRuleName, accountingRules } from '../hardware/npu/accounting.ts';
import { ruleLimit } from '../hardware/npu/bench-limits.ts';
import {
  type BenchResult,
  type BenchShape,
  runBench,
  type Testbench,
} from '../hardware/npu/testbench.ts';
import { buildTilePort, tileMemories } from '../hardware/npu/tile-port.ts';
import type { Dataflow } from '../hardware/units/unit-spec.ts';
import { emptyCells, placeOf, requireColumns, wrongNumbers } from './npu-columns.ts';
import { TOOL_SEARCH } from './npu-machine.ts';

type Mapped =
  | {
      readonly bench: Testbench;
      readonly shape: BenchShape;
      readonly group: string;
      readonly references: Readonly<Record<string, number | undefined>>;
    }
  | { readonly reason: string };

interface Kind {
  /** Only this kind of file has it. */
  readonly column: string;
  readonly map: (row: CsvRow) => Mapped;
  /** Columns without which no row can be repeated. */
  readonly needs: readonly string[];
  /** Input height and width, filter height and width, of rows that are convolutions. */
  readonly window: readonly [string, string, string, string] | undefined;
}

const KINDS: readonly Kind[] = [
  {
    column: 'bw_mode',
    map: mapScaleSim,
    needs: ['array_rows', 'array_cols', 'dataflow', 'total_cycles'],
    window: ['ifmap_h', 'ifmap_w', 'filt_h', 'filt_w'],
  },
  {
    column: 'dram_model',
    map: mapOnnxim,
    needs: [
      ...['array_rows', 'array_cols', 'num_cores', 'spad_kb', 'accum_kb', 'precision_bytes'],
      ...['core_mhz', 'dram_channels', 'dram_req_bytes', 'dram_peak_gbps', 'total_cycles'],
    ],
    window: ['in_h', 'in_w', 'filt', 'filt'],
  },
  {
    column: 'kind',
    map: mapAnalytical,
    needs: ['array_rows', 'array_cols', 'onchip_kb', 'dram_bytes_per_cycle', 'cycles'],
    window: undefined,
  },
];
const PRODUCT = ['M', 'N', 'K'];

/** @throws SpecError naming every cell that is wrong, of all rows. */
export function checkNpuRows(text: string, file: string): RowReport {
  const csv = parseCsv(text, file, ['run_id', 'tool', 'family', 'layer', 'M', 'N', 'K']);
  const kind = KINDS.find(({ column }) => csv.columns.includes(column));
  if (!kind) {
    throw new SpecError([
      {
        file,
        line: 1,
        message: 'not a table of simulator runs',
        expected: `one of the columns ${KINDS.map(({ column }) => column).join(', ')}`,
      },
    ]);
  }
  requireColumns(csv, kind.needs);
  const faults: Fault[] = [];
  const mapped = csv.rows.map((row) => {
    const found = kind.map(row);
    const wrong = wrongNumbers(csv, row);
    faults.push(...wrong);
    if ('reason' in found) return found;
    faults.push(...emptyCells(csv, row, [...PRODUCT, ...kind.needs]));
    if (wrong.length === 0) faults.push(...windowFaults(csv, row, kind));
    const limit = ruleLimit(found.bench, found.shape);
    return limit === undefined ? found : { reason: limit };
  });
  if (faults.length > 0) throw new SpecError(faults);
  const named = csv.rows.map((row, i) => ({
    id: row.values['run_id'] || `line ${row.line}`,
    row,
    found: mapped[i] as Mapped,
  }));
  return reportRows(
    named.flatMap(({ id, row, found }) => ('reason' in found ? [] : compare(id, row, found))),
    named.flatMap(({ id, found }) => ('reason' in found ? [{ id, reason: found.reason }] : [])),
  );
}

/** A convolution whose own sizes give another product than its M, N and K. */
function windowFaults(csv: CsvFile, row: CsvRow, { window }: Kind): Fault[] {
  if (!window) return [];
  const shape = shapeOf(row, ...window);
  if (!shape.conv) return [];
  const { outHeight, outWidth, inChannels, kernelHeight, kernelWidth } = shape.conv.form;
  if (outHeight < 1 || outWidth < 1)
    return [{ ...placeOf(csv, row, window[2]), message: 'the filter is larger than its input' }];
  const sizes = { M: outHeight * outWidth, K: kernelHeight * kernelWidth * inChannels };
  return Object.entries(sizes).flatMap(([name, size]) =>
    cell(row, name) === size
      ? []
      : [
          {
            ...placeOf(csv, row, name),
            message: `does not go with the convolution, which gives ${size}`,
            got: row.values[name] ?? '',
          },
        ],
  );
}

function compare(
  id: string,
  row: CsvRow,
  mapped: Exclude<Mapped, { reason: string }>,
): CheckedRow[] {
  const predictions = quantitiesOf(runBench(mapped.bench, mapped.shape));
  return Object.entries(mapped.references).flatMap(([quantity, reference]) => {
    const predicted = predictions[quantity];
    if (!reference || predicted === undefined) return [];
    const error = relativeError(predicted, reference);
    return [
      { id, quantity, predicted, reference, error, group: mapped.group, columns: row.values },
    ];
  });
}

function quantitiesOf(result: BenchResult): Readonly<Record<string, number | undefined>> {
  const { dramReadBytes: read, dramWriteBytes: write } = result;
  return {
    total_cycles: result.totalCycles,
    no_stall_cycles: result.computeCycles,
    macs: result.macs,
    utilisation: result.utilisation,
    sram_read_bytes: result.sramReadBytes,
    dram_bytes: read === undefined || write === undefined ? undefined : read + write,
  };
}

/** Words are bytes in SCALE-Sim; a missing cell means that the closed form alone was evaluated. */
function mapScaleSim(row: CsvRow): Mapped {
  const { values } = row;
  const tool = values['tool'] as string;
  if (!tool.startsWith('SCALE-Sim')) return { reason: `${tool} has no rule here` };
  const mode = values['bw_mode'] as string;
  if (mode !== 'CALC' && mode !== 'USER') return { reason: `bw_mode "${mode}" is not known` };
  const port = cell(row, 'bw_words_per_cycle');
  if (mode === 'USER' && port === undefined) return { reason: 'bw_words_per_cycle is empty' };
  const dataflow = dataflowOf(values['dataflow'] as string);
  if (dataflow === undefined) return { reason: `dataflow "${values['dataflow']}" is not known` };
  const sram = ['ifmap_sram_kb', 'filter_sram_kb', 'ofmap_sram_kb'].map((name) => cell(row, name));
  const [input, weight, output] = sram.map((kib) => (kib === undefined ? 0 : kib * KIBI));
  const buffered = sram.every((kib) => kib !== undefined);
  const bench = benchOf('scale-sim', row, {
    dataflow,
    bytesPerCycle: port,
    ...(buffered
      ? { buffers: { input: input ?? 0, weight: weight ?? 0, output: output ?? 0 } }
      : {}),
  });
  const moved = ['dram_ifmap_reads', 'dram_filter_reads', 'dram_ofmap_writes'];
  return {
    bench,
    shape: shapeOf(row, 'ifmap_h', 'ifmap_w', 'filt_h', 'filt_w'),
    group: `SCALE-Sim ${mode} ${values['family']}`,
    references: {
      total_cycles: cell(row, 'total_cycles'),
      no_stall_cycles: cell(row, 'no_stall_cycles'),
      sram_read_bytes: sum(row, ['sram_ifmap_reads', 'sram_filter_reads']),
      dram_bytes: sum(row, moved),
    },
  };
}

function mapOnnxim(row: CsvRow): Mapped {
  const { values } = row;
  const tool = values['tool'] as string;
  if (!tool.startsWith('ONNXim')) return { reason: `${tool} has no rule here` };
  const clock = (cell(row, 'core_mhz') ?? 0) * MEGA;
  const peak = (cell(row, 'dram_peak_gbps') ?? 0) * GIGA;
  const narrow = !/HBM/.test(values['dram_model'] as string);
  const channels = cell(row, 'dram_channels') ?? 1;
  const request = cell(row, 'dram_req_bytes') ?? 1;
  const memory = narrow ? tileMemories.narrow : tileMemories.hbm;
  const bench = benchOf('onnxim', row, {
    engines: cell(row, 'num_cores') ?? 1,
    elementBytes: cell(row, 'precision_bytes') ?? 1,
    memoryBytes: (cell(row, 'spad_kb') ?? 0) * KIBI,
    accumulatorBytes: (cell(row, 'accum_kb') ?? 0) * KIBI,
    tilePort: buildTilePort(memory, peak, clock, channels, request),
  });
  const shape = shapeOf(row, 'in_h', 'in_w', 'filt', 'filt');
  // A burst of eight on a narrow channel holds it for four clocks, an HBM request for one.
  const busy = ((cell(row, 'dram_bw_util_pct') ?? 0) / 100) * (narrow ? 4 : 1);
  const served = (busy * peak * (cell(row, 'total_cycles') ?? 0)) / clock;
  return {
    bench,
    shape,
    group: `ONNXim ${shape.conv ? 'conv' : 'gemm'} ${values['family']}`,
    references: {
      total_cycles: cell(row, 'total_cycles'),
      // Convolutions of this version move far fewer weight bytes than there are: not a reference.
      dram_bytes: shape.conv ? undefined : served,
    },
  };
}

function mapAnalytical(row: CsvRow): Mapped {
  const { values } = row;
  const tool = values['tool'] as string;
  if (values['kind'] !== 'gemm_cycles') return { reason: `${values['kind']} is not one product` };
  if (!tool.startsWith('ZigZag')) return { reason: `${tool} depends on a mapping written by hand` };
  const columns = cell(row, 'array_cols') ?? 1;
  const bits = cell(row, 'act_bits') ?? 8;
  if (bits !== (cell(row, 'weight_bits') ?? 8))
    return { reason: 'inputs and weights of different widths are not covered by the rule' };
  const shape = shapeOf(row, '', '', '', '');
  const bench = benchOf('zigzag', row, {
    elementBytes: bits / 8,
    memoryBytes: (cell(row, 'onchip_kb') ?? 0) * KIBI,
    bytesPerCycle: cell(row, 'dram_bytes_per_cycle'),
    // Its one on-chip memory reads 32 bits per array column and cycle.
    sramBytesPerCycle: 4 * columns,
    loopSearch: { ...TOOL_SEARCH, factors: cell(row, 'search_lpf') ?? TOOL_SEARCH.factors },
  });
  return {
    bench,
    shape: { ...shape, products: cell(row, 'batch') ?? 1 },
    group: `ZigZag ${values['family']}`,
    references: {
      total_cycles: cell(row, 'cycles'),
      no_stall_cycles: cell(row, 'stall_free_cycles'),
    },
  };
}

interface BenchOptions {
  readonly dataflow?: Dataflow;
  readonly engines?: number;
  readonly elementBytes?: number;
  readonly memoryBytes?: number;
  readonly accumulatorBytes?: number;
  readonly sramBytesPerCycle?: number;
  readonly bytesPerCycle?: number | undefined;
  readonly buffers?: Testbench['buffers'];
  readonly tilePort?: Testbench['tilePort'];
  readonly loopSearch?: Testbench['loopSearch'];
}

function benchOf(rule: AccountingRuleName, row: CsvRow, options: BenchOptions): Testbench {
  const rows = cell(row, 'array_rows') ?? 1;
  const columns = cell(row, 'array_cols') ?? 1;
  const accounting = accountingRules[rule];
  return {
    array: {
      engines: options.engines ?? 1,
      rows,
      columns,
      dataflow: options.dataflow ?? 'weight-stationary',
      overlapFolds: accounting.overlapFolds,
      doubleBufferPreload: accounting.hidePreload,
    },
    elementBytes: options.elementBytes ?? 1,
    memory: {
      bytes: options.memoryBytes ?? 0,
      accumulatorBytes: options.accumulatorBytes ?? 0,
      granule: Math.max(rows, columns),
    },
    sramBytesPerCycle: options.sramBytesPerCycle ?? columns,
    bytesPerCycle: options.bytesPerCycle,
    accounting,
    ...(options.buffers ? { buffers: options.buffers } : {}),
    ...(options.tilePort ? { tilePort: options.tilePort } : {}),
    ...(options.loopSearch ? { loopSearch: options.loopSearch } : {}),
  };
}

/** A convolution where the row gives its input size, else a product. */
function shapeOf(
  row: CsvRow,
  inHeight: string,
  inWidth: string,
  filterHeight: string,
  filterWidth: string,
): BenchShape {
  const gemm = {
    products: 1,
    m: cell(row, 'M') ?? 0,
    n: cell(row, 'N') ?? 0,
    k: cell(row, 'K') ?? 0,
  };
  const height = cell(row, inHeight);
  const width = cell(row, inWidth);
  if (height === undefined || width === undefined) return gemm;
  const pad = cell(row, 'pad') ?? 0;
  const stride = cell(row, 'stride') ?? 1;
  const kernelHeight = cell(row, filterHeight) ?? 1;
  const kernelWidth = cell(row, filterWidth) ?? 1;
  const outOf = (size: number, kernel: number) =>
    Math.floor((size + 2 * pad - kernel) / stride) + 1;
  return {
    ...gemm,
    conv: {
      inputHeight: height + 2 * pad,
      inputWidth: width + 2 * pad,
      padding: pad,
      form: {
        kind: 'conv',
        batch: 1,
        outHeight: outOf(height, kernelHeight),
        outWidth: outOf(width, kernelWidth),
        outChannels: gemm.n,
        inChannels: cell(row, 'channels') ?? 1,
        kernelHeight,
        kernelWidth,
        strideHeight: stride,
        strideWidth: stride,
        groups: 1,
      },
    },
  };
}

function dataflowOf(short: string): Dataflow | undefined {
  const names: Readonly<Record<string, Dataflow>> = {
    ws: 'weight-stationary',
    os: 'output-stationary',
    is: 'input-stationary',
  };
  return names[short];
}

function cell(row: CsvRow, name: string): number | undefined {
  const text = row.values[name];
  return text === undefined || text === '' ? undefined : Number(text);
}

function sum(row: CsvRow, names: readonly string[]): number | undefined {
  const values = names.map((name) => cell(row, name));
  return values.some((value) => value === undefined)
    ? undefined
    : values.reduce<number>((total, value) => total + (value ?? 0), 0);
}
