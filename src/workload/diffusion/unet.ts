/**
 * Graph of a latent-diffusion U-net: one call of the denoiser.
 *
 * Model    residual blocks (norm, SiLU, 3×3 convolution, time embedding, norm, SiLU, 3×3 convolution, skip),
 *          transformers (self-attention, cross-attention to the prompt, gated feed-forward), strided convolutions
 *          down, nearest-neighbour and convolution up, skip connections by concatenation
 * Ignores  the sampler's own arithmetic between calls
 * Valid    Stable Diffusion 1.x, 2.x, XL and networks cut from them
 * Source   CompVis and Stability-AI configurations, per component in workloads/models/diffusion.yaml
 * Checked  test/validation/model-counts.test.ts
 */
import {
  type Network,
  type NetworkBuilder,
  type NetworkSettings,
  openNetwork,
} from '../network/network-builder.ts';
import type { Unet } from './component.ts';
import { addMotionModule } from './motion-module.ts';
import {
  addConv,
  addNormedActivation,
  addResidualBlock,
  addUpsample,
  type FeatureMap,
  NO_INPUT,
} from './residual-block.ts';
import { addSpatialTransformer } from './spatial-transformer.ts';

/** One call at a latent of `height` × `width`; a video's frames run as a batch and meet in the motion modules. */
export function buildUnet(
  name: string,
  model: Unet,
  settings: NetworkSettings,
  latent: { readonly height: number; readonly width: number },
  frames = 1,
): Network {
  const net = openNetwork(name, { ...settings, batch: settings.batch * frames });
  const [first = 1] = model.channels;
  const time = addTimeEmbedding(net, model);
  const { height, width } = latent;
  const noise = { index: NO_INPUT, height, width, channels: model.latentChannels };
  const start = addConv(net, 'in_conv', noise, first, 3);
  const context = { net, model, time, frames };
  const { bottom, skips } = addDown(context, start);
  const top = addUp(context, addMiddle(context, bottom), skips);
  addConv(net, 'out.conv', addNormedActivation(net, 'out', top), model.latentChannels, 3);
  return net.build();
}

function addTimeEmbedding(net: NetworkBuilder, model: Unet): number {
  const { timeEmbedding: width, addedCondition } = model;
  // The step number enters as a sinusoidal code as wide as the first level.
  const code = model.channels[0] ?? 1;
  const mlp = (prefix: string, inputs: number): number => {
    const up = net.linear(`${prefix}.up`, [], { rows: 1, inputs, outputs: width });
    const active = net.activation(`${prefix}.silu`, up, width, 'silu');
    return net.linear(`${prefix}.down`, active, { rows: 1, inputs: width, outputs: width });
  };
  const time = mlp('time', code);
  if (addedCondition === undefined) return net.activation('time.out', time, width, 'silu');
  const sum = net.add('time.sum', [time, mlp('condition', addedCondition)], width);
  return net.activation('time.out', sum, width, 'silu');
}

type Depths = Unet['depth'];

function depthOf(depths: Depths, level: number, block: number): number {
  const depth = depths[level] ?? 0;
  return typeof depth === 'number' ? depth : (depth[block] ?? 0);
}

interface UnetContext {
  readonly net: NetworkBuilder;
  readonly model: Unet;
  /** Operator with the time embedding. */
  readonly time: number;
  readonly frames: number;
}

function addBlock(
  context: UnetContext,
  prefix: string,
  input: FeatureMap,
  channels: number,
  depth: number,
  motion = context.model.motion !== undefined,
): FeatureMap {
  const { net, model, frames } = context;
  let map = addResidualBlock(net, `${prefix}.resblock`, input, channels, {
    index: context.time,
    width: model.timeEmbedding,
  });
  if (depth > 0)
    map = addSpatialTransformer(net, `${prefix}.transformer`, map, { ...model, depth });
  return motion ? addMotionModule(net, `${prefix}.motion`, map, model.heads ?? 1, frames) : map;
}

function addDown(context: UnetContext, start: FeatureMap) {
  const { net, model } = context;
  const skips = [start];
  let map = start;
  model.channels.forEach((channels, level) => {
    for (let block = 0; block < model.blocks; block++) {
      const depth = depthOf(model.depth, level, block);
      map = addBlock(context, `down.${level}.${block}`, map, channels, depth);
      skips.push(map);
    }
    if (level < model.channels.length - 1) {
      map = addConv(net, `down.${level}.downsample`, map, channels, 3, 2);
      skips.push(map);
    }
  });
  return { bottom: map, skips };
}

function addMiddle(context: UnetContext, bottom: FeatureMap): FeatureMap {
  const { middle, motion } = context.model;
  if (middle === 'none') return bottom;
  const { channels } = bottom;
  const first = addBlock(context, 'middle.0', bottom, channels, middle, motion?.middle ?? false);
  return addBlock(context, 'middle.1', first, channels, 0, false);
}

function addUp(context: UnetContext, bottom: FeatureMap, skips: FeatureMap[]): FeatureMap {
  const { net, model } = context;
  let map = bottom;
  for (let level = model.channels.length - 1; level >= 0; level--) {
    const channels = model.channels[level] as number;
    for (let block = 0; block <= model.blocks; block++) {
      const prefix = `up.${level}.${block}`;
      const joined = concatenate(net, `${prefix}.concat`, map, skips.pop() as FeatureMap);
      const depth = depthOf(model.depthUp ?? model.depth, level, block);
      map = addBlock(context, prefix, joined, channels, depth);
    }
    if (level > 0) map = addUpsample(net, `up.${level}.upsample`, map);
  }
  return map;
}

function concatenate(
  net: NetworkBuilder,
  name: string,
  map: FeatureMap,
  skip: FeatureMap,
): FeatureMap {
  const { height, width } = skip;
  const channels = map.channels + skip.channels;
  const index = net.move(name, 'Concat', [map.index, skip.index], height * width * channels);
  return { index, height, width, channels };
}
