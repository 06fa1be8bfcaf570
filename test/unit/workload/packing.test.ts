import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../src/base/errors.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { sumGraph } from '../../../src/workload/graph-totals.ts';
import { sourceOf } from '../../../src/workload/onnx/wire-skim.ts';
import { packWork, storedShare } from '../../../src/workload/packing.ts';
import { buildWorkload, parseWorkload } from '../../../src/workload/workload-spec.ts';
import { buildModel, FLOAT } from '../../support/onnx-builder.ts';
import { conv, matmul, vector } from '../../support/phone-units.ts';
import { sources } from '../../support/sources.ts';

const { tables } = sources;

describe('what is stored of weights', () => {
  it('is half with two bits a place at 2:4, what is left and a bit a place otherwise', () => {
    expect(storedShare({ pattern: '2:4', sparsity: 0.5 }, 8)).toBe((4 + 1) / 8);
    expect(storedShare({ pattern: '2:4', sparsity: 0.5 }, 16)).toBe((8 + 1) / 16);
    expect(storedShare({ pattern: 'unstructured', sparsity: 0.75 }, 16)).toBe((4 + 1) / 16);
    // A bit for each place is more than a tenth of eight bits saves.
    expect(storedShare({ pattern: 'unstructured', sparsity: 0.1 }, 8)).toBeGreaterThan(1);
  });

  it('concerns products and convolutions with weights, nothing else', () => {
    const packing = { compression: { ratio: 2 } };
    const scores = { ...matmul(64, 64, 64), weightBytes: 0 };
    const table = { ...vector(64), weightBytes: 64 };
    expect(packWork(scores, packing)).toBe(scores);
    expect(packWork(table, packing)).toBe(table);
    const kernel = conv({});
    expect(packWork(kernel, packing)).toEqual({
      ...kernel,
      weightBytes: kernel.weightBytes / 2,
      compression: 2,
    });
  });

  it('is pruned first, then compressed', () => {
    const work = matmul(8, 64, 64);
    const packed = packWork(work, {
      compression: { ratio: 1.25 },
      pruning: { pattern: '2:4', sparsity: 0.5 },
    });
    expect(packed.weightBytes).toBeCloseTo((work.weightBytes * 0.625) / 1.25, 9);
    expect(packed.macs).toBe(work.macs);
    expect(packed.form).toEqual(work.form);
  });
});

describe('an ONNX model', () => {
  const bytes = buildModel({
    nodes: [{ op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
    inputs: { x: [FLOAT, [8, 64]] },
    constants: { w: { type: FLOAT, dims: [64, 32] } },
    outputs: ['y'],
  });
  const opening = { ...tables, openModel: () => sourceOf(bytes) };
  const build = (techniques = '') => {
    const text = `version: 1\nfamily: onnx\nsummary: s\nmodel: m.onnx\n${techniques}`;
    const spec = parseWorkload(parseSpecFile(text, 'm.yaml'), opening);
    return buildWorkload(spec, opening, 'm');
  };

  it('has its weights packed too', () => {
    const packed = build('techniques: { compression: { ratio: 2 }, pruning: { pattern: "2:4" } }');
    // 64 × 32 floats: half of them with two bits each, then half of that.
    const stored = (64 * 32 * (16 + 1)) / 8 / 2;
    expect(packed.phases[0]!.graph.works).toMatchObject([
      { weightBytes: stored, compression: 2, pruned24: true, macs: 8 * 64 * 32 },
    ]);
    expect(packed.memory.weights).toBe(stored);
    expect(build().memory.weights).toBe(4 * 64 * 32);
  });
});

describe('an image generator', () => {
  const build = (techniques = '') => {
    const text = `version: 1
family: diffusion
summary: test
textEncoders: [clip-vit-l-14-text]
denoiser: sd15-unet
autoencoder: sd-vae
weightFormat: fp16
steps: 2
${techniques}`;
    return buildWorkload(parseWorkload(parseSpecFile(text, 'test.yaml'), tables), tables, 'test');
  };
  const bytes = (plan: ReturnType<typeof build>) =>
    plan.phases.reduce((sum, { graph }) => sum + sumGraph(graph, 0).weightBytes, 0);

  it('has its weights packed in memory as on their way', () => {
    const [plain, packed] = [build(), build('techniques: { compression: { ratio: 2 } }')];
    // Norms and the token table are the rest: below one per cent on their way.
    expect(bytes(plain) / bytes(packed)).toBeGreaterThan(1.98);
    expect(bytes(plain) / bytes(packed)).toBeLessThan(2);
    expect(plain.memory.weights / packed.memory.weights).toBeCloseTo(
      bytes(plain) / bytes(packed),
      9,
    );
    expect(build('techniques: {}')).toEqual(plain);
  });

  it('refuses a share of zeros beside the pattern that is one', () => {
    expect(() => build('techniques: { pruning: { pattern: "2:4", sparsity: 0.7 } }')).toThrow(
      SpecError,
    );
    expect(() => build('techniques: { lora: { rank: 8 } }')).toThrow(/unknown key "lora"/);
  });
});
