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
import type { LlmModel, RecurrentLayers } from '../models/llm-model.ts';
import { storedBytes } from '../models/weight-format.ts';
import { plainBytes } from '../operator-cost.ts';
import { type LayerKind, layerKinds } from './layers.ts';
import type { LlmFormats } from './options.ts';
import { mixedChannels } from './recurrent.ts';

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

/** Formats that what is stored depends on. */
type StoredFormats = Pick<LlmFormats, 'weights' | 'embedding' | 'head'>;

function llmWeights(model: LlmModel): readonly WeightTensor[] {
  return [
    tensor('embedding', 'embedding', model.vocab * model.hidden, model.hidden, 1),
    ...(model.tied ? [] : [tensor('head', 'head', model.vocab * model.hidden, model.hidden, 1)]),
    ...(model.headBias ? [tensor('head.bias', 'plain', model.vocab, 1, 1)] : []),
    ...layerKinds(model).flatMap(({ kind, count }) => [
      ...(kind.recurrent && model.recurrent
        ? recurrentWeights(model, model.recurrent.mixer, count)
        : attentionWeights(model, kind, count)),
      ...feedForwardWeights(model, kind, count),
    ]),
    ...sideWeights(model),
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
function headIsCopied(model: LlmModel, formats: StoredFormats): boolean {
  return model.tied && formats.embedding.name !== formats.head.name;
}

/** Bytes of all weights as stored. */
export function llmWeightBytes(model: LlmModel, formats: StoredFormats): Bytes {
  const copied = headIsCopied(model, formats)
    ? storedBytes(formats.head, model.vocab * model.hidden, model.hidden)
    : 0;
  return copied + sum(llmWeights(model), (weights) => weights.count * bytesEach(weights, formats));
}

function bytesEach({ role, elements, inputs }: WeightTensor, formats: StoredFormats): Bytes {
  if (role === 'plain') return plainBytes(elements, formats.weights);
  const format =
    role === 'embedding' ? formats.embedding : role === 'head' ? formats.head : formats.weights;
  return storedBytes(format, elements, inputs);
}

/** Elements that one token adds to the cache of one layer of that kind. */
export function cacheElementsPerToken(model: LlmModel, kind: LayerKind): number {
  return model.latent
    ? model.latent.rank + model.latent.ropeDim
    : model.kvHeads * (kind.headDim + kind.valueDim);
}

function normWidth(model: LlmModel): number {
  return model.norm === 'layer' ? 2 * model.hidden : model.hidden;
}

function attentionWeights(model: LlmModel, kind: LayerKind, layers: number): WeightTensor[] {
  const { hidden, heads, latent } = model;
  const { headDim, valueDim } = kind;
  const query = heads * headDim;
  const asked = query + (model.attentionGate ? heads * valueDim : 0);
  const list = [
    tensor('q', 'projection', hidden * asked, hidden, layers),
    tensor('o', 'projection', heads * valueDim * hidden, heads * valueDim, layers),
  ];
  if (model.outputBias) list.push(tensor('o.bias', 'plain', hidden, 1, layers));
  if (model.qkvBias) list.push(tensor('q.bias', 'plain', asked, 1, layers));
  if (model.qkNorm !== 'none')
    list.push(
      tensor('q_norm', 'plain', model.qkNorm === 'full-width' ? query : headDim, 1, layers),
    );
  if (latent) {
    const down = latent.rank + latent.ropeDim;
    const up = heads * (headDim - latent.ropeDim + valueDim);
    list.push(tensor('kv_down', 'projection', hidden * down, hidden, layers));
    list.push(tensor('kv_norm', 'plain', latent.rank, 1, layers));
    list.push(tensor('kv_up', 'projection', latent.rank * up, latent.rank, layers));
    return list;
  }
  return [...list, ...keyValueWeights(model, kind, layers)];
}

/** What stands in place of attention; decay, its bias and the convolution stay plain. */
function recurrentWeights(
  { hidden }: LlmModel,
  mixer: RecurrentLayers['mixer'],
  layers: number,
): WeightTensor[] {
  if (mixer.kind === 'short-conv')
    return [
      tensor('conv.in', 'projection', 3 * hidden ** 2, hidden, layers),
      tensor('conv', 'plain', hidden * mixer.taps, 1, layers),
      tensor('conv.out', 'projection', hidden ** 2, hidden, layers),
    ];
  const { valueHeads, valueDim, taps } = mixer;
  const values = valueHeads * valueDim;
  const channels = mixedChannels(mixer);
  return [
    tensor('delta.qkv', 'projection', hidden * channels, hidden, layers),
    tensor('delta.z', 'projection', hidden * values, hidden, layers),
    tensor('delta.beta', 'projection', hidden * valueHeads, hidden, layers),
    tensor('delta.alpha', 'projection', hidden * valueHeads, hidden, layers),
    tensor('delta.decay', 'plain', 2 * valueHeads, 1, layers),
    tensor('delta.conv', 'plain', channels * taps, 1, layers),
    tensor('delta.norm', 'plain', valueDim, 1, layers),
    tensor('delta.out', 'projection', values * hidden, values, layers),
  ];
}

/** Weights for keys and values; idle ones are held but not touched. */
function keyValueWeights(model: LlmModel, kind: LayerKind, layers: number): WeightTensor[] {
  if (!kind.ownsCache && !kind.idleKv) return [];
  const { hidden, kvHeads } = model;
  const { headDim, valueDim } = kind;
  const width = kvHeads * headDim;
  const list = [
    tensor('k', 'projection', hidden * width, hidden, layers),
    tensor('v', 'projection', hidden * kvHeads * valueDim, hidden, layers),
  ];
  if (model.qkvBias)
    list.push(tensor('kv.bias', 'plain', kvHeads * (headDim + valueDim), 1, layers));
  if (model.qkNorm !== 'none')
    list.push(
      tensor('k_norm', 'plain', model.qkNorm === 'full-width' ? width : headDim, 1, layers),
    );
  return kind.idleKv ? list.map((idle) => ({ ...idle, active: 0 })) : list;
}

/** Tables, projections and norms of the paths beside the layers. */
function sideWeights(model: LlmModel): WeightTensor[] {
  const { hidden, layers, vocab, perLayerWidth, lowRankResidual, parallelStreams } = model;
  const list: WeightTensor[] = [];
  if (perLayerWidth !== undefined) {
    const all = perLayerWidth * layers;
    list.push({ ...tensor('per_layer.embedding', 'embedding', vocab * all, all, 1), active: 0 });
    list.push(tensor('per_layer.projection', 'projection', hidden * all, hidden, 1));
    list.push(tensor('per_layer.norm', 'plain', perLayerWidth, 1, 1));
    list.push(tensor('per_layer.gate', 'projection', hidden * perLayerWidth, hidden, layers));
    list.push(tensor('per_layer.out', 'projection', perLayerWidth * hidden, perLayerWidth, layers));
    list.push(tensor('per_layer.out_norm', 'plain', normWidth(model), 1, layers));
  }
  if (lowRankResidual !== undefined) {
    const elements = hidden * lowRankResidual;
    list.push(tensor('low_rank.down', 'projection', elements, hidden, layers));
    list.push(tensor('low_rank.up', 'projection', elements, lowRankResidual, layers));
    list.push(tensor('low_rank.norm', 'plain', normWidth(model), 1, layers));
  }
  if (parallelStreams !== undefined) {
    // The further streams are projected from the first one at the start and back at the end.
    list.push(tensor('streams', 'projection', hidden ** 2, hidden, 2 * (parallelStreams - 1)));
    list.push(tensor('streams.router', 'projection', hidden * parallelStreams, hidden, layers));
  }
  return list;
}

function feedForwardWeights(model: LlmModel, kind: LayerKind, layers: number): WeightTensor[] {
  const { hidden, experts } = model;
  if (!kind.sparse || !experts)
    return mlpWeights(model, 'mlp', 'projection', kind.ffn, layers, layers);
  const { count, topK, ffn, sharedFfn } = experts;
  return [
    tensor('router', 'projection', hidden * count, hidden, layers),
    ...mlpWeights(model, 'experts', 'expert', ffn, layers * count, layers * topK),
    ...(sharedFfn > 0 ? mlpWeights(model, 'shared', 'projection', sharedFfn, layers, layers) : []),
    ...(experts.sharedGate ? [tensor('shared.gate', 'projection', hidden, hidden, layers)] : []),
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
