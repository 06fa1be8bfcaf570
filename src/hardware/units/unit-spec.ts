/**
 * Schemas of the compute units under `units:` in socs/<soc>.yaml: the fields that only one kind has.
 *
 * Fields that every kind shares (clock, power, memory port) belong to soc-spec.ts, which spreads these shapes:
 * `z.strictObject({ ...npuShape, ...commonShape })`.
 */
import { count, type Infer, sourced, sourcedValue, z } from '../../base/schema.ts';
import { DTYPE_BITS, type DType } from '../../base/work.ts';

/**
 * Number format of a multiply: a dtype name when weights and activations share it (`int8`, `fp16`), or `w4a16`,
 * weight bits by activation bits, where the engine takes the two natively. A pair without an entry runs at the rate
 * of its activations, after its weights were expanded by the dequantisation path.
 */
const formatKey = z
  .string()
  .regex(
    new RegExp(`^(${Object.keys(DTYPE_BITS).join('|')}|w\\d+a\\d+)$`),
    'expected a dtype such as "int8", or weight and activation bits such as "w4a16"',
  );
const formatName = z.enum(Object.keys(DTYPE_BITS) as [DType, ...DType[]]);
const rates = z.record(formatKey, sourced('ratio'));
/** Seconds from the dispatch of one operator until it runs; paid before every operator. */
const launch = z.strictObject({
  operator: sourced('time', { min: 0 }),
  /** Call across processors, paid once for each run of consecutive operators on the unit. */
  graph: sourced('time', { min: 0 }).optional(),
});

/** ONNX operator names a unit cannot run; they move to another unit and pay the copies. */
const operators = z
  .strictObject({
    only: z.array(z.string()).optional(),
    except: z.array(z.string()).optional(),
  })
  .optional();

const onchip = z.strictObject({
  size: sourced('size'),
  /** Reads and writes together, all banks. */
  bytesPerClock: sourced('count'),
});

export const DATAFLOWS = ['weight-stationary', 'output-stationary', 'input-stationary'] as const;
export type Dataflow = (typeof DATAFLOWS)[number];

export const npuShape = {
  kind: z.literal('npu'),
  matrix: z.strictObject({
    /** Systolic arrays working side by side on one operator. */
    engines: count(),
    rows: count(),
    columns: count(),
    /** Columns that a product of one attention head occupies, however few it has; as many as it has where absent. */
    leastColumns: count().optional(),
    dataflow: sourcedValue(z.enum(DATAFLOWS)),
    /** Multiply–accumulates per clock relative to int8, whose rate is engines × rows × columns. */
    rates,
    /** Rate gain on weights pruned 2:4 (`techniques.pruning` of a workload); absent where the engine has no such path. */
    sparsity: sourced('ratio', { min: 1, max: 2 }).optional(),
    /** Successive folds of one operator follow without draining the array; the next stationary tile loads meanwhile. */
    overlapFolds: z.boolean().default(true),
    doubleBufferPreload: z.boolean().default(true),
    /** Bytes of accumulators; outputs of one tile must fit. Absent: they live in local memory. */
    accumulator: sourced('size').optional(),
  }),
  vector: z.strictObject({
    /** Lane operations per clock of all vector contexts together, by dtype; a multiply–accumulate is one. */
    opsPerClock: z.record(formatKey, sourced('count')),
  }),
  /** Weights per clock that the unit expands from a packed format the matrix engine does not take. */
  dequantisation: sourced('count').optional(),
  /**
   * Unpacks compressed weights on their way into local memory: plain bytes per clock that it hands on. How far weights
   * compress is theirs: `techniques.compression.ratio` of a workload.
   */
  decompressor: z.strictObject({ bytesPerClock: sourced('count') }).optional(),
  /** Software-managed local memory, tiles double-buffered in it. */
  sram: z.strictObject({
    ...onchip.shape,
    /** Share of it in which compilers keep activations between operators: what fits causes no DRAM traffic. Absent: none. */
    resident: sourced('ratio', { max: 1 }).optional(),
  }),
  /** Whether attention keeps its scores on chip. */
  fusedAttention: z.boolean().default(true),
  /**
   * Networks compiled ahead of time, by measurements of whole networks: share of the matrix rate by format of the
   * activations (that of int8 for int16 too, unless it has its own), lane operations relative to `vector`, time between
   * operators, time of a call.
   */
  compiled: z
    .strictObject({
      matrix: z.partialRecord(formatName, sourced('ratio', { max: 1.5 })),
      lanes: sourced('ratio', { max: 3 }),
      operator: sourced('time', { min: 0 }),
      call: sourced('time', { min: 0 }),
    })
    .optional(),
  launch,
  operators,
};

export const gpuShape = {
  kind: z.literal('gpu'),
  cores: count(),
  /** FP32 fused multiply–adds per clock and core. */
  fmaPerClock: count(),
  /** Multiply–accumulates per clock relative to FP32; `int8` is the dot-product rate. */
  rates,
  /** Work items that run in step, and resident waves per core at which latency is hidden. */
  waveSize: count(),
  wavesPerCore: count(),
  /** Share of the peak rate that a well-tuned GEMM reaches on full occupancy. */
  matrixShare: sourced('ratio', { max: 1 }),
  l2: onchip,
  /** Texture (or first-level) path of all cores together. */
  texture: onchip.optional(),
  /** Register and local-memory tile of one work group; bounds the reuse of a GEMM. */
  tile: z.strictObject({ rows: count(), columns: count() }).optional(),
  fusedAttention: z.boolean().default(false),
  launch,
  operators,
};

/** One entry of a CPU's clusters. */
export const clusterSpec = z.strictObject({
  name: z.string(),
  /** Marketing name of the core, such as `Cortex-X4`. */
  core: z.string(),
  count: count(),
  /** Clock domain, a key of the description's domains. */
  clock: z.string(),
  simdPipes: count(),
  simdBits: count(),
  /** Four-way int8 dot product, and 8×8 int8 matrix multiply, one per pipe and clock. */
  dot: z.boolean().default(true),
  i8mm: z.boolean().default(true),
  /** Native half-precision arithmetic. */
  fp16: z.boolean().default(true),
  /** Outer-product unit shared by the cluster (SME): multiply–accumulates per clock by format. */
  matrixUnit: z.record(formatKey, sourced('count')).optional(),
  /** Per core. */
  l2: sourced('size'),
});

/** What a runtime's kernels reach on the cores, where measurements tell; whatever is absent follows from the pipes. */
const cpuKernels = z.strictObject({
  /** Share of the peak rate of the format computed in; `matrixShare` where absent. Attention of one token is `attentionRow`. */
  shares: z.strictObject({
    weights: sourced('ratio').optional(),
    activations: sourced('ratio').optional(),
    int8: sourced('ratio').optional(),
    int4: sourced('ratio').optional(),
    /** Of groups longer than 32. */
    int4Long: sourced('ratio').optional(),
    conv: sourced('ratio').optional(),
    /** Of images with fewer than eight channels. */
    stem: sourced('ratio').optional(),
    depthwise: sourced('ratio').optional(),
    attention: sourced('ratio').optional(),
    attentionRow: sourced('ratio').optional(),
  }),
  /** Per core and clock: scalar operations of vector work, and elements of copies that change their order. */
  vectorOps: sourced('count').optional(),
  reorder: sourced('count').optional(),
  /** Vector operations that one exponential, one error function and one division cost. */
  exponential: sourced('count').optional(),
  division: sourced('count').optional(),
  errorFunction: sourced('count').optional(),
  /** Output channels that convolutions compute together; fewer leave lanes idle. */
  outputBlock: sourced('count', { min: 1 }).optional(),
  /** Bytes per clock that one core draws from each level; activations that fit then cause no DRAM traffic. */
  caches: z
    .strictObject({
      l2: sourced('count'),
      l3: sourced('count'),
      /** Bytes from DRAM that hold up one core's arithmetic for one clock: what prefetching does not hide. */
      stall: sourced('count').optional(),
    })
    .optional(),
  /** Bandwidth that one core can draw from DRAM. */
  coreBandwidth: sourced('bandwidth').optional(),
  /** Clocks of one core below which an operator is not split over threads. */
  splitCycles: sourced('count', { min: 0 }).optional(),
  /** Speed of n threads over n times the speed of one. */
  threadShare: sourced('ratio').optional(),
});

export const cpuShape = {
  kind: z.literal('cpu'),
  /** Slowest first; threads take the last cluster first. */
  clusters: z.array(clusterSpec).min(1),
  l3: sourced('size', { min: 0 }),
  /** Worker threads of an inference runtime on this phone, unless a scenario says otherwise. */
  threads: count(),
  /** Clusters that they are held on, by name with spaces between; all of them where absent. */
  affinity: z.string().optional(),
  /** Cost of one barrier between them, paid once per operator. */
  barrier: sourced('time', { min: 0 }),
  /** Share of the peak rate that a well-tuned GEMM reaches. */
  matrixShare: sourced('ratio', { max: 1 }),
  kernels: cpuKernels.optional(),
  fusedAttention: z.boolean().default(false),
  launch,
  operators,
};

/** The kind-specific parts alone, as tests and tools use them; the description's schema adds the common ones. */
export const npuSpec = z.strictObject(npuShape);
export const gpuSpec = z.strictObject(gpuShape);
export const cpuSpec = z.strictObject(cpuShape);
export const unitSpec = z.discriminatedUnion('kind', [npuSpec, gpuSpec, cpuSpec]);

export type NpuSpec = Infer<typeof npuSpec>;
export type GpuSpec = Infer<typeof gpuSpec>;
export type CpuSpec = Infer<typeof cpuSpec>;
export type CpuKernelsSpec = Infer<typeof cpuKernels>;
export type CpuClusterSpec = Infer<typeof clusterSpec>;
export type UnitSpec = Infer<typeof unitSpec>;
