/** Networks of image generators, stage by stage, against counts worked out from their public structure. */
import { describe, expect, it } from 'vitest';
import { buildDecoder, buildEncoder } from '../../../../src/workload/diffusion/autoencoder.ts';
import {
  type Autoencoder,
  type Dit,
  type Mmdit,
  parseDiffusionComponents,
  type TextEncoder,
  type Unet,
} from '../../../../src/workload/diffusion/component.ts';
import { buildDit } from '../../../../src/workload/diffusion/dit.ts';
import { buildMmdit } from '../../../../src/workload/diffusion/mmdit.ts';
import { buildTextEncoder } from '../../../../src/workload/diffusion/text-encoder.ts';
import { buildUnet } from '../../../../src/workload/diffusion/unet.ts';
import { workAt } from '../../../../src/workload/graph.ts';
import { sumGraph } from '../../../../src/workload/graph-totals.ts';
import type { Network } from '../../../../src/workload/network/network-builder.ts';
import { format, tables } from '../../../support/workload-tables.ts';

const settings = { weights: format('fp16'), activation: 'fp16', batch: 1 } as const;
const GIGA = 1e9;

function component<C>(name: string): C {
  return tables.diffusion[name] as C;
}

function unet(name: string, edge: number, batch = 1): Network {
  const latent = { height: edge, width: edge };
  return buildUnet(name, component<Unet>(name), { ...settings, batch }, latent);
}

/** [products and convolutions, attention] in units of 10⁹ multiply–accumulates, of operators named `prefix…`. */
function gmacs(network: Network, prefix = ''): [number, number] {
  let layers = 0;
  let attention = 0;
  for (const { name, work } of network.graph.operators) {
    if (!name.startsWith(prefix)) continue;
    const cost = workAt(network.graph, work, 0);
    if (cost.form.kind === 'attention') attention += cost.macs;
    else layers += cost.macs;
  }
  return [layers / GIGA, attention / GIGA];
}

function expectGmacs(actual: [number, number], layers: number, attention: number): void {
  // The reference figures have three decimals.
  expect(Math.abs(actual[0] - layers)).toBeLessThan(0.00051 + layers * 2e-6);
  expect(Math.abs(actual[1] - attention)).toBeLessThan(0.00051 + attention * 2e-6);
}

describe('the U-net of Stable Diffusion 1.5', () => {
  const network = unet('sd15-unet', 64);

  it.each([
    ['down.0.', 32.897, 21.879],
    ['down.1.', 31.296, 2.886],
    ['down.2.', 31.449, 0.436],
    ['down.3.', 3.778, 0],
    ['middle.', 6.027, 0.023],
    ['up.3.', 12.902, 0],
    ['up.2.', 75.118, 0.655],
    ['up.1.', 79.082, 4.329],
    ['up.0.', 65.965, 32.818],
    ['out.', 0.047, 0],
  ])('stage %s', (prefix, layers, attention) => {
    expectGmacs(gmacs(network, prefix), layers, attention);
  });

  it('reads each weight once', () => {
    expect(sumGraph(network.graph, 0).weightBytes).toBe(2 * 859_520_964);
  });

  it('does twice the arithmetic with the same weights for a batch of two', () => {
    const pair = unet('sd15-unet', 64, 2);
    expect(sumGraph(pair.graph, 0).macs).toBe(2 * sumGraph(network.graph, 0).macs);
    expect(pair.weightBytes).toBe(network.weightBytes);
  });

  it('joins every skip connection', () => {
    const joins = network.graph.operators.filter(({ name }) => name.endsWith('.concat'));
    expect(joins).toHaveLength(12);
    expect(joins.every(({ inputs }) => inputs.length === 2)).toBe(true);
  });
});

describe('other denoisers', () => {
  it.each([
    ['sdxl-unet', 128, 2_567_463_684, 2988.66, 391.958],
    ['sdxl-unet', 64, 2_567_463_684, 766.864, 27.525],
    ['sdxl-unet', 96, 2_567_463_684, 1692.613, 127.992],
    ['sd21-unet', 64, 865_910_724, 339.103, 63.026],
    ['bk-sdm-base-unet', 64, 579_384_964, 223.672, 37.825],
    ['bk-sdm-small-unet', 64, 482_346_884, 217.645, 37.802],
    ['bk-sdm-tiny-unet', 64, 323_384_964, 204.953, 37.802],
    ['ssd-1b-unet', 128, 1_300_195_844, 1823.611, 250.07],
  ])('%s at a latent of %d', (name, edge, parameters, layers, attention) => {
    const network = unet(name, edge);
    expect(network.parameters).toBe(parameters);
    expectGmacs(gmacs(network), layers, attention);
  });

  it('motion modules join 16 frames', () => {
    const model = component<Unet>('animatediff-v2-unet');
    const clip = buildUnet('clip', model, settings, { height: 64, width: 64 }, 16);
    const stills = gmacs(unet('sd15-unet', 64, 16));
    const [layers, attention] = gmacs(clip);
    expect(clip.parameters - 859_520_964).toBe(453_209_280);
    expectGmacs([layers - stills[0], attention - stills[1]], 2436.052, 12.247);
  });

  it.each([
    ['dit-xl-2', 1, 256, 114.394, 4.228],
    ['dit-xl-2', 1, 512, 456.893, 67.646],
    ['pixart-alpha-xl-2', 1, 512, 542.42, 75.573],
    ['pixart-alpha-xl-2', 1, 1024, 2140.72, 1114.041],
  ])('%s, %d frame of %d pixels', (name, frames, image, layers, attention) => {
    const edge = image / 8;
    const model = component<Dit>(name);
    expectGmacs(
      gmacs(buildDit(name, model, settings, { frames, height: edge, width: edge })),
      layers,
      attention,
    );
  });

  it('a video transformer sees all frames at once', () => {
    const model = component<Dit>('wan2.1-t2v-1.3b');
    // 17 frames are 5 of latent.
    const network = buildDit('wan', model, settings, { frames: 5, height: 32, width: 56 });
    const [layers, attention] = gmacs(network);
    expect(network.parameters).toBe(1_418_996_800);
    // The reference leaves the embedding of the step number out of the arithmetic.
    expect(layers / 2878.303 - 1).toBeLessThan(1e-5);
    expect(attention).toBeCloseTo(568.118, 3);
  });

  it.each([
    [512, 154, 798.994, 102.311],
    [512, 333, 917.946, 135.766],
    [1024, 154, 2886.953, 1331.712],
  ])('SD3 at %d pixels with %d text tokens', (image, textTokens, layers, attention) => {
    const model = { ...component<Mmdit>('sd3-medium-mmdit'), textTokens };
    const edge = image / 8;
    const network = buildMmdit('sd3', model, settings, { height: edge, width: edge });
    const [ours, joint] = gmacs(network);
    expect(network.parameters).toBe(2_028_328_000);
    expect(Math.abs(ours / layers - 1)).toBeLessThan(2e-5);
    expect(joint).toBeCloseTo(attention, 3);
  });
});

describe('autoencoders', () => {
  it.each([
    ['sd-vae', 512, 1240.08, 17.18, 541.149],
    ['sd-vae', 1024, 4960.318, 274.878, 2164.597],
    ['sd3-vae', 1024, 4961.224, 274.878, 2166.408],
  ])('%s at %d pixels', (name, edge, decoder, attention, encoder) => {
    const model = component<Autoencoder>(name);
    const size = { height: edge, width: edge };
    expectGmacs(gmacs(buildDecoder(name, model, settings, size)), decoder, attention);
    expectGmacs(gmacs(buildEncoder(name, model, settings, size)), encoder, attention);
  });
});

describe('text encoders', () => {
  it.each([
    ['clip-vit-l-14-text', 123_060_480, 6.54, 0.109],
    ['openclip-vit-bigg-14-text', 694_659_840, 48.446, 0.486],
  ])('%s', (name, parameters, layers, attention) => {
    const network = buildTextEncoder(name, component<TextEncoder>(name), settings);
    expect(network.parameters).toBe(parameters);
    expectGmacs(gmacs(network), layers, attention);
  });

  it('T5 has gates, no biases and one table of relative positions', () => {
    const network = buildTextEncoder('t5', component<TextEncoder>('t5-v1.1-xxl-encoder'), settings);
    expect(network.parameters).toBe(4_762_310_656);
  });
});

describe('the file of components', () => {
  const parse = (text: string) => parseDiffusionComponents(text, 'mine.yaml');

  it('refuses unknown keys and bad values with their place', () => {
    const bad = [
      'version: 1',
      'components:',
      '  mine:',
      '    type: autoencoder',
      '    downsample: 0',
      '    latentChanels: 4',
      '',
    ].join('\n');
    expect(() => parse(bad)).toThrow(/mine\.yaml:5:17: components\.mine\.downsample/);
    expect(() => parse(bad)).toThrow(/unknown key "latentChanels"/);
  });
});
