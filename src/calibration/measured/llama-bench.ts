/** Results of llama.cpp's llama-bench as rows of a measurement file, ready for `calibrate device`. */
import { parseCsv } from '../../base/csv.ts';
import { SpecError } from '../../base/errors.ts';
import { GIGA } from '../../base/units.ts';

/** Where it was measured: llama-bench knows the back end but neither the SoC nor the phone. */
export interface BenchDevice {
  readonly soc: string;
  readonly device: string;
  /** Takes the place of what the file name says. */
  readonly model?: string | undefined;
}

/** Columns of the rows, in the order of a measurement file. */
export const BENCH_COLUMNS = [
  'id',
  'soc',
  'device',
  'unit',
  'runtime',
  'model',
  'model_base',
  'params_b',
  'weight_bits',
  'act_bits',
  'kv_bits',
  'prompt_tokens',
  'context_tokens',
  'prefill_tok_s',
  'ttft_s',
  'decode_tok_s',
  'weight_gb',
  'kind',
  'quality',
  'notes',
] as const;

export type BenchRow = Readonly<Record<(typeof BENCH_COLUMNS)[number], string>>;

type Entry = Readonly<Record<string, unknown>>;

/** Back ends of llama.cpp by the unit they run on; BLAS and the like serve the CPU. */
const BACKENDS: readonly (readonly [RegExp, string, string])[] = [
  [/hexagon|htp|qnn/i, 'npu', 'llama.cpp (Hexagon)'],
  [/opencl/i, 'gpu', 'llama.cpp (OpenCL)'],
  [/vulkan/i, 'gpu', 'llama.cpp (Vulkan)'],
  [/metal|mtl/i, 'gpu', 'llama.cpp (Metal)'],
];

/** `Qwen2.5-1.5B-Instruct-Q4_K_M.gguf` → quantisation at the end; also as the middle of `model_type`. */
const QUANTISATION = /(?:^|[-_. ])((?:IQ|Q|TQ)\d\w*|BF16|F16|F32)/i;
const PART = /-\d{5}-of-\d{5}$/;
const TUNED = /[-_](instruct|chat|it)$/i;

/**
 * Reads the JSON, JSON Lines or CSV of llama-bench: one row per test of one kind.
 * @throws SpecError when it is not such a file, or holds a test without a rate.
 */
export function parseLlamaBench(text: string, file: string, about: BenchDevice): BenchRow[] {
  return entriesOf(text, file).map(({ entry, line }, i) => toRow(entry, i, about, file, line));
}

function entriesOf(text: string, file: string): { entry: Entry; line?: number }[] {
  const head = text.trimStart();
  if (head.startsWith('[')) return parseJson(text, file).map((entry) => ({ entry }));
  if (head.startsWith('{')) {
    const lines = text.split('\n').map((line, i) => ({ line: i + 1, text: line }));
    return lines
      .filter((line) => line.text.trim() !== '')
      .map((line) => ({
        entry: parseJson(line.text, file, line.line)[0] as Entry,
        line: line.line,
      }));
  }
  const { rows } = parseCsv(text, file, ['model_type', 'n_prompt', 'n_gen', 'avg_ts']);
  return rows.map(({ values, line }) => ({ entry: values, line }));
}

function parseJson(text: string, file: string, line?: number): Entry[] {
  try {
    const data = JSON.parse(text) as Entry | Entry[];
    return Array.isArray(data) ? data : [data];
  } catch (error) {
    const place = { file, ...(line === undefined ? {} : { line }) };
    throw new SpecError([{ ...place, message: `no JSON: ${(error as Error).message}` }]);
  }
}

function toRow(
  entry: Entry,
  index: number,
  about: BenchDevice,
  file: string,
  line: number | undefined,
): BenchRow {
  const number = (key: string) => Number(entry[key] ?? 0);
  const [prompt, generated, depth] = [number('n_prompt'), number('n_gen'), number('n_depth')];
  const rate = number('avg_ts');
  if (!(rate > 0) || !(prompt > 0 || generated > 0)) {
    const place = { file, ...(line === undefined ? {} : { line }) };
    const message = `test ${index + 1} has no rate, or neither prompt nor generated tokens`;
    throw new SpecError([{ ...place, message, got: `avg_ts ${rate}, ${prompt} + ${generated}` }]);
  }
  const quantisation = quantisationOf(entry);
  const model = about.model ?? modelOf(entry);
  const mixed = prompt > 0 && generated > 0;
  const text = (value: number) => (value > 0 ? String(value) : '');
  return {
    id: `llama-bench-${index + 1}`,
    soc: about.soc,
    device: about.device,
    ...unitOf(entry),
    model,
    model_base: model.replace(TUNED, ''),
    params_b: text(Number((number('model_n_params') / GIGA).toPrecision(4))),
    weight_bits: bitsOf(quantisation),
    act_bits: '',
    kv_bits: bitsOf(String(entry['type_k'] ?? '')),
    prompt_tokens: text(prompt > 0 ? prompt : depth),
    context_tokens: text(depth + prompt + generated),
    prefill_tok_s: prompt > 0 && !mixed ? String(rate) : '',
    ttft_s: '',
    decode_tok_s: generated > 0 && !mixed ? String(rate) : '',
    weight_gb: text(Number((number('model_size') / GIGA).toPrecision(4))),
    kind: 'measured',
    quality: 'A',
    notes: notesOf(entry, quantisation, mixed),
  };
}

function unitOf(entry: Entry): Pick<BenchRow, 'unit' | 'runtime'> {
  const backends = String(entry['backends'] ?? entry['backend'] ?? '');
  const layers = Number(entry['n_gpu_layers'] ?? 0);
  const found = BACKENDS.find(([pattern]) => pattern.test(backends));
  // A GPU build with no layer on the GPU runs on the CPU.
  if (!found || layers === 0) return { unit: 'cpu', runtime: 'llama.cpp' };
  return { unit: found[1], runtime: found[2] };
}

function fileNameOf(entry: Entry): string {
  const path = String(entry['model_filename'] ?? '');
  return (path.split(/[/\\]/).at(-1) ?? '').replace(/\.gguf$/i, '').replace(PART, '');
}

function quantisationOf(entry: Entry): string {
  const named =
    QUANTISATION.exec(fileNameOf(entry)) ?? QUANTISATION.exec(String(entry['model_type']));
  return (named?.[1] ?? '').toUpperCase();
}

function modelOf(entry: Entry): string {
  const name = fileNameOf(entry)
    .replace(QUANTISATION, '')
    .replace(/[-_.]+$/, '');
  return name === '' || name.startsWith('ggml-model') ? String(entry['model_type'] ?? '') : name;
}

/** K-quants by their nominal number, as measurement files give them. */
function bitsOf(quantisation: string): string {
  const float = { F16: 'fp16', BF16: 'bf16', F32: 'fp32' }[quantisation.toUpperCase()];
  return float ?? /\d/.exec(quantisation)?.[0] ?? '';
}

function notesOf(entry: Entry, quantisation: string, mixed: boolean): string {
  const parts = [
    quantisation === '' ? '' : `GGUF ${quantisation}`,
    entry['n_threads'] === undefined ? '' : `${entry['n_threads']} threads`,
    entry['stddev_ts'] === undefined
      ? ''
      : `standard deviation ${Number(entry['stddev_ts']).toPrecision(3)} tok/s`,
    entry['build_number'] === undefined ? '' : `build ${entry['build_number']}`,
    mixed ? `prompt and generation together at ${entry['avg_ts']} tok/s: no phase of its own` : '',
  ];
  return parts.filter((part) => part !== '').join('; ');
}
