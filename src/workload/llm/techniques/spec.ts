/** What a workload file may say of techniques, what cannot be, and how names become shapes. */
import { nearestHint } from '../../../base/registry.ts';
import { type CrossFault, type Infer, quantity, z } from '../../../base/schema.ts';
import { valueAt } from '../../family.ts';
import { TASKS } from '../../models/decoding-tricks.ts';
import { findLlm, type LlmModel } from '../../models/llm-model.ts';
import type { ModelTables } from '../../models/tables.ts';
import { checkPacking, packingShape } from '../../packing.ts';
import { expertBytes, type LlmTechniques } from './apply.ts';
import { DRAFTERS } from './speculative.ts';

const PROJECTIONS = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] as const;

export const techniquesSpec = z.strictObject({
  ...packingShape,
  lora: z
    .strictObject({
      rank: z.int().positive(),
      targets: z.array(z.enum(PROJECTIONS)).min(1).default(['q', 'v']),
      /** In memory, read from storage before every request, or merged into the weights before it. */
      mode: z.enum(['resident', 'swap', 'merge']).default('resident'),
    })
    .optional(),
  speculation: z
    .strictObject({
      method: z.enum(DRAFTERS),
      /** Row of llm.csv that drafts, for `draft-model`. */
      draft: z.string().optional(),
      /** Tokens that the draft looks ahead. */
      length: z.int().min(1).max(16).default(4),
      /** Tokens checked at once, for trees; length + 1 unless given. */
      candidates: z.int().min(2).max(256).optional(),
      /** Mean tokens of a step, the model's own included; of the method and task unless given. */
      accepted: z.number().min(1).optional(),
      task: z.enum(TASKS).optional(),
      /** Unit that drafts. */
      unit: z.string().optional(),
    })
    .optional(),
  /** Experts that are not in memory come from storage. */
  expertPaging: z
    .strictObject({
      /** For experts of all layers together. */
      memory: quantity('size'),
      /** Probability that a token asks for an expert of the token before. */
      reuse: z.number().min(0).max(1).default(0),
      seed: z.int().nonnegative().default(1),
    })
    .optional(),
  /** Attention of every layer to the last so many tokens only. */
  window: z.int().positive().optional(),
});
export type TechniquesSpec = Infer<typeof techniquesSpec>;

type Data = Readonly<Record<string, unknown>>;

/** Names become shapes; what is not given comes from the tables. */
export function techniquesOf(spec: TechniquesSpec, tables: ModelTables): LlmTechniques {
  const { speculation, ...rest } = spec;
  if (!speculation) return rest;
  const { method, draft, length, candidates = length + 1, accepted, task, unit } = speculation;
  const trick = tables.decodingTricks[method];
  const known = (task === undefined ? trick?.accepted : trick?.byTask[task]) ?? 1;
  return {
    ...rest,
    speculation: {
      method,
      length,
      candidates,
      accepted: accepted ?? Math.min(known, length + 1, candidates),
      unit,
      draft: draft === undefined ? undefined : findLlm(tables.llm, draft).model,
    },
  };
}

/** Techniques that the model cannot have, or that contradict themselves. */
export function checkTechniques(data: unknown, tables: ModelTables): CrossFault[] {
  const techniques = valueAt(data, 'techniques');
  const model = modelOf(valueAt(data, 'model'), tables);
  if (typeof techniques !== 'object' || techniques === null || !model) return [];
  const at = (key: string) => (techniques as Data)[key] as Data | undefined;
  return [
    ...checkPacking(data),
    ...checkLora(at('lora'), model),
    ...checkSpeculation(at('speculation'), model, tables),
    ...checkPaging(at('expertPaging'), model, valueAt(data, 'weightFormat'), tables),
  ];
}

function modelOf(name: unknown, { llm }: ModelTables): LlmModel | undefined {
  if (typeof name !== 'string') return undefined;
  const shape = Object.hasOwn(llm.standIns, name) ? String(llm.standIns[name]) : name;
  return Object.hasOwn(llm.models, shape) ? llm.models[shape] : undefined;
}

/** Inputs and outputs of what an adapter may stand beside. */
function projections(model: LlmModel): Readonly<Partial<Record<string, readonly number[]>>> {
  const { hidden, heads, kvHeads, headDim, globalHeadDim, valueDim, ffn, lateFfn } = model;
  const narrow = Math.min(headDim, globalHeadDim);
  const wide = Math.min(ffn, lateFfn);
  // Latent attention has one narrow product for keys and values together, experts stand in place of the rest.
  const cache = !model.latent && {
    k: [hidden, kvHeads * narrow],
    v: [hidden, kvHeads * Math.min(valueDim, narrow)],
  };
  const forward = !model.experts && { up: [hidden, wide], down: [wide, hidden] };
  return {
    q: [hidden, heads * narrow],
    o: [heads * Math.min(valueDim, narrow), hidden],
    ...cache,
    ...forward,
    ...(forward && model.gated && { gate: [hidden, wide] }),
  };
}

const DEFAULT_TARGETS = ['q', 'v'];

function checkLora(lora: Data | undefined, model: LlmModel): CrossFault[] {
  if (!lora) return [];
  const sizes = projections(model);
  const given = lora['targets'];
  const targets = (Array.isArray(given) ? given : DEFAULT_TARGETS).map(String);
  const absent = targets.filter((name) => isProjection(name) && !sizes[name]);
  const faults: CrossFault[] = [];
  if (Array.isArray(given) && absent.length > 0)
    faults.push({
      path: ['techniques', 'lora', 'targets'],
      message: `${model.id} ${whyAbsent(model)}`,
      expected: Object.keys(sizes).join(', '),
      got: absent.join(', '),
    });
  const rank = lora['rank'];
  const [least = Number.POSITIVE_INFINITY, narrowest] = targets
    .flatMap((name) => (sizes[name] ? [[Math.min(...sizes[name]), name] as const] : []))
    .reduce(
      (best, next) => (next[0] < (best[0] ?? Number.POSITIVE_INFINITY) ? next : best),
      [] as readonly [] | readonly [number, string],
    );
  if (typeof rank === 'number' && rank > least)
    faults.push({
      path: ['techniques', 'lora', 'rank'],
      message: `above the narrowest side of ${narrowest} in ${model.id}, so no low rank`,
      expected: `at most ${least}; 4 to 64 is usual`,
      got: String(rank),
    });
  return faults;
}

function isProjection(name: string): boolean {
  return (PROJECTIONS as readonly string[]).includes(name);
}

function whyAbsent({ experts, latent, gated }: LlmModel): string {
  if (experts)
    return `has experts in place of gate, up and down${latent ? ', and no k and v' : ''}`;
  return gated ? 'has one narrow product in place of k and v' : 'has no gate';
}

function checkSpeculation(
  it: Data | undefined,
  model: LlmModel,
  { llm }: ModelTables,
): CrossFault[] {
  if (!it) return [];
  const path = (key: string) => ['techniques', 'speculation', key];
  const faults: CrossFault[] = [];
  const { method, draft, accepted, length = 4 } = it;
  if (method === 'draft-model') {
    const names = [...Object.keys(llm.models), ...Object.keys(llm.standIns)];
    if (draft === undefined)
      faults.push({ path: path('draft'), message: 'missing', expected: 'the model that drafts' });
    else if (!names.includes(String(draft)))
      faults.push({
        path: path('draft'),
        message: `unknown language model "${String(draft)}"`,
        hint: nearestHint(String(draft), names),
      });
    else faults.push(...checkVocabulary(findLlm(llm, String(draft)).model, model));
  } else if (draft !== undefined)
    faults.push({ path: path('draft'), message: `has no effect with ${String(method)}` });
  if (method === 'lookup' && it['unit'] !== undefined)
    faults.push({ path: path('unit'), message: 'nothing drafts with lookup' });
  if (typeof accepted === 'number' && accepted > Number(length) + 1)
    faults.push({
      path: path('accepted'),
      message: 'more tokens than a step checks',
      expected: `at most ${Number(length) + 1}: the draft's ${Number(length)} and the model's own (${model.id})`,
      got: String(accepted),
    });
  const { candidates } = it;
  if (typeof accepted === 'number' && typeof candidates === 'number' && accepted > candidates)
    faults.push({
      path: path('accepted'),
      message: 'more tokens than a step checks',
      expected: `at most the ${candidates} candidates`,
      got: String(accepted),
    });
  return faults;
}

/** Padding of an embedding to a round size, as far as llama.cpp lets it pass (SPEC_VOCAB_MAX_SIZE_DIFFERENCE). */
const PADDED_ROWS = 128;

/** Token ids of the draft are checked as they are: they must mean the same to the model. */
function checkVocabulary(draft: LlmModel, model: LlmModel): CrossFault[] {
  if (Math.abs(draft.vocab - model.vocab) <= PADDED_ROWS) return [];
  return [
    {
      path: ['techniques', 'speculation', 'draft'],
      message: `${draft.id} has ${draft.vocab} tokens, ${model.id} ${model.vocab}: a draft speaks the vocabulary of its model`,
      expected: `a model with the tokenizer of ${model.id}`,
    },
  ];
}

function checkPaging(
  paging: Data | undefined,
  model: LlmModel,
  format: unknown,
  { formats }: ModelTables,
): CrossFault[] {
  if (!paging) return [];
  if (!model.experts)
    return [
      {
        path: ['techniques', 'expertPaging'],
        message: `${model.id} has no experts`,
        expected: 'a mixture of experts, such as mixtral-8x7b or olmoe-1b-7b',
      },
    ];
  const stored = typeof format === 'string' ? formats[format] : undefined;
  const memory = quantity('size').safeParse(paging['memory']);
  if (!stored || !memory.success) return [];
  const expert = expertBytes(model, stored);
  const sparse = model.layers - model.experts.denseFirst;
  if (memory.data >= sparse * expert) return [];
  return [
    {
      path: ['techniques', 'expertPaging', 'memory'],
      message: 'does not hold one expert per layer',
      expected: `at least ${sparse} layers × ${Math.ceil(expert / 1000)} kB = ${Math.ceil((sparse * expert) / 1000)} kB`,
      got: String(paging['memory']),
    },
  ];
}
