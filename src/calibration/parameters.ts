/** The physical numbers that a host calibration fits, with bounds and starting points. */
import type { Dimension } from '../base/quantity.ts';
import type { Bytes } from '../base/units.ts';
import { GIBI, GIGA, KIBI, MEBI, MICRO, MILLI, NANO } from '../base/units.ts';
import type { CacheLevel } from './memory-probe.ts';

export interface Parameter {
  readonly name: ParameterName;
  readonly meaning: string;
  readonly dimension: Dimension;
  readonly initial: number;
  readonly min: number;
  readonly max: number;
  /** Only several threads show it. */
  readonly threaded: boolean;
}

type Row = readonly [meaning: string, Dimension, initial: number, min: number, max: number];

const SINGLE = {
  clock: [
    'clock at which FP32 GEMM reaches its share',
    'frequency',
    3 * GIGA,
    0.2 * GIGA,
    20 * GIGA,
  ],
  int8: ['share of peak, int8 weights', 'ratio', 0.9, 0.02, 4],
  int4: ['share of peak, int4 weights in groups of up to 32', 'ratio', 0.6, 0.02, 4],
  int4Long: ['share of peak, int4 weights in longer groups', 'ratio', 0.6, 0.02, 4],
  activations: ['share of peak, product of two activations', 'ratio', 0.9, 0.02, 2],
  conv: ['share of peak, convolution', 'ratio', 0.8, 0.02, 2],
  outputBlock: ['output channels computed together', 'count', 8, 1, 64],
  stem: ['share of peak, convolution of an image with few channels', 'ratio', 0.5, 0.02, 2],
  depthwise: ['share of peak, depthwise convolution', 'ratio', 2, 0.01, 16],
  attention: ['share of peak, attention', 'ratio', 0.7, 0.01, 2],
  attentionRow: ['share of peak, attention of one token', 'ratio', 0.08, 0.005, 2],
  vectorOps: ['vector operations per clock and core', 'count', 5, 0.2, 128],
  exponential: ['vector operations of one exponential', 'count', 2, 1, 60],
  errorFunction: ['vector operations of one error function', 'count', 6, 1, 100],
  division: ['vector operations of one division', 'count', 4, 1, 60],
  reorder: ['elements put in place per clock and core', 'count', 0.7, 0.02, 32],
  l2: ['bytes per clock and core from L2', 'count', 24, 1, 256],
  l3: ['bytes per clock and core from L3', 'count', 16, 0.5, 128],
  stall: ['bytes from DRAM that hold up one clock of arithmetic', 'count', 10, 1, 1000],
  lastLevel: [
    'size up to which the last level holds what it is given',
    'size',
    16 * MEBI,
    512 * KIBI,
    GIBI,
  ],
  coreBandwidth: ['DRAM bandwidth of one core', 'bandwidth', 25 * GIGA, GIGA, 300 * GIGA],
  dispatch: ['dispatch of one operator', 'time', 0.6 * MICRO, 10 * NANO, 100 * MICRO],
  call: ['one call of a session', 'time', 10 * MICRO, 0.5 * MICRO, 5 * MILLI],
} as const satisfies Record<string, Row>;

const THREADED = {
  bandwidth: ['DRAM bandwidth of all cores', 'bandwidth', 45 * GIGA, GIGA, 1000 * GIGA],
  barrier: ['barrier between threads', 'time', MICRO, 10 * NANO, 500 * MICRO],
  splitCycles: ['clocks below which an operator stays on one core', 'count', 8000, 50, 500_000],
  threadShare: ['speed of n threads over n times one', 'ratio', 0.95, 0.5, 1.05],
} as const satisfies Record<string, Row>;

export type ParameterName = keyof typeof SINGLE | keyof typeof THREADED;
export type ParameterValues = Readonly<Record<ParameterName, number>>;

export const PARAMETERS: readonly Parameter[] = [...rows(SINGLE, false), ...rows(THREADED, true)];

function rows(table: Readonly<Record<string, Row>>, threaded: boolean): Parameter[] {
  return Object.entries(table).map(([name, [meaning, dimension, initial, min, max]]) => ({
    name: name as ParameterName,
    meaning,
    dimension,
    initial,
    min,
    max,
    threaded,
  }));
}

export interface MemoryHint {
  /** From the copy probe, fastest first. */
  readonly levels: readonly CacheLevel[];
  /** As the system reports it; 0 where it does not. */
  readonly lastLevelBytes: Bytes;
}

/** Starting points: the system knows how large its caches are, the copy probe how fast DRAM is. */
export function initialValues(
  hint: MemoryHint = { levels: [], lastLevelBytes: 0 },
): ParameterValues {
  const initial = Object.fromEntries(
    PARAMETERS.map((parameter) => [parameter.name, parameter.initial]),
  ) as Record<ParameterName, number>;
  const last = hint.levels.at(-1);
  const before = hint.levels.at(-2);
  const probed = before ? { lastLevel: before.size } : {};
  return {
    ...initial,
    ...(hint.lastLevelBytes > 0 ? { lastLevel: hint.lastLevelBytes } : probed),
    ...(last && before ? { coreBandwidth: last.bandwidth, bandwidth: 1.5 * last.bandwidth } : {}),
  };
}
