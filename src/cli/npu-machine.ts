/** Options of `probe npu` → a testbench: a SoC's NPU where `--soc` names one, whatever the command line says on top. */
import { SpecError } from '../base/errors.ts';
import { type Dimension, formatQuantity, parseQuantity } from '../base/quantity.ts';
import { GIGA, MEGA, TERA } from '../base/units.ts';
import type { Work } from '../base/work.ts';
import { prepareMachine } from '../engine/prepare.ts';
import { predictAlone } from '../engine/task-table.ts';
import {
  type Accounting,
  type AccountingRuleName,
  accountingRules,
} from '../hardware/npu/accounting.ts';
import type { Testbench } from '../hardware/npu/testbench.ts';
import { buildTilePort, tileMemories } from '../hardware/npu/tile-port.ts';
import type { WeightPath } from '../hardware/npu/weight-path.ts';
import { parseSoc } from '../hardware/soc-spec.ts';
import type { Dataflow, NpuSpec } from '../hardware/units/unit-spec.ts';
import { fileSources } from '../load.ts';
import { storedShare } from '../workload/packing.ts';
import type { Args } from './command.ts';
import { elementBytes, multiplyOf, parseOperands, USUAL_RATES } from './npu-formats.ts';
import { needs } from './parse.ts';

/** What is built where neither a SoC nor an option says otherwise. */
export const UNLESS_GIVEN = {
  array: '128x128',
  engines: 1,
  dataflow: 'ws',
  sram: '8 MiB',
  bandwidth: '64 GB/s',
  clock: '1 GHz',
} as const;

const SHORT: Readonly<Record<string, Dataflow>> = {
  ws: 'weight-stationary',
  os: 'output-stationary',
  is: 'input-stationary',
};
/** ZigZag as its rows were run: 128 bytes of weight registers in every multiplier, six loop factors. */
export const TOOL_SEARCH = { heldWeights: 128, factors: 6 } as const;
/** What some machine might have: far below and above, a slip of the pen is likelier. */
const BOUNDS = {
  clock: { least: MEGA, most: 10 * GIGA, text: '1 MHz to 10 GHz' },
  bandwidth: { least: MEGA, most: 100 * TERA, text: '1 MB/s to 100 TB/s, or unlimited' },
  engines: { least: 1, most: 1024, text: 'a whole number from 1 to 1024' },
  dequantisation: { least: 1, most: 65_536, text: '1 to 65536 weights per clock' },
  decompressor: { least: 1, most: 65_536, text: '1 to 65536 plain bytes per clock' },
} as const;
/** Half of the elements: an engine that skips the others is twice as fast. */
const SPARSE_GAIN = 2;

/** The parts of a bench that do not depend on the rule. */
export interface BenchMachine {
  readonly clock: number;
  /** Infinite where unlimited. */
  readonly bandwidth: number;
  readonly build: (rule: AccountingRuleName) => Testbench;
  /** What a reader has to know of the formats. */
  readonly notes: readonly string[];
}

interface Base {
  readonly rows: number;
  readonly columns: number;
  readonly engines: number;
  readonly dataflow: Dataflow;
  readonly sram: number;
  readonly accumulator: number | undefined;
  readonly bandwidth: number;
  readonly clock: number;
}

/** @throws SpecError for options that are wrong or go without each other. */
export function benchMachine(args: Args): BenchMachine {
  needs(args, 'decompressor', 'compression');
  const name = args['soc'] as string | undefined;
  const npu = name === undefined ? undefined : npuOfSoc(name);
  const base = baseOf(args, npu?.base);
  const formats = formatsOf(args, npu?.spec);
  const rules = (rule: AccountingRuleName) => switched(accountingRules[rule], args);
  return {
    clock: base.clock,
    bandwidth: base.bandwidth,
    notes: [...(npu ? [machineNote(String(name), base)] : []), ...formats.notes],
    build: (rule) => benchOf(base, formats, rules(rule)),
  };
}

function machineNote(name: string, { engines, rows, columns, ...base }: Base): string {
  return [
    `${name}: ${engines} × ${rows}×${columns}, ${base.dataflow}`,
    formatQuantity(base.clock, 'frequency'),
    `${formatQuantity(base.sram, 'size')} for tiles`,
    `${formatQuantity(base.bandwidth, 'bandwidth')} of main memory by itself`,
  ].join(', ');
}

interface Formats {
  readonly rate: number;
  readonly activationBytes: number;
  readonly weightBytes: number;
  readonly path: WeightPath;
  readonly notes: readonly string[];
}

function benchOf(base: Base, formats: Formats, accounting: Accounting): Testbench {
  const { rows, columns, engines, dataflow, sram, bandwidth, clock } = base;
  // Gemmini's ratio, for the rule that cannot do without accumulators.
  const implied = accounting.timeline === 'tiles' ? sram / 4 : 0;
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
      rate: formats.rate,
    },
    elementBytes: formats.activationBytes,
    weightElementBytes: formats.weightBytes,
    weights: formats.path,
    memory: {
      bytes: sram,
      accumulatorBytes: base.accumulator ?? implied,
      granule: Math.max(rows, columns),
    },
    sramBytesPerCycle: 4 * columns,
    bytesPerCycle: Number.isFinite(bandwidth) ? bandwidth / clock : undefined,
    accounting,
    loopSearch: TOOL_SEARCH,
    buffers: { input: third, weight: third, output: third },
    // Eight 64-byte channels of a phone's LPDDR, for the rule that has a DRAM behind its tiles.
    tilePort: buildTilePort(tileMemories.narrow, bandwidth, clock, 8, 64),
  };
}

function formatsOf(args: Args, spec: NpuSpec | undefined): Formats {
  const text = args['dtype'] as string;
  const operands = parseOperands(text);
  const rates = spec?.matrix.rates ?? USUAL_RATES;
  const { rate, expand } = multiplyOf(text, operands, rates, args['rate'] as number | undefined);
  const pruned = args['sparsity'] !== undefined;
  const gain = pruned ? gainOf(args, spec) : 1;
  const whole = elementBytes(operands.weight);
  const stored = pruned ? storedShare({ pattern: '2:4', sparsity: 0.5 }, 8 * whole) : 1;
  const usual = spec === undefined && args['rate'] === undefined;
  const origin = usual ? ', as is usual; --rate or --soc sets another' : '';
  const narrow = whole < elementBytes(operands.activation);
  const path = { ...expansionOf(args, spec, expand, narrow), ...compressionOf(args, spec) };
  return {
    rate: rate * gain,
    activationBytes: elementBytes(operands.activation),
    weightBytes: whole * stored,
    path,
    notes: [
      `${text}: ${rate} multiply–accumulates per clock and multiplier${origin}`,
      ...(pruned ? [sparseNote(gain, stored)] : []),
      ...pathNotes(path),
    ],
  };
}

/** What weights go through before the array, and how fast. */
function pathNotes({ expandPerClock, compression }: WeightPath): string[] {
  return [
    ...(compression
      ? [
          `compression: weights take ${compression.ratio} of their plain bytes; the decompressor hands on ${compression.bytesPerClock} plain B per clock`,
        ]
      : []),
    ...(expandPerClock === undefined
      ? []
      : [`dequantisation: ${expandPerClock} weights expanded per clock`]),
  ];
}

function sparseNote(gain: number, stored: number): string {
  const share = `weights take ${(100 * stored).toFixed(1)} % of their bytes`;
  return gain === 1
    ? `2:4: ${share}; this engine has no path for them, so multiplies as often`
    : `2:4: ${share}, folds hold ${gain} times as much of the reduction`;
}

function gainOf(args: Args, spec: NpuSpec | undefined): number {
  const given = args['sparsity-gain'] as number | undefined;
  if (given === undefined) return spec ? (spec.matrix.sparsity?.is ?? 1) : SPARSE_GAIN;
  if (given >= 1 && given <= SPARSE_GAIN) return given;
  throw new SpecError([
    {
      path: '--sparsity-gain',
      message: 'half of the weights are zeros',
      expected: `1 to ${SPARSE_GAIN}`,
      got: String(given),
    },
  ]);
}

function expansionOf(
  args: Args,
  spec: NpuSpec | undefined,
  expand: boolean,
  narrow: boolean,
): WeightPath {
  if (args['dequantisation'] !== undefined) {
    if (narrow) return { expandPerClock: bounded(args, 'dequantisation') };
    throw new SpecError([
      {
        path: '--dequantisation',
        message: 'weights as wide as activations need no expansion',
        hint: '--dtype w4a16 or w8a16 has narrower ones',
      },
    ]);
  }
  if (!expand) return {};
  const own = spec?.dequantisation?.is;
  if (own !== undefined) return { expandPerClock: own };
  throw new SpecError([
    {
      path: '--dtype',
      message: 'the engine does not multiply these weights as they come',
      hint: '--dequantisation COUNT says how many it expands per clock',
      got: String(args['dtype']),
    },
  ]);
}

function compressionOf(args: Args, spec: NpuSpec | undefined): WeightPath {
  const ratio = args['compression'] as number | undefined;
  if (ratio === undefined) return {};
  if (!(ratio > 0 && ratio <= 1)) {
    throw new SpecError([
      {
        path: '--compression',
        message: 'not a share',
        expected: 'compressed over plain bytes, above 0 and at most 1',
        got: String(ratio),
      },
    ]);
  }
  const own = spec?.decompressor?.bytesPerClock.is;
  if (args['decompressor'] === undefined && own === undefined) {
    throw new SpecError([
      { path: '--compression', message: 'nothing unpacks', hint: 'add --decompressor BYTES' },
    ]);
  }
  const bytesPerClock =
    args['decompressor'] === undefined ? (own as number) : bounded(args, 'decompressor');
  return { compression: { ratio, bytesPerClock } };
}

function baseOf(args: Args, soc: Base | undefined): Base {
  const text = (name: keyof typeof UNLESS_GIVEN) => String(args[name] ?? UNLESS_GIVEN[name]);
  const quantity = (name: 'sram' | 'clock' | 'bandwidth', dimension: Dimension, own?: number) =>
    args[name] === undefined && own !== undefined
      ? own
      : quantityOption(`--${name}`, text(name), dimension);
  const rateOf = (name: 'clock' | 'bandwidth', dimension: Dimension, own?: number) => {
    const value = quantity(name, dimension, own);
    if (args[name] !== undefined) checkBounds(name, value, String(args[name]));
    return value;
  };
  const own = args['array'] === undefined ? soc : undefined;
  const [rows, columns] = own ? [own.rows, own.columns] : arrayOption(text('array'));
  const flow = args['dataflow'] === undefined ? soc?.dataflow : undefined;
  const dataflow = flow ?? SHORT[text('dataflow')] ?? (text('dataflow') as Dataflow);
  return {
    rows,
    columns,
    dataflow,
    engines:
      args['engines'] === undefined
        ? (soc?.engines ?? UNLESS_GIVEN.engines)
        : bounded(args, 'engines'),
    sram: quantity('sram', 'size', soc?.sram),
    accumulator:
      args['accumulator'] === undefined
        ? soc?.accumulator
        : quantityOption('--accumulator', String(args['accumulator']), 'size'),
    bandwidth:
      args['bandwidth'] === 'unlimited'
        ? Number.POSITIVE_INFINITY
        : rateOf('bandwidth', 'bandwidth', soc?.bandwidth),
    clock: rateOf('clock', 'frequency', soc?.clock),
  };
}

/** Bytes of one long read, of which the start does not matter. */
const LONG_READ = GIGA;

/** The first NPU of a SoC at its top clock, and the bandwidth that it draws by itself. */
function npuOfSoc(name: string): { readonly base: Base; readonly spec: NpuSpec } {
  const sources = fileSources();
  const soc = parseSoc(sources.soc(name));
  const found = Object.entries(soc.units).find(([, unit]) => unit.kind === 'npu');
  if (!found) throw new SpecError([{ path: '--soc', message: 'has no NPU', got: name }]);
  const machine = prepareMachine(name, sources);
  const index = machine.units.findIndex(({ unit }) => unit.name === found[0]);
  const { stream = 0 } = predictAlone(machine, index, longRead()) ?? {};
  const { domains = [] } = machine.units[index] ?? {};
  const points = machine.domains[domains[0] ?? 0]?.clock.points ?? [];
  const spec = found[1] as NpuSpec;
  const { matrix, sram } = spec;
  const base = {
    rows: matrix.rows.is,
    columns: matrix.columns.is,
    engines: matrix.engines.is,
    dataflow: matrix.dataflow.is,
    sram: sram.size.is * (1 - (sram.resident?.is ?? 0)),
    accumulator: matrix.accumulator?.is,
    bandwidth: LONG_READ / stream,
    clock: points.at(-1)?.frequency ?? 0,
  };
  return { base, spec };
}

function longRead(): Work {
  return {
    operator: 'Gather',
    form: { kind: 'move' },
    macs: 0,
    vectorOps: 0,
    weightDType: 'int8',
    activationDType: 'int8',
    weightBytes: LONG_READ,
    inputBytes: 0,
    outputBytes: 0,
    kvReadBytes: 0,
    kvWriteBytes: 0,
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

function arrayOption(text: string): [number, number] {
  const match = /^(\d+)x(\d+)$/i.exec(text);
  const rows = Number(match?.[1]);
  const columns = Number(match?.[2]);
  if (rows > 0 && columns > 0) return [rows, columns];
  throw new SpecError([
    {
      path: '--array',
      message: 'not an array',
      expected: 'ROWSxCOLUMNS, such as 128x128',
      got: `"${text}"`,
    },
  ]);
}

function quantityOption(path: string, text: string, dimension: Dimension): number {
  const parsed = parseQuantity(text, dimension);
  if ('value' in parsed && parsed.value > 0) return parsed.value;
  const message = 'fault' in parsed ? parsed.fault : 'must be above zero';
  throw new SpecError([{ path, message, got: `"${text}"` }]);
}

function bounded(args: Args, name: 'engines' | 'dequantisation' | 'decompressor'): number {
  const value = args[name] as number;
  checkBounds(name, value, String(value));
  return value;
}

/** @throws SpecError with the option, its bounds and what was given. */
function checkBounds(name: keyof typeof BOUNDS, value: number, got: string): void {
  const { least, most, text: expected } = BOUNDS[name];
  const whole = name !== 'engines' || Number.isInteger(value);
  if (value >= least && value <= most && whole) return;
  throw new SpecError([{ path: `--${name}`, message: 'out of range', expected, got }]);
}
