/** Derives what a row of the published-counts table asks for, from the product's own model tables and builders. */
import { GIBI, GIGA, MEBI } from '../../src/base/units.ts';
import { buildSpeechDecoder, buildSpeechEncoder } from '../../src/workload/audio/whisper.ts';
import { buildDecoder, buildEncoder } from '../../src/workload/diffusion/autoencoder.ts';
import type {
  Autoencoder,
  Dit,
  Mmdit,
  TextEncoder,
  Unet,
} from '../../src/workload/diffusion/component.ts';
import { buildDit } from '../../src/workload/diffusion/dit.ts';
import { buildMmdit } from '../../src/workload/diffusion/mmdit.ts';
import { buildTextEncoder } from '../../src/workload/diffusion/text-encoder.ts';
import { buildUnet } from '../../src/workload/diffusion/unet.ts';
import type { Graph, Phase } from '../../src/workload/graph.ts';
import { sumGraph } from '../../src/workload/graph-totals.ts';
import {
  llmActiveParameters,
  llmParameters,
  llmWeightBytes,
} from '../../src/workload/llm/parameters.ts';
import { buildLlmRequest, kvCacheBytes } from '../../src/workload/llm.ts';
import type { LlmModel } from '../../src/workload/models/llm-model.ts';
import { storedBytes } from '../../src/workload/models/weight-format.ts';
import type { Network } from '../../src/workload/network/network-builder.ts';
import {
  buildVisionEncoder,
  buildVisionTower,
  languageModelOf,
} from '../../src/workload/vision/request.ts';
import { format, llm, tables } from './workload-tables.ts';

export type Derived =
  | { readonly value: number; readonly group: string }
  | { readonly reason: string };

interface Asked {
  readonly id: string;
  readonly quantity: string;
  readonly condition: string;
}

/** The value that a row asks for, or why it does not follow from a public shape. */
export function deriveCount(asked: Asked): Derived {
  const reason = UNDERIVABLE.find(([test]) => test(asked))?.[1];
  if (reason) return { reason };
  const network = deriveNetwork(asked);
  if (network !== undefined) return { value: network, group: groupOf(asked.id) };
  if (Object.hasOwn(tables.llm.models, asked.id))
    return { value: deriveLlm(llm(asked.id), asked), group: 'language' };
  return { reason: 'no shape in the model tables' };
}

const UNDERIVABLE: readonly (readonly [(asked: Asked) => boolean, string])[] = [
  [
    ({ quantity }) => quantity === 'GPU memory',
    'depends on a runtime whose overhead is unpublished',
  ],
  [
    ({ quantity }) => quantity === 'load memory',
    'covers vision and audio parts whose shapes are not in the tables',
  ],
  [
    ({ condition }) => condition.includes('AI Hub build'),
    'which layers keep 8 bits is unpublished',
  ],
  [({ id }) => id === 'mobilediffusion-unet', 'structure unpublished'],
];

function groupOf(id: string): string {
  if (id.startsWith('whisper')) return 'speech';
  if (id in tables.visionLanguage || id.startsWith('clip')) return 'vision';
  return 'diffusion';
}

function deriveLlm(model: LlmModel, { quantity, condition }: Asked): number {
  const tokens = Number(/(\d+) tokens/.exec(condition)?.[1] ?? 0);
  switch (quantity) {
    case 'parameters':
      return llmParameters(model);
    case 'active parameters':
      return model.perLayerWidth === undefined
        ? llmActiveParameters(model)
        : llmParameters(model) - tableParameters(model);
    case 'forward MACs':
    case 'prefill MACs':
      return forwardMacs(model, tokens) / GIGA;
    case 'KV cache elements':
      return kvCacheBytes(model, format('int8'), tokens);
    case 'KV cache bytes':
      return kvCacheBytes(model, format('fp16'), tokens);
    case 'KV bytes per token':
      return decodeTotals(model).kvWriteBytes;
    case 'weight file size':
      return fileSize(model, condition);
    default:
      throw new Error(`unknown quantity ${quantity}`);
  }
}

/** The two embedding tables, which "effective" counts of Gemma 3n leave out. */
function tableParameters({ vocab, hidden, layers, perLayerWidth = 0 }: LlmModel): number {
  return vocab * (hidden + layers * perLayerWidth);
}

function requestOf(model: LlmModel, promptTokens: number, generatedTokens: number) {
  return buildLlmRequest({
    model,
    weightFormat: format('fp16'),
    kvFormat: format('fp16'),
    activationDType: 'fp16',
    promptTokens,
    generatedTokens,
    lastTokenLogitsOnly: false,
    scores: 'full',
  });
}

function forwardMacs(model: LlmModel, tokens: number): number {
  const prefill = requestOf(model, tokens, 1).phases[0] as Phase;
  return sumGraph(prefill.graph, tokens).macs;
}

function decodeTotals(model: LlmModel) {
  const decode = requestOf(model, 8, 2).phases[1] as Phase;
  return sumGraph(decode.graph, decode.contextStart);
}

/** Cache and products of one decode step, without scores. */
export function decodeCounts(id: string): { kvWriteBytes: number; linearMacs: number } {
  const { kvWriteBytes, macs, macsByOperator } = decodeTotals(llm(id));
  return { kvWriteBytes, linearMacs: macs - (macsByOperator['GroupQueryAttention'] ?? 0) };
}

function fileSize(model: LlmModel, condition: string): number {
  const bytes = (name: string, head = name) =>
    llmWeightBytes(model, {
      weights: format(name),
      embedding: format(head),
      head: format(head),
    });
  if (condition.startsWith('ExecuTorch')) {
    // The card's file keeps both copies of the tied table.
    const table = storedBytes(format('int8-per-channel'), model.vocab * model.hidden, model.hidden);
    return (bytes('int4-g32-fp32scale', 'int8-per-channel') + table) / MEBI;
  }
  if (condition === 'BF16') return bytes('bf16') / MEBI;
  return bytes(condition === 'F16' ? 'fp16' : `${condition.toLowerCase()}-file`) / GIBI;
}

const settings = { weights: format('fp16'), activation: 'fp16', batch: 1 } as const;

function component<C>(name: string): C {
  return tables.diffusion[name] as C;
}

function text(name: string): Network {
  return buildTextEncoder(name, component<TextEncoder>(name), settings);
}

function unet(name: string, batch = 1): Network {
  const latent = { height: 64, width: 64 };
  return buildUnet(name, component<Unet>(name), { ...settings, batch }, latent);
}

const IMAGE = { height: 512, width: 512 };
const vae = {
  decoder: (name = 'sd-vae') => buildDecoder(name, component<Autoencoder>(name), settings, IMAGE),
  encoder: (name = 'sd-vae') => buildEncoder(name, component<Autoencoder>(name), settings, IMAGE),
};

function dit(name: string, image = component<Dit>(name).image): Network {
  const edge = image / 8;
  return buildDit(name, component<Dit>(name), settings, { frames: 1, height: edge, width: edge });
}

/** Without the two attention products, as counters that only know layers do. */
function layerMacs(graph: Graph): number {
  const { macs, macsByOperator } = sumGraph(graph, 0);
  return macs - (macsByOperator['MultiHeadAttention'] ?? 0);
}

function allMacs(network: Network): number {
  return sumGraph(network.graph, 0).macs;
}

/** 1×1 convolution between latent and decoder: four by four weights and four biases. */
const POST_QUANT_CONV = 20;

const NETWORKS: Readonly<Record<string, (asked: Asked) => number>> = {
  'sd15-text-encoder': ({ quantity }) => counted(text('clip-vit-l-14-text'), quantity, layerMacs),
  'sd14-text-encoder': () => allMacs(text('clip-vit-l-14-text')),
  'sd15-unet': ({ quantity, condition }) => {
    const network = unet('sd15-unet');
    return condition.includes('with attention')
      ? allMacs(network)
      : counted(network, quantity, layerMacs);
  },
  'sd14-unet': () => allMacs(unet('sd15-unet', 2)),
  'bk-sdm-base-unet': ({ quantity }) => counted(unet('bk-sdm-base-unet'), quantity, layerMacs),
  'bk-sdm-tiny-unet': ({ quantity }) => counted(unet('bk-sdm-tiny-unet'), quantity, layerMacs),
  'sd15-vae-decoder': ({ quantity }) =>
    counted(vae.decoder(), quantity, layerMacs) - (quantity === 'parameters' ? POST_QUANT_CONV : 0),
  'sd14-vae-decoder': () => allMacs(vae.decoder()),
  'sd14-vae-encoder': () => allMacs(vae.encoder()),
  'sd-vae': () => vae.decoder().parameters + vae.encoder().parameters,
  'sd15-pipeline': () =>
    text('clip-vit-l-14-text').parameters +
    unet('sd15-unet').parameters +
    vae.decoder().parameters -
    POST_QUANT_CONV,
  'animatediff-v1': () => unet('animatediff-v1-unet').parameters - unet('sd15-unet').parameters,
  'animatediff-v2': () => unet('animatediff-v2-unet').parameters - unet('sd15-unet').parameters,
  'dit-xl-2': ({ quantity, condition }) =>
    quantity === 'parameters'
      ? dit('dit-xl-2').parameters
      : allMacs(dit('dit-xl-2', Number(condition.split('x')[0]))) / GIGA,
  'pixart-alpha-xl-2': () => dit('pixart-alpha-xl-2').parameters,
  'wan2.1-t2v-1.3b': () => dit('wan2.1-t2v-1.3b').parameters,
  'sd3-medium': stableDiffusion3,
  't5-v1.1-xxl': t5Whole,
  'clip-vit-large-patch14-336': () => clip('clip-vit-l-14-text', 'clip-vit-l-14-336', 768),
  // The text tower of this one holds its projection already.
  'clip-vit-bigg-14': () =>
    clip('openclip-vit-bigg-14-text', 'openclip-vit-bigg-14-224', 1280) - 1280 ** 2,
};

function deriveNetwork(asked: Asked): number | undefined {
  const special = NETWORKS[asked.id];
  if (special) return special(asked);
  if (Object.hasOwn(tables.speech, asked.id)) return speechParameters(asked.id);
  if (Object.hasOwn(tables.visionLanguage, asked.id)) return visionLanguageParameters(asked.id);
  return undefined;
}

function counted(network: Network, quantity: string, macs: (graph: Graph) => number): number {
  return quantity === 'parameters' ? network.parameters : macs(network.graph);
}

/** Denoiser with its stored positions (192² × 1536), two CLIP text towers with projections, autoencoder. */
function stableDiffusion3(): number {
  const model = component<Mmdit>('sd3-medium-mmdit');
  const denoiser = buildMmdit('sd3', model, settings, { height: 128, width: 128 });
  return (
    denoiser.parameters +
    192 ** 2 * model.hidden +
    text('clip-vit-l-14-text').parameters +
    768 ** 2 +
    text('openclip-vit-bigg-14-text').parameters +
    vae.decoder('sd3-vae').parameters +
    vae.encoder('sd3-vae').parameters
  );
}

/** The encoder, a decoder of the same layers with cross-attention and one more norm each, and an untied head. */
function t5Whole(): number {
  const model = component<TextEncoder>('t5-v1.1-xxl-encoder');
  const encoder = text('t5-v1.1-xxl-encoder').parameters;
  const table = model.vocab * model.hidden;
  const cross = model.layers * (4 * model.hidden ** 2 + model.hidden);
  return encoder + (encoder - table) + cross + table;
}

/** Both towers, the two projections to the shared width, and the learned scale. */
function clip(textTower: string, imageTower: string, width: number): number {
  const image = tables.vision[imageTower];
  if (!image) throw new Error(imageTower);
  const words = component<TextEncoder>(textTower);
  return (
    text(textTower).parameters +
    buildVisionEncoder(image, settings).parameters +
    words.hidden * width +
    image.hidden * width +
    1
  );
}

function speechParameters(id: string): number {
  const model = tables.speech[id];
  if (!model) throw new Error(id);
  const whole = buildSpeechEncoder(model, settings, format('fp16'));
  const decoder = buildSpeechDecoder(model, settings, format('fp16'), 1);
  return whole.parameters + decoder.parameters;
}

function visionLanguageParameters(id: string): number {
  const model = tables.visionLanguage[id];
  const encoder = model && tables.vision[model.encoder];
  if (!model || !encoder) throw new Error(id);
  const language = llm(model.llm);
  const size = { height: encoder.image, width: encoder.image };
  const tower = buildVisionTower(model, encoder, language, settings, size, encoder.layers);
  return tower.parameters + llmParameters(languageModelOf(model, language));
}
