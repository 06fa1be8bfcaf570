/** Rows of systolic-array simulators' runs, each repeated with that tool's array, memory and accounting rule. */
import {
  type CheckedRow,
  type RowReport,
  relativeError,
  reportRows,
} from '../analysis/row-report.ts';
import { type CsvFile, type CsvRow, parseCsv } from '../base/csv.ts';
import { SpecError } from '../base/errors.ts';
import { GIGA, KIBI, MEGA } from '../base/units.ts';
import { type AccountingRuleName, accountingRules } from '../hardware/npu/accounting.ts';
import {
  type BenchResult,
  type BenchShape,
  runBench,
  type Testbench,
} from '../hardware/npu/testbench.ts';
import { buildTilePort, tileMemories } from '../hardware/npu/tile-port.ts';
import type { Dataflow } from '../hardware/units/unit-spec.ts';

type Mapped =
  | {
      readonly bench: Testbench;
      readonly shape: BenchShape;
      readonly group: string;
      readonly references: Readonly<Record<string, number | undefined>>;
    }
  | { readonly reason: string };

/** Columns that tell the three kinds of file apart. */
const KINDS = [
  { column: 'bw_mode', map: mapScaleSim },
  { column: 'dram_model', map: mapOnnxim },
  { column: 'kind', map: mapAnalytical },
] as const;

/** @throws SpecError naming every cell that is not a number. */
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
  checkNumbers(csv);
  const rows: CheckedRow[] = [];
  const unmapped: { id: string; reason: string }[] = [];
  for (const row of csv.rows) {
    const id = row.values['run_id'] as string;
    const mapped = kind.map(row);
    if ('reason' in mapped) unmapped.push({ id, reason: mapped.reason });
    else rows.push(...compare(id, row, mapped));
  }
  return reportRows(rows, unmapped);
}

function compare(
  id: string,
  row: CsvRow,
  mapped: Exclude<Mapped, { reason: string }>,
): CheckedRow[] {
  const predictions = quantitiesOf(runBench(mapped.bench, mapped.shape));
  return Object.entries(mapped.references).flatMap(([quantity, reference]) => {
    const predicted = predictions[quantity];
    if (reference === undefined || predicted === undefined) return [];
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
  const mode = values['bw_mode'] as string;
  const dataflow = dataflowOf(values['dataflow'] as string);
  if (dataflow === undefined) return { reason: `dataflow "${values['dataflow']}" is not known` };
  const sram = ['ifmap_sram_kb', 'filter_sram_kb', 'ofmap_sram_kb'].map((name) => cell(row, name));
  const [input, weight, output] = sram.map((kib) => (kib === undefined ? 0 : kib * KIBI));
  const buffered = sram.every((kib) => kib !== undefined);
  const bench = benchOf('scale-sim', row, {
    dataflow,
    bytesPerCycle: cell(row, 'bw_words_per_cycle'),
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
  const bench = benchOf('zigzag', row, {
    memoryBytes: (cell(row, 'onchip_kb') ?? 0) * KIBI,
    bytesPerCycle: cell(row, 'dram_bytes_per_cycle'),
    // Its one on-chip memory reads 32 bits per array column and cycle.
    sramBytesPerCycle: 4 * columns,
  });
  return {
    bench,
    shape: shapeOf(row, '', '', '', ''),
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
    rate: 1,
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

/** Columns that hold numbers in every kind of file. */
const NUMERIC = (
  'M N K array_rows array_cols ifmap_sram_kb filter_sram_kb ofmap_sram_kb bw_words_per_cycle total_cycles ' +
  'no_stall_cycles dram_ifmap_reads dram_filter_reads dram_ofmap_writes sram_ifmap_reads sram_filter_reads ' +
  'num_cores spad_kb accum_kb precision_bytes core_mhz dram_channels dram_req_bytes dram_peak_gbps ' +
  'dram_bw_util_pct channels filt filt_h filt_w in_h in_w ifmap_h ifmap_w stride pad onchip_kb ' +
  'dram_bytes_per_cycle cycles stall_free_cycles'
).split(' ');
const NEEDED = ['M', 'N', 'K'];

function checkNumbers(csv: CsvFile): void {
  const columns = NUMERIC.filter((name) => csv.columns.includes(name));
  const faults = csv.rows.flatMap((row) =>
    columns.flatMap((name) => {
      const text = row.values[name] ?? '';
      const needed = NEEDED.includes(name) && row.values['kind'] !== 'llm_e2e';
      const good = text === '' ? !needed : Number(text) >= 0;
      return good
        ? []
        : [
            {
              file: csv.file,
              line: row.line,
              path: name,
              message: 'not a number',
              got: `"${text}"`,
            },
          ];
    }),
  );
  if (faults.length > 0) throw new SpecError(faults);
}
