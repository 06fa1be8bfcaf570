/** Attention, convolution and network arithmetic against naive counts, for any shape. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sumGraph } from '../../src/workload/graph-totals.ts';
import { effectiveBits } from '../../src/workload/models/weight-format.ts';
import { openNetwork } from '../../src/workload/network/network-builder.ts';
import { addEncoderLayer } from '../../src/workload/network/transformer.ts';
import {
  attentionWork,
  convWork,
  matmulWork,
  visiblePairs,
} from '../../src/workload/operator-cost.ts';
import { format, tables } from '../support/workload-tables.ts';

const int = (min: number, max: number) => fc.integer({ min, max });
const fp16 = format('fp16');

describe('visible pairs', () => {
  it('are those that a walk over queries and keys finds', () => {
    fc.assert(
      fc.property(
        int(1, 30),
        int(0, 30),
        fc.boolean(),
        fc.option(int(1, 40), { nil: undefined }),
        (queries, past, causal, window) => {
          const context = past + queries;
          let pairs = 0;
          for (let query = past; query < context; query++)
            for (let key = 0; key < context; key++) {
              const later = causal && key > query;
              const gone = causal && window !== undefined && key <= query - window;
              if (!later && !gone) pairs++;
            }
          // Without a mask a window caps how many keys each query sees.
          if (!causal && window !== undefined) pairs = queries * Math.min(window, context);
          const shape = { heads: 1, kvHeads: 1, queries, context, headDim: 1, valueDim: 1, causal };
          expect(visiblePairs(window === undefined ? shape : { ...shape, window })).toBe(pairs);
        },
      ),
    );
  });

  it('of consecutive chunks add up to those of the whole', () => {
    fc.assert(
      fc.property(
        fc.array(int(1, 20), { minLength: 1, maxLength: 6 }),
        fc.option(int(1, 40), { nil: undefined }),
        (chunks, window) => {
          const shape = { heads: 1, kvHeads: 1, headDim: 1, valueDim: 1, causal: true };
          const limited = window === undefined ? shape : { ...shape, window };
          let context = 0;
          let parts = 0;
          for (const queries of chunks) {
            context += queries;
            parts += visiblePairs({ ...limited, queries, context });
          }
          expect(parts).toBe(visiblePairs({ ...limited, queries: context, context }));
        },
      ),
    );
  });
});

describe('arithmetic', () => {
  it('of a convolution is that of its unfolded product', () => {
    fc.assert(
      fc.property(
        int(1, 9),
        int(1, 9),
        int(1, 8),
        int(1, 8),
        int(1, 5),
        int(1, 3),
        (h, w, i, o, k, s) => {
          const conv = convWork(
            {
              outHeight: h,
              outWidth: w,
              inChannels: i,
              outChannels: o,
              kernelHeight: k,
              kernelWidth: k,
              strideHeight: s,
              strideWidth: s,
            },
            fp16,
            'fp16',
          );
          const product = matmulWork({ m: h * w, n: o, k: i * k * k, bias: true }, fp16, 'fp16');
          expect(conv.macs).toBe(product.macs);
          expect(conv.weightBytes).toBe(product.weightBytes);
          expect(conv.outputBytes).toBe(product.outputBytes);
        },
      ),
    );
  });

  it('of fused attention is that of its two products', () => {
    fc.assert(
      fc.property(
        int(1, 8),
        int(1, 4),
        int(1, 20),
        int(0, 50),
        int(1, 64),
        (kv, group, q, past, dim) => {
          const heads = kv * group;
          const context = past + q;
          const fused = attentionWork(
            { heads, kvHeads: kv, queries: q, context, headDim: dim, valueDim: dim, causal: false },
            'fp16',
          );
          expect(fused.macs).toBe(2 * heads * q * context * dim);
        },
      ),
    );
  });
});

describe('stored bytes', () => {
  it('grow with the number of elements in every format, and by less than a byte per bit', () => {
    const names = Object.keys(tables.formats);
    fc.assert(
      fc.property(fc.constantFrom(...names), int(1, 64), (name, groups) => {
        const inputs = 256 * groups;
        const bits = effectiveBits(format(name), inputs);
        const work = matmulWork({ m: 1, n: 3, k: inputs }, format(name), 'fp16');
        expect(work.weightBytes).toBeCloseTo((3 * inputs * bits) / 8, 6);
        expect(bits).toBeGreaterThan(1);
        expect(bits).toBeLessThanOrEqual(32);
      }),
    );
  });
});

describe('an encoder layer', () => {
  const layer = (rows: number, heads: number, headDim: number, ffn: number, batch: number) => {
    const hidden = heads * headDim;
    const net = openNetwork('layer', { weights: fp16, activation: 'fp16', batch });
    addEncoderLayer(net, 'layer', net.gather('input', rows, hidden, 1), {
      attention: { hidden, heads, headDim, queries: rows, bias: { qkv: true, out: true } },
      feedForward: { rows, hidden, ffn, gated: false, activation: 'gelu', bias: true },
      norm: 'layer',
    });
    return net.build();
  };

  it('has 4h² + 2hf weights and their biases and norms, whatever it is fed', () => {
    fc.assert(
      fc.property(
        int(1, 50),
        int(1, 8),
        int(1, 32),
        int(1, 200),
        int(1, 4),
        (rows, n, d, ffn, batch) => {
          const h = n * d;
          const network = layer(rows, n, d, ffn, batch);
          const table = h;
          expect(network.parameters).toBe(table + 4 * h * h + 2 * h * ffn + 9 * h + ffn);
          expect(network.weightBytes).toBe(2 * network.parameters);
          const { macs } = sumGraph(network.graph, 0);
          expect(macs).toBe(batch * rows * (4 * h * h + 2 * h * ffn + 2 * rows * h));
        },
      ),
    );
  });
});
