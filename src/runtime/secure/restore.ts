/**
 * Bringing an encrypted model into protected memory: from storage, through the cipher, into memory that has to be made.
 *
 * Model    stages: runtime start, attestation, growth, load with its hash, decryption. Sequential: one after another, the
 *          whole model each. Pipelined: runtime from its checkpoint, then growth, load and decryption work on
 *          consecutive chunks side by side; byte x is there at start + first chunk + x ÷ rate. The slowest of them sets the
 *          rate: storage, cipher, growth by its threads, or the CPU cores where their work together fills them
 * Ignores  memory traffic that restoring takes from computing meanwhile; layers needed out of file order
 * Valid    models of many chunks, weights laid out in the order in which layers use them
 * Source   Wang et al., TZ-LLM, arXiv 2511.13717 (stages and pipeline of restoring in TrustZone)
 * Checked  test/unit/runtime/secure/restore.test.ts, test/validation/secure.test.ts
 */
import { type Bytes, type BytesPerSecond, MEBI, type Seconds } from '../../base/units.ts';

export const STAGES = [
  'runtime start',
  'attestation',
  'memory growth',
  'load',
  'decryption',
] as const;
export type Stage = (typeof STAGES)[number];

/** Bytes in flight between two stages: large enough for storage to read at full rate. */
export const CHUNK: Bytes = 16 * MEBI;

export interface RestoreInputs {
  readonly bytes: Bytes;
  readonly runtimeStart: Seconds;
  readonly attestation: Seconds;
  /** Time of the whole model in each stage by itself. */
  readonly growth: Seconds;
  readonly load: Seconds;
  readonly decryption: Seconds;
  /** Cores that growth and, where it runs there, decryption take turns on; decryption alone would use all of them. */
  readonly cores: number;
  readonly growthThreads: number;
  readonly decryptsOnCpu: boolean;
}

export interface StageSpan {
  readonly stage: Stage;
  readonly start: Seconds;
  readonly end: Seconds;
  /** Work in it; less than its span where it waits for others. */
  readonly busy: Seconds;
}

export interface Restore {
  readonly spans: readonly StageSpan[];
  /** Before this, nothing can run. */
  readonly ready: Seconds;
  readonly end: Seconds;
  /** Stage that sets the pace of a pipeline. */
  readonly bottleneck: Stage;
  /** When the first `bytes` of the model are there. */
  readyAt(bytes: Bytes): Seconds;
}

/** Everything one after another; nothing runs before the end. */
export function restoreInSequence(inputs: RestoreInputs): Restore {
  const spans: StageSpan[] = [];
  let now = 0;
  for (const [stage, seconds] of durations(inputs)) {
    if (seconds > 0) spans.push({ stage, start: now, end: now + seconds, busy: seconds });
    now += seconds;
  }
  return { spans, ready: now, end: now, bottleneck: longest(inputs), readyAt: () => now };
}

/** Chunks pass growth, load and decryption side by side, while the first layers run. */
export function restoreInPipeline(inputs: RestoreInputs): Restore {
  const { bytes, runtimeStart, attestation, growth, load, decryption } = inputs;
  const start = runtimeStart + attestation;
  const slowest = Math.max(coreSeconds(inputs), growth, load, decryption);
  const chunk = Math.min(1, CHUNK / bytes);
  // The first chunk passes every stage; from then on one leaves whenever the slowest resource has done one.
  const fill = chunk * (growth + load + decryption - slowest);
  const rate: BytesPerSecond = bytes / slowest;
  const readyAt = (wanted: Bytes) =>
    start + fill + Math.max(Math.min(wanted, bytes), Math.min(CHUNK, bytes)) / rate;
  const end = readyAt(bytes);
  const span = (stage: Stage, from: Seconds, busy: Seconds): StageSpan[] =>
    busy > 0 ? [{ stage, start: from, end: Math.min(end, from + slowest), busy }] : [];
  return {
    spans: [
      ...fixedSpan('runtime start', 0, runtimeStart),
      ...fixedSpan('attestation', runtimeStart, attestation),
      ...span('memory growth', start, growth),
      ...span('load', start + chunk * growth, load),
      ...span('decryption', start + chunk * (growth + load), decryption),
    ],
    ready: start,
    end,
    bottleneck: longest(inputs),
    readyAt,
  };
}

/** Work of growth and decryption, spread over all cores. */
function coreSeconds({ growth, growthThreads, decryption, cores, decryptsOnCpu }: RestoreInputs) {
  return (growth * growthThreads) / cores + (decryptsOnCpu ? decryption : 0);
}

function fixedSpan(stage: Stage, start: Seconds, seconds: Seconds): StageSpan[] {
  return seconds > 0 ? [{ stage, start, end: start + seconds, busy: seconds }] : [];
}

function durations(inputs: RestoreInputs): [Stage, Seconds][] {
  return [
    ['runtime start', inputs.runtimeStart],
    ['attestation', inputs.attestation],
    ['memory growth', inputs.growth],
    ['load', inputs.load],
    ['decryption', inputs.decryption],
  ];
}

/** The longest of the stages that work on the model's bytes. */
function longest(inputs: RestoreInputs): Stage {
  return durations(inputs)
    .slice(2)
    .reduce((best, next) => (next[1] > best[1] ? next : best))[0];
}
