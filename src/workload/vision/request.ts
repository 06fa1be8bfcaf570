/** Requests with images: an encoder alone, or before the prefill of a language model. */
import { prependEncoder } from '../encoder-phase.ts';
import type { RequestPlan } from '../graph.ts';
import { peakActivationBytes } from '../graph-totals.ts';
import { buildLlmRequest, type LlmRequest } from '../llm.ts';
import type { LlmModel } from '../models/llm-model.ts';
import { type Network, type NetworkSettings, openNetwork } from '../network/network-builder.ts';
import { addConnector } from './connector.ts';
import type { VisionEncoder, VisionLanguageModel } from './vision-model.ts';
import { addVisionEncoder, patchGrid } from './vit.ts';

export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** An encoder alone, all layers. */
export function buildVisionEncoder(
  model: VisionEncoder,
  settings: NetworkSettings,
  size: ImageSize = { height: model.image, width: model.image },
): Network {
  const net = openNetwork(model.id, settings);
  addVisionEncoder(net, model, patchGrid(model, size.height, size.width));
  return net.build();
}

/** Encoder and connector of a vision-language model; `layers` of the encoder run. */
export function buildVisionTower(
  model: VisionLanguageModel,
  encoder: VisionEncoder,
  llm: LlmModel,
  settings: NetworkSettings,
  size: ImageSize,
  layers = model.encoderLayersRun,
): Network {
  const net = openNetwork(`${model.id}/vision`, settings);
  const grid = patchGrid(encoder, size.height, size.width);
  const { index } = addVisionEncoder(net, encoder, grid, layers);
  addConnector(net, index, {
    kind: model.connector,
    inputs: encoder.hidden,
    hidden: model.connectorHidden,
    outputs: llm.hidden,
    merge: model.merge,
    grid,
    tokens: imageTokens(model, encoder, size),
  });
  return net.build();
}

/** Tokens that one image takes in the prompt. */
export function imageTokens(
  model: VisionLanguageModel,
  encoder: VisionEncoder,
  size: ImageSize,
): number {
  if (!model.dynamic && model.tokens !== undefined) return model.tokens;
  const { rows, columns } = patchGrid(encoder, size.height, size.width);
  return Math.floor(rows / model.merge) * Math.floor(columns / model.merge);
}

/** The language model with the vocabulary that this checkpoint has. */
export function languageModelOf(model: VisionLanguageModel, llm: LlmModel): LlmModel {
  return { ...llm, vocab: llm.vocab + model.extraVocab };
}

export interface VisionLanguageRequest {
  readonly name: string;
  readonly model: VisionLanguageModel;
  readonly encoder: VisionEncoder;
  /** Images (or pairs of video frames), encoded one after another. */
  readonly images: number;
  readonly size: ImageSize;
  readonly encoderSettings: NetworkSettings;
  /** The language model's part; its prompt is text only, image tokens are added here. */
  readonly language: LlmRequest;
}

export function buildVisionLanguageRequest(request: VisionLanguageRequest): RequestPlan {
  const { model, encoder, images, size, language } = request;
  const tower = buildVisionTower(model, encoder, language.model, request.encoderSettings, size);
  const answer = buildLlmRequest({
    ...language,
    name: request.name,
    promptTokens: language.promptTokens + images * imageTokens(model, encoder, size),
  });
  return prependEncoder(answer, 'vision-encoder', tower, images);
}

/** An encoder over a stream of images, each of which yields one result. */
export function buildVisionRequest(name: string, network: Network, images: number): RequestPlan {
  const phase = {
    name: 'vision-encoder',
    graph: network.graph,
    steps: images,
    contextStart: 0,
    contextStride: 0,
    outputsPerStep: 1,
  };
  return {
    name,
    phases: [phase],
    memory: {
      weights: network.weightBytes,
      kvCache: 0,
      activations: peakActivationBytes(phase),
    },
    promptTokens: 0,
    generatedTokens: 0,
  };
}
