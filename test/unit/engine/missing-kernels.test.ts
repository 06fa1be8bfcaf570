/** Products with weights that a runtime has no kernels for on a unit run on another, and what remains stays. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { DTYPE_BITS } from '../../../src/base/work.ts';
import { parseLlmRows } from '../../../src/calibration/device/llm-rows.ts';
import { predictLlmRows } from '../../../src/calibration/device/predict.ts';
import { compileRequest, phaseTimes } from '../../../src/engine/closed-form.ts';
import { policyFor, prepare } from '../../../src/engine/prepare.ts';
import { fileSources, listBundled } from '../../../src/load.ts';
import { hasWeights, parseRuntime } from '../../../src/runtime/runtime-spec.ts';
import { workAt } from '../../../src/workload/graph.ts';
import { matmulWork } from '../../../src/workload/operator-cost.ts';

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

  it('are asked of the runtime by unit, width and format', () => {
    const { runtime } = compiled('q4_0', 'gpu').prepared;
    const of = (kind: string) =>
      [
        'q2_k',
        'q3_k_m-file',
        'q4_0',
        'q4_k_m-file',
        'q6_k',
        'q8_0-file',
        'iq4_nl',
        'iq4_xs',
        'iq4_xs-file',
        'nvfp4',
        'mxfp4',
        'fp16',
      ].filter((name) =>
        hasWeights(
          runtime,
          kind,
          matmulWork({ m: 1, n: 4096, k: 4096 }, sources.tables.formats[name]!, 'fp16'),
        ),
      );
    expect(of('gpu')).toEqual([
      'q4_0',
      'q4_k_m-file',
      'q6_k',
      'q8_0-file',
      'iq4_nl',
      'mxfp4',
      'fp16',
    ]);
    expect(of('npu')).toEqual(['q4_0', 'q8_0-file', 'iq4_nl', 'mxfp4', 'fp16']);
    expect(of('cpu')).toHaveLength(12);
  });
});

describe('the NPU under llama.cpp', () => {
  it('reads Q4_0 in the layers, and leaves K-quants to the CPU, never to the GPU', () => {
    expect(placesOf('q4_0', 'npu').products).toEqual(['npu']);
    expect(placesOf('q4_k_m-file', 'npu').products).toEqual(['cpu']);
  });

  it('leaves the head of a vocabulary to the CPU, whatever its format', () => {
    const { prepared, request } = compiled('q4_0', 'npu');
    const { phase, unit } = request.tables.at(-1)!;
    const head = phase.graph.operators.findIndex(({ name }) => name === 'head');
    expect(prepared.machine.units[unit[head]!]!.unit.name).toBe('cpu');
  });

  it('is slower where no product stays on it, and slower than the CPU alone', () => {
    expect(decodeSeconds('q4_k_m-file', 'npu')).toBeGreaterThan(
      decodeSeconds('q4_k_m-file', 'cpu'),
    );
    expect(decodeSeconds('q4_0', 'npu')).toBeLessThan(decodeSeconds('q4_k_m-file', 'npu'));
  });
});

it('every format that a class says it has no kernels for is one that there is', () => {
  const names = Object.keys(sources.tables.formats).map((name) => name.replace(/-file$/, ''));
  for (const id of listBundled('socs/runtimes', '.yaml')) {
    const { kernels } = parseRuntime(sources.runtime(id));
    for (const kind of ['cpu', 'gpu', 'npu'] as const)
      for (const one of kernels[kind]?.withoutWeights?.is ?? [])
        expect([...names, ...Object.keys(DTYPE_BITS)], `${id}: ${one}`).toContain(one);
  }
});

describe('operators without kernels', () => {
  const placesOf = (model: string, runtime: string) => {
    const prepared = prepare(
      parseSpecFile(
        `version: 1\nworkload: llama-3.2-1b-chat\nsoc: snapdragon-8-elite\nruntime: ${runtime}\nunit: gpu\nset: [workload.model=${model}, workload.weightFormat=q8_0]\n`,
        's.yaml',
      ),
      [],
      sources,
    );
    const request = compileRequest(prepared.plan, prepared.machine, policyFor(prepared));
    const places: Record<string, Set<string>> = {};
    for (const { phase, unit, context } of request.tables) {
      for (const [i, { work }] of phase.graph.operators.entries()) {
        const { operator } = workAt(phase.graph, work, context);
        places[operator] ??= new Set();
        places[operator].add(prepared.machine.units[unit[i]!]!.unit.name);
      }
    }
    return (operator: string) => [...(places[operator] ?? [])];
  };

  it('run on the CPU, and what is around them stays', () => {
    // Convolutions of short length came to OpenCL in November 2025.
    const early = placesOf('lfm2-1.2b', 'llama-cpp-opencl-2025');
    expect(early('CausalConvWithState')).toEqual(['cpu']);
    expect(early('MatMul')).toEqual(['gpu']);
    expect(placesOf('lfm2-1.2b', 'llama-cpp')('CausalConvWithState')).toEqual(['gpu']);
  });

  it('are none of a rule that is put together from others', () => {
    const chained = placesOf('qwen3.5-0.8b', 'llama-cpp-app');
    expect(chained('LinearAttention')).toEqual(['gpu']);
  });

  it('are said to be so with the reason', () => {
    const { machine } = prepare(
      parseSpecFile(
        'version: 1\nworkload: llama-3.2-1b-chat\nsoc: snapdragon-8-elite\nruntime: llama-cpp-opencl-2025\nunit: gpu\nset: [workload.model=lfm2-1.2b, workload.weightFormat=q8_0]\n',
        's.yaml',
      ),
      [],
      sources,
    );
    const gpu = machine.units.find(({ unit }) => unit.name === 'gpu')!;
    const work = { ...matmulWork({ m: 1, n: 8, k: 8 }, sources.tables.formats['fp16']!, 'fp16') };
    expect(gpu.unit.supports({ ...work, operator: 'CausalConvWithState' })).toEqual({
      ok: false,
      reason: 'runtime llama-cpp-opencl-2025 has no kernels for CausalConvWithState',
    });
  });
});

describe('formats that a class does not stand for', () => {
  const text = (format: string) =>
    `version: 1\nworkload: llama-3.2-1b-chat\nsoc: snapdragon-8-elite\nruntime: llama-cpp-opencl-2025\nunit: gpu\nset: [workload.weightFormat=${format}]\n`;
  const run = (format: string) => prepare(parseSpecFile(text(format), 's.yaml'), [], sources);

  it('are refused with the class that describes them', () => {
    for (const format of ['q4_0', 'q5_0', 'iq4_xs-file', 'q4_k_m-file'])
      expect(() => run(format)).toThrow(
        /weightFormat: runtime class llama-cpp-opencl-2025 stands for weights of q8_0, q4_1, q6_k alone, not of .*expected one of q8_0, q4_1.*take runtime llama-cpp/s,
      );
    for (const format of ['q8_0', 'q8_0-file', 'q4_1', 'q6_k'])
      expect(() => run(format)).not.toThrow();
  });

  it('are no row of a check, which says why', () => {
    const header =
      'id,soc,unit,runtime,model,params_b,weight_bits,act_bits,prompt_tokens,context_tokens,prefill_tok_s,ttft_s,decode_tok_s,kind,quality,notes';
    const rows = ['Q4_0', 'Q4_1'].map(
      (type) =>
        `${type},Snapdragon 8 Elite,gpu,llama.cpp (OpenCL),Llama-3.2-1B,1.24,4,,512,,50,,10,measured,A,"${type}, before kernels for Adreno"`,
    );
    const file = parseLlmRows([header, ...rows, ''].join('\n'), 'rows.csv');
    const { rows: predicted, unmapped } = predictLlmRows(file, sources);
    expect(predicted.every(({ mapped }) => mapped.row.id === 'Q4_1')).toBe(true);
    expect(unmapped).toEqual([
      {
        id: 'Q4_0',
        reason:
          'runtime class llama-cpp-opencl-2025 stands for weights of q8_0, q4_1, q6_k alone, not of q4_0 (take runtime llama-cpp)',
      },
    ]);
  });
});
