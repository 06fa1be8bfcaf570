/** From a measured run over time to the scenario that should reproduce it, or the reason why none does. */
import { formatCsv } from '../../base/csv.ts';
import type { SpecFile } from '../../base/spec-file.ts';
import type { Prepared, Sources } from '../../engine/prepare.ts';
import { prepare } from '../../engine/prepare.ts';
import { listBundled } from '../../load.ts';
import { mapLlmRow } from './llm-mapping.ts';
import type { MappingTables } from './llm-names.ts';
import { LLM_COLUMNS, parseLlmRows, slug } from './llm-rows.ts';
import { type Protocol, protocolOf, type Series } from './sustained-rows.ts';

/** What runs, from request to request. */
export interface SeriesScenario {
  readonly series: Series;
  readonly protocol: Protocol;
  readonly prepared: Prepared;
  /** Every execution unit at full switching instead of the workload: a stress test. */
  readonly stress: boolean;
  /** Where the prediction departs from the measurement: stand-ins and assumed values. */
  readonly assumptions: readonly string[];
}

/** Prompt and answer of a chat of which nothing is known. */
const PROMPT = 256;
const ANSWER = 128;
/** Prompt of a turn that keeps the cache of the turns before, and of a benchmark's trial: short questions. */
const SHORT_PROMPT = 24;
/** Charger that holds a full phone up during a run with the cable in; estimated. */
const CHARGER = '15 W';

type Reason = { readonly reason: string };
type Keys = Readonly<Record<string, unknown>>;

export function scenarioOf(
  series: Series,
  tables: MappingTables,
  sources: Sources,
  changes: Keys = {},
): SeriesScenario | Reason {
  const protocol = protocolOf(series.remarks);
  const workload = workloadOf(series, protocol, tables);
  if ('reason' in workload) return workload;
  const phone = phoneOf(series, workload.soc, sources);
  if ('reason' in phone) return phone;
  const first = series.points.find(
    ({ quantity, time, until, sensor }) =>
      quantity === 'temperature' &&
      time === 0 &&
      until === undefined &&
      !/gpu|cpu|core/i.test(sensor),
  );
  const assumptions = [...workload.assumptions, ...phone.assumptions];
  if (protocol.ambient === undefined) assumptions.push('air of 25 °C assumed');
  const environment = {
    ...(protocol.ambient === undefined ? {} : { ambient: `${protocol.ambient} °C` }),
    ...(first ? { start: `${first.reference} °C` } : {}),
    ...(protocol.charging ? { charging: CHARGER } : {}),
    ...(/\(fan\)/.test(series.device) ? { fan: 'built-in' } : {}),
  };
  const scenario = { soc: workload.soc, phone: phone.id, ...workload.scenario, environment };
  return {
    series,
    protocol,
    prepared: prepareAs(series.id, scenario, { ...workload.keys, ...changes }, sources),
    stress: workload.stress,
    assumptions,
  };
}

interface FoundWorkload {
  readonly soc: string;
  readonly scenario: Keys;
  /** Of the workload description; a bundled one by name where it is text. */
  readonly keys: Keys;
  readonly stress: boolean;
  readonly assumptions: readonly string[];
}

function workloadOf(
  series: Series,
  protocol: Protocol,
  tables: MappingTables,
): FoundWorkload | Reason {
  if (series.unit === '') return { reason: `what "${series.remarks}" asks of a unit is not known` };
  if (/3DMark|CPU Throttling/.test(series.model)) return stressOf(series, tables);
  if (/^sd[_-]?v?1|stable.diffusion.*1\.5/i.test(series.model)) return diffusionOf(series, tables);
  return languageModelOf(series, protocol, tables);
}

function stressOf(series: Series, tables: MappingTables): FoundWorkload | Reason {
  const soc = socOf(series, tables);
  if (soc === undefined) return { reason: `no description of SoC "${series.soc}"` };
  // As many threads as any phone has cores: the test starts a hundred.
  const set = series.unit === 'cpu' ? ['cpu.threads=8'] : [];
  return {
    soc,
    scenario: { unit: series.unit, workload: 'llama-3.2-1b-chat', set },
    keys: {},
    stress: true,
    assumptions: ['every pipe of the unit at full switching stands for the test'],
  };
}

/** Apple's chips come with and without the maker's name. */
function socOf({ soc }: Series, { socs }: MappingTables): string | undefined {
  return [slug(soc), `apple-${slug(soc)}`].find((name) => socs.includes(name));
}

function diffusionOf(series: Series, tables: MappingTables): FoundWorkload | Reason {
  const soc = socOf(series, tables);
  if (soc === undefined) return { reason: `no description of SoC "${series.soc}"` };
  return {
    soc,
    scenario: { unit: series.unit, workload: 'stable-diffusion-1.5' },
    keys: {},
    stress: false,
    assumptions: [],
  };
}

function languageModelOf(
  series: Series,
  protocol: Protocol,
  tables: MappingTables,
): FoundWorkload | Reason {
  const bits = /\b(\d)-bit|\bint(\d)\b|\bQ(\d)_/.exec(series.remarks)?.slice(1).find(Boolean) ?? '';
  const columns = [...LLM_COLUMNS, 'device', 'params_b', 'source_title', 'notes'];
  const { id, unit, runtime, model, device, remarks, source } = series;
  const soc = socOf(series, tables) ?? series.soc;
  const values: Readonly<Record<string, string>> = {
    id,
    soc,
    unit,
    runtime,
    model,
    device,
    source_title: source,
    notes: remarks,
    weight_bits: bits,
    params_b: /\b(\d+(?:\.\d+)?)B\b/i.exec(model)?.[1] ?? '',
    prompt_tokens: String(protocol.prompt ?? PROMPT),
    decode_tok_s: '1',
  };
  const text = formatCsv(columns, [columns.map((name) => values[name] ?? '')]);
  const mapped = mapLlmRow(parseLlmRows(text, id)[0]!, tables);
  if ('reason' in mapped) return { reason: mapped.reason };
  const threads = protocol.threads && unit === 'cpu' ? [`cpu.threads=${protocol.threads}`] : [];
  const { soc: socName, ...scenario } = mapped.scenario as Keys & { soc: string };
  return {
    soc: socName,
    scenario: { ...scenario, set: threads },
    keys: { ...mapped.workload, ...tokensOf(series, protocol) },
    stress: false,
    assumptions: mapped.assumptions,
  };
}

/** Tokens of one request; what the remarks give in seconds is turned into tokens at the measured rate. */
function tokensOf({ points }: Series, protocol: Protocol) {
  const rates = points.filter(({ quantity }) => quantity === 'decode');
  const mean = rates.reduce((sum, { reference }) => sum + reference, 0) / rates.length;
  const seconds = protocol.decodeSeconds ?? protocol.turnSeconds;
  const answer = protocol.answer ?? (seconds && mean > 0 ? Math.round(seconds * mean) : ANSWER);
  const prompt =
    protocol.prompt ?? (protocol.turnSeconds || protocol.trials ? SHORT_PROMPT : PROMPT);
  return { promptTokens: prompt, generatedTokens: Math.max(answer, 2) };
}

/** The phone with the longest name that is in the device's. */
export function phoneOfDevice(device: string): string | undefined {
  const name = slug(device);
  const known = listBundled('socs/phones', '.yaml').filter((id) => name.includes(id));
  return known.sort((a, b) => b.length - a.length)[0];
}

/** The phone whose name is in the device's; the SoC's own stands in for one without a description. */
function phoneOf(
  { device }: Series,
  soc: string,
  sources: Sources,
): { readonly id: string; readonly assumptions: readonly string[] } | Reason {
  const best = phoneOfDevice(device);
  if (best) return { id: best, assumptions: [] };
  const { phone } = sources.soc(soc).data as { phone: string };
  return { id: phone, assumptions: [`${phone} stands in for ${device}`] };
}

function prepareAs(id: string, scenario: Keys, workload: Keys, sources: Sources): Prepared {
  const place = `series ${id}`;
  const file = (data: unknown): SpecFile => ({ file: place, data, faults: [], locate: () => ({}) });
  const bundled = scenario['workload'] as string | undefined;
  const inner: Sources = {
    soc: sources.soc,
    phone: sources.phone,
    preset: sources.preset,
    runtime: sources.runtime,
    security: sources.security,
    links: sources.links,
    tables: sources.tables,
    memoryVotes: sources.memoryVotes,
    hashes: sources.hashes,
    version: sources.version,
    workload: (name) => (bundled ? sources.workload(name) : file(workload)),
  };
  return prepare(file({ version: 1, workload: bundled ?? place, ...scenario }), [], inner);
}
