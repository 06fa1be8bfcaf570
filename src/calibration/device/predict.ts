/** Predicts measured rows with what is shipped: nothing is fitted, no row is dropped without a reason. */
import type { SpecFile } from '../../base/spec-file.ts';
import { type UnitSeconds, unitsThatCount, widestBand } from '../../engine/bands.ts';
import {
  compileRequest,
  type PhaseTime,
  phaseTimes,
  unitSeconds,
} from '../../engine/closed-form.ts';
import { nameIn } from '../../engine/copied-soc.ts';
import { type Prepared, policyFor, prepare, type Sources } from '../../engine/prepare.ts';
import { listBundled, readBundled } from '../../load.ts';
import { parseRuntime } from '../../runtime/runtime-spec.ts';
import { type MappedRow, mapLlmRow } from './llm-mapping.ts';
import { type Chip, type MappingTables, parseAliases, phoneSlug } from './llm-names.ts';
import { type LlmRow, slug } from './llm-rows.ts';
import { reasonOf } from './row-fault.ts';

export type LlmQuantity = 'prefill' | 'time_to_first_token' | 'decode';

export interface Prediction {
  readonly id: string;
  readonly quantity: LlmQuantity;
  readonly predicted: number;
  readonly reference: number;
  /** predicted ÷ reference − 1 */
  readonly error: number;
  readonly mapped: MappedRow;
  /** Where four fifths of measured values lie by what fits of unseen rows were off. */
  readonly band?: { readonly low: number; readonly high: number };
}

export interface Predictions {
  readonly rows: readonly Prediction[];
  readonly unmapped: readonly { readonly id: string; readonly reason: string }[];
}

export const NOTHING_MEASURED = 'no measured rate or time that could be compared';

/** Names and runtime classes that measured rows may refer to. */
export function mappingTables(sources: Sources): MappingTables {
  const aliases = readBundled('workloads/models/aliases.csv');
  return {
    socs: socNames(sources),
    chips: chipsOf(sources),
    standIns: socAliases(sources),
    phones: Object.fromEntries(
      listBundled('socs/phones', '.yaml').map((id) => {
        const { name = id } = sources.phone(id).data as { name?: string };
        return [phoneSlug(name), id];
      }),
    ),
    runtimes: Object.fromEntries(
      listBundled('socs/runtimes', '.yaml').map((name) => [
        name,
        parseRuntime(sources.runtime(name)),
      ]),
    ),
    models: sources.tables,
    aliases: parseAliases(aliases.text, aliases.file),
  };
}

const socNames = ({ ownSocs = [] }: Sources) => [...ownSocs, ...listBundled('socs', '.yaml')];

/**
 * Sources that know a user's own SoC by its name, so that rows may name it, and that name.
 * @param soc name or path of a description.
 */
export function withOwnSoc(sources: Sources, soc: string): { sources: Sources; name: string } {
  const name = nameIn(sources.soc(soc).data);
  const known: Sources = {
    ...sources,
    soc: (wanted) => sources.soc(wanted === name ? soc : wanted),
    ownSocs: [name],
  };
  return { sources: known, name };
}

/** Makers, cores and clusters as files give them. */
function chipsOf(sources: Sources): MappingTables['chips'] {
  return Object.fromEntries(
    socNames(sources).map((name) => [name, chipOf(sources.soc(name).data)]),
  );
}

function chipOf(data: unknown): Chip {
  const { vendor, units } = data as { vendor?: string; units?: { cpu?: { clusters?: unknown } } };
  const listed = units?.cpu?.clusters;
  const clusters = Array.isArray(listed)
    ? (listed as { name?: unknown; count?: { is?: unknown } }[])
    : undefined;
  const cores = clusters?.reduce((sum, { count }) => sum + Number(count?.is), 0);
  return {
    ...(typeof vendor === 'string' && { vendor }),
    ...(cores !== undefined && Number.isFinite(cores) && { cores }),
    ...(clusters && {
      clusters: clusters.map(({ name, count }) => ({
        name: String(name),
        count: Number(count?.is ?? 0),
      })),
    }),
  };
}

/** Other names that descriptions list for themselves, by slug. */
function socAliases(sources: Sources): MappingTables['standIns'] {
  const entries = socNames(sources).flatMap((name) => {
    const { aliases = {} } = sources.soc(name).data as { aliases?: Record<string, string> };
    return Object.entries(aliases).map(([alias, why]) => [slug(alias), { to: name, why }]);
  });
  return Object.fromEntries(entries);
}

/** Predicts every row that can be mapped; the others come back with the reason. */
export function predictLlmRows(rows: readonly LlmRow[], sources: Sources): Predictions {
  const tables = mappingTables(sources);
  const found: Prediction[] = [];
  const unmapped: { id: string; reason: string }[] = [];
  for (const row of rows) {
    const mapping = mapLlmRow(row, tables);
    const outcome = 'reason' in mapping ? mapping : predictRow(mapping, sources);
    if ('reason' in outcome) unmapped.push({ id: row.id, reason: outcome.reason });
    else if (outcome.length === 0) unmapped.push({ id: row.id, reason: NOTHING_MEASURED });
    else found.push(...outcome);
  }
  return { rows: found, unmapped };
}

function predictRow(
  mapped: MappedRow,
  sources: Sources,
): Prediction[] | { readonly reason: string } {
  try {
    const prepared = prepareRow(mapped, sources);
    const { machine } = prepared;
    const request = compileRequest(prepared.plan, machine, policyFor(prepared));
    const times = phaseTimes(request, machine);
    return comparisons(mapped).map(({ quantity, reference }) => {
      const predicted = quantityOf(quantity, mapped, times);
      const stage = quantity === 'decode' ? 'decode' : 'prefill';
      const places = unitSeconds(request, machine, stage);
      return {
        id: mapped.row.id,
        quantity,
        predicted,
        reference,
        error: predicted / reference - 1,
        mapped: withPlaces(mapped, stage, places),
        ...bandOf(quantity, predicted, places, prepared),
      };
    });
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

/** Says what runs elsewhere than on the unit that the row names. */
function withPlaces(mapped: MappedRow, stage: string, places: UnitSeconds): MappedRow {
  const { scenario, assumptions } = mapped;
  const decodeUnit = scenario['decodeUnit'];
  const named = stage === 'decode' && typeof decodeUnit === 'string' ? decodeUnit : scenario.unit;
  const others = unitsThatCount(places).filter(({ unit }) => unit !== named);
  if (others.length === 0) return mapped;
  const parts = others.map(({ unit, share }) => `${Math.round(share * 100)} % on the ${unit}`);
  return { ...mapped, assumptions: [...assumptions, `time of ${stage}: ${parts.join(', ')}`] };
}

function bandOf(
  quantity: LlmQuantity,
  predicted: number,
  places: UnitSeconds,
  { calibration, runtime }: Prepared,
): Pick<Prediction, 'band'> {
  const found =
    calibration &&
    widestBand({ calibration, runtime: calibration.engine(runtime) }, quantity, places);
  if (!found) return {};
  return { band: { low: predicted / found.factor, high: predicted * found.factor } };
}

/** The scenario of a row, its descriptions read and checked. */
export function prepareRow(mapped: MappedRow, sources: Sources): Prepared {
  const place = `row ${mapped.row.id}`;
  const file = (data: unknown): SpecFile => ({ file: place, data, faults: [], locate: () => ({}) });
  const inner: Sources = {
    soc: sources.soc,
    phone: sources.phone,
    preset: sources.preset,
    runtime: sources.runtime,
    security: sources.security,
    links: sources.links,
    tables: sources.tables,
    memoryVotes: sources.memoryVotes,
    ...(sources.calibration && { calibration: sources.calibration }),
    hashes: sources.hashes,
    version: sources.version,
    workload: () => file(mapped.workload),
  };
  return prepare(file({ version: 1, workload: place, ...mapped.scenario }), [], inner);
}

/** What a row measured that its scenario predicts. */
export function comparisons({
  row,
}: MappedRow): { readonly quantity: LlmQuantity; readonly reference: number }[] {
  // An image encoder before the prompt is part of that time, and a prompt of unknown length says nothing of it.
  const opaque =
    /image/.test(row.remarks) ||
    (row.promptTokens === undefined && row.prefillPerSecond === undefined);
  const pairs = [
    ['prefill', /image/.test(row.remarks) ? undefined : row.prefillPerSecond],
    ['time_to_first_token', opaque ? undefined : row.firstTokenSeconds],
    ['decode', row.decodePerSecond],
  ] as const;
  return pairs.flatMap(([quantity, reference]) =>
    reference === undefined || reference <= 0 ? [] : [{ quantity, reference }],
  );
}

export function quantityOf(
  quantity: LlmQuantity,
  { workload }: MappedRow,
  times: readonly PhaseTime[],
): number {
  const total = (phase: string) =>
    times.filter((one) => one.phase === phase).reduce((sum, { seconds }) => sum + seconds, 0);
  if (quantity === 'time_to_first_token') return total('prefill') + total('first-token');
  if (quantity === 'prefill') {
    const fresh = Number(workload['promptTokens']) - Number(workload['cachedTokens'] ?? 0);
    return fresh / total('prefill');
  }
  const decoded = times
    .filter(({ phase }) => phase === 'decode')
    .reduce((sum, { outputs }) => sum + outputs, 0);
  return decoded / total('decode');
}
