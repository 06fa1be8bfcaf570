/** A file of measured results of any kind, told apart by its columns, with the prediction of every row. */
import { parseCsv } from '../../base/csv.ts';
import { SpecError } from '../../base/errors.ts';
import type { Sources } from '../../engine/prepare.ts';
import { readBundled } from '../../load.ts';
import { BANDWIDTH_COLUMNS, predictBandwidthRows } from './bandwidth-predict.ts';
import { DIFFUSION_COLUMNS, predictDiffusionRows } from './diffusion-predict.ts';
import { predictEnergyRows } from './energy-rows.ts';
import { unknownNames } from './llm-mapping.ts';
import { LLM_COLUMNS, type LlmRow, parseLlmRows } from './llm-rows.ts';
import type { DevicePredictions } from './measured.ts';
import { mappingTables, NOTHING_MEASURED, predictLlmRows } from './predict.ts';
import { soundCells, soundRows } from './row-checks.ts';
import { SUSTAINED_COLUMNS } from './sustained-rows.ts';
import { fittingRows, openChips } from './vision-calibrate.ts';
import { clusterClocks, sketches, writtenUnits } from './vision-fit.ts';
import { mapVisionRow, parseNetworkChanges } from './vision-mapping.ts';
import { machineCache, type OpenGraph, planCache, predictVisionRows } from './vision-predict.ts';
import { parseVisionRows, VISION_COLUMNS } from './vision-rows.ts';

interface Kind {
  /** What one row is. */
  readonly what: string;
  /** How such a file is fitted, or why it is not, where it is not done as for language models. */
  readonly fitting?: string;
  readonly columns: readonly string[];
  readonly predict: (
    text: string,
    file: string,
    sources: Sources,
    graphs: OpenGraph,
  ) => DevicePredictions;
}

/** The first whose columns are all there. */
const KINDS: readonly Kind[] = [
  { what: 'language models', columns: LLM_COLUMNS, predict: predictLlm },
  {
    what: 'parts of image generators',
    fitting:
      'nothing is fitted to them: they run at what networks say of an NPU; --check predicts them',
    columns: DIFFUSION_COLUMNS,
    predict: predictDiffusion,
  },
  {
    what: 'networks',
    fitting: '--graphs DIR with the ONNX graphs that rows name',
    columns: VISION_COLUMNS,
    predict: predictVision,
  },
  {
    what: 'rates of memory',
    fitting:
      'ports are numbers of the description (units: UNIT: port: bandwidth); --check tells how far off they are',
    columns: BANDWIDTH_COLUMNS,
    predict: predictBandwidth,
  },
];

/**
 * Predicts every row of a file with what is shipped.
 * @param graphs of the networks that `vision.csv` names.
 * @throws SpecError where the columns are those of no kind.
 */
export function predictFile(
  text: string,
  file: string,
  sources: Sources,
  graphs: OpenGraph,
): DevicePredictions {
  const { columns } = parseCsv(text, file);
  const missing = (kind: Kind) => kind.columns.filter((name) => !columns.includes(name));
  const kind = KINDS.find((each) => missing(each).length === 0);
  if (kind) return kind.predict(text, file, sources, graphs);
  const [nearest] = [...KINDS].sort((a, b) => missing(a).length - missing(b).length) as [Kind];
  throw new SpecError([
    {
      file,
      line: 1,
      message: `the columns are those of no kind of measurement; for ${nearest.what} these are missing: ${missing(nearest).join(', ')}`,
      expected: KINDS.map(({ what, columns: names }) => `${what}: ${names.join(', ')}`).join('; '),
    },
  ]);
}

/** @throws SpecError for a file of another kind than language models: how that is fitted, or that it is not. */
export function refuseOtherKind(text: string, file: string): void {
  const { columns } = parseCsv(text, file);
  const has = (names: readonly string[]) => names.every((name) => columns.includes(name));
  if (has(LLM_COLUMNS)) return;
  const kind = KINDS.find(({ columns: names }) => has(names));
  const what = kind?.what ?? (has(SUSTAINED_COLUMNS) ? 'runs over time' : undefined);
  if (what === undefined) return;
  throw new SpecError([
    {
      file,
      message: `its columns are those of ${what}, which are not fitted as language models are`,
      expected: kind?.fitting ?? '--phone NAME, whose body is fitted to them',
    },
  ]);
}

function predictLlm(text: string, file: string, sources: Sources): DevicePredictions {
  const read = parseLlmRows(text, file);
  const { sound, unmapped: faulty } = soundCells(read);
  const { rows, unmapped } = predictLlmRows(sound, sources);
  const metered = predictEnergyRows(sound, sources);
  const found = new Set(metered.map(({ id }) => id));
  return {
    rows: [
      ...rows.map(({ mapped: { row, assumptions }, ...prediction }) => ({
        ...prediction,
        group: `${row.soc}, ${row.unit}`,
        assumptions,
        columns: { ...row.columns, model: row.model },
      })),
      ...metered,
    ],
    // A row may tell its energy alone.
    unmapped: inOrder(sound, [
      ...withNames(faulty, read, sources),
      ...unmapped.filter(({ id }) => !found.has(id)),
    ]),
  };
}

type Unmapped = DevicePredictions['unmapped'];

/** By line, which every reason begins with. */
function inOrder(sound: readonly LlmRow[], unmapped: Unmapped): Unmapped {
  const lineOf = (reason: string) => Number(/^line (\d+): /.exec(reason)?.[1]);
  const lines = new Map(sound.map(({ id, line }) => [id, line]));
  const told = unmapped.map(({ id, reason }) =>
    Number.isNaN(lineOf(reason))
      ? { id, reason: `line ${lines.get(id)}: ${reason}` }
      : { id, reason },
  );
  return told.sort((a, b) => lineOf(a.reason) - lineOf(b.reason));
}

const MEASURED = ['prefill_tok_s', 'ttft_s', 'decode_tok_s', 'power_w', 'energy_j_per_tok'];

/** Rows with faults, with what nobody would see of them until those are mended. */
function withNames(faulty: Unmapped, read: readonly LlmRow[], sources: Sources): Unmapped {
  if (faulty.length === 0) return faulty;
  const tables = mappingTables(sources);
  return faulty.map(({ id, reason }) => {
    const row = read.find(({ line }) => reason.startsWith(`line ${line}: `));
    const empty = row && MEASURED.every((name) => !row.columns[name]?.trim());
    const more = [row && unknownNames(row, tables), empty && NOTHING_MEASURED].filter(Boolean);
    return { id, reason: [reason, ...more].join('; ') };
  });
}

function predictDiffusion(text: string, file: string, sources: Sources): DevicePredictions {
  return predictDiffusionRows(text, file, visionTables(sources), sources);
}

function predictVision(
  text: string,
  file: string,
  sources: Sources,
  graphs: OpenGraph,
): DevicePredictions {
  const { sound, unmapped } = soundRows(parseVisionRows(text, file));
  const found = predictVisionRows(sound, visionTables(sources), graphs, sources);
  return { ...found, unmapped: [...unmapped, ...found.unmapped] };
}

function predictBandwidth(text: string, file: string, sources: Sources): DevicePredictions {
  return predictBandwidthRows(text, file, mappingTables(sources), sources);
}

function visionTables(sources: Sources) {
  const changes = readBundled('workloads/models/networks.csv');
  return {
    ...mappingTables(sources),
    changes: parseNetworkChanges(changes.text, changes.file),
    clustersOf: clusterClocks(sources),
  };
}

/** What latencies of networks are fitted with: rows that can be, descriptions as written, compiled networks. */
export function visionFitting(text: string, file: string, sources: Sources, graphs: OpenGraph) {
  const tables = {
    ...visionTables(sources),
    hasGraph: (name: string) => graphs(name) !== undefined,
  };
  const mapped = parseVisionRows(text, file).flatMap((row) => {
    const found = mapVisionRow(row, tables);
    return 'reason' in found ? [] : [found];
  });
  const rows = fittingRows(mapped);
  const written = { units: writtenUnits(sources), runtimes: openChips(rows, tables.runtimes) };
  const machines = machineCache(sources, tables.runtimes);
  return { rows, written, sketchOf: sketches(planCache(graphs), machines) };
}
