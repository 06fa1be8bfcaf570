/** Which kind of measurement a file holds, told from its text: no option has to say it. */
import { SpecError } from '../../base/errors.ts';

export const MEASURED_KINDS = {
  'llama-bench': 'llama.cpp llama-bench -o json, jsonl or csv',
  'onnx-profile': "ONNX Runtime's profile (JSON array of events)",
  'device-log': 'CSV with a time column and columns such as skin_c, gpu_mhz, phone_w, tok_s',
} as const;

export type MeasuredKind = keyof typeof MEASURED_KINDS;

/**
 * Recognises a file of measurements.
 * @throws SpecError with the kinds there are.
 */
export function recogniseMeasured(text: string, file: string): MeasuredKind {
  const head = text.replace(/^\uFEFF/, '').trimStart();
  if (head.startsWith('[') || head.startsWith('{')) {
    if (/"avg_ts"\s*:/.test(head)) return 'llama-bench';
    if (/"(cat|ph)"\s*:/.test(head)) return 'onnx-profile';
  } else {
    const columns = (head.split('\n', 1)[0] ?? '').split(',').map((name) => name.trim());
    if (columns.some((name) => name.replaceAll('"', '') === 'avg_ts')) return 'llama-bench';
    if (columns.length > 1 && columns.some(isTimeColumn)) return 'device-log';
  }
  throw new SpecError([
    {
      file,
      message: 'no known kind of measurement',
      expected: Object.values(MEASURED_KINDS).join('; '),
    },
  ]);
}

const TIME_COLUMN = /^"?(t|time|elapsed|uptime|timestamp)([ _(].*)?"?$/i;

/** `t_s`, `time_ms`, `elapsed [s]`, `timestamp`, … */
export function isTimeColumn(name: string): boolean {
  return TIME_COLUMN.test(name.trim());
}
