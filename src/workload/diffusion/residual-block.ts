/** The residual block that U-nets and autoencoders share, and square convolutions. */
import type { NetworkBuilder } from '../network/network-builder.ts';

/** Marks a map that comes from outside the graph. */
export const NO_INPUT = -1;

/** Result of an operator as an image. */
export interface FeatureMap {
  readonly index: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** A square convolution that keeps the resolution, unless strided. */
export function addConv(
  net: NetworkBuilder,
  name: string,
  map: FeatureMap,
  outChannels: number,
  kernel: number,
  stride = 1,
): FeatureMap {
  const height = Math.ceil(map.height / stride);
  const width = Math.ceil(map.width / stride);
  const index = net.conv(name, map.index === NO_INPUT ? [] : map.index, {
    outHeight: height,
    outWidth: width,
    inChannels: map.channels,
    outChannels,
    kernelHeight: kernel,
    kernelWidth: kernel,
    strideHeight: stride,
    strideWidth: stride,
  });
  return { index, height, width, channels: outChannels };
}

/** Nearest-neighbour doubling, then a convolution. */
export function addUpsample(net: NetworkBuilder, prefix: string, map: FeatureMap): FeatureMap {
  const elements = map.height * map.width * map.channels;
  const doubled = {
    ...map,
    index: net.move(`${prefix}.resize`, 'Resize', map.index, elements, 4 * elements),
    height: 2 * map.height,
    width: 2 * map.width,
  };
  return addConv(net, `${prefix}.conv`, doubled, map.channels, 3);
}

/** Norm and SiLU: the entry of each half of a block, and of the last convolution. */
export function addNormedActivation(
  net: NetworkBuilder,
  prefix: string,
  map: FeatureMap,
): FeatureMap {
  const pixels = map.height * map.width;
  const normed = net.groupNorm(`${prefix}.norm`, map.index, { pixels, channels: map.channels });
  const index = net.activation(`${prefix}.silu`, normed, pixels * map.channels, 'silu');
  return { ...map, index };
}

/** Two convolutions with a shortcut; a time embedding, where there is one, is added between them. */
export function addResidualBlock(
  net: NetworkBuilder,
  prefix: string,
  input: FeatureMap,
  channels: number,
  time?: { readonly index: number; readonly width: number },
): FeatureMap {
  const elements = input.height * input.width * channels;
  let inner = addConv(
    net,
    `${prefix}.conv1`,
    addNormedActivation(net, `${prefix}.in`, input),
    channels,
    3,
  );
  if (time) {
    const shift = net.linear(`${prefix}.time`, time.index, {
      rows: 1,
      inputs: time.width,
      outputs: channels,
    });
    // One number per channel, so it is no second tensor to read.
    const index = net.vector(`${prefix}.shift`, 'Add', [inner.index, shift], elements, 1);
    inner = { ...inner, index };
  }
  const out = addConv(
    net,
    `${prefix}.conv2`,
    addNormedActivation(net, `${prefix}.out`, inner),
    channels,
    3,
  );
  const shortcut =
    input.channels === channels ? input : addConv(net, `${prefix}.shortcut`, input, channels, 1);
  return { ...out, index: net.add(`${prefix}.sum`, [shortcut.index, out.index], elements) };
}
