/** Graph of a prompt encoder (CLIP or T5): embedding, layers, final norm. */

import { type Network, type NetworkSettings, openNetwork } from '../network/network-builder.ts';
import { addEncoderLayer } from '../network/transformer.ts';
import type { TextEncoder } from './component.ts';

export function buildTextEncoder(
  name: string,
  model: TextEncoder,
  settings: NetworkSettings,
): Network {
  const { hidden, heads, headDim, tokens: rows, ffn, gated, activation, norm, bias } = model;
  const net = openNetwork(name, settings);
  let stream = net.gather('embedding', rows, hidden, model.vocab);
  if (model.position === 'learned')
    stream = net.add('position', [stream], rows * hidden, rows * hidden);
  for (let layer = 0; layer < model.layers; layer++)
    stream = addEncoderLayer(net, `layer.${layer}`, stream, {
      attention: {
        hidden,
        heads,
        headDim,
        queries: rows,
        // CLIP's encoder masks later tokens; its kernels compute the whole small matrix all the same.
        bias: { qkv: bias, out: bias },
      },
      feedForward: { rows, hidden, ffn, gated, activation, bias },
      norm,
    });
  if (model.position === 'relative') stream = addRelativeBias(net, model, stream);
  stream = net.norm('norm', stream, { rows, width: hidden, kind: norm });
  if (model.projection !== undefined)
    net.linear('projection', stream, {
      rows: 1,
      inputs: hidden,
      outputs: model.projection,
      bias: false,
    });
  return net.build();
}

/** Distance buckets of T5's relative positions: bidirectional halves of 16. */
const RELATIVE_BUCKETS = 32; // Raffel et al., JMLR 21(140), section 2.1

/** T5 looks distances up in one table that all layers share; it is costed once, with the final norm. */
function addRelativeBias(
  net: ReturnType<typeof openNetwork>,
  { heads, tokens }: TextEncoder,
  stream: number,
): number {
  const bias = net.gather('relative_bias', tokens, heads, RELATIVE_BUCKETS);
  return net.move('relative_bias.expand', 'Expand', [stream, bias], heads * tokens);
}
