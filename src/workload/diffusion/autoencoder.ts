/**
 * Graphs of the autoencoder between image and latent.
 *
 * Model    residual blocks per level, one single-head attention at the lowest resolution, strided or doubled
 *          resolution between levels
 * Ignores  tiling of large images
 * Valid    the KL autoencoders of Stable Diffusion 1 to 3
 * Source   CompVis/stable-diffusion and Stability-AI/sd3-ref, per component in workloads/models/diffusion.yaml
 * Checked  test/validation/model-counts.test.ts
 */
import {
  type Network,
  type NetworkBuilder,
  type NetworkSettings,
  openNetwork,
} from '../network/network-builder.ts';
import { addAttention } from '../network/transformer.ts';
import type { Autoencoder } from './component.ts';
import {
  addConv,
  addNormedActivation,
  addResidualBlock,
  addUpsample,
  type FeatureMap,
  NO_INPUT,
} from './residual-block.ts';

interface ImageSize {
  readonly height: number;
  readonly width: number;
}

const COLOURS = 3;

/** Latent to image of `size` pixels. */
export function buildDecoder(
  name: string,
  model: Autoencoder,
  settings: NetworkSettings,
  size: ImageSize,
): Network {
  const net = openNetwork(name, settings);
  const { channels, latentChannels, downsample } = model;
  let map: FeatureMap = {
    index: NO_INPUT,
    height: size.height / downsample,
    width: size.width / downsample,
    channels: latentChannels,
  };
  if (model.quantConv) map = addConv(net, 'post_quant_conv', map, latentChannels, 1);
  map = addConv(net, 'in_conv', map, channels.at(-1) as number, 3);
  map = addMiddle(net, map);
  for (let level = channels.length - 1; level >= 0; level--) {
    for (let block = 0; block < model.decoderBlocks; block++)
      map = addResidualBlock(net, `up.${level}.${block}`, map, channels[level] as number);
    if (level > 0) map = addUpsample(net, `up.${level}.upsample`, map);
  }
  addConv(net, 'out.conv', addNormedActivation(net, 'out', map), COLOURS, 3);
  return net.build();
}

/** Image of `size` pixels to latent, as mean and variance. */
export function buildEncoder(
  name: string,
  model: Autoencoder,
  settings: NetworkSettings,
  size: ImageSize,
): Network {
  const net = openNetwork(name, settings);
  const { channels, latentChannels } = model;
  const image = { index: NO_INPUT, ...size, channels: COLOURS };
  let map: FeatureMap = addConv(net, 'in_conv', image, channels[0] as number, 3);
  channels.forEach((width, level) => {
    for (let block = 0; block < model.encoderBlocks; block++)
      map = addResidualBlock(net, `down.${level}.${block}`, map, width);
    if (level < channels.length - 1)
      map = addConv(net, `down.${level}.downsample`, map, width, 3, 2);
  });
  map = addMiddle(net, map);
  map = addConv(net, 'out.conv', addNormedActivation(net, 'out', map), 2 * latentChannels, 3);
  if (model.quantConv) addConv(net, 'quant_conv', map, 2 * latentChannels, 1);
  return net.build();
}

function addMiddle(net: NetworkBuilder, input: FeatureMap): FeatureMap {
  const first = addResidualBlock(net, 'middle.0', input, input.channels);
  const { height, width, channels: hidden } = first;
  const pixels = height * width;
  const normed = net.groupNorm('middle.attention.norm', first.index, { pixels, channels: hidden });
  const attended = addAttention(net, 'middle.attention', normed, {
    hidden,
    heads: 1,
    headDim: hidden,
    queries: pixels,
    bias: { qkv: true, out: true },
  });
  const index = net.add('middle.attention.sum', [first.index, attended], pixels * hidden);
  return addResidualBlock(net, 'middle.1', { ...first, index }, hidden);
}
