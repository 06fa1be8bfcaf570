/** What a unit's builder needs beside its own micro-architecture: the common parts, and how good the runtime's kernels are. */
import type { Seconds } from '../../base/units.ts';
import type { DType } from '../../base/work.ts';
import type { MemoryPort } from '../compute-unit.ts';
import type { IntegerProducts } from './cpu-cores.ts';

/** Parts of a unit that every kind has; soc-spec.ts describes them. */
export interface UnitCommon {
  readonly name: string;
  /** Clock domains; a CPU takes those of the clusters it uses instead. */
  readonly domains: readonly string[];
  readonly port: MemoryPort;
}

/**
 * Quality of an inference runtime's kernels on one unit. Engines differ tenfold on the same silicon,
 * so this is a property of the runtime, never of the unit.
 */
export interface KernelClass {
  /** Reached over attainable matrix rate, by dtype of the activations; 1 where absent. */
  readonly matrixShare?: Readonly<Partial<Record<DType, number>>>;
  /**
   * The same of products with weights of floating point, where an engine has better kernels for them than for products
   * of activations; `matrixShare` where absent. CPUs only.
   */
  readonly weightShare?: Readonly<Partial<Record<DType, number>>>;
  /**
   * Reached share of the peak rate in products of one row with weights, by dtype of the weights: what unpacking and
   * short dot products leave. Where absent such a product is held by memory alone, as tuned kernels are.
   */
  readonly rowShare?: Readonly<Partial<Record<DType, number>>>;
  /** Weights are unpacked again for every row, as plain dot products do; otherwise tiles unpack them once. */
  readonly unpackPerRow?: boolean;
  /** Instructions that products of integers were built with; the best that the cores have where absent. CPUs only. */
  readonly integerProducts?: IntegerProducts;
  /** Kernels for the outer-product unit (SME) of a cluster; CPUs only. */
  readonly outerProducts?: boolean;
  /** Products with integer weights are dot products of one row each: a row alone costs what each of many does. */
  readonly dotPerRow?: boolean;
  /** Reached over what formats without them reach, where weights lie in super-blocks; 1 where absent. */
  readonly superblockShare?: number;
  /** Reached share of what the unit's memory port could draw. */
  readonly bandwidthShare?: number;
  /** Replaces the unit's own dispatch time. */
  readonly dispatchSeconds?: Seconds;
  /** Replaces the unit's own time of a call into its driver. */
  readonly callSeconds?: Seconds;
  /** Factors of a calibration on either time, whoever gave it; 1 where absent. */
  readonly launchScale?: number;
  readonly callScale?: number;
  /**
   * Attention as a chain of products of two activations on the vector lanes, at this share of their rate, by dtype of
   * the activations: compilers that keep the matrix engine for stored weights. Graphs that name each head are not
   * concerned. On the matrix engine where absent.
   */
  readonly attentionShare?: Readonly<Partial<Record<DType, number>>>;
  /** Graphs have a projection for each attention head, not one for all: narrow products. NPUs only. */
  readonly splitHeads?: boolean;
  /**
   * Convolutions of volumes on the vector lanes, at this share of their rate in half precision, by dtype of the
   * activations: engines without a lowering to planes. As convolutions of planes where absent. NPUs only.
   */
  readonly volumeShare?: Readonly<Partial<Record<DType, number>>>;
  /** Factor of a calibration on the rate of attention, wherever it runs; 1 where absent. */
  readonly attentionScale?: number;
  /** Reached share of the vector lanes in recurrences, one token after the other; laneShare() has what is taken where absent. */
  readonly recurrenceShare?: number;
  /** Recurrences are chains of element-wise kernels; not on CPUs. */
  readonly recurrenceChain?: boolean;
  /**
   * Times that the key–value cache moves in attention, half of what is beyond the first as writes: engines that pack an
   * operand of a product of activations anew for every call write and read it again. 1 where absent.
   */
  readonly cachePasses?: number;
  /** Share of a CPU core that waits for the unit, busily; 0 where absent. */
  readonly hostThread?: number;
  /** Runs what a compiler made ahead of time of a whole network: `compiled` of a unit applies. */
  readonly compiled?: boolean;
  /** Computes convolutions of 3 × 3 at stride 1 by Winograd's method. */
  readonly winograd?: boolean;
  /** Vector pipes of a CPU core that kernels keep busy, where it has more. */
  readonly pipes?: number;
  /** Layouts hold the same pixel of several channels together: depthwise convolutions fill vectors with them. CPUs only. */
  readonly channelBlocks?: boolean;
  /**
   * Reached over what other convolutions reach in those of images of fewer channels than layouts hold together; 1 where
   * absent. CPUs only.
   */
  readonly stemShare?: number;
  /** Vector operations per element of operators that have kernels in single precision alone, whatever the format. CPUs only. */
  readonly singlePrecision?: Readonly<Partial<Record<string, number>>>;
  /** Threads of a CPU get equal parts of an operator, whatever their cores: all wait for the slowest. */
  readonly equalParts?: boolean;
  /** Quantises activations to int8 on the fly where weights are integers, as CPU runtimes do; true where absent. */
  readonly quantiseActivations?: boolean;
}

export interface UnitOptions {
  readonly kernels?: KernelClass;
  /** Whether attention keeps its scores on chip; the unit's own default where absent. */
  readonly fusedAttention?: boolean;
  /** Worker threads of a CPU. */
  readonly threads?: number;
  /** Share of weights and key–value caches that stays in a CPU's last level from one run to the next; small models only. */
  readonly cachedShare?: number;
}

/** Time from the dispatch of one operator until it runs. */
export function launchOf(own: Seconds, { kernels }: UnitOptions): Seconds {
  return (kernels?.dispatchSeconds ?? own) * (kernels?.launchScale ?? 1);
}

/** The port as the runtime's kernels drive it. */
export function drivenPort(port: MemoryPort, options: UnitOptions): MemoryPort {
  const share = options.kernels?.bandwidthShare ?? 1;
  return {
    bandwidth: port.bandwidth * share,
    outstandingBytes: port.outstandingBytes * share,
  };
}
