import { describe, expect, it } from 'vitest';
import { fuse } from '../../src/workload/fusion/index.ts';
import { graphOfList } from '../../src/workload/fusion/operator-list.ts';
import type { Graph } from '../../src/workload/graph.ts';
import { sumGraph } from '../../src/workload/graph-totals.ts';
import { buildLlmGraph } from '../../src/workload/llm/graph.ts';
import { DEFAULT_FUSION, uniformRouting } from '../../src/workload/llm/options.ts';
import { type ImportedModel, importOnnx } from '../../src/workload/onnx/import.ts';
import {
  type BuiltNode,
  type BuiltTensor,
  buildModel,
  FLOAT16,
  INT32,
  INT64,
  UINT8,
} from '../support/onnx-builder.ts';
import { format, llm } from '../support/workload-tables.ts';

/** Llama 3.2 1B, in the operators that ONNX Runtime's language-model exporter writes; weights are not included. */
const SHAPE = {
  layers: 16,
  hidden: 2048,
  heads: 32,
  kvHeads: 8,
  width: 64,
  ffn: 8192,
  vocab: 128256,
};
/** Of safetensors files on Hugging Face: model-hub metadata of meta-llama/Llama-3.2-1B, tied embedding counted once. */
const PUBLISHED_PARAMETERS = 1_235_814_400;

type Weights = 'fp16' | 'int4';

function decoder(weights: Weights, tokens: number, past: number): Uint8Array {
  const { layers, hidden, heads, kvHeads, width, ffn, vocab } = SHAPE;
  const constants: Record<string, BuiltTensor> = {
    table: { type: FLOAT16, dims: [vocab, hidden], external: 'w' },
    lengths: { type: INT32, dims: [1], values: [past + tokens - 1] },
    total: { type: INT32, dims: [1], values: [past + tokens] },
    cos: { type: FLOAT16, dims: [8192, width / 2], external: 'w' },
    sin: { type: FLOAT16, dims: [8192, width / 2], external: 'w' },
  };
  const inputs: Record<string, readonly [number, readonly (number | string)[]]> = {
    ids: [INT64, ['batch', 'sequence']],
  };
  const nodes: BuiltNode[] = [{ op: 'Gather', inputs: ['table', 'ids'], outputs: ['e'] }];
  const outputs = ['logits'];
  const add = (
    op: string,
    from: string[],
    to: string[],
    attributes: BuiltNode['attributes'] = {},
    domain = '',
  ) => nodes.push({ op, domain, name: to[0] ?? op, inputs: from, outputs: to, attributes });
  const ms = 'com.microsoft';
  const project = (x: string, name: string, k: number, n: number) => {
    if (weights === 'fp16') {
      constants[`${name}.w`] = { type: FLOAT16, dims: [k, n], external: 'w' };
      add('MatMul', [x, `${name}.w`], [name]);
      return name;
    }
    constants[`${name}.w`] = { type: UINT8, dims: [n, k / 32, 16], external: 'w' };
    constants[`${name}.s`] = { type: FLOAT16, dims: [(n * k) / 32], external: 'w' };
    add(
      'MatMulNBits',
      [x, `${name}.w`, `${name}.s`],
      [name],
      { K: k, N: n, bits: 4, block_size: 32 },
      ms,
    );
    return name;
  };
  const norm = (x: string, skip: string, name: string): [string, string] => {
    constants[`${name}.g`] = { type: FLOAT16, dims: [hidden], external: 'w' };
    if (skip === '') {
      add('SimplifiedLayerNormalization', [x, `${name}.g`], [name], { axis: -1 });
      return [name, x];
    }
    add(
      'SkipSimplifiedLayerNormalization',
      [skip, x, `${name}.g`],
      [name, '', '', `${name}.sum`],
      {},
      ms,
    );
    return [name, `${name}.sum`];
  };
  let branch = 'e';
  let stream = '';
  for (let i = 0; i < layers; i++) {
    const at = (name: string) => `l${i}.${name}`;
    for (const kind of ['k', 'v']) {
      inputs[at(`past.${kind}`)] = [FLOAT16, ['batch', kvHeads, 'past', width]];
      outputs.push(at(`present.${kind}`));
    }
    const [a, s1] = norm(branch, stream, at('norm1'));
    const qkv = [
      project(a, at('q'), hidden, heads * width),
      project(a, at('k'), hidden, kvHeads * width),
      project(a, at('v'), hidden, kvHeads * width),
    ];
    add(
      'GroupQueryAttention',
      [...qkv, at('past.k'), at('past.v'), 'lengths', 'total', 'cos', 'sin'],
      [at('attention'), at('present.k'), at('present.v')],
      { num_heads: heads, kv_num_heads: kvHeads, do_rotary: 1 },
      ms,
    );
    const [b, s2] = norm(project(at('attention'), at('o'), heads * width, hidden), s1, at('norm2'));
    const gate = project(b, at('gate'), hidden, ffn);
    const up = project(b, at('up'), hidden, ffn);
    add('Sigmoid', [gate], [at('sigmoid')]);
    add('Mul', [gate, at('sigmoid')], [at('silu')]);
    add('Mul', [at('silu'), up], [at('gated')]);
    branch = project(at('gated'), at('down'), ffn, hidden);
    stream = s2;
  }
  const [last] = norm(branch, stream, 'final');
  add('Transpose', ['table'], ['head'], { perm: [1, 0] });
  add('MatMul', [last, 'head'], ['logits']);
  return buildModel({ nodes, inputs, constants, outputs }, { opset: 21 });
}

function load(weights: Weights, tokens: number, past: number): ImportedModel {
  return importOnnx(decoder(weights, tokens, past), 'decoder.onnx', {
    dims: { batch: 1, sequence: tokens, past },
  });
}

/** The built-in graph of the same model, logits of every token computed as the export does. */
function builtIn(tokens: number): Graph {
  const half = format('fp16');
  return buildLlmGraph(llm('llama-3.2-1b'), {
    name: 'reference',
    tokens,
    logits: tokens,
    formats: { weights: half, embedding: half, head: half, kv: half, activation: 'fp16' },
    fusion: DEFAULT_FUSION,
    routing: uniformRouting,
    scores: 'causal',
    contextBucket: 1,
  });
}

describe('an exported language model', () => {
  it.each<[Weights]>([['fp16'], ['int4']])(
    'with %s weights has the published parameters',
    (weights) => {
      const model = load(weights, 8, 0);
      expect(model.report.unmodelled).toEqual([]);
      expect(model.parameters).toBe(PUBLISHED_PARAMETERS);
    },
  );

  it.each([
    [128, 0],
    [1, 1023],
  ])(
    'of %i tokens behind %i costs what the built-in graph of the same model costs',
    (tokens, past) => {
      const ours = sumGraph(load('fp16', tokens, past).graph, tokens + past);
      const reference = sumGraph(builtIn(tokens), tokens + past);
      expect(ours.macs).toBe(reference.macs);
      expect(ours.kvReadBytes).toBe(reference.kvReadBytes);
      expect(ours.kvWriteBytes).toBe(reference.kvWriteBytes);
      // The export reads its rotary angles from two tables, row by row; the built-in graph works them out.
      const angles = SHAPE.layers * 2 * tokens * (SHAPE.width / 2) * 2;
      expect(ours.weightBytes - angles).toBe(reference.weightBytes);
    },
  );

  it('four-bit weights with a scale per 32 take 4.5 bits each', () => {
    const model = load('int4', 1, 0);
    const { hidden, vocab, layers } = SHAPE;
    const plain = 2 * (vocab * hidden + (2 * layers + 1) * hidden);
    const packed = ((PUBLISHED_PARAMETERS - vocab * hidden - (2 * layers + 1) * hidden) * 4.5) / 8;
    const caches = 2 * 2 * 8192 * 32;
    // Two 32-bit counters of tokens are constants of this file.
    expect(model.weightBytes).toBe(plain + packed + caches + 8);
  });

  it('fuses to as many launches per layer as a phone compiler leaves', () => {
    const { list } = fuse(load('int4', 1, 127).list);
    const perLayer = (list.operators.length - 3) / SHAPE.layers;
    // Norm, joined projections, attention, output projection, norm, joined gate and up with activation, down.
    expect(perLayer).toBe(7);
    expect(() => graphOfList(list)).not.toThrow();
  });
});
