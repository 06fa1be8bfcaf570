/** `socsim probe npu`: drives one matrix engine with one product or convolution, or checks it against other simulators. */
import { type RowReport, reportJson } from '../analysis/row-report.ts';
import { type Fault, SpecError } from '../base/errors.ts';
import { type Dimension, formatQuantity, parseQuantity } from '../base/quantity.ts';
import { MEGA } from '../base/units.ts';
import { bytesOf, DTYPE_BITS, type DType } from '../base/work.ts';
import {
  type Accounting,
  type AccountingRuleName,
  accountingRules,
} from '../hardware/npu/accounting.ts';
import {
  type BenchResult,
  type BenchShape,
  ruleLimit,
  runBench,
  type Testbench,
} from '../hardware/npu/testbench.ts';
import { buildTilePort, tileMemories } from '../hardware/npu/tile-port.ts';
import { DATAFLOWS, type Dataflow } from '../hardware/units/unit-spec.ts';
import { readUserFile } from '../load.ts';
import type { Args, Command } from './command.ts';
import { checkNpuRows } from './npu-rows.ts';
import { parseConv, parseGemm } from './npu-shape.ts';
import { onlyOne } from './parse.ts';
import { renderTable } from './terminal.ts';

const RULES = Object.keys(accountingRules) as AccountingRuleName[];
/** Switches that a rule sets one way or the other. */
const YES_NO = ['yes', 'no'];
const SHORT: Readonly<Record<string, Dataflow>> = {
  ws: 'weight-stationary',
  os: 'output-stationary',
  is: 'input-stationary',
};

export const probeNpu: Command = {
  name: 'probe npu',
  summary: 'run one product or convolution on a systolic array, or check against other simulators',
  examples: [
    'socsim probe npu --array 128x128 --dataflow ws --sram 8MiB --bandwidth 64GB/s --gemm 128,4096,4096',
    'socsim probe npu --array 64x64 --conv 32,32,80,80,3,1,1 --dtype int8 --json',
    'socsim probe npu --array 64x64 --bandwidth 76.8GB/s --gemm 128,4096,4096 --rule all',
    'socsim probe npu --rows scalesim_runs.csv',
  ],
  options: {
    array: {
      type: 'string',
      summary: 'rows and columns of one array',
      value: 'RxC',
      default: '128x128',
    },
    engines: { type: 'number', summary: 'arrays side by side', default: 1 },
    dataflow: {
      type: 'string',
      summary: 'what stays in the array: weights, outputs or inputs',
      choices: ['ws', 'os', 'is', ...DATAFLOWS],
      value: 'ws|os|is',
      default: 'ws',
    },
    sram: { type: 'string', summary: 'local memory', value: 'SIZE', default: '8 MiB' },
    accumulator: {
      type: 'string',
      summary: 'accumulators beside it; within it where absent',
      value: 'SIZE',
    },
    bandwidth: {
      type: 'string',
      summary: 'of main memory, or unlimited',
      value: 'RATE',
      default: '64 GB/s',
    },
    clock: { type: 'string', summary: 'of the arrays', value: 'FREQUENCY', default: '1 GHz' },
    dtype: {
      type: 'string',
      summary: 'format of all operands; sets their bytes',
      choices: Object.keys(DTYPE_BITS),
      default: 'int8',
    },
    rate: { type: 'number', summary: 'multiply–accumulates per clock and multiplier', default: 1 },
    gemm: { type: 'string', summary: 'product (M×K)·(K×N)', value: 'M,N,K' },
    conv: {
      type: 'string',
      summary: 'height, width, channels, filters, kernel, stride, padding, groups',
      value: 'H,W,C,F,K[,S[,P[,G]]]',
    },
    rule: {
      type: 'string',
      summary: 'what counts as time; all shows how far the tools are apart',
      choices: [...RULES, 'all'],
      value: `${RULES.join('|')}|all`,
      default: 'phone',
    },
    'overlap-folds': {
      type: 'string',
      summary: 'folds follow without draining the array',
      choices: YES_NO,
      value: 'yes|no',
    },
    'hide-preload': {
      type: 'string',
      summary: 'the next stationary tile loads meanwhile',
      choices: YES_NO,
      value: 'yes|no',
    },
    'count-fill': {
      type: 'string',
      summary: 'the first fill of local memory takes time',
      choices: YES_NO,
      value: 'yes|no',
    },
    'count-write-back': {
      type: 'string',
      summary: 'the last write-back takes time',
      choices: YES_NO,
      value: 'yes|no',
    },
    'input-reads': {
      type: 'string',
      summary: 'inputs as the best loop order needs them, or for every tile across',
      choices: ['least', 'per-tile'],
      value: 'least|per-tile',
    },
    ports: {
      type: 'string',
      summary: 'one memory port, or one per operand',
      choices: ['shared', 'separate'],
      value: 'shared|separate',
    },
    rows: {
      type: 'string',
      summary: "a simulator's runs, each repeated by its own rule",
      value: 'FILE',
    },
    json: { type: 'boolean', summary: 'print JSON' },
  },
  run: async (args) => {
    onlyOne(args, ['rows', 'gemm', 'conv']);
    const rows = args['rows'] as string | undefined;
    if (rows !== undefined) {
      const { text, file } = readUserFile(rows);
      printReport(checkNpuRows(text, file), args['json'] === true);
      return undefined;
    }
    const shape = shapeOption(args);
    const results = runRules(args, shape);
    const clock = quantityOption(args, 'clock', 'frequency');
    if (args['json'] === true) {
      const all = results.map(({ rule, result }) => resultJson(rule, shape, result, clock));
      console.log(JSON.stringify(args['rule'] === 'all' ? all : all[0], null, 2));
    } else {
      console.log(renderResults(results, clock));
    }
    return undefined;
  },
};

interface RuleResult {
  readonly rule: string;
  readonly result: BenchResult;
}

function runRules(args: Args, shape: BenchShape): RuleResult[] {
  const run = (rule: AccountingRuleName) => runBench(benchOf(args, rule), shape);
  const limitOf = (rule: AccountingRuleName) => ruleLimit(benchOf(args, rule), shape);
  if (args['rule'] !== 'all') {
    const rule = args['rule'] as AccountingRuleName;
    const limit = limitOf(rule);
    if (limit !== undefined) throw new SpecError([{ path: '--rule', message: limit, got: rule }]);
    return [{ rule, result: run(rule) }];
  }
  const free = runBench({ ...benchOf(args, 'scale-sim'), bytesPerCycle: undefined }, shape);
  return [
    ...RULES.filter((rule) => limitOf(rule) === undefined).map((rule) => ({
      rule,
      result: run(rule),
    })),
    { rule: 'scale-sim, unlimited bandwidth', result: free },
  ];
}

function shapeOption(args: Args): BenchShape {
  const gemm = args['gemm'] as string | undefined;
  const conv = args['conv'] as string | undefined;
  if (gemm !== undefined && conv === undefined) return parseGemm(gemm);
  if (conv !== undefined && gemm === undefined) return parseConv(conv);
  throw new SpecError([
    { message: 'nothing to run', expected: 'one of --gemm, --conv and --rows' },
  ]);
}

function benchOf(args: Args, name: AccountingRuleName): Testbench {
  const [rows, columns] = arrayOption(args);
  const accounting = switched(accountingRules[name], args);
  const clock = quantityOption(args, 'clock', 'frequency');
  const unlimited = args['bandwidth'] === 'unlimited';
  const bandwidth = unlimited
    ? Number.POSITIVE_INFINITY
    : quantityOption(args, 'bandwidth', 'bandwidth');
  const sram = quantityOption(args, 'sram', 'size');
  // Gemmini's ratio, for the rule that cannot do without accumulators.
  const implied = accounting.timeline === 'tiles' ? sram / 4 : 0;
  const accumulator =
    args['accumulator'] === undefined ? implied : quantityOption(args, 'accumulator', 'size');
  const engines = positive(args, 'engines');
  const dataflow = SHORT[args['dataflow'] as string] ?? (args['dataflow'] as Dataflow);
  // A third of local memory for each operand, as simulators with separate buffers are set up.
  const third = Math.floor(sram / 3);
  return {
    array: {
      engines,
      rows,
      columns,
      dataflow,
      overlapFolds: accounting.overlapFolds,
      doubleBufferPreload: accounting.hidePreload,
    },
    rate: positive(args, 'rate'),
    elementBytes: bytesOf(1, args['dtype'] as DType),
    memory: { bytes: sram, accumulatorBytes: accumulator, granule: Math.max(rows, columns) },
    sramBytesPerCycle: 4 * columns,
    bytesPerCycle: unlimited ? undefined : bandwidth / clock,
    accounting,
    buffers: { input: third, weight: third, output: third },
    // Eight 64-byte channels of a phone's LPDDR, for the rule that has a DRAM behind its tiles.
    tilePort: buildTilePort(tileMemories.narrow, bandwidth, clock, 8, 64),
  };
}

function switched(rule: Accounting, args: Args): Accounting {
  const flag = (name: string, otherwise: boolean) =>
    args[name] === undefined ? otherwise : args[name] === 'yes';
  return {
    ...rule,
    overlapFolds: flag('overlap-folds', rule.overlapFolds),
    hidePreload: flag('hide-preload', rule.hidePreload),
    countFill: flag('count-fill', rule.countFill),
    countWriteBack: flag('count-write-back', rule.countWriteBack),
    inputReads: (args['input-reads'] as Accounting['inputReads'] | undefined) ?? rule.inputReads,
    ports: (args['ports'] as Accounting['ports'] | undefined) ?? rule.ports,
  };
}

function arrayOption(args: Args): [number, number] {
  const match = /^(\d+)x(\d+)$/i.exec(args['array'] as string);
  const rows = Number(match?.[1]);
  const columns = Number(match?.[2]);
  if (rows > 0 && columns > 0) return [rows, columns];
  throw new SpecError([
    {
      path: '--array',
      message: 'not an array',
      expected: 'ROWSxCOLUMNS, such as 128x128',
      got: `"${args['array']}"`,
    },
  ]);
}

function quantityOption(args: Args, name: string, dimension: Dimension): number {
  const parsed = parseQuantity(args[name] as string, dimension);
  if ('value' in parsed && parsed.value > 0) return parsed.value;
  const message = 'fault' in parsed ? parsed.fault : 'must be above zero';
  throw new SpecError([{ path: `--${name}`, message, got: `"${args[name]}"` }]);
}

function positive(args: Args, name: string): number {
  const value = args[name] as number;
  if (value > 0) return value;
  const fault: Fault = { path: `--${name}`, message: 'must be above zero', got: String(value) };
  throw new SpecError([fault]);
}

function resultJson(rule: string, shape: BenchShape, result: BenchResult, clock: number): unknown {
  const { dramReadBytes: read, dramWriteBytes: write } = result;
  return {
    rule,
    m: shape.m,
    n: shape.n,
    k: shape.k,
    products: shape.products,
    macs: result.macs,
    total_cycles: result.totalCycles,
    compute_cycles: result.computeCycles,
    stall_cycles: result.stallCycles,
    seconds: result.totalCycles / clock,
    utilisation: result.utilisation,
    sram_read_bytes: result.sramReadBytes,
    sram_write_bytes: result.sramWriteBytes,
    sram_bytes: result.sramReadBytes + result.sramWriteBytes,
    dram_read_bytes: read,
    dram_write_bytes: write,
    dram_bytes: read === undefined || write === undefined ? undefined : read + write,
  };
}

function renderResults(results: readonly RuleResult[], clock: number): string {
  const least = Math.min(...results.map(({ result }) => result.totalCycles));
  const rows = results.map(({ rule, result }) => [
    rule,
    String(result.totalCycles),
    String(result.computeCycles),
    String(result.stallCycles),
    `${(100 * result.utilisation).toFixed(2)} %`,
    formatQuantity(result.totalCycles / clock, 'time'),
    formatQuantity(result.sramReadBytes + result.sramWriteBytes, 'size'),
    result.dramReadBytes === undefined ? '–' : formatQuantity(result.dramReadBytes, 'size'),
    result.dramWriteBytes === undefined ? '–' : formatQuantity(result.dramWriteBytes, 'size'),
    (result.totalCycles / least).toFixed(2),
  ]);
  const right = (header: string) => ({ header, align: 'right' as const });
  const columns = [
    { header: 'rule' },
    right('total cycles'),
    right('compute'),
    right('stall'),
    right('utilisation'),
    right('time'),
    right('SRAM'),
    right('DRAM read'),
    right('DRAM write'),
    right('spread'),
  ];
  return renderTable(columns, rows);
}

function printReport(report: RowReport, json: boolean): void {
  if (json) {
    console.log(JSON.stringify(reportJson(report), null, 2));
    return;
  }
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  const rows = report.rows.map((row) => [
    row.id,
    String(row.columns?.['layer'] ?? ''),
    row.quantity,
    String(Math.round(row.predicted * MEGA) / MEGA),
    String(Math.round(row.reference)),
    percent(row.error),
  ]);
  const right = (header: string) => ({ header, align: 'right' as const });
  console.log(
    renderTable(
      [
        { header: 'row' },
        { header: 'layer' },
        { header: 'quantity' },
        right('predicted'),
        right('reference'),
        right('error'),
      ],
      rows,
    ),
  );
  const summary = report.summary.map(({ group, quantity, count, median, p90, worst }) => [
    group,
    quantity,
    String(count),
    percent(median),
    percent(p90),
    percent(worst),
  ]);
  console.log(
    `\n${renderTable(
      [
        { header: 'group' },
        { header: 'quantity' },
        right('rows'),
        right('median'),
        right('p90'),
        right('worst'),
      ],
      summary,
    )}`,
  );
  for (const { id, reason } of report.unmapped) console.log(`${id}: not compared: ${reason}`);
}
