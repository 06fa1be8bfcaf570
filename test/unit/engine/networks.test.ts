/** Image generators and ONNX models run by what a vendor's compiler makes of networks; language models as before. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { prepare, prepareMachine } from '../../../src/engine/prepare.ts';
import { attentionWork, matmulWork } from '../../../src/workload/operator-cost.ts';
import { sources } from '../../support/sources.ts';

const machineOf = (soc: string, workload: string, runtime: string) => {
  const text = `version: 1\nsoc: ${soc}\nworkload: ${workload}\nruntime: ${runtime}\n`;
  return prepare(parseSpecFile(text, 'scenario.yaml'), [], sources).machine;
};
const fp16 = sources.tables.formats['fp16']!;
const product = matmulWork({ m: 1024, n: 1280, k: 1280 }, fp16, 'fp16');
const scores = { heads: 12, kvHeads: 12, queries: 197, context: 197, headDim: 64, valueDim: 64 };
const together = attentionWork({ ...scores, causal: false }, 'fp16');

const cyclesOn = (machine: ReturnType<typeof machineOf>, name: string, work = product) =>
  machine.units.find(({ unit }) => unit.name === name)?.unit.estimate(work).cycles;

describe('networks under the class of the vendor', () => {
  it('run on the NPU as the named class of that maker says', () => {
    const vendor = machineOf('snapdragon-8-gen-3', 'stable-diffusion-1.5', 'vendor');
    const qnn = machineOf('snapdragon-8-gen-3', 'stable-diffusion-1.5', 'qnn');
    for (const work of [product, together])
      expect(cyclesOn(vendor, 'npu', work)).toBe(cyclesOn(qnn, 'npu', work));
    expect(vendor.hostCopyRate).toBe(qnn.hostCopyRate);
  });

  it('keep the kernels of other units', () => {
    const vendor = machineOf('snapdragon-8-gen-3', 'stable-diffusion-1.5', 'vendor');
    const gpu = vendor.units.find(({ unit }) => unit.name === 'gpu')?.unit;
    expect(gpu?.supports(product)).toEqual({ ok: true });
  });

  it('are no matter of language models, nor of other makers', () => {
    const llm = machineOf('snapdragon-8-gen-3', 'llama-3.2-1b-chat', 'vendor');
    const networks = machineOf('snapdragon-8-gen-3', 'stable-diffusion-1.5', 'vendor');
    expect(cyclesOn(llm, 'npu')).toBeGreaterThan(cyclesOn(networks, 'npu') ?? 0);
    const other = (workload: string) => machineOf('dimensity-9300', workload, 'vendor');
    expect(cyclesOn(other('stable-diffusion-1.5'), 'npu')).toBe(
      cyclesOn(prepareMachine('dimensity-9300', sources), 'npu'),
    );
  });

  it('are the same for a single operator as for a run', () => {
    const alone = prepareMachine('snapdragon-8-gen-3', sources, 'vendor', 'diffusion');
    const run = machineOf('snapdragon-8-gen-3', 'stable-diffusion-1.5', 'vendor');
    expect(cyclesOn(alone, 'npu')).toBe(cyclesOn(run, 'npu'));
    expect(cyclesOn(prepareMachine('snapdragon-8-gen-3', sources), 'npu')).not.toBe(
      cyclesOn(run, 'npu'),
    );
  });
});
