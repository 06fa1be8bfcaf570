import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../src/base/errors.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { type RequestPlan, workAt } from '../../../src/workload/graph.ts';
import { sumGraph } from '../../../src/workload/graph-totals.ts';
import { buildWorkload, parseWorkload } from '../../../src/workload/workload-spec.ts';
import { sources } from '../../support/sources.ts';

const { tables } = sources;

function build(techniques: string, model = 'llama-2-7b', more = '', prompt = 64): RequestPlan {
  const text = `version: 1
family: llm
summary: test
model: ${model}
weightFormat: int8
promptTokens: ${prompt}
generatedTokens: 33
${more}${techniques === '' ? '' : `techniques: ${techniques}`}
`;
  return buildWorkload(parseWorkload(parseSpecFile(text, 'test.yaml'), tables), tables, 'test');
}
const decode = (plan: RequestPlan) => plan.phases.find(({ name }) => name === 'decode')!;
const totals = (plan: RequestPlan) => sumGraph(decode(plan).graph, 80);
const fault = (techniques: string, model?: string): string => {
  try {
    build(techniques, model);
  } catch (error) {
    if (error instanceof SpecError) return error.message;
    throw error;
  }
  return '';
};
const plain = build('');

describe('compression and pruning', () => {
  it('divide the bytes of weights, in memory and on the way', () => {
    const packed = build('{ compression: { ratio: 1.6 } }');
    // Weights of norms stay plain: a ten-thousandth.
    expect(totals(plain).weightBytes / totals(packed).weightBytes).toBeCloseTo(1.6, 3);
    // Rows of the embedding table are looked up one by one: 32,000 of 4,096 bytes and two of scale stay plain.
    const table = 32000 * 4096;
    expect((plain.memory.weights - table) / (packed.memory.weights - table)).toBeCloseTo(1.6, 3);
    expect(totals(packed).macs).toBe(totals(plain).macs);
  });

  it('tell units what has to be unpacked: weights of products, not those of norms', () => {
    const { works } = decode(build('{ compression: { ratio: 2 } }')).graph;
    for (const work of works) {
      if (typeof work === 'function') continue;
      const product = work.form.kind === 'matmul' && work.weightBytes > 0;
      expect(work.compression, work.operator).toBe(product ? 2 : undefined);
    }
  });

  it('leave adapters as they are', () => {
    const { graph } = decode(
      build('{ compression: { ratio: 2 }, pruning: { pattern: "2:4" }, lora: { rank: 16 } }'),
    );
    const thin = graph.operators.filter(({ name }) => name.includes('lora'));
    expect(thin.length).toBeGreaterThan(0);
    for (const { work } of thin) {
      expect(graph.works[work]).not.toHaveProperty('compression');
      expect(graph.works[work]).not.toHaveProperty('pruned24');
    }
  });

  it('store half of int8 and two bits a place at 2:4: 62.5 %', () => {
    const pruned = build('{ pruning: { pattern: "2:4" } }');
    const head = 32000 * 4096 * 2;
    expect(totals(pruned).weightBytes / totals(plain).weightBytes).toBeCloseTo(0.625, 2);
    expect((pruned.memory.weights - head / 2) / (plain.memory.weights - head / 2)).toBeCloseTo(
      0.625,
      2,
    );
    expect(totals(pruned).macs).toBe(totals(plain).macs);
  });

  it('leave it to the engine whether zeros are multiplied: 2:4 says so, other patterns no engine knows', () => {
    const marked = (pattern: string) =>
      decode(build(`{ pruning: { pattern: "${pattern}" } }`)).graph.works.some(
        (work) => typeof work !== 'function' && work.pruned24,
      );
    expect(marked('2:4')).toBe(true);
    expect(marked('unstructured')).toBe(false);
    expect(totals(build('{ pruning: { pattern: unstructured, sparsity: 0.75 } }')).macs).toBe(
      totals(plain).macs,
    );
    expect(fault('{ pruning: { pattern: "2:4", skipsZeros: true } }')).toMatch(/skipsZeros/);
  });
});

describe('adapters', () => {
  // Two matrices of rank 16 for q and v of 32 layers: 16 · (4096 + 4096) · 2 bytes each.
  const bytes = 2 * 32 * 16 * 8192 * 2;

  it('add two thin products to each target and their bytes to memory', () => {
    const adapted = build('{ lora: { rank: 16 } }');
    expect(adapted.memory.weights - plain.memory.weights).toBe(bytes);
    expect(totals(adapted).weightBytes - totals(plain).weightBytes).toBe(bytes);
    expect(totals(adapted).macs - totals(plain).macs).toBe(bytes / 2);
  });

  it('come from storage before the request when swapped', () => {
    const [first] = build('{ lora: { rank: 16, mode: swap } }').phases;
    const work = first!.graph.works[0]!;
    expect(first!.name).toBe('adapter');
    expect(typeof work === 'function' ? 0 : work.storageBytes).toBe(bytes);
  });

  it('cost nothing per step once merged, and one pass over their targets before', () => {
    const merged = build('{ lora: { rank: 16, mode: merge } }');
    expect(totals(merged)).toEqual(totals(plain));
    const pass = sumGraph(merged.phases[0]!.graph, 1);
    // 64 matrices of 4096 × 4096 int8, read and written.
    expect(pass.bytes - pass.weightBytes).toBe(2 * 64 * 4096 ** 2);
    expect(merged.memory.weights).toBe(plain.memory.weights);
  });

  it('come from storage to be merged too, and say which operators they were merged into', () => {
    const [first, ...later] = build('{ lora: { rank: 16, mode: merge } }').phases;
    const { works, operators } = first!.graph;
    const brought = operators.map(({ work }) => workAt(first!.graph, work, 1).storageBytes ?? 0);
    expect(works.length).toBeGreaterThan(0);
    expect(brought.reduce((all, each) => all + each, 0)).toBe(bytes);
    expect(first!.rewrites).toHaveLength(64);
    for (const { graph } of later) {
      const names = new Set(graph.operators.map(({ name }) => name));
      expect(first!.rewrites!.filter((name) => !names.has(name))).toEqual([]);
    }
    expect(build('{ lora: { rank: 16, mode: swap } }').phases[0]!.rewrites).toBeUndefined();
  });
});

describe('speculation', () => {
  it('takes a step for each lot of accepted tokens, and still yields all tokens', () => {
    const plan = build('{ speculation: { method: lookup, length: 4, accepted: 2 } }');
    const phase = decode(plan);
    expect(phase.steps).toBe(16);
    expect(phase.steps * phase.outputsPerStep).toBe(32);
  });

  it('adds the draft: its steps, its weights', () => {
    const drafted = build(
      '{ speculation: { method: draft-model, draft: tinyllama-1.1b, length: 3, accepted: 2 } }',
    );
    const looked = build('{ speculation: { method: lookup, length: 3, accepted: 2 } }');
    const tiny = build('', 'tinyllama-1.1b');
    const extra = totals(drafted).weightBytes - totals(looked).weightBytes;
    expect(extra / totals(tiny).weightBytes).toBeCloseTo(3, 6);
    expect(drafted.memory.weights - plain.memory.weights).toBe(tiny.memory.weights);
  });

  describe('a draft that attends to the text', () => {
    const prefill = (plan: RequestPlan) =>
      plan.phases
        .filter(({ name }) => name === 'prefill')
        .map(({ graph, steps, contextStart }) => ({ graph, steps, contextStart }));
    const macs = (plan: RequestPlan) =>
      prefill(plan).reduce(
        (sum, { graph, steps, contextStart }) => sum + steps * sumGraph(graph, contextStart).macs,
        0,
      );
    const weights = (plan: RequestPlan) => sumGraph(prefill(plan)[0]!.graph, 64).weightBytes;
    const model = '{ speculation: { method: draft-model, draft: tinyllama-1.1b, length: 3 } }';
    const tiny = build('', 'tinyllama-1.1b');
    // 32000 tokens of 2048 features: nobody asks the draft what follows the prompt.
    const head = 32000 * 2048;

    it('reads the whole prompt beside its model', () => {
      const drafted = build(model);
      expect(macs(drafted) - macs(plain)).toBe(macs(tiny) - head);
      // A byte each, and the norm before them in FP16.
      expect(weights(drafted) - weights(plain)).toBe(weights(tiny) - head - 2 * 2048);
      const kv = (plan: RequestPlan) => sumGraph(prefill(plan)[0]!.graph, 64).kvWriteBytes;
      expect(kv(drafted) - kv(plain)).toBe(kv(tiny));
      expect(drafted.phases.map(({ outputsPerStep }) => outputsPerStep)[0]).toBe(1);
    });

    it('has no adapter of its model, and is compressed as its model is', () => {
      const both = (more: string) =>
        build(model.replace('{ speculation', `{ ${more}, speculation`));
      const adapters = (plan: RequestPlan) =>
        prefill(plan)[0]!.graph.operators.filter(({ name }) => name.endsWith('.lora_up')).length;
      expect(adapters(both('lora: { rank: 16 }'))).toBe(2 * 32);
      const packed = both('compression: { ratio: 2 }');
      const table = 32000 * 4096;
      const stored = (plan: RequestPlan) => plan.memory.weights - table;
      expect(stored(build(model)) / stored(packed)).toBeCloseTo(2, 3);
      expect(weights(build(model)) / weights(packed)).toBeCloseTo(2, 3);
    });

    it('reads it in the same chunks, logits of all tokens or not', () => {
      for (const more of ['prefillChunk: 24\n', 'prefillChunk: 24\nlogits: all\n']) {
        const own = macs(build(model, 'llama-2-7b', more)) - macs(build('', 'llama-2-7b', more));
        expect(own).toBe(macs(build('', 'tinyllama-1.1b', 'prefillChunk: 24\n')) - head);
      }
    });

    it('keeps a cache and working memory of its own', () => {
      const drafted = build(model).memory;
      // Keys and values of 22 layers, 4 heads of 64 in FP16, for 64 + 33 tokens.
      expect(drafted.kvCache - plain.memory.kvCache).toBe(2 * 22 * 4 * 64 * 2 * 97);
      expect(drafted.activations).toBeGreaterThanOrEqual(
        plain.memory.activations + 0.9 * tiny.memory.activations,
      );
    });

    it('is one layer with its cache for EAGLE, and nothing for heads and look-up', () => {
      const eagle = build('{ speculation: { method: eagle, length: 4 } }');
      const matrices = 4 * 4096 ** 2 + 3 * 4096 * 11008;
      const scores = macs(plain) - 64 * 32 * matrices - 32000 * 4096;
      expect(macs(eagle) - macs(plain)).toBe(64 * matrices + scores / 32);
      expect(eagle.memory.kvCache - plain.memory.kvCache).toBe(2 * 4096 * 2 * 97);
      for (const method of ['medusa', 'lookup']) {
        const plan = build(`{ speculation: { method: ${method}, length: 4 } }`);
        expect(macs(plan)).toBe(macs(plain));
        expect(plan.memory.kvCache).toBe(plain.memory.kvCache);
      }
    });

    it('reads the prompt on its own unit, and no further than its context', () => {
      const plan = build(model.replace('length: 3', 'length: 3, unit: gpu'));
      for (const { name, on } of prefill(plan)[0]!.graph.operators)
        expect(on).toBe(name.startsWith('draft.') ? 'gpu' : undefined);
      const long = () => build(model, 'llama-2-7b', '', 2100);
      expect(long).toThrow(/exceed the context of tinyllama-1.1b.*at most 2048/s);
    });

    it('as large as its model is allowed, and told to be slower', () => {
      const notes = (draft: string, of: string) =>
        build(`{ speculation: { method: draft-model, draft: ${draft} } }`, of).notes ?? [];
      expect(notes('llama-3.1-8b', 'llama-3.2-3b').join()).toMatch(
        /llama-3.1-8b drafts for llama-3.2-3b, which is no larger.*slower/,
      );
      expect(notes('llama-3.2-3b', 'llama-3.2-3b').join()).toContain('no larger');
      expect(notes('llama-3.2-3b', 'llama-3.1-8b')).toEqual([]);
    });
  });

  it('drafts on the unit that is asked for', () => {
    const plan = build('{ speculation: { method: medusa, length: 4, accepted: 2, unit: gpu } }');
    const { operators } = decode(plan).graph;
    expect(
      operators.filter(({ on }) => on === 'gpu').every(({ name }) => name.startsWith('draft.')),
    ).toBe(true);
    expect(operators.filter(({ on }) => on === 'gpu')).toHaveLength(12);
  });

  it('knows how many tokens methods accept, by task', () => {
    const steps = (text: string) =>
      decode(build(`{ speculation: { method: eagle, length: 5${text} } }`)).steps;
    // Spec-Bench: 3.58 over all tasks; translation speeds up less than chat does.
    expect(steps('')).toBe(Math.ceil(32 / 3.58));
    expect(steps(', task: translation')).toBeGreaterThan(steps(', task: chat'));
  });
});

describe('experts on flash', () => {
  const paged = (memory: string, reuse = 0) =>
    build(`{ expertPaging: { memory: ${memory}, reuse: ${reuse} } }`, 'olmoe-1b-7b');
  const stored = (plan: RequestPlan) =>
    decode(plan).graph.operators.reduce((sum, { work }) => {
      const found = decode(plan).graph.works[work]!;
      return sum + (typeof found === 'function' ? 0 : (found.storageBytes ?? 0));
    }, 0);
  // OLMoE: 16 layers of 64 experts, 8 chosen, each 3 · 2048 · 1024 bytes in int8.
  const expert = 3 * 2048 * 1024;
  const all = 16 * 64 * expert;

  it('miss the share that is not in memory when routing is even', () => {
    const half = paged(`${all / 2} B`);
    // Half of all, up to half of the 56 that the token has not just asked for.
    expect(stored(half) / (16 * 8 * expert)).toBeGreaterThan(32 / 64);
    expect(stored(half) / (16 * 8 * expert)).toBeLessThan(32 / 56);
    expect(stored(paged(`${all} B`))).toBe(0);
  });

  it('misses as much for a first token that is decoded as for any other', () => {
    const techniques = `{ expertPaging: { memory: ${all / 2} B } }`;
    const plan = build(techniques, 'olmoe-1b-7b', 'firstTokenDecodes: true\n');
    const first = plan.phases.find(({ name }) => name === 'first-token')!;
    expect(first.graph.works).toEqual(decode(plan).graph.works);
  });

  it('miss less when tokens ask for the same experts again', () => {
    expect(stored(paged(`${all / 4} B`, 0.6))).toBeLessThan(0.6 * stored(paged(`${all / 4} B`)));
  });

  it('leave memory to others', () => {
    const whole = build('', 'olmoe-1b-7b').memory.weights;
    expect(whole - paged(`${all / 2} B`).memory.weights).toBe(all / 2);
  });
});

describe('techniques that cannot be', () => {
  it.each([
    [
      '{ lora: { rank: 5000 } }',
      undefined,
      /techniques.lora.rank: above the narrowest side of q in llama-2-7b.*4096/s,
    ],
    // Eight key–value heads of 128: v is 4096 × 1024.
    ['{ lora: { rank: 1025 } }', 'llama-3-8b', /narrowest side of v in llama-3-8b.*1024/s],
    ['{ lora: { rank: 4097, targets: [q, o] } }', 'llama-3-8b', /narrowest side of q.*4096/s],
    ['{ lora: { rank: 8, targets: [k] } }', 'deepseek-v2-lite', /no k and v.*got k/s],
    ['{ lora: { rank: 8, targets: [gate] } }', 'phi-2', /has no gate/],
    [
      '{ pruning: { pattern: "2:4", sparsity: 0.7 } }',
      undefined,
      /sparsity: has no effect with 2:4/,
    ],
    [
      '{ speculation: { method: draft-model, draft: qwen2.5-0.5b } }',
      undefined,
      /qwen2.5-0.5b has 151936 tokens, llama-2-7b 32000/,
    ],
    [
      '{ speculation: { method: lookup, length: 3, accepted: 5 } }',
      undefined,
      /more tokens than a step checks.*at most 4/s,
    ],
    ['{ speculation: { method: draft-model } }', undefined, /speculation.draft: missing/],
    [
      '{ speculation: { method: draft-model, draft: tinylama-1.1b } }',
      undefined,
      /did you mean "tinyllama-1.1b"/,
    ],
    ['{ expertPaging: { memory: 1 GB } }', undefined, /llama-2-7b has no experts/],
    [
      '{ expertPaging: { memory: 10 MB } }',
      'olmoe-1b-7b',
      /one expert per layer.*at least 16 layers/s,
    ],
    ['{ compresion: { ratio: 2 } }', undefined, /unknown key "compresion".*compression/s],
    ['{ lora: { rank: 8, targets: [gate] } }', 'olmoe-1b-7b', /has experts in place of gate/],
  ])('%s on %s', (techniques, model, message) => {
    expect(fault(techniques, model)).toMatch(message);
  });

  it.each([
    ['{ lora: { rank: 1024 } }', 'llama-3-8b'],
    ['{ lora: { rank: 8 } }', 'deepseek-v2-lite'],
    ['{ pruning: { pattern: unstructured, sparsity: 0.7 } }', 'llama-2-7b'],
    // The same tokenizer; the larger one pads its embedding by 128 rows.
    ['{ speculation: { method: draft-model, draft: qwen2.5-0.5b } }', 'qwen2.5-7b'],
  ])('let %s on %s pass', (techniques, model) => {
    expect(fault(techniques, model)).toBe('');
  });

  it('say what is taken for granted of a draft of another family', () => {
    const notes = (draft: string, model: string) =>
      build(`{ speculation: { method: draft-model, draft: ${draft} } }`, model).notes ?? [];
    expect(notes('tinyllama-1.1b', 'llama-2-7b').join()).toContain('tokenizers agree');
    expect(notes('qwen2.5-0.5b', 'qwen2.5-7b')).toEqual([]);
    expect(notes('llama-3.2-1b', 'llama-3.1-8b')).toEqual([]);
  });
});
