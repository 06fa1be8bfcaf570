/** Products with weights that a runtime has no kernels for on a unit run on another, and what remains stays. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { compileRequest, phaseTimes } from '../../../src/engine/closed-form.ts';
import { policyFor, prepare } from '../../../src/engine/prepare.ts';
import { fileSources } from '../../../src/load.ts';
import { hasWeights } from '../../../src/runtime/runtime-spec.ts';
import { workAt } from '../../../src/workload/graph.ts';

const sources = fileSources({ calibration: 'none' });
const compiled = (format: string, unit: string) => {
  const prepared = prepare(
    parseSpecFile(
      `version: 1\nworkload: llama-3.2-1b-chat\nsoc: snapdragon-8-gen-3\nruntime: llama-cpp\nunit: ${unit}\nset: [workload.weightFormat=${format}]\n`,
      's.yaml',
    ),
    [],
    sources,
  );
  return {
    prepared,
    request: compileRequest(prepared.plan, prepared.machine, policyFor(prepared)),
  };
};
/** Names of the units that products with weights of the layers, and that everything else, run on. */
const placesOf = (format: string, unit: string) => {
  const { prepared, request } = compiled(format, unit);
  const products = new Set<string>();
  const rest = new Set<string>();
  for (const { phase, unit: places, context } of request.tables) {
    for (const [i, operator] of phase.graph.operators.entries()) {
      const work = workAt(phase.graph, operator.work, context);
      const name = prepared.machine.units[places[i]!]!.unit.name;
      const layers = work.weightDType === sources.tables.formats[format]!.dtype;
      (work.form.kind === 'matmul' && work.weightBytes > 0 && layers ? products : rest).add(name);
    }
  }
  return { products: [...products], rest: [...rest] };
};
const decodeSeconds = (format: string, unit: string) => {
  const { prepared, request } = compiled(format, unit);
  return phaseTimes(request, prepared.machine)
    .filter(({ phase }) => phase === 'decode')
    .reduce((sum, { seconds }) => sum + seconds, 0);
};

describe('weights without kernels', () => {
  it('of two and three bits go from the GPU to the CPU, activations do not', () => {
    for (const format of ['q2_k-file', 'q3_k_m-file']) {
      const { products, rest } = placesOf(format, 'gpu');
      expect(products).toEqual(['cpu']);
      expect(rest).toContain('gpu');
    }
  });

  it('do not concern other formats, or units that have all kernels', () => {
    expect(placesOf('q4_0', 'gpu').products).toEqual(['gpu']);
    expect(placesOf('q3_k_m-file', 'cpu').products).toEqual(['cpu']);
  });

  it('make the way over the CPU slower than the CPU alone: every product crosses', () => {
    expect(decodeSeconds('q3_k_m-file', 'gpu')).toBeGreaterThan(
      decodeSeconds('q3_k_m-file', 'cpu'),
    );
  });

  it('are asked of the runtime by unit and width', () => {
    const { runtime } = compiled('q4_0', 'gpu').prepared;
    const of = (kind: string) =>
      (['int2', 'int3', 'int4', 'int8', 'fp16'] as const).filter((one) =>
        hasWeights(runtime, kind, one),
      );
    expect(of('gpu')).toEqual(['int4', 'int8', 'fp16']);
    expect(of('cpu')).toHaveLength(5);
  });
});
