/**
 * Weights of a language model, tensor by tensor.
 *
 * Model    per layer q, k, v, o projections, feed-forward or experts, norms; embedding and head; see `LlmModel`
 * Ignores  buffers that are not trained (rotary tables, masks)
 * Valid    decoder-only transformers that a row of `workloads/models/llm.csv` can express
 * Source   the models' public configurations, per row of that file
 * Checked  test/validation/model-counts.test.ts
 */
import type { Bytes } from '../../base/units.ts';
import type { LlmModel } from '../models/llm-model.ts';
import { storedBytes } from '../models/weight-format.ts';
import { plainBytes } from '../operator-cost.ts';
import type { LlmFormats } from './options.ts';

/** A kind of weight tensor. */
interface WeightTensor {
  readonly name: string;
  readonly role: 'embedding' | 'head' | 'projection' | 'expert' | 'plain';
  readonly elements: number;
  /** Length of the reduction, along which scales are grouped. */
  readonly inputs: number;
  /** How many such tensors the model has. */
  readonly count: number;
  /** How many of them one token touches. */
  readonly active: number;
}

function llmWeights(model: LlmModel): readonly WeightTensor[] {
  return [
    tensor('embedding', 'embedding', model.vocab * model.hidden, model.hidden, 1),
    ...(model.tied ? [] : [tensor('head', 'head', model.vocab * model.hidden, model.hidden, 1)]),
    ...(model.headBias ? [tensor('head.bias', 'plain', model.vocab, 1, 1)] : []),
    ...attentionWeights(model),
    ...feedForwardWeights(model),
    tensor('norm', 'plain', normWidth(model), 1, model.layers * model.normsPerLayer + 1),
  ];
}

/** All weights. */
export function llmParameters(model: LlmModel): number {
  return sum(llmWeights(model), ({ elements, count }) => elements * count);
}

/** Weights that one token touches, the embedding table and the head included. */
export function llmActiveParameters(model: LlmModel): number {
  return sum(llmWeights(model), ({ elements, active }) => elements * active);
}

/** Whether the tied table is kept twice because its two uses want different formats. */
function headIsCopied(model: LlmModel, formats: LlmFormats): boolean {
  return model.tied && formats.embedding.name !== formats.head.name;
}

/** Bytes of all weights as stored. */
export function llmWeightBytes(model: LlmModel, formats: LlmFormats): Bytes {
  const copied = headIsCopied(model, formats)
    ? storedBytes(formats.head, model.vocab * model.hidden, model.hidden)
    : 0;
  return copied + sum(llmWeights(model), (weights) => weights.count * bytesEach(weights, formats));
}

function bytesEach({ role, elements, inputs }: WeightTensor, formats: LlmFormats): Bytes {
  if (role === 'plain') return plainBytes(elements, formats.weights);
  const format =
    role === 'embedding' ? formats.embedding : role === 'head' ? formats.head : formats.weights;
  return storedBytes(format, elements, inputs);
}

/** Layers that own a key–value cache. */
export function cacheLayers(model: LlmModel): number {
  return Math.ceil(model.layers / model.kvShare);
}

/** Elements that one token adds to the cache of one layer. */
export function cacheElementsPerToken(model: LlmModel): number {
  return model.latent
    ? model.latent.rank + model.latent.ropeDim
    : model.kvHeads * (model.headDim + model.valueDim);
}

function normWidth(model: LlmModel): number {
  return model.norm === 'layer' ? 2 * model.hidden : model.hidden;
}

function attentionWeights(model: LlmModel): WeightTensor[] {
  const { hidden, heads, kvHeads, headDim, valueDim, layers, latent } = model;
  const query = heads * headDim;
  const owners = cacheLayers(model);
  const list = [
    tensor('q', 'projection', hidden * query, hidden, layers),
    tensor('o', 'projection', heads * valueDim * hidden, heads * valueDim, layers),
  ];
  if (model.outputBias) list.push(tensor('o.bias', 'plain', hidden, 1, layers));
  if (latent) {
    const down = latent.rank + latent.ropeDim;
    const up = heads * (headDim - latent.ropeDim + valueDim);
    list.push(tensor('kv_down', 'projection', hidden * down, hidden, layers));
    list.push(tensor('kv_norm', 'plain', latent.rank, 1, layers));
    list.push(tensor('kv_up', 'projection', latent.rank * up, latent.rank, layers));
    return list;
  }
  list.push(tensor('k', 'projection', hidden * kvHeads * headDim, hidden, owners));
  list.push(tensor('v', 'projection', hidden * kvHeads * valueDim, hidden, owners));
  if (model.qkvBias) {
    list.push(tensor('q.bias', 'plain', query, 1, layers));
    list.push(tensor('kv.bias', 'plain', kvHeads * (headDim + valueDim), 1, owners));
  }
  if (model.qkNorm !== 'none') {
    const wide = model.qkNorm === 'full-width';
    list.push(tensor('q_norm', 'plain', wide ? query : headDim, 1, layers));
    list.push(tensor('k_norm', 'plain', wide ? kvHeads * headDim : headDim, 1, owners));
  }
  return list;
}

function feedForwardWeights(model: LlmModel): WeightTensor[] {
  const { hidden, experts, layers } = model;
  if (!experts) return mlpWeights(model, 'mlp', 'projection', model.ffn, layers, layers);
  const sparse = layers - experts.denseFirst;
  return [
    ...(experts.denseFirst > 0
      ? mlpWeights(model, 'mlp', 'projection', model.ffn, experts.denseFirst, experts.denseFirst)
      : []),
    tensor('router', 'projection', hidden * experts.count, hidden, sparse),
    ...mlpWeights(
      model,
      'experts',
      'expert',
      experts.ffn,
      sparse * experts.count,
      sparse * experts.topK,
    ),
    ...(experts.sharedFfn > 0
      ? mlpWeights(model, 'shared', 'projection', experts.sharedFfn, sparse, sparse)
      : []),
    ...(experts.sharedGate ? [tensor('shared.gate', 'projection', hidden, hidden, sparse)] : []),
  ];
}

function mlpWeights(
  model: LlmModel,
  name: string,
  role: WeightTensor['role'],
  width: number,
  count: number,
  active: number,
): WeightTensor[] {
  const { hidden, gated, mlpBias } = model;
  const ups = gated ? 2 : 1;
  return [
    { name: `${name}.up`, role, elements: hidden * width * ups, inputs: hidden, count, active },
    { name: `${name}.down`, role, elements: width * hidden, inputs: width, count, active },
    ...(mlpBias
      ? [{ ...tensor(`${name}.bias`, 'plain', width * ups + hidden, 1, count), active }]
      : []),
  ];
}

function tensor(
  name: string,
  role: WeightTensor['role'],
  elements: number,
  inputs: number,
  count: number,
): WeightTensor {
  return { name, role, elements, inputs, count, active: count };
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
