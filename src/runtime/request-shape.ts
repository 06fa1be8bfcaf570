/**
 * What an engine makes of a request to a language model, whoever asks: parts that prompts are cut into, the format of the
 * cache, and what of both is computed that nobody asked for.
 *
 * Model    prompts go in calls of `chunk` tokens, or of the lengths that graphs have, the last one filled up where these
 *          are fixed; what a kind of unit says of itself goes before what all have; attention covers the whole context
 *          that graphs were compiled for, a multiple of `context`, in every layer where windows are masks
 * Ignores  steps that a policy moves to another unit
 * Source   socs/runtimes/*.yaml, models.request
 * Checked  test/contract/run-and-check.test.ts, test/unit/runtime/request-shape.test.ts
 */
import type { RuntimeSpec } from './runtime-spec.ts';

/** Keys of a workload that its engine decides unless the workload says; none where the engine has nothing to say. */
export interface RequestShape {
  readonly prefillChunk?: number | readonly number[];
  readonly firstTokenDecodes?: boolean;
  readonly padPrefill?: boolean;
  readonly cascadePrefill?: boolean;
  readonly coverPrefill?: boolean;
  readonly prunePrefill?: boolean;
  readonly maskWindows?: boolean;
  readonly logits?: 'last' | 'all';
  readonly scores?: 'full';
  readonly contextBucket?: number;
  readonly kvCache?: string;
}

/**
 * @param kind of the unit that reads the prompt.
 * @param longest context of the model: no engine allocates more at once.
 */
export function requestShape(
  { models }: Pick<RuntimeSpec, 'models'>,
  kind: string,
  longest = Number.POSITIVE_INFINITY,
): RequestShape {
  const { on, [kind as 'npu']: own, ...all } = models.request;
  const shape = { ...all, ...own };
  const { chunk, pads, cascades, covers, prunes, masksWindows, logits, context } = shape;
  const { firstTokenDecodes } = shape;
  const { [kind as 'npu']: cache } = models.kvCache;
  const kept = cache === undefined ? {} : { kvCache: cache };
  if (on && !on.some((one) => one === kind)) return kept;
  return {
    ...kept,
    ...(chunk && { prefillChunk: chunk.is }),
    ...(pads && { padPrefill: pads.is }),
    ...(cascades && { cascadePrefill: cascades.is }),
    ...(covers && { coverPrefill: covers.is }),
    ...(firstTokenDecodes && { firstTokenDecodes: firstTokenDecodes.is }),
    ...(prunes && { prunePrefill: prunes.is }),
    ...(masksWindows && { maskWindows: masksWindows.is }),
    ...(logits && { logits: logits.is }),
    ...(context && {
      scores: 'full' as const,
      contextBucket: Math.min(context.is, longest),
    }),
  };
}

/** Whether graphs of the engine attend a context of fixed length on units of a kind. */
export function hasFixedContext(runtime: Pick<RuntimeSpec, 'models'>, kind: string): boolean {
  return requestShape(runtime, kind).contextBucket !== undefined;
}
