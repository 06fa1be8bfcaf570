/**
 * One matrix engine with one memory, driven by one product or convolution: what `probe npu` measures.
 *
 * Model    array cycles and traffic as the accounting rule has them
 * Ignores  vector work, launch, everything outside the engine
 * Valid    one operator at a time
 * Source   src/hardware/npu: folds, tiling, streamed-run, tile-pipeline
 * Checked  test/validation/npu.test.ts against SCALE-Sim, ONNXim and ZigZag
 */
import { InvariantError } from '../../base/errors.ts';
import { type Bytes, type Cycles, GIGA } from '../../base/units.ts';
import type { Accounting } from './accounting.ts';
import { type PaddedConv, simulateConvTiles } from './conv-pipeline.ts';
import { convCycles } from './convolution.ts';
import { arrayCycles, foldCycles, type GemmShape, type MatrixArray, planFolds } from './folds.ts';
import type { ConvForm } from './gemm-view.ts';
import { plainView, simulateStreams, windowView } from './streamed-run.ts';
import { simulateTiles } from './tile-pipeline.ts';
import type { TilePort } from './tile-port.ts';
import { type LocalMemory, type Operands, planTiling, type Tiling } from './tiling.ts';

/** A product, or a convolution with its input size, padding included. */
export interface BenchShape extends GemmShape {
  readonly conv?: BenchConv;
}

interface BenchConv {
  readonly form: ConvForm;
  readonly inputHeight: number;
  readonly inputWidth: number;
  /** On each side, where it is known. */
  readonly padding?: number;
}

export interface Testbench {
  readonly array: MatrixArray;
  /** Multiply–accumulates per clock and multiplier. */
  readonly rate: number;
  readonly elementBytes: Bytes;
  readonly memory: LocalMemory;
  /** On-chip memory to array, both directions. */
  readonly sramBytesPerCycle: Bytes;
  /** Memory bandwidth; undefined: as much as it takes. Each port has it where ports are separate. */
  readonly bytesPerCycle: Bytes | undefined;
  readonly accounting: Accounting;
  /** Sizes of separate input, weight and output buffers, where known. */
  readonly buffers?: { readonly input: Bytes; readonly weight: Bytes; readonly output: Bytes };
  /** Memory behind the tile queue; sustained bandwidth instead of `bytesPerCycle`. */
  readonly tilePort?: TilePort;
}

export interface BenchResult {
  readonly macs: number;
  readonly totalCycles: Cycles;
  readonly computeCycles: Cycles;
  readonly stallCycles: Cycles;
  /** Of the multipliers, over `totalCycles`. */
  readonly utilisation: number;
  readonly sramReadBytes: Bytes;
  readonly sramWriteBytes: Bytes;
  /** Undefined where the rule needs buffer sizes that are not given. */
  readonly dramReadBytes: Bytes | undefined;
  readonly dramWriteBytes: Bytes | undefined;
}

interface Timing {
  readonly total: Cycles;
  readonly compute: Cycles;
  readonly read: Bytes | undefined;
  readonly write: Bytes | undefined;
}

/** Operand reads beyond which following every one takes minutes; the port bound stands in. */
const FOLLOWED_BYTES = 2 * GIGA;

export function runBench(bench: Testbench, shape: BenchShape): BenchResult {
  const timing = timingOf(bench, shape);
  const { engines, rows, columns } = bench.array;
  const macs = shape.products * shape.m * shape.n * shape.k;
  const index = bench.accounting.lastCycleIndex ? 1 : 0;
  const totalCycles = timing.total - index;
  return {
    macs,
    totalCycles,
    computeCycles: timing.compute - index,
    stallCycles: timing.total - timing.compute,
    utilisation: macs / (totalCycles * engines * rows * columns * bench.rate),
    ...sramTraffic(bench, shape),
    dramReadBytes: timing.read,
    dramWriteBytes: timing.write,
  };
}

/** Simulators that follow one product at a time run several one after another. */
function timingOf(bench: Testbench, shape: BenchShape): Timing {
  const { timeline } = bench.accounting;
  const { products } = shape;
  const followed = timeline === 'streams' || timeline === 'tiles';
  if (!followed || products === 1) return timelines[timeline](bench, shape);
  const one = timelines[timeline](bench, singleOf(shape));
  const times = (bytes: Bytes | undefined) => bytes && products * bytes;
  return {
    total: products * one.total,
    compute: products * one.compute,
    read: times(one.read),
    write: times(one.write),
  };
}

/** One of the products, or one group of a convolution. */
function singleOf({ conv, ...shape }: BenchShape): BenchShape {
  const single = { ...shape, products: 1 };
  if (!conv) return single;
  const { groups, inChannels, outChannels } = conv.form;
  const form = {
    ...conv.form,
    groups: 1,
    inChannels: inChannels / groups,
    outChannels: outChannels / groups,
  };
  return { ...single, conv: { ...conv, form } };
}

/** Blocks of an array beyond which following every one takes minutes. */
const FOLLOWED_BLOCKS = 2 ** 22;

/** Why a rule says nothing of an array or a shape; undefined where it does. */
export function ruleLimit({ accounting, array }: Testbench, shape: BenchShape): string | undefined {
  const { rows, columns } = array;
  if (accounting.timeline !== 'tiles') return undefined;
  if (rows !== columns) return 'tiles are known for square arrays only';
  if (array.dataflow !== 'weight-stationary') return 'tiles are known for stationary weights only';
  const along = (size: number) => Math.ceil(size / rows);
  const blocks = along(shape.m) * along(shape.n) * along(shape.k);
  return blocks > FOLLOWED_BLOCKS
    ? `${blocks} blocks of the array are too many to follow one by one`
    : undefined;
}

const timelines = {
  overlapped: overlappedTiming,
  temporal: temporalTiming,
  streams: streamTiming,
  tiles: tileTiming,
} as const satisfies Record<
  Accounting['timeline'],
  (bench: Testbench, shape: BenchShape) => Timing
>;

function overlappedTiming(bench: Testbench, shape: BenchShape): Timing {
  const { accounting, bytesPerCycle } = bench;
  const array = ruledArray(bench);
  const compute = shapeCycles(array, shape) / bench.rate;
  const operands = operandsOf(bench, shape);
  const tiling = ruledTiling(bench, operands);
  const inputs = shape.products * operands.inputBytes * tiling.inputPasses;
  const weights = shape.products * operands.weightBytes * tiling.weightPasses;
  const write = shape.products * operands.outputBytes;
  const moved =
    accounting.ports === 'shared' ? inputs + weights + write : Math.max(inputs, weights, write);
  const cyclesOf = (bytes: Bytes) => (bytesPerCycle === undefined ? 0 : bytes / bytesPerCycle);
  const { rows, columns } = array;
  const tile = bench.elementBytes * rows * columns;
  const fill = accounting.countFill ? cyclesOf(2 * tile) : 0;
  const last = accounting.countWriteBack ? cyclesOf(tile) : 0;
  const total = Math.ceil(Math.max(compute, cyclesOf(moved)) + fill + last);
  return { total, compute: Math.ceil(compute), read: inputs + weights, write };
}

/**
 * Loop iterations alone. Weights come straight from memory beside the inputs or the results, whichever is more:
 * one of the two is on chip before or after. Inputs reach the array through the on-chip memory's port first.
 */
function temporalTiming(bench: Testbench, shape: BenchShape): Timing {
  const { folds, stream } = planFolds(bench.array, shape);
  const iterations = (shape.products * folds * stream) / (bench.array.engines * bench.rate);
  const { inputBytes, weightBytes, outputBytes } = operandsOf(bench, shape);
  const load = bench.accounting.countFill
    ? (shape.products * inputBytes) / bench.sramBytesPerCycle
    : 0;
  const moved = shape.products * (weightBytes + Math.max(inputBytes, outputBytes));
  const transfer = bench.bytesPerCycle === undefined ? 0 : moved / bench.bytesPerCycle;
  return {
    total: Math.ceil(Math.max(iterations + load, transfer)),
    compute: iterations,
    read: shape.products * (inputBytes + weightBytes),
    write: shape.products * outputBytes,
  };
}

function streamTiming(bench: Testbench, shape: BenchShape): Timing {
  const { array, buffers, elementBytes, bytesPerCycle } = bench;
  const compute = foldCycles(ruledArray(bench), shape);
  if (buffers === undefined) {
    return { total: compute, compute, read: undefined, write: undefined };
  }
  if (sramTraffic(bench, shape).sramReadBytes > FOLLOWED_BYTES) return portBound(bench, shape);
  const { conv } = shape;
  const view = conv
    ? windowView(conv.form, conv.inputHeight, conv.inputWidth)
    : plainView(shape.m, shape.k);
  const run = simulateStreams(
    {
      rows: array.rows,
      columns: array.columns,
      dataflow: array.dataflow,
      inputWords: buffers.input / elementBytes,
      weightWords: buffers.weight / elementBytes,
      outputWords: buffers.output / elementBytes,
      wordsPerCycle: bytesPerCycle && Math.max(1, Math.floor(bytesPerCycle / elementBytes)),
    },
    view,
    plainView(shape.n, shape.k),
  );
  return {
    total: compute + run.stallCycles,
    compute,
    read: (run.inputWords + run.weightWords) * elementBytes,
    write: run.outputWords * elementBytes,
  };
}

/** No stalls but those that the busiest of three ports forces, each operand moved once. */
function portBound(bench: Testbench, shape: BenchShape): Timing {
  const compute = foldCycles(ruledArray(bench), shape);
  const { inputBytes, weightBytes, outputBytes } = operandsOf(bench, shape);
  const busiest = shape.products * Math.max(inputBytes, weightBytes, outputBytes);
  const transfer = bench.bytesPerCycle === undefined ? 0 : busiest / bench.bytesPerCycle;
  return {
    total: Math.ceil(Math.max(compute, transfer)),
    compute,
    read: shape.products * (inputBytes + weightBytes),
    write: shape.products * outputBytes,
  };
}

function tileTiming(bench: Testbench, shape: BenchShape): Timing {
  const { array, memory, elementBytes, tilePort } = bench;
  if (tilePort === undefined) throw new InvariantError('tiles need a memory port');
  const cores = {
    size: array.rows,
    cores: array.engines,
    scratchpadBytes: memory.bytes,
    accumulatorBytes: memory.accumulatorBytes,
    elementBytes,
  };
  const run = shape.conv
    ? simulateConvTiles(cores, tilePort, unpadded(shape.conv))
    : simulateTiles(cores, tilePort, shape.m, shape.n, shape.k);
  return {
    total: run.totalCycles,
    compute: run.computeCycles,
    read: run.readBytes,
    write: run.writeBytes,
  };
}

function unpadded({ form, inputHeight, inputWidth, padding = 0 }: BenchConv): PaddedConv {
  return {
    form,
    inputHeight: inputHeight - 2 * padding,
    inputWidth: inputWidth - 2 * padding,
    padding,
  };
}

function shapeCycles(array: MatrixArray, shape: BenchShape): Cycles {
  if (shape.conv && shape.conv.form.groups > 1) return convCycles(array, shape.conv.form, shape);
  const { folds, stream } = planFolds(array, shape);
  return arrayCycles(array, folds * shape.products, stream);
}

function ruledArray(bench: Testbench): MatrixArray {
  const { overlapFolds, hidePreload } = bench.accounting;
  return { ...bench.array, overlapFolds, doubleBufferPreload: hidePreload };
}

function operandsOf(bench: Testbench, shape: BenchShape): Operands {
  const { m, n, k, conv, products } = shape;
  const inputs = conv
    ? (conv.inputHeight * conv.inputWidth * conv.form.inChannels) / products
    : m * k;
  return {
    m,
    n,
    k,
    inputBytes: inputs * bench.elementBytes,
    weightBytes: k * n * bench.elementBytes,
    outputBytes: m * n * bench.elementBytes,
  };
}

function ruledTiling(bench: Testbench, operands: Operands): Tiling {
  if (bench.accounting.inputReads === 'least') return planTiling(operands, bench.memory);
  const inputPasses = Math.ceil(operands.n / bench.array.columns);
  const readBytes = operands.inputBytes * inputPasses + operands.weightBytes;
  return { order: 'weights-held', readBytes, weightPasses: 1, inputPasses };
}

/** Local memory to array: streamed operands once per fold, results once per fold along the reduction. */
function sramTraffic(bench: Testbench, shape: BenchShape) {
  const { rows, columns, dataflow } = bench.array;
  const { m, n, k } = shape;
  const across = Math.ceil(n / columns);
  const deep = dataflow === 'output-stationary' ? 1 : Math.ceil(k / rows);
  const inputs = dataflow === 'input-stationary' ? m * k : m * k * across;
  const weightVisits = {
    'output-stationary': Math.ceil(m / rows),
    'input-stationary': Math.ceil(m / columns),
    'weight-stationary': 1,
  }[dataflow];
  const scale = shape.products * bench.elementBytes;
  return {
    sramReadBytes: scale * (inputs + k * n * weightVisits),
    sramWriteBytes: scale * m * n * deep,
  };
}
