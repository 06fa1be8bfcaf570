/** What merging of element-wise operators saves, and what it must leave alone. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../../src/base/spec-file.ts';
import { readBundled } from '../../../../src/load.ts';
import { type Graph, workAt } from '../../../../src/workload/graph.ts';
import { openGraph } from '../../../../src/workload/graph-builder.ts';
import { sumGraph } from '../../../../src/workload/graph-totals.ts';
import { fuseElementwise } from '../../../../src/workload/network/fuse.ts';
import {
  activationWork,
  addWork,
  attentionWork,
  matmulWork,
  normWork,
} from '../../../../src/workload/operator-cost.ts';
import { buildWorkload, parseWorkload } from '../../../../src/workload/workload-spec.ts';
import { format, tables } from '../../../support/workload-tables.ts';

const fp16 = format('fp16');
const product = matmulWork({ m: 4, n: 8, k: 8 }, fp16, 'fp16');
const silu = activationWork(32, 'silu', false, 'fp16');
const sum = addWork(32, 'fp16');
/** Bytes of a tensor of 4 × 8. */
const TENSOR = 64;

function names(graph: Graph): string[] {
  return graph.operators.map(({ name }) => name);
}

function workOf(graph: Graph, name: string) {
  const operator = graph.operators.find((candidate) => candidate.name === name);
  if (!operator) throw new Error(name);
  return workAt(graph, operator.work, 0);
}

describe('fusion of element-wise operators', () => {
  it('keeps an activation inside its product', () => {
    const graph = openGraph('g');
    graph.add('act', silu, [graph.add('mm', product)]);
    const fused = fuseElementwise(graph.build());
    expect(names(fused)).toEqual(['mm']);
    expect(workOf(fused, 'mm')).toEqual({
      ...product,
      vectorOps: silu.vectorOps,
      outputBytes: silu.outputBytes,
    });
  });

  it('reads the other operand of a sum, and waits for it', () => {
    const graph = openGraph('g');
    const start = graph.add('start', product);
    const main = graph.add('main', product, [start]);
    const shortcut = graph.add('shortcut', product, [start]);
    graph.add('sum', sum, [main, shortcut]);
    const fused = fuseElementwise(graph.build());
    // The later of the two takes the sum, so the earlier is there when it runs.
    expect(names(fused)).toEqual(['start', 'main', 'shortcut']);
    expect(fused.operators[2]?.inputs).toEqual([0, 1]);
    expect(workOf(fused, 'shortcut').inputBytes).toBe(product.inputBytes + TENSOR);
  });

  it('merges chains', () => {
    const graph = openGraph('g');
    const first = graph.add('mm', product);
    const second = graph.add('sum', sum, [first, graph.add('other', product)]);
    graph.add('act', silu, [second]);
    const fused = fuseElementwise(graph.build());
    expect(names(fused)).toEqual(['mm', 'other']);
    expect(workOf(fused, 'other').vectorOps).toBe(sum.vectorOps + silu.vectorOps);
  });

  it('leaves a result alone that something else reads too', () => {
    const graph = openGraph('g');
    const first = graph.add('mm', product);
    graph.add('act', silu, [first]);
    graph.add('again', product, [first]);
    expect(names(fuseElementwise(graph.build()))).toEqual(['mm', 'act', 'again']);
  });

  it('leaves tensors of another size, norms, attention and growing works alone', () => {
    const graph = openGraph('g');
    const row = graph.add('row', matmulWork({ m: 1, n: 8, k: 8 }, fp16, 'fp16'));
    graph.add('shift', sum, [row]);
    const norm = normWork({ rows: 4, width: 8, kind: 'layer' }, fp16, 'fp16');
    graph.add('norm', norm, [graph.add('mm', product)]);
    const shape = { heads: 1, kvHeads: 1, queries: 4, context: 4, headDim: 8, valueDim: 8 };
    const attention = attentionWork({ ...shape, causal: false }, 'fp16');
    graph.add('sum', sum, [graph.add('attention', attention)]);
    graph.add('act', silu, [graph.add('grows', () => product)]);
    const built = graph.build();
    expect(names(fuseElementwise(built))).toEqual(names(built));
  });

  it.each([
    'stable-diffusion-1.5',
    'sd3-medium-512',
    'clip-photo-search',
    'whisper-small-dictation',
  ])('of %s changes no arithmetic and no weights, and moves fewer bytes', (name) => {
    const plan = (fuse: boolean) => {
      const { text } = readBundled(`workloads/${name}.yaml`);
      const file = parseSpecFile(`${text}fuse: ${fuse}\n`, name);
      return buildWorkload(parseWorkload(file, tables), tables, name);
    };
    const before = plan(false);
    const after = plan(true);
    after.phases.forEach((phase, index) => {
      const plain = before.phases[index];
      if (!plain) throw new Error('phases differ');
      const fused = sumGraph(phase.graph, phase.contextStart);
      const whole = sumGraph(plain.graph, plain.contextStart);
      expect(fused.macs).toBe(whole.macs);
      expect(fused.vectorOps).toBeCloseTo(whole.vectorOps, 0);
      expect(fused.weightBytes).toBeCloseTo(whole.weightBytes, 3);
      expect(fused.kvReadBytes).toBe(whole.kvReadBytes);
      expect(fused.bytes).toBeLessThan(whole.bytes);
      expect(fused.operators).toBeLessThan(whole.operators);
    });
    expect(after.memory.weights).toBe(before.memory.weights);
  });
});
