/** How long import, fusion and placement of a model of about a thousand nodes take; for `npm run bench`. */

import { compilePhase } from '../../src/engine/compile.ts';
import { prepareMachine } from '../../src/engine/prepare.ts';
import { fileSources } from '../../src/load.ts';
import { policies } from '../../src/runtime/policies/index.ts';
import { fuse } from '../../src/workload/fusion/index.ts';
import { graphOfList } from '../../src/workload/fusion/operator-list.ts';
import { importOnnx } from '../../src/workload/onnx/import.ts';
import { type BuiltGraph, buildModel, FLOAT } from '../support/onnx-builder.ts';

/** Residual blocks of ten nodes, shape arithmetic included. */
function blockModel(blocks: number): Uint8Array {
  const nodes: BuiltGraph['nodes'][number][] = [];
  const constants: Record<string, { type?: number; dims: number[]; values?: number[] }> = {
    zero: { dims: [], values: [0] },
    axes: { dims: [1], values: [0] },
    rest: { dims: [3], values: [64, 14, 14] },
  };
  let last = 'x';
  for (let i = 0; i < blocks; i++) {
    const t = (name: string) => `${name}${i}`;
    constants[t('w')] = { type: FLOAT, dims: [64, 64, 1, 1] };
    constants[t('v')] = { type: FLOAT, dims: [64, 64, 3, 3] };
    nodes.push(
      { op: 'Conv', inputs: [last, t('w')], outputs: [t('a')] },
      { op: 'Sigmoid', inputs: [t('a')], outputs: [t('s')] },
      { op: 'Mul', inputs: [t('a'), t('s')], outputs: [t('m')] },
      {
        op: 'Conv',
        inputs: [t('m'), t('v')],
        outputs: [t('c')],
        attributes: { pads: [1, 1, 1, 1] },
      },
      { op: 'Shape', inputs: [t('c')], outputs: [t('d')] },
      { op: 'Gather', inputs: [t('d'), 'zero'], outputs: [t('g')] },
      { op: 'Unsqueeze', inputs: [t('g'), 'axes'], outputs: [t('u')] },
      { op: 'Concat', inputs: [t('u'), 'rest'], outputs: [t('e')], attributes: { axis: 0 } },
      { op: 'Reshape', inputs: [t('c'), t('e')], outputs: [t('r')] },
      { op: 'Add', inputs: [t('r'), last], outputs: [t('y')] },
    );
    last = t('y');
  }
  return buildModel({ nodes, inputs: { x: [FLOAT, [1, 64, 14, 14]] }, constants, outputs: [last] });
}

export interface OnnxTimings {
  readonly nodes: number;
  readonly importSeconds: number;
  readonly fuseSeconds: number;
  /** Placing the fused graph on a phone, with the cost of every operator on every unit. */
  readonly compileSeconds: number;
}

/** Median of `repeats` runs. */
export function benchOnnx(blocks = 100, repeats = 5): OnnxTimings {
  const bytes = blockModel(blocks);
  const imports: number[] = [];
  const fusions: number[] = [];
  const placements: number[] = [];
  const machine = prepareMachine('dimensity-9300', fileSources(), 'vendor', 'onnx');
  const policy = policies['single-unit'].create({ unit: 'npu', decodeUnit: 'npu' });
  let nodes = 0;
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    const model = importOnnx(bytes, 'bench.onnx');
    const middle = performance.now();
    const graph = graphOfList(fuse(model.list).list);
    const fused = performance.now();
    const step = { steps: 1, contextStart: 1, contextStride: 0, outputsPerStep: 1 };
    compilePhase({ name: 'inference', graph, ...step }, machine, policy);
    placements.push((performance.now() - fused) / 1000);
    fusions.push((fused - middle) / 1000);
    imports.push((middle - start) / 1000);
    nodes = model.report.nodes;
  }
  return {
    nodes,
    importSeconds: median(imports),
    fuseSeconds: median(fusions),
    compileSeconds: median(placements),
  };
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
