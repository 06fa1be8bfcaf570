/**
 * Predicts measured parts of image generators with what is shipped; no row is dropped without a reason.
 *
 * Model    the family's own graph of the part, in 8-bit weights and 16-bit activations or as the row says, on the row's
 *          unit, operator after operator, clocks at their top
 * Ignores  heat, guidance (a row of the denoiser is one pass)
 * Valid    Stable Diffusion 1.x and 2.1 at 512 x 512
 * Source   src/engine/closed-form.ts
 * Checked  test/unit/calibration/device/diffusion-predict.test.ts
 */
import { parseCsv } from '../../base/csv.ts';
import { MILLI } from '../../base/units.ts';
import type { Sources } from '../../engine/prepare.ts';
import type { RequestPlan } from '../../workload/graph.ts';
import { buildWorkload, parseWorkload } from '../../workload/workload-spec.ts';
import type { DevicePrediction, DevicePredictions } from './measured.ts';
import { reasonOf } from './row-fault.ts';
import { mapVisionRow, type VisionTables } from './vision-mapping.ts';
import { machineCache, secondsOf } from './vision-predict.ts';
import { parseVisionRows } from './vision-rows.ts';

/** The columns that a file of such rows must have. */
export const DIFFUSION_COLUMNS = [
  'id',
  'model',
  'component',
  'resolution',
  'soc',
  'unit',
  'runtime',
  'precision',
  'latency_ms',
] as const;

const SD1 = { textEncoders: ['clip-vit-l-14-text'], denoiser: 'sd15-unet', autoencoder: 'sd-vae' };
const SD2 = {
  textEncoders: ['openclip-vit-h-14-text'],
  denoiser: 'sd21-unet',
  autoencoder: 'sd-vae',
};
const FAMILIES: Readonly<Record<string, typeof SD1>> = {
  sd_v1_4: SD1,
  sd_v1_5: SD1,
  riffusion: SD1,
  controlnet_canny_sd15: SD1,
  sd_v2_1: SD2,
};
const PHASES: Readonly<Record<string, string>> = {
  text_encoder: 'text-encoder',
  unet_step: 'unet',
  vae_decoder: 'vae-decoder',
};
const FORMATS: Readonly<Record<string, { weightFormat: string; activations: string }>> = {
  w8a16: { weightFormat: 'int8-per-channel', activations: 'int16' },
  int8: { weightFormat: 'int8-per-channel', activations: 'int8' },
  fp16: { weightFormat: 'fp16', activations: 'fp16' },
};

export function predictDiffusionRows(
  text: string,
  file: string,
  tables: Omit<VisionTables, 'hasGraph'>,
  sources: Sources,
): DevicePredictions {
  parseCsv(text, file, DIFFUSION_COLUMNS);
  const machines = machineCache(sources, tables.runtimes);
  const plans = new Map<string, RequestPlan>();
  const rows: DevicePrediction[] = [];
  const unmapped: { id: string; reason: string }[] = [];
  for (const row of parseVisionRows(text, file)) {
    const mapped = mapVisionRow(row, { ...tables, hasGraph: () => true });
    const reason = 'reason' in mapped ? mapped.reason : refusal(row.columns);
    if ('reason' in mapped || reason !== undefined) {
      unmapped.push({ id: row.id, reason: reason as string });
      continue;
    }
    try {
      const key = `${row.model} ${row.precision}`;
      const plan = plans.get(key) ?? planOf(row.model, row.precision, sources);
      plans.set(key, plan);
      const name = PHASES[row.component] as string;
      const phases = plan.phases.filter((phase) => phase.name.startsWith(name));
      const seconds = secondsOf({ ...plan, phases }, machines(mapped), mapped.unit);
      const predicted = seconds / MILLI;
      const reference = row.milliseconds as number;
      rows.push({
        id: row.id,
        quantity: row.component,
        predicted,
        reference,
        error: predicted / reference - 1,
        group: `${row.soc}, ${row.unit}`,
        assumptions: mapped.assumptions,
        columns: row.columns,
      });
    } catch (error) {
      unmapped.push({ id: row.id, reason: reasonOf(error) });
    }
  }
  return { rows, unmapped };
}

/** Why a row that names chip, unit and engine still cannot be predicted. */
function refusal(columns: Readonly<Record<string, string>>): string | undefined {
  const { model = '', component = '', precision = '', resolution = '' } = columns;
  if (!FAMILIES[model]) return `the structure of ${model} is not known`;
  if (!PHASES[component]) return `part "${component}" has no graph of its own`;
  if (!FORMATS[precision]) return `precision "${precision}" is not known`;
  return /^(512x512|$)/.test(resolution) ? undefined : `size ${resolution} is not 512x512`;
}

function planOf(model: string, precision: string, sources: Sources): RequestPlan {
  const data = {
    version: 1,
    family: 'diffusion',
    summary: model,
    ...FAMILIES[model],
    ...FORMATS[precision],
    steps: 1,
    guidance: 'none',
  };
  const spec = parseWorkload({ file: model, data, faults: [], locate: () => ({}) }, sources.tables);
  return buildWorkload(spec, sources.tables, model);
}
