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
import { type LoopSearch, reductionPasses } from './loop-factors.ts';
import { plainView, simulateStreams, windowView } from './streamed-run.ts';
import { simulateTiles } from './tile-pipeline.ts';
import type { TilePort } from './tile-port.ts';
import {
  ACCUMULATOR_BYTES,
  type LocalMemory,
  type Operands,
  planTiling,
  type Tiling,
} from './tiling.ts';
import { type WeightPath, weightCost } from './weight-path.ts';

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
  /** With the rate of the operands' formats, zeros of pruned weights counted. */
  readonly array: MatrixArray;
  /** Of inputs and results. */
  readonly elementBytes: Bytes;
  /** Of weights as they lie in memory before any compression; `elementBytes` where absent. */
  readonly weightElementBytes?: Bytes;
  /** What weights go through before they reach the array. */
  readonly weights?: WeightPath;
  readonly memory: LocalMemory;
  /** On-chip memory to array, both directions. */
  readonly sramBytesPerCycle: Bytes;
  /** Memory bandwidth; undefined: as much as it takes. Each port has it where ports are separate. */
  readonly bytesPerCycle: Bytes | undefined;
  readonly accounting: Accounting;
  /** Sizes of separate input, weight and output buffers, where known. */
  readonly buffers?: { readonly input: Bytes; readonly weight: Bytes; readonly output: Bytes };
  /** What the search for an order of loops has to go by, where the rule counts iterations; sums stay put where absent. */
  readonly loopSearch?: LoopSearch;
  /** Memory behind the tile queue; sustained bandwidth instead of `bytesPerCycle`. */
  readonly tilePort?: TilePort;
}

export interface BenchResult {
  readonly macs: number;
  readonly totalCycles: Cycles;
  readonly computeCycles: Cycles;
  readonly stallCycles: Cycles;
  /** Parts that run side by side where the rule knows them; the longest is `computeCycles`. */
  readonly arrayCycles: Cycles;
  readonly expandCycles: Cycles;
  readonly unpackCycles: Cycles;
  /** Of the multipliers at the rate of the formats, over `totalCycles`. */
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
  /** Where it is not `compute` itself. */
  readonly array?: Cycles;
  readonly expand?: Cycles;
  readonly unpack?: Cycles;
  readonly read: Bytes | undefined;
  readonly write: Bytes | undefined;
}

/** Operand reads beyond which following every one takes minutes; the port bound stands in. */
const FOLLOWED_BYTES = 2 * GIGA;

export function runBench(bench: Testbench, shape: BenchShape): BenchResult {
  const timing = timingOf(bench, shape);
  const { engines, rows, columns, rate = 1 } = bench.array;
  const macs = shape.products * shape.m * shape.n * shape.k;
  const index = bench.accounting.lastCycleIndex ? 1 : 0;
  const totalCycles = timing.total - index;
  return {
    macs,
    totalCycles,
    computeCycles: timing.compute - index,
    stallCycles: timing.total - timing.compute,
    arrayCycles: (timing.array ?? timing.compute) - index,
    expandCycles: timing.expand ?? 0,
    unpackCycles: timing.unpack ?? 0,
    utilisation: macs / (totalCycles * engines * rows * columns * rate),
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
  const { products } = shape;
  const array = shapeCycles(ruledArray(bench), shape);
  const operands = operandsOf(bench, shape);
  const tiling = ruledTiling(bench, operands);
  const fetched = products * tiling.weightPasses;
  const fetches = fetched * operands.n * operands.k;
  const weights = weightCost(bench.weights ?? {}, fetches, fetched * operands.weightBytes);
  const { expandCycles: expand, unpackCycles: unpack } = weights;
  const compute = Math.max(array, expand, unpack);
  const inputs = products * operands.inputBytes * tiling.inputPasses;
  const write = products * operands.outputBytes;
  const moved =
    accounting.ports === 'shared'
      ? inputs + weights.readBytes + write
      : Math.max(inputs, weights.readBytes, write);
  const cyclesOf = (bytes: Bytes) => (bytesPerCycle === undefined ? 0 : bytes / bytesPerCycle);
  const { fill, last } = edgeBytes(bench);
  const edges =
    (accounting.countFill ? cyclesOf(fill) : 0) + (accounting.countWriteBack ? cyclesOf(last) : 0);
  return {
    total: Math.ceil(Math.max(compute, cyclesOf(moved)) + edges),
    compute: Math.ceil(compute),
    array: Math.ceil(array),
    expand: Math.ceil(expand),
    unpack: Math.ceil(unpack),
    read: inputs + weights.readBytes,
    write,
  };
}

/** One tile of each operand before anything can run, and one of results after it has. */
function edgeBytes({ array, elementBytes, weightElementBytes = elementBytes, weights }: Testbench) {
  const tile = array.rows * array.columns;
  const compressed = weightElementBytes * (weights?.compression?.ratio ?? 1);
  return { fill: tile * (elementBytes + compressed), last: tile * elementBytes };
}

/**
 * Loop iterations alone. Weights come straight from memory beside the inputs or the results, whichever is more:
 * one of the two is on chip before or after. Inputs reach the array through the on-chip memory's port first; sums of
 * a reduction that registers cannot hold go there and back.
 *
 * ZigZag picks the fastest of all orders of its loop factors by a cost that charges what it loads whole before the first
 * iteration. That leaves three of 32 rows beyond 2 %: ot0003 loads its inputs at the speed of memory, 854 cycles, where
 * rows like it hide all but the 256 of the on-chip port (2.6 %); ot0007 loads its weights first as well, 854 more
 * (6.9 %); ot0028, one tile across, moves all three tensors one after another, 5123 of its 5238 cycles (18 %).
 */
function temporalTiming(bench: Testbench, shape: BenchShape): Timing {
  const { array, accounting, loopSearch, sramBytesPerCycle } = bench;
  const { products, m, n, k } = shape;
  const { folds, stream } = planFolds(array, shape);
  const iterations = (products * folds * stream) / array.engines;
  const { inputBytes, weightBytes, outputBytes } = operandsOf(bench, shape);
  const load = accounting.countFill ? (products * inputBytes) / sramBytesPerCycle : 0;
  const across = Math.ceil(n / array.columns);
  const along = Math.ceil(k / array.rows);
  const passes = loopSearch ? reductionPasses(loopSearch, { m, across, along }) : 1;
  const sums = passes > 1 ? (passes * products * m * n * ACCUMULATOR_BYTES) / sramBytesPerCycle : 0;
  const moved = products * (weightBytes + Math.max(inputBytes, outputBytes));
  const transfer = bench.bytesPerCycle === undefined ? 0 : moved / bench.bytesPerCycle;
  return {
    total: Math.ceil(Math.max(iterations + load + sums, transfer)),
    compute: iterations,
    read: products * (inputBytes + weightBytes),
    write: products * outputBytes,
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
    weightBytes: k * n * (bench.weightElementBytes ?? bench.elementBytes),
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
  const { elementBytes, weightElementBytes = elementBytes } = bench;
  const { rows, columns, dataflow, rate = 1 } = bench.array;
  const { m, n, k } = shape;
  const across = Math.ceil(n / columns);
  const depth = rows * Math.max(1, rate);
  const deep = dataflow === 'output-stationary' ? 1 : Math.ceil(k / depth);
  const inputs = dataflow === 'input-stationary' ? m * k : m * k * across;
  const weightVisits = {
    'output-stationary': Math.ceil(m / rows),
    'input-stationary': Math.ceil(m / columns),
    'weight-stationary': 1,
  }[dataflow];
  const weights = k * n * weightVisits;
  return {
    sramReadBytes: shape.products * (inputs * elementBytes + weights * weightElementBytes),
    sramWriteBytes: shape.products * m * n * deep * elementBytes,
  };
}
