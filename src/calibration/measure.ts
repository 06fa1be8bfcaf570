/**
 * The ONNX Runtime door of calibration: opens models and times them.
 *
 * Model    time of a model = low quantile of its runs, taken in bursts spread over the whole session
 * Ignores  frequency changes within a burst; other tenants of the machine, except that they widen the spread
 * Valid    runs of 10 µs and longer; the timer ticks in nanoseconds
 * Source   interference only ever adds time, so a low quantile is steadier than the mean (checked in the test below)
 * Checked  test/unit/calibration/measure.test.ts
 */
import type * as OnnxRuntime from 'onnxruntime-node';
import { SpecError } from '../base/errors.ts';
import type { Seconds } from '../base/units.ts';
import { MICRO, MILLI, NANO } from '../base/units.ts';
import { elementCount, patternBytes } from './onnx-writer.ts';

type Runtime = typeof OnnxRuntime;
type Feeds = Record<string, OnnxRuntime.Tensor>;

/** One input to fill. Types are ONNX Runtime's names: `float32`, `int64`, `bool`, … */
export interface FeedSpec {
  readonly name: string;
  readonly type: string;
  readonly dims: readonly number[];
  /** Every element, where an ordinary number would not do: a sampling rate, a flag. */
  readonly value?: number;
}

export interface OpenOptions {
  readonly threads: number;
  /** Told of long runs of one thread: how long they took, and how much of it they waited for a processor. */
  onWait?(wall: Seconds, waited: Seconds): void;
  /** Where to write ONNX Runtime's profile; off unless given. */
  readonly profilePrefix?: string;
}

/**
 * Runs of one thread longer than this count the processor's time where that is less than the clock's: on a busy
 * machine another process always gets a turn within a few milliseconds. Threads that wait for each other spin, so
 * with several of them the processor's time says nothing.
 */
const PREEMPTIBLE: Seconds = 0.5 * MILLI;

/** A model loaded with its inputs filled, ready to be run again and again. */
export interface OpenModel {
  /** @returns the time of one call. */
  run(): Promise<Seconds>;
  /** Ends profiling where it was on, and frees the session. */
  close(): Promise<void>;
}

/** Loads the native runtime when it is first needed; it takes a tenth of a second. */
async function loadRuntime(): Promise<Runtime> {
  const module = (await import('onnxruntime-node')) as Runtime & { default?: Runtime };
  return module.default ?? module;
}

/** Opens a model with inputs of the given shapes, filled with ordinary numbers. */
export async function openModel(
  model: Uint8Array | string,
  inputs: readonly FeedSpec[],
  options: OpenOptions,
): Promise<OpenModel> {
  const runtime = await loadRuntime();
  const settings = {
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential' as const,
    logSeverityLevel: 3 as const,
    ...(options.profilePrefix
      ? { enableProfiling: true, profileFilePrefix: options.profilePrefix }
      : {}),
  };
  const session =
    typeof model === 'string'
      ? await runtime.InferenceSession.create(model, settings)
      : await runtime.InferenceSession.create(model, settings);
  const feeds = Object.fromEntries(inputs.map((value) => [value.name, fill(runtime, value)]));
  return {
    run: async () => {
      const start = process.hrtime.bigint();
      const before = process.cpuUsage();
      await session.run(feeds as Feeds);
      const wall = Number(process.hrtime.bigint() - start) * NANO;
      if (options.threads > 1 || wall < PREEMPTIBLE) return wall;
      const { user, system } = process.cpuUsage(before);
      const busy = Math.min(wall, (user + system) * MICRO);
      options.onWait?.(wall, wall - busy);
      return busy;
    },
    close: async () => {
      if (options.profilePrefix) session.endProfiling();
      await session.release();
    },
  };
}

function fill({ Tensor }: Runtime, { type, dims, value }: FeedSpec): OnnxRuntime.Tensor {
  const count = elementCount(dims);
  const shape = [...dims];
  switch (type) {
    case 'float32': {
      const data = new Float32Array(patternBytes('float32', dims).buffer, 0, count);
      return new Tensor('float32', value === undefined ? data : data.fill(value), shape);
    }
    case 'float16':
      // One half: ordinary in every element, and written without a conversion.
      return new Tensor('float16', new Uint16Array(count).fill(0x3800), shape);
    case 'int64':
      return new Tensor('int64', new BigInt64Array(count).fill(BigInt(value ?? 0)), shape);
    case 'int32':
      return new Tensor('int32', new Int32Array(count).fill(value ?? 0), shape);
    case 'bool':
      return new Tensor('bool', new Uint8Array(count).fill(value ?? 1), shape);
    case 'uint8':
      return new Tensor('uint8', patternBytes('uint8', dims), shape);
    case 'int8':
      return new Tensor('int8', new Int8Array(patternBytes('int8', dims).buffer, 0, count), shape);
    default:
      throw new SpecError(`inputs of type ${type} cannot be filled`);
  }
}

export interface Burst {
  /** Timed runs stop after this long … */
  readonly seconds: Seconds;
  /** … but not before this many. */
  readonly minimum: number;
  readonly maximum: number;
}

/** Untimed runs, then a burst of timed ones. */
export async function timeBurst(model: OpenModel, burst: Burst): Promise<number[]> {
  const first = await model.run();
  // A second warm-up run lets the threads of the model that ran before go to sleep.
  if (first < burst.seconds) await model.run();
  const samples: number[] = [];
  for (let spent = 0; samples.length < burst.maximum; ) {
    const seconds = await model.run();
    samples.push(seconds);
    spent += seconds;
    if (spent > burst.seconds && samples.length >= burst.minimum) break;
  }
  return samples;
}
