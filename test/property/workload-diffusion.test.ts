/** U-nets, autoencoders and diffusion transformers of any shape: weights, batches, image sizes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildDecoder, buildEncoder } from '../../src/workload/diffusion/autoencoder.ts';
import type { Dit, Unet } from '../../src/workload/diffusion/component.ts';
import { buildDit } from '../../src/workload/diffusion/dit.ts';
import { buildUnet } from '../../src/workload/diffusion/unet.ts';
import { sumGraph } from '../../src/workload/graph-totals.ts';
import type { Network } from '../../src/workload/network/network-builder.ts';
import { format } from '../support/workload-tables.ts';

const int = (min: number, max: number) => fc.integer({ min, max });
const settings = { weights: format('fp16'), activation: 'fp16', batch: 1 } as const;
const RUNS = { numRuns: 40 };

const unets: fc.Arbitrary<Unet> = int(1, 3).chain((levels) =>
  fc.record({
    type: fc.constant('unet' as const),
    channels: fc.array(
      int(1, 4).map((n) => 16 * n),
      { minLength: levels, maxLength: levels },
    ),
    blocks: int(1, 2),
    depth: fc.array(int(0, 2), { minLength: levels, maxLength: levels }),
    middle: fc.constantFrom(0, 1, 'none' as const),
    heads: fc.constant(4),
    contextWidth: int(1, 3).map((n) => 8 * n),
    contextTokens: int(1, 20),
    timeEmbedding: int(1, 3).map((n) => 16 * n),
    latentChannels: int(1, 8),
    image: fc.constant(64),
    source: fc.constant('generated'),
  }),
);

function convMacs(network: Network): number {
  return sumGraph(network.graph, 0).macsByOperator['Conv'] ?? 0;
}

describe('any U-net', () => {
  it('reads every weight once per call', () => {
    fc.assert(
      fc.property(unets, (model) => {
        const network = buildUnet('u', model, settings, { height: 8, width: 8 });
        expect(sumGraph(network.graph, 0).weightBytes).toBe(2 * network.parameters);
        expect(network.weightBytes).toBe(2 * network.parameters);
      }),
      RUNS,
    );
  });

  it('convolves in proportion to the image, with the same weights', () => {
    fc.assert(
      fc.property(unets, int(1, 3), (model, factor) => {
        const small = buildUnet('u', model, settings, { height: 8, width: 8 });
        const large = buildUnet('u', model, settings, { height: 8 * factor, width: 8 });
        expect(large.parameters).toBe(small.parameters);
        expect(convMacs(large)).toBe(factor * convMacs(small));
      }),
      RUNS,
    );
  });

  it('does as much per image in a batch as alone', () => {
    fc.assert(
      fc.property(unets, int(1, 4), (model, batch) => {
        const latent = { height: 8, width: 8 };
        const one = sumGraph(buildUnet('u', model, settings, latent).graph, 0);
        const many = sumGraph(buildUnet('u', model, { ...settings, batch }, latent).graph, 0);
        expect(many.macs).toBe(batch * one.macs);
        expect(many.weightBytes).toBe(one.weightBytes);
      }),
      RUNS,
    );
  });

  it('pops every skip connection it pushed', () => {
    fc.assert(
      fc.property(unets, (model) => {
        const network = buildUnet('u', model, settings, { height: 8, width: 8 });
        const joins = network.graph.operators.filter(({ name }) => name.endsWith('.concat'));
        expect(joins).toHaveLength(model.channels.length * (model.blocks + 1));
      }),
      RUNS,
    );
  });
});

describe('any autoencoder', () => {
  const models = fc.record({
    type: fc.constant('autoencoder' as const),
    downsample: fc.constant(4),
    latentChannels: int(1, 8),
    channels: fc.array(
      int(1, 4).map((n) => 8 * n),
      { minLength: 3, maxLength: 3 },
    ),
    encoderBlocks: int(1, 3),
    decoderBlocks: int(1, 3),
    quantConv: fc.boolean(),
    source: fc.constant('generated'),
  });

  it('ends at the size it was asked for', () => {
    fc.assert(
      fc.property(models, int(1, 4), (model, n) => {
        const size = { height: 16 * n, width: 32 };
        const decoder = buildDecoder('d', model, settings, size);
        const image = decoder.graph.works[decoder.graph.operators.at(-1)?.work ?? 0];
        expect(image).toMatchObject({ outputBytes: 2 * 3 * size.height * size.width });
        const encoder = buildEncoder('e', model, settings, size);
        const latent = encoder.graph.works[encoder.graph.operators.at(-1)?.work ?? 0];
        const pixels = (size.height / 4) * (size.width / 4);
        expect(latent).toMatchObject({ outputBytes: 2 * 2 * model.latentChannels * pixels });
      }),
      RUNS,
    );
  });
});

describe('any diffusion transformer', () => {
  const models: fc.Arbitrary<Dit> = fc.record({
    type: fc.constant('dit' as const),
    depth: int(1, 4),
    hidden: int(1, 4).map((n) => 16 * n),
    heads: fc.constant(4),
    ffn: int(1, 4).map((n) => 32 * n),
    patch: fc.constant([1, 2, 2] as [number, number, number]),
    latentChannels: int(1, 8),
    outputChannels: int(1, 8),
    modulation: fc.constantFrom('block' as const, 'shared' as const),
    qkNorm: fc.boolean(),
    text: fc.option(fc.record({ width: int(1, 40), tokens: int(1, 20), norm: fc.boolean() }), {
      nil: undefined,
    }),
    image: fc.constant(64),
    source: fc.constant('generated'),
  });

  it('scores the square of its tokens', () => {
    fc.assert(
      fc.property(models, int(1, 3), (model, frames) => {
        const self = (count: number) => {
          const latent = { frames: count, height: 8, width: 8 };
          const { graph } = buildDit('d', { ...model, text: undefined }, settings, latent);
          return sumGraph(graph, 0).macsByOperator['MultiHeadAttention'] ?? 0;
        };
        expect(self(1)).toBe(2 * model.depth * model.hidden * 16 ** 2);
        expect(self(frames)).toBe(frames ** 2 * self(1));
      }),
      RUNS,
    );
  });

  it('reads every weight once per call', () => {
    fc.assert(
      fc.property(models, (model) => {
        const network = buildDit('d', model, settings, { frames: 1, height: 8, width: 8 });
        expect(sumGraph(network.graph, 0).weightBytes).toBe(2 * network.parameters);
      }),
      RUNS,
    );
  });
});
