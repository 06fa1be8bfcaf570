/** Predicts measured rows with what is shipped: nothing is fitted, no row is dropped without a reason. */
import { SpecError } from '../../base/errors.ts';
import type { SpecFile } from '../../base/spec-file.ts';
import { buildSimulation, prepare, type Sources } from '../../engine/prepare.ts';
import { simulate } from '../../engine/simulation.ts';
import { listBundled, readBundled } from '../../load.ts';
import { parseRuntime } from '../../runtime/runtime-spec.ts';
import { type MappedRow, type MappingTables, mapLlmRow, parseAliases } from './llm-mapping.ts';
import type { LlmRow } from './llm-rows.ts';

export interface Prediction {
  readonly id: string;
  readonly quantity: 'prefill' | 'time_to_first_token' | 'decode';
  readonly predicted: number;
  readonly reference: number;
  /** predicted ÷ reference − 1 */
  readonly error: number;
  readonly mapped: MappedRow;
}

export interface Predictions {
  readonly rows: readonly Prediction[];
  readonly unmapped: readonly { readonly id: string; readonly reason: string }[];
}

/** Names and runtime classes that measured rows may refer to. */
export function mappingTables(sources: Sources): MappingTables {
  const aliases = readBundled('workloads/models/aliases.csv');
  return {
    socs: listBundled('socs', '.yaml'),
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

/** Predicts every row that can be mapped; the others come back with the reason. */
export function predictLlmRows(rows: readonly LlmRow[], sources: Sources): Predictions {
  const tables = mappingTables(sources);
  const found: Prediction[] = [];
  const unmapped: { id: string; reason: string }[] = [];
  for (const row of rows) {
    const mapping = mapLlmRow(row, tables);
    if ('reason' in mapping) {
      unmapped.push({ id: row.id, reason: mapping.reason });
      continue;
    }
    const outcome = runRow(mapping, sources);
    if ('reason' in outcome) unmapped.push({ id: row.id, reason: outcome.reason });
    else found.push(...compare(mapping, outcome.metrics));
  }
  return { rows: found, unmapped };
}

type Outcome = { readonly metrics: Readonly<Record<string, number>> } | { readonly reason: string };

function runRow(mapping: MappedRow, sources: Sources): Outcome {
  const place = `row ${mapping.row.id}`;
  const file = (data: unknown): SpecFile => ({ file: place, data, faults: [], locate: () => ({}) });
  const inner: Sources = {
    soc: sources.soc,
    phone: sources.phone,
    preset: sources.preset,
    runtime: sources.runtime,
    tables: sources.tables,
    memoryVotes: sources.memoryVotes,
    hashes: sources.hashes,
    version: sources.version,
    workload: () => file(mapping.workload),
  };
  try {
    const scenario = file({ version: 1, workload: place, ...mapping.scenario });
    const prepared = prepare(scenario, [], inner);
    return { metrics: simulate(buildSimulation(prepared, [], inner)).metrics };
  } catch (error) {
    if (error instanceof SpecError) throw error;
    return { reason: (error as Error).message };
  }
}

function compare(mapped: MappedRow, metrics: Readonly<Record<string, number>>): Prediction[] {
  const { row } = mapped;
  const pairs = [
    ['prefill', metrics['prefill_tokens_per_second'], row.prefillPerSecond],
    ['time_to_first_token', metrics['time_to_first_token_seconds'], row.firstTokenSeconds],
    ['decode', metrics['decode_tokens_per_second'], row.decodePerSecond],
  ] as const;
  return pairs.flatMap(([quantity, predicted, reference]) =>
    predicted === undefined || reference === undefined
      ? []
      : [{ id: row.id, quantity, predicted, reference, error: predicted / reference - 1, mapped }],
  );
}
