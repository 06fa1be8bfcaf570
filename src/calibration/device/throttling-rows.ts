/** Published throttling figures (`device,soc,workload,t_s,metric,value,…`) as series, where their text says what ran. */
import { parseCsv } from '../../base/csv.ts';
import type { Series, SeriesPoint, SustainedQuantity } from './sustained-rows.ts';

/** Columns that tell such a file from other measurements. */
export const THROTTLING_COLUMNS = [
  'device',
  'soc',
  'workload',
  't_s',
  'metric',
  'value',
  'unit',
] as const;

/** @throws SpecError naming missing columns and ragged lines. */
export function parseThrottling(text: string, file: string): Series[] {
  const found: { series: Series; points: SeriesPoint[] }[] = [];
  let workload = '';
  for (const { values, line } of parseCsv(text, file, THROTTLING_COLUMNS).rows) {
    const device = values['device'] ?? '';
    const last = found.at(-1);
    const same = values['workload'] === 'same' && last?.series.device === device;
    if (!same) workload = values['workload'] ?? '';
    const current = same ? last : started(found, device, values, workload);
    current.points.push(...pointsOf(values, current.series.id, line));
  }
  return found.map(({ series }) => series);
}

function started(
  found: { series: Series; points: SeriesPoint[] }[],
  device: string,
  values: Readonly<Record<string, string>>,
  workload: string,
) {
  const points: SeriesPoint[] = [];
  const id = `${device}: ${workload.split(',')[0]}`;
  const soc = values['soc'] ?? '';
  const source = values['source'] ?? '';
  const series = { id, soc, device, ...whatRan(workload), remarks: workload, source, points };
  const entry = { series, points };
  found.push(entry);
  return entry;
}

const ENGINES = ['LiteRT-LM', 'CoreML', 'MLX', 'MLC', 'llama.cpp'];
const MODELS = /(Qwen[\d.]+-[\d.]+B|Gemma \d E\dB|Llama[ -][\d.]+[ -]\d+B)/;

function whatRan(workload: string) {
  const runtime = ENGINES.find((name) => workload.includes(name)) ?? '';
  const stress = /CPU Throttling Test/.test(workload) ? 'CPU Throttling Test' : '';
  const graphics = /3DMark stress test|Wild Life Extreme/.exec(workload)?.[0] ?? '';
  const model = MODELS.exec(workload)?.[0] ?? (stress || graphics.replace(/^Wild/, '3DMark Wild'));
  return { unit: unitOf(workload), runtime: runtime === 'MLC' ? 'MLC-LLM' : runtime, model };
}

function unitOf(workload: string): string {
  if (/Neural Engine|NPU/.test(workload)) return 'npu';
  if (/CPU\+GPU/.test(workload)) return 'hybrid';
  if (/GPU|Adreno|Wild Life/.test(workload)) return 'gpu';
  return /CPU/.test(workload) ? 'cpu' : '';
}

const METRICS: Readonly<Record<string, SustainedQuantity>> = {
  'decode rate': 'decode',
  'performance of peak': 'score',
  stability: 'score',
  power: 'power',
};

function pointsOf(
  values: Readonly<Record<string, string>>,
  id: string,
  line: number,
): SeriesPoint[] {
  const [from, to] = (values['t_s'] ?? '').split('-').map(Number);
  const time = values['t_s'] === '' ? undefined : from;
  const place = `${id}@${values['t_s'] || `line ${line}`}`;
  const common = { statistic: 'point', time, until: to, iteration: undefined, columns: values };
  const points: SeriesPoint[] = [];
  const quantity = METRICS[values['metric'] ?? ''];
  const reference = Number(values['value']);
  if (quantity && values['value'] !== '' && Number.isFinite(reference)) {
    points.push({ ...common, id: place, quantity, reference, sensor: '' });
  }
  const warm = /^([\d.]+)/.exec(values['temperature_C'] ?? '');
  if (warm) {
    const sensor = `${values['temperature_C']} ${values['temperature_kind']}`;
    points.push({
      ...common,
      id: place,
      quantity: 'temperature',
      reference: Number(warm[1]),
      sensor,
    });
  }
  return points;
}
