import { describe, expect, it } from 'vitest';
import { INT32 } from '../../../support/onnx-builder.ts';
import { agree, type Trial, weight } from '../../../support/onnx-trial.ts';
import { ms as domain, w, workOf, x } from '../../../support/onnx-work.ts';

const ms = domain.domain;

const TABLE: readonly [string, Trial][] = [
  [
    'FusedConv with a sum',
    {
      op: 'FusedConv',
      domain: ms,
      inputs: [[2, 4, 9, 8], weight([6, 4, 3, 3]), weight([6]), [2, 6, 7, 6]],
      attributes: { activation: 'Relu' },
    },
  ],
  [
    'DeformConv',
    {
      op: 'DeformConv',
      opset: 19,
      inputs: [[2, 4, 9, 8], weight([6, 2, 3, 3]), [2, 36, 5, 6], weight([6]), [2, 18, 5, 6]],
      attributes: { group: 2, offset_group: 2, pads: [1, 0, 1, 0], strides: [2, 1] },
    },
  ],
  [
    'DecoderMaskedMultiHeadAttention with a shared buffer',
    {
      op: 'DecoderMaskedMultiHeadAttention',
      domain: ms,
      inputs: [
        ...[1, 2, 3].map(() => [2, 1, 32]),
        '',
        '',
        [2, 4, 64, 8],
        [2, 4, 64, 8],
        { type: INT32, dims: [1], values: [19] },
      ],
      outputs: 3,
      attributes: { num_heads: 4, past_present_share_buffer: 1 },
    },
  ],
  [
    'DecoderMaskedMultiHeadAttention to an encoder',
    {
      op: 'DecoderMaskedMultiHeadAttention',
      domain: ms,
      inputs: [
        [2, 1, 32],
        [2, 4, 50, 8],
        [2, 4, 50, 8],
      ],
      attributes: { num_heads: 4 },
    },
  ],
];

describe('shapes are those of ONNX Runtime', () => {
  it.each(TABLE)('%s', async (_, trial) => {
    expect(await agree(trial)).toBe(true);
  });
});

describe('fused and rearranged operators', () => {
  const attributes = { group: 2, strides: [2, 1], pads: [1, 1, 1, 1] };
  // [batch, channels, height, width] → [batch, height, width, channels].
  const last = ([n = 0, c = 0, h = 0, w = 0]: readonly number[]) => x(n, h, w, c);

  it('channels may lie innermost: the same work', () => {
    const first = workOf('Conv', [x(2, 4, 9, 8), w(6, 2, 3, 3), w(6)], attributes);
    const inner = workOf('NhwcConv', [last([2, 4, 9, 8]), w(6, 2, 3, 3), w(6)], attributes, domain);
    expect(inner).toEqual({ ...first, operator: 'NhwcConv' });
    expect(inner.form).toMatchObject({ outHeight: 5, outWidth: 8, outChannels: 6, inChannels: 4 });
  });

  it('a sum and an activation behind a convolution are a step per result each', () => {
    const results = 2 * 6 * 7 * 6;
    const inputs = [last([2, 4, 9, 8]), w(6, 4, 3, 3), w(6), last([2, 6, 7, 6])];
    const both = workOf('NhwcFusedConv', inputs, { activation: 'Relu' }, domain);
    expect(both).toMatchObject({ macs: results * 36, vectorOps: 3 * results });
    expect(both.inputBytes).toBe((2 * 4 * 9 * 8 + results) * 4);
    const bare = workOf('FusedConv', [x(2, 4, 9, 8), w(6, 4, 3, 3), w(6)], {}, domain);
    expect(bare).toMatchObject({ macs: results * 36, vectorOps: results });
  });

  it('a product with GELU behind it is both', () => {
    const fused = workOf('GemmFastGelu', [x(2, 5, 16), w(16, 8), w(8)], {}, domain);
    const gelu = workOf('FastGelu', [x(2, 5, 8), w(8)], {}, domain);
    expect(fused.form).toEqual({ kind: 'matmul', batch: 1, m: 10, n: 8, k: 16 });
    expect(fused.macs).toBe(10 * 8 * 16);
    expect(fused.vectorOps - 10 * 8).toBe(80 * Math.round(gelu.vectorOps / 80));
    expect(fused.outputBytes).toBe(80 * 4);
  });

  it('a deformable convolution reads between pixels before it multiplies', () => {
    const inputs = [x(1, 4, 9, 8), w(6, 4, 3, 3), x(1, 18, 7, 6)];
    const plain = workOf('Conv', inputs.slice(0, 2));
    const bent = workOf('DeformConv', inputs, {}, { opset: 19 });
    expect(bent.macs).toBe(plain.macs);
    expect(bent.form).toEqual({ ...plain.form, scattered: true });
    // Four neighbours of 7 × 6 places, nine taps and four channels: four products and three sums.
    expect(bent.vectorOps).toBe(7 * 6 * 9 * 4 * 7);
    expect(bent.inputBytes).toBe((4 * 9 * 8 + 18 * 7 * 6) * 4);
    const masked = workOf('DeformConv', [...inputs, '', x(1, 9, 7, 6)], {}, { opset: 19 });
    expect(masked.vectorOps).toBe(7 * 6 * 9 * 4 * 8);
  });

  it('offsets that do not fit are told', () => {
    const wrong = [x(1, 4, 9, 8), w(6, 4, 3, 3), x(1, 9, 7, 6)];
    expect(() => workOf('DeformConv', wrong, {}, { opset: 19 })).toThrow(
      /offsets do not fit.*\[1, 18, 7, 6\]/,
    );
  });
});
