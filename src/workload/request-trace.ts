/** Request traces: when each request arrives, and how many tokens it brings and wants. */
import { parseCsv } from '../base/csv.ts';
import { type Fault, SpecError } from '../base/errors.ts';
import { nearestHint } from '../base/registry.ts';
import { MILLI, type Seconds } from '../base/units.ts';

export interface TraceRequest {
  /** From the first request of the trace. */
  readonly arrival: Seconds;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  /** Line in the trace file. */
  readonly line: number;
}

/** Columns by the trace's origin; the first that has all its columns in the header is taken. */
const CSV_LAYOUTS = [
  {
    name: 'Azure LLM inference',
    time: 'TIMESTAMP',
    prompt: 'ContextTokens',
    generated: 'GeneratedTokens',
  },
  { name: 'plain', time: 'arrival_s', prompt: 'prompt_tokens', generated: 'generated_tokens' },
] as const;

/** Keys of a JSON Lines trace (Mooncake): milliseconds from the start. */
const JSON_KEYS = {
  time: 'timestamp',
  prompt: 'input_length',
  generated: 'output_length',
} as const;

/** What a trace may look like, for people. */
export const TRACE_FORMATS = [
  ...CSV_LAYOUTS.map(
    ({ time, prompt, generated }) => `CSV with the columns ${time}, ${prompt}, ${generated}`,
  ),
  `JSON Lines with the keys ${Object.values(JSON_KEYS).join(', ')} (milliseconds, tokens)`,
].join('; or ');

/**
 * Reads a CSV or JSON Lines trace.
 * @returns requests in order of arrival, the first at 0 s.
 * @throws SpecError naming every empty or malformed line; the rest is not silently used.
 */
export function parseRequestTrace(text: string, file: string): TraceRequest[] {
  const faults: Fault[] = [];
  const rows = text.trimStart().startsWith('{')
    ? jsonRows(text, file, faults)
    : csvRows(text, file, faults);
  if (rows.length === 0 && faults.length === 0)
    faults.push({ file, message: 'the trace holds no request' });
  if (faults.length > 0) throw new SpecError(faults);
  const sorted = rows.sort((a, b) => a.arrival - b.arrival || a.line - b.line);
  const first = sorted[0]!.arrival;
  return sorted.map((row) => ({ ...row, arrival: row.arrival - first }));
}

function csvRows(text: string, file: string, faults: Fault[]): TraceRequest[] {
  const { columns, rows } = parseCsv(text, file);
  const layout = CSV_LAYOUTS.find(({ time, prompt, generated }) =>
    [time, prompt, generated].every((name) => columns.includes(name)),
  );
  if (!layout) {
    const known = CSV_LAYOUTS.map(
      ({ time, prompt, generated }) => `${time},${prompt},${generated}`,
    );
    faults.push({
      file,
      line: 1,
      message: 'these columns are no known trace',
      expected: known.join(' or '),
      got: columns.join(','),
      hint: nearestHint(
        columns[0] ?? '',
        CSV_LAYOUTS.map(({ time }) => time),
      ),
    });
    return [];
  }
  return rows.flatMap(({ line, values }) => {
    const place = { file, line };
    return requestOf(place, {
      arrival: readTime(values[layout.time] ?? '', { ...place, path: layout.time }, faults),
      prompt: readCount(values[layout.prompt], { ...place, path: layout.prompt }, faults),
      generated: readCount(values[layout.generated], { ...place, path: layout.generated }, faults),
    });
  });
}

function jsonRows(text: string, file: string, faults: Fault[]): TraceRequest[] {
  const lines = text.replace(/\n+$/, '').split('\n');
  return lines.flatMap((content, i) => {
    const place = { file, line: i + 1 };
    const record = parseJson(content, place, faults);
    if (!record) return [];
    const given = record[JSON_KEYS.time];
    const time = typeof given === 'number' ? given : Number.NaN;
    if (Number.isNaN(time))
      faults.push({ ...place, path: JSON_KEYS.time, message: 'not a number of milliseconds' });
    return requestOf(place, {
      arrival: time * MILLI,
      prompt: readCount(record[JSON_KEYS.prompt], { ...place, path: JSON_KEYS.prompt }, faults),
      generated: readCount(
        record[JSON_KEYS.generated],
        { ...place, path: JSON_KEYS.generated },
        faults,
      ),
    });
  });
}

interface Numbers {
  readonly arrival: number;
  readonly prompt: number;
  readonly generated: number;
}

function requestOf(place: { line: number }, numbers: Numbers): TraceRequest[] {
  const { arrival, prompt, generated } = numbers;
  if (![arrival, prompt, generated].every(Number.isFinite)) return [];
  return [{ arrival, promptTokens: prompt, generatedTokens: generated, line: place.line }];
}

function parseJson(
  content: string,
  place: Fault | object,
  faults: Fault[],
): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(content);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Told below, with the line.
  }
  faults.push({ ...place, message: content.trim() === '' ? 'empty line' : 'not a JSON object' });
  return undefined;
}

function readCount(value: unknown, place: object, faults: Fault[]): number {
  const count = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
  if (Number.isInteger(count) && count > 0) return count;
  faults.push({
    ...place,
    message: 'not a count of tokens',
    expected: 'a whole number above zero',
    got: String(value),
  });
  return Number.NaN;
}

/** Seconds as a number, or a time stamp such as `2023-11-16 18:15:46.6805900` (UTC; seven decimals are kept). */
function readTime(text: string, place: object, faults: Fault[]): Seconds {
  if (/^\d+(\.\d+)?$/.test(text.trim())) return Number(text);
  const match = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(\.\d+)?Z?$/.exec(text.trim());
  const whole = match ? Date.parse(`${match[1]}T${match[2]}Z`) : Number.NaN;
  if (Number.isFinite(whole)) return whole * MILLI + Number(match?.[3] ?? 0);
  faults.push({
    ...place,
    message: 'not a time',
    expected: 'seconds, or YYYY-MM-DD hh:mm:ss',
    got: text,
  });
  return Number.NaN;
}
