/** Weight formats of GGUF under llama.cpp, as calibrated, against the order in which they were measured. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { compileRequest, phaseTimes } from '../../../src/engine/closed-form.ts';
import { policyFor, prepare } from '../../../src/engine/prepare.ts';
import { fileSources } from '../../../src/load.ts';

const sources = fileSources();
const PROMPT = 256;
const ANSWER = 32;

/** Tokens per second of prompts and of answers. */
function rates(
  format: string,
  { soc = 'snapdragon-8-gen-3', runtime = 'llama-cpp', unit = 'cpu' },
) {
  const sets = [
    `workload.weightFormat=${format}`,
    `workload.promptTokens=${PROMPT}`,
    `workload.generatedTokens=${ANSWER}`,
  ];
  const text = `version: 1\nworkload: llama-3.2-3b-chat\nsoc: ${soc}\nruntime: ${runtime}\nunit: ${unit}\nset: [${sets.join(', ')}]\n`;
  const prepared = prepare(parseSpecFile(text, 's.yaml'), [], sources);
  const request = compileRequest(prepared.plan, prepared.machine, policyFor(prepared));
  const times = phaseTimes(request, prepared.machine);
  const seconds = (phase: string) =>
    times.filter((one) => one.phase === phase).reduce((sum, one) => sum + one.seconds, 0);
  return { prompt: PROMPT / seconds('prefill'), answer: (ANSWER - 1) / seconds('decode') };
}

describe.each([
  ['snapdragon-8-gen-3', 'llama-cpp'],
  ['snapdragon-8-elite', 'llama-cpp'],
  ['snapdragon-8-gen-3', 'llama-cpp-generic'],
  ['tensor-g1', 'llama-cpp-armv8'],
])('on the CPU of a %s under %s', (soc, runtime) => {
  const on = (format: string) => rates(format, { soc, runtime });

  it.each([
    'fp16',
    'bf16',
    'q8_0',
    'q4_0',
    'q4_k_m-file',
    'q2_k-file',
    'iq4_xs-file',
    'iq3_m-file',
  ])('prompts are read no slower than answers are written: %s', (format) => {
    const { prompt, answer } = on(format);
    expect(prompt).toBeGreaterThanOrEqual(answer);
  });

  it('weights of 16 bits take longer than those of eight to write an answer', () => {
    expect(on('fp16').answer).toBeLessThan(on('q8_0').answer);
  });
});

describe('on the GPU of an iPhone', () => {
  const on = (format: string) =>
    rates(format, { soc: 'apple-a18-pro', runtime: 'llama-cpp-metal', unit: 'gpu' });

  it('answers follow the bytes of the weights nearly, as on Macs', () => {
    // gist andrewginns/cf95867c2d79458bd894c07b9e7d5cbd, Llama 2 7B on an M1 Pro and an M3 Pro: Q8_0 at 1.72 and 1.77
    // times the rate of FP16, Q4_0 at 2.79 and 3.11 times.
    const { answer } = on('fp16');
    expect(on('q8_0').answer / answer).toBeGreaterThan(1.6);
    expect(on('q8_0').answer / answer).toBeLessThan(1.9);
    expect(on('q4_0').answer / answer).toBeGreaterThan(2.6);
    expect(on('q4_0').answer / answer).toBeLessThan(3.4);
  });

  it('reads weights at the share of the memory that Macs reach, or somewhat less', () => {
    // 0.86 and 0.89 with FP16 there; 60 GB/s and 3.2 billion weights here, for which layers are shorter.
    const share = (on('fp16').answer * 2 * 3.21e9) / 60e9;
    expect(share).toBeGreaterThan(0.65);
    expect(share).toBeLessThan(0.89);
  });

  it('has no kernels for OpenCL', () => {
    expect(() => rates('q4_0', { soc: 'apple-a18-pro', unit: 'gpu' })).toThrow(
      'runtime "llama-cpp" has no kernels for the gpu of a SoC by Apple',
    );
  });
});

describe('FP16 weights on a CPU', () => {
  it('read prompts at the share of Q4_0 that llama.cpp reaches, or less where int8 has matrix instructions', () => {
    // ggml-org/llama.cpp, pull request 6840, M2 Ultra (dot products for int8): 47.72 against 63.95, before it 30.54
    // against 44.39. Cores of phones multiply matrices of int8 twice as fast as they do dot products.
    const share = rates('fp16', {}).prompt / rates('q4_0', {}).prompt;
    expect(share).toBeLessThan(47.72 / 63.95);
    expect(share).toBeGreaterThan(30.54 / 44.39 / 3);
  });

  it('read prompts several times faster than they write, and less than twice as fast without half precision', () => {
    // The same pull request: 30.54 against 8.75 with dot products, 47.72 against 7.66 with tiles.
    const { prompt, answer } = rates('fp16', {});
    expect(prompt / answer).toBeGreaterThan(30.54 / 8.75);
    expect(prompt / answer).toBeLessThan((1.5 * 47.72) / 7.66);
    // SLM_Factory, Galaxy S23, Qwen3.5: 26.6 against 13.5 with 0.8B, 9.3 against 5.3 with 2B.
    const widened = rates('fp16', { soc: 'snapdragon-8-gen-2', runtime: 'llama-cpp-fp32' });
    expect(widened.prompt / widened.answer).toBeGreaterThan(1);
    expect(widened.prompt / widened.answer).toBeLessThan(26.6 / 13.5);
  });
});

// PocketPal on a Snapdragon 8 Elite Gen 5, Qwen3 1.7B (a-ghorbani/pocketpal-ai, pull request 702): prompts and answers.
const MEASURED: Readonly<
  Record<'cpu' | 'gpu', Readonly<Record<string, readonly [number, number]>>>
> = {
  cpu: {
    'q2_k-file': [55.4, 27.9],
    'q3_k_m-file': [60.9, 27.8],
    q4_0: [99.9, 30.4],
    'q4_k_m-file': [88.7, 31.6],
    'q5_k_m-file': [59.8, 27.3],
    'q6_k-file': [70.9, 22.8],
    q8_0: [100, 25.7],
  },
  gpu: {
    q4_0: [629, 28.1],
    'q4_k_m-file': [437.5, 25.3],
    'q5_k_m-file': [368.3, 23],
    'q6_k-file': [407.8, 23],
  },
};

describe('order of formats', () => {
  const app = (format: string, unit: string) =>
    rates(format, { soc: 'snapdragon-8-elite-gen-5', runtime: 'llama-cpp-app', unit });

  it('has files of two and three bits among the slowest on CPUs, as measured: unpacking bounds them', () => {
    const slow = (format: string) => MEASURED.cpu[format]![0] / MEASURED.cpu['q4_0']![0];
    for (const format of ['q2_k-file', 'q3_k_m-file']) {
      expect(slow(format)).toBeLessThan(0.65);
      const ours = app(format, 'cpu').prompt / app('q4_0', 'cpu').prompt;
      // Of another model: within a factor of 1.6.
      expect(Math.abs(Math.log(ours / slow(format)))).toBeLessThan(Math.log(1.6));
      expect(ours).toBeLessThan(0.8);
      const answers = app(format, 'cpu').answer / app('q4_0', 'cpu').answer;
      const measured = MEASURED.cpu[format]![1] / MEASURED.cpu['q4_0']![1];
      // Of an earlier build as well: the class here is that of the weeks after.
      expect(Math.abs(Math.log(answers / measured))).toBeLessThan(Math.log(1.4));
    }
  });

  it('has K-quants of the GPU together, whatever their bits, behind plain ones of four', () => {
    const { gpu } = MEASURED;
    expect(gpu['q5_k_m-file']![1]).toBe(gpu['q6_k-file']![1]);
    const [q4, q5, q6] = ['q4_0', 'q5_k_m-file', 'q6_k-file'].map((one) => app(one, 'gpu').answer);
    expect(q5! / q6!).toBeGreaterThan(0.95);
    expect(q5! / q6!).toBeLessThan(1.15);
    expect(q6!).toBeLessThan(q4!);
  });
});

describe('formats before they had kernels for Adreno', () => {
  const on = (soc: string, format: string, runtime: string) =>
    rates(format, { soc, runtime, unit: 'gpu' });

  it('read prompts as much slower as pull request 19840 measured Q4_1 to, and answer within the factor that builds differ by', () => {
    // X Elite, before and after: Qwen3 0.6B 441.08 and 1102.53 tokens/s, 4B 64.34 and 213.75; answers 45.77 and 45.93.
    const [before, after] = ['llama-cpp-opencl-2025', 'llama-cpp'].map((runtime) =>
      on('snapdragon-x-elite', 'q4_1', runtime),
    ) as [ReturnType<typeof on>, ReturnType<typeof on>];
    expect(after.prompt / before.prompt).toBeGreaterThan(1102.53 / 441.08);
    expect(after.prompt / before.prompt).toBeLessThan((1.25 * 213.75) / 64.34);
    expect(after.answer / before.answer).toBeGreaterThan(0.75);
    // Wider above: what rows of newer builds say about answers on the X Elite is not shared with the older class.
    expect(after.answer / before.answer).toBeLessThan(1.65);
  });

  it('have a rate that tells of another format on other chips', () => {
    // Pull requests 16469 and 18871: Qwen2 1.5B in Q8_0 at 148.5 on an Adreno 830 and 158.1 on an 840; here a model of
    // 3.2 billion parameters, 2.8 of which are multiplied for every token of a prompt, against 1.31 of 1.54.
    for (const [soc, measured] of [
      ['snapdragon-8-elite', 148.54],
      ['snapdragon-8-elite-gen-5', 158.08],
    ] as const) {
      const share = on(soc, 'q8_0', 'llama-cpp-opencl-2025').prompt / (measured * (1.31 / 2.82));
      expect(Math.abs(Math.log(share))).toBeLessThan(0.25);
    }
  });
});
