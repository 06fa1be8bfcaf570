/** Claims as data: what was said, by whom, and what to run to check it. */
import { checkSpec, type Infer, z } from '../../base/schema.ts';
import type { SpecFile } from '../../base/spec-file.ts';

/** What a run is asked for. */
const reading = z.enum([
  /** Tokens per second of decode, of prefill; seconds to the first token and to the end. */
  'decode_tokens_per_second',
  'prefill_tokens_per_second',
  'time_to_first_token_seconds',
  'request_latency_seconds',
  /** All memory in use, and that of the model alone: weights, cache and activations. */
  'peak_memory_bytes',
  'model_memory_bytes',
  /** Mean power of the NPU's own rail, and energy of those of units. */
  'npu_watts',
  'npu_joules',
  'cpu_joules',
  'gpu_joules',
]);
export type Reading = z.output<typeof reading>;

const runSpec = z.strictObject({
  soc: z.string(),
  workload: z.string(),
  phone: z.string().optional(),
  set: z.array(z.string()).default([]),
});
export type ClaimRun = Infer<typeof runSpec>;

const measure = z.discriminatedUnion('kind', [
  /** One reading of one run, or over the same reading of another. */
  z.strictObject({ kind: z.literal('run'), run: runSpec, read: reading, over: runSpec.optional() }),
  /** INT8 operations per second of the NPU at its fastest clock, or over another SoC's or a number. */
  z.strictObject({
    kind: z.literal('peak'),
    soc: z.string(),
    over: z.union([z.string(), z.number().positive()]).optional(),
  }),
  /** Phones times the mean peak of their SoCs. */
  z.strictObject({
    kind: z.literal('fleet'),
    phones: z.number().positive(),
    socs: z.array(z.string()).min(1),
  }),
]);

const claim = z.strictObject({
  says: z.string(),
  source: z.string(),
  value: z.number(),
  /** As a reader expects it; the measure is divided by `scale` to get there. */
  unit: z.string(),
  scale: z.number().positive().default(1),
  is: z.enum(['about', 'at-least', 'at-most']).default('about'),
  /** Relative, on either side; a claimed gain of an eighth needs less than the usual tenth. */
  tolerance: z.number().gt(0).max(0.5).default(0.1),
  conditions: z.string().optional(),
  measure,
  /** Changes under which it is tried again where it does not hold as it stands. */
  techniques: z
    .array(
      z.strictObject({
        name: z.string(),
        set: z.array(z.string()).default([]),
        /** Another workload instead. */
        workload: z.string().optional(),
      }),
    )
    .default([]),
  /** What a reader should make of it. */
  reasoning: z.string(),
});
export type Claim = Infer<typeof claim>;

const claimsSpec = z.strictObject({
  version: z.literal(1),
  claims: z.record(z.string(), claim),
});

/** @throws SpecError with every fault of the file in one go. */
export function parseClaims(spec: SpecFile): Readonly<Record<string, Claim>> {
  return checkSpec(spec, claimsSpec).claims;
}
