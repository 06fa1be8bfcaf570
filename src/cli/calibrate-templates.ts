/** What `calibrate device KIND --template` prints: the columns of such a file, and one row to write over. */
import { formatCsv } from '../base/csv.ts';
import { pick } from '../base/registry.ts';
import { BANDWIDTH_COLUMNS, DECODE_COLUMNS } from '../calibration/device/bandwidth-predict.ts';
import { DIFFUSION_COLUMNS } from '../calibration/device/diffusion-predict.ts';
import { LLM_COLUMNS } from '../calibration/device/llm-rows.ts';
import { SUSTAINED_COLUMNS } from '../calibration/device/sustained-rows.ts';
import { VISION_COLUMNS } from '../calibration/device/vision-rows.ts';

interface Template {
  readonly columns: readonly string[];
  readonly row: Readonly<Record<string, string>>;
}

const ABOUT = ['kind', 'quality', 'source_title', 'notes'];
const MINE = { kind: 'measured', quality: 'A', source_title: 'my own run' };
const LLM: Template = {
  columns: [...LLM_COLUMNS, 'params_b', 'kv_bits', ...ABOUT],
  row: {
    ...MINE,
    id: 'mine-1',
    soc: 'Snapdragon 8 Gen 3',
    unit: 'cpu',
    runtime: 'llama.cpp',
    model: 'Llama-3.2-3B',
    weight_bits: '4',
    prompt_tokens: '256',
    context_tokens: '512',
    prefill_tok_s: '58.6',
    decode_tok_s: '17.1',
    params_b: '3.21',
    notes: 'GGUF Q4_0; 4 threads; 256-token decode',
  },
};
const NETWORK = { ...MINE, id: 'mine-1', soc: 'Snapdragon 8 Gen 3', unit: 'npu' };

const TEMPLATES: Readonly<Record<string, Template>> = {
  llm: LLM,
  energy: {
    columns: [...LLM.columns, 'power_w', 'energy_j_per_tok'],
    row: {
      ...LLM.row,
      energy_j_per_tok: '0.4',
      notes: 'GGUF Q4_0; 4 threads; 256-token decode; SoC-rail energy',
    },
  },
  vision: {
    columns: [...VISION_COLUMNS, 'measured_on', ...ABOUT],
    row: {
      ...NETWORK,
      model: 'resnet50',
      runtime: 'qnn_dlc',
      precision: 'int8',
      latency_ms: '0.7',
    },
  },
  diffusion: {
    columns: [...DIFFUSION_COLUMNS, 'measured_on', ...ABOUT],
    row: {
      ...NETWORK,
      model: 'sd_v1_5',
      component: 'unet_step',
      resolution: '512x512',
      precision: 'w8a16',
      runtime: 'qnn',
      latency_ms: '81',
    },
  },
  bandwidth: {
    columns: [...BANDWIDTH_COLUMNS, ...DECODE_COLUMNS, ...ABOUT],
    row: { ...NETWORK, unit: 'cpu', workload: 'read stream', achieved_gb_s: '43' },
  },
  sustained: {
    columns: [...SUSTAINED_COLUMNS, 'tok_s', 'temp_c', 'temp_sensor', 'power_w', ...ABOUT],
    row: {
      ...MINE,
      series_id: 'mine-run-1',
      soc: 'Snapdragon 8 Gen 3',
      device: 'Samsung Galaxy S24 Ultra',
      unit: 'cpu',
      runtime: 'llama.cpp',
      model: 'Llama-3.2-3B',
      statistic: 'point',
      time_s: '60',
      tok_s: '15.2',
      temp_c: '38.5',
      temp_sensor: 'skin',
    },
  },
};

/**
 * @param kind what is measured, or the name of a file of it; language models where absent.
 * @throws SpecError with the nearest name.
 */
export function templateCsv(kind = 'llm'): string {
  const { columns, row } = pick(TEMPLATES, kind.replace(/\.csv$/, ''), 'kind of measurement');
  return formatCsv(columns, [columns.map((column) => row[column] ?? '')]);
}
