/** What a workload file may say of techniques, what cannot be, and how names become shapes. */
import { nearestHint } from '../../../base/registry.ts';
import { type CrossFault, type Infer, quantity, z } from '../../../base/schema.ts';
import { valueAt } from '../../family.ts';
import { TASKS } from '../../models/decoding-tricks.ts';
import { findLlm, type LlmModel } from '../../models/llm-model.ts';
import type { ModelTables } from '../../models/tables.ts';
import { expertBytes, type LlmTechniques } from './apply.ts';
import { DRAFTERS } from './speculative.ts';

const PROJECTIONS = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] as const;

export const techniquesSpec = z.strictObject({
  /** Hardware that unpacks weights on their way from memory. */
  compression: z
    .strictObject({
      /** Plain bytes over stored ones. */
      ratio: z.number().min(1).max(16),
      /** Plain bytes per second that it hands on at the unit's fastest clock; no limit when absent. */
      throughput: quantity('bandwidth').optional(),
    })
    .optional(),
  pruning: z
    .strictObject({
      pattern: z.enum(['2:4', 'unstructured']),
      /** Share of zeros of the unstructured pattern. */
      sparsity: z.number().gt(0).lt(1).default(0.5),
      /** The engine leaves out the arithmetic of zeros. */
      skipsZeros: z.boolean().default(false),
    })
    .optional(),
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

function checkLora(lora: Data | undefined, model: LlmModel): CrossFault[] {
  if (!lora) return [];
  const faults: CrossFault[] = [];
  const rank = lora['rank'];
  if (typeof rank === 'number' && rank > model.hidden)
    faults.push({
      path: ['techniques', 'lora', 'rank'],
      message: `above the width of ${model.id}`,
      expected: `at most ${model.hidden}; 4 to 64 is usual`,
      got: String(rank),
    });
  const targets = Array.isArray(lora['targets']) ? lora['targets'] : [];
  if (model.experts && targets.some((name) => ['gate', 'up', 'down'].includes(String(name))))
    faults.push({
      path: ['techniques', 'lora', 'targets'],
      message: `${model.id} has experts in place of gate, up and down`,
      expected: 'q, k, v, o',
    });
  return faults;
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
