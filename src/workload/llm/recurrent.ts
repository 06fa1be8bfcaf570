/**
 * Token mixers of hybrid models that stand where other layers have attention: gated delta nets and short convolutions.
 *
 * Model    gated delta rule, token by token: the state of a value head decays, is asked for what it holds under the key,
 *          takes the difference to the value and answers the query: S ← αS; S ← S + β·k(v − Sᵀk)ᵀ; o = Sᵀq. Four passes
 *          of key width × value width over every state, on vector lanes in single precision; the state is read and
 *          written once for each call, whatever its tokens. A causal convolution keeps its last taps − 1 inputs.
 * Ignores  chunked forms (64 tokens as products on a matrix unit, for about twice the arithmetic), which kernels for
 *          phones did not have before Hexagon's of September 2026 (llama.cpp pull request 29199); copies of the state
 *          that some engines make before and after the rule
 * Valid    any number of tokens; one sequence
 * Source   operators LinearAttention and CausalConvWithState of ONNX (opset 27); Yang et al., Gated Delta Networks
 *          (arXiv 2412.06464); transformers, modeling_qwen3_5.py and modeling_lfm2.py, for what is projected and gated
 * Checked  test/unit/workload/llm-recurrent.test.ts, test/property/workload-llm.test.ts
 */
import type { Bytes } from '../../base/units.ts';
import { bytesOf, type DType, type Work } from '../../base/work.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import type {
  GatedDelta,
  LlmModel,
  RecurrentLayers,
  ShortConvolution,
} from '../models/llm-model.ts';
import {
  activationWork,
  matmulWork,
  normWork,
  OPS_PER_ELEMENT,
  plainBytes,
  vectorWork,
} from '../operator-cost.ts';
import type { AttentionPart } from './layers.ts';
import type { LlmGraphOptions } from './options.ts';

/** Of states, whatever the activations are: rounding errors would add up over the whole context. */
const STATE: DType = 'fp32';
/** Decay, product with the key, update, product with the query: each a multiply–add per element and token. */
const PASSES = 4;
/** Square, add to the sum, scale. */
const L2_NORM_OPS = 3;
/** Negate, exponential, add one, divide. */
const SIGMOID_OPS = 4;
/** Add the bias, exponential, add one, logarithm; scale, exponential. */
const DECAY_OPS = 6;

/** Works of the mixer, made once and shared by all layers that have it. */
export function buildRecurrent(
  model: LlmModel,
  options: LlmGraphOptions,
  mixer: RecurrentLayers['mixer'],
): AttentionPart {
  return mixer.kind === 'gated-delta'
    ? gatedDelta(model, options, mixer)
    : shortConvolution(model, options, mixer);
}

/** Bytes that one recurrent layer keeps between tokens. */
export function recurrentStateBytes(
  { hidden }: Pick<LlmModel, 'hidden'>,
  mixer: RecurrentLayers['mixer'],
): Bytes {
  if (mixer.kind === 'short-conv') return windowBytes(hidden, mixer.taps);
  return windowBytes(mixedChannels(mixer), mixer.taps) + ruleStateBytes(mixer);
}

/** Queries, keys and values side by side, as the convolution sees them. */
export function mixedChannels({ keyHeads, keyDim, valueHeads, valueDim }: GatedDelta): number {
  return 2 * keyHeads * keyDim + valueHeads * valueDim;
}

function windowBytes(channels: number, taps: number): Bytes {
  return bytesOf(channels * (taps - 1), STATE);
}

function ruleStateBytes({ valueHeads, keyDim, valueDim }: GatedDelta): Bytes {
  return bytesOf(valueHeads * keyDim * valueDim, STATE);
}

function gatedDelta(model: LlmModel, options: LlmGraphOptions, mixer: GatedDelta): AttentionPart {
  const { tokens: m, formats, fusion } = options;
  const { hidden } = model;
  const { keyHeads, keyDim, valueHeads, valueDim, taps } = mixer;
  const product = (n: number, k: number) =>
    matmulWork({ m, n, k }, formats.weights, formats.activation);
  const channels = mixedChannels(mixer);
  const values = valueHeads * valueDim;
  const mixed = product(channels, hidden);
  const side = product(values, hidden);
  const perHead = product(valueHeads, hidden);
  const merged = product(channels + values + 2 * valueHeads, hidden);
  const elementwise = (operator: string, elements: number, opsPerElement: number) =>
    vectorWork({ operator, elements, opsPerElement }, formats.activation);
  const sigmoid = elementwise('Sigmoid', m * valueHeads, SIGMOID_OPS);
  const decay: Work = {
    ...elementwise('Softplus', m * valueHeads, DECAY_OPS),
    // A bias and a rate for every head.
    weightBytes: plainBytes(2 * valueHeads, formats.weights),
  };
  const convolve = convolutionWork(options, channels, taps, OPS_PER_ELEMENT.silu);
  const unit = elementwise('LpNormalization', m * keyHeads * keyDim, L2_NORM_OPS);
  const rule = ruleWork(m, mixer);
  const norm = normWork(
    { rows: m * valueHeads, width: valueDim, kind: 'rms' },
    formats.weights,
    formats.activation,
  );
  const gate = activationWork(m * values, 'silu', true, formats.activation);
  const out = product(hidden, values);
  return (graph, prefix, input) => {
    const project = (name: string, work: Work) => graph.add(`${prefix}.${name}`, work, [input]);
    const all = fusion.qkv ? project('in', merged) : undefined;
    const qkv = all ?? project('qkv', mixed);
    const z = all ?? project('z', side);
    const beta = graph.add(`${prefix}.beta.sigmoid`, sigmoid, [all ?? project('beta', perHead)]);
    const alpha = graph.add(`${prefix}.decay`, decay, [all ?? project('alpha', perHead)]);
    const convolved = graph.add(`${prefix}.conv`, convolve, [qkv]);
    const q = graph.add(`${prefix}.q_norm`, unit, [convolved]);
    const k = graph.add(`${prefix}.k_norm`, unit, [convolved]);
    const ruled = graph.add(`${prefix}.rule`, rule, [q, k, convolved, beta, alpha]);
    const normed = graph.add(`${prefix}.out_norm`, norm, [ruled]);
    const gated = graph.add(`${prefix}.gate`, gate, [normed, z]);
    return graph.add(`${prefix}.out`, out, [gated]);
  };
}

/** All states are worked on side by side, and each by one token after the other. */
function ruleWork(tokens: number, mixer: GatedDelta): Work {
  const { keyHeads, keyDim, valueHeads, valueDim } = mixer;
  const elements = valueHeads * keyDim * valueDim;
  const values = valueHeads * valueDim;
  const state = ruleStateBytes(mixer);
  return {
    ...vectorWork({ operator: 'LinearAttention', elements, opsPerElement: PASSES * tokens }, STATE),
    recurrent: true,
    // Queries, keys and values, and two gates for each head.
    inputBytes: bytesOf(tokens * (2 * keyHeads * keyDim + values + 2 * valueHeads), STATE),
    outputBytes: bytesOf(tokens * values, STATE),
    kvReadBytes: state,
    kvWriteBytes: state,
  };
}

/** Depthwise over the last tokens; one multiply–add per tap, and whatever follows it in place. */
function convolutionWork(
  { tokens, formats }: LlmGraphOptions,
  channels: number,
  taps: number,
  further = 0,
): Work {
  const window = windowBytes(channels, taps);
  return {
    ...vectorWork(
      {
        operator: 'CausalConvWithState',
        elements: tokens * channels,
        opsPerElement: taps + further,
        weightBytes: plainBytes(channels * taps, formats.weights),
      },
      formats.activation,
    ),
    kvReadBytes: window,
    kvWriteBytes: window,
  };
}

function shortConvolution(
  { hidden }: LlmModel,
  options: LlmGraphOptions,
  { taps }: ShortConvolution,
): AttentionPart {
  const { tokens: m, formats } = options;
  const product = (n: number) =>
    matmulWork({ m, n, k: hidden }, formats.weights, formats.activation);
  const into = product(3 * hidden);
  const multiply = vectorWork(
    { operator: 'Mul', elements: m * hidden, opsPerElement: 1, inputs: 2 },
    formats.activation,
  );
  const convolve = convolutionWork(options, hidden, taps);
  const out = product(hidden);
  return (graph: GraphBuilder, prefix: string, input: number) => {
    const projected = graph.add(`${prefix}.in`, into, [input]);
    const entering = graph.add(`${prefix}.in_gate`, multiply, [projected]);
    const convolved = graph.add(`${prefix}.conv`, convolve, [entering]);
    const leaving = graph.add(`${prefix}.out_gate`, multiply, [convolved, projected]);
    return graph.add(`${prefix}.out`, out, [leaving]);
  };
}
