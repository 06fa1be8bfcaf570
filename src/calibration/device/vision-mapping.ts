/** From a measured latency to the network, chip, unit, engine and precision that should reproduce it, or why none does. */
import { parseCsv } from '../../base/csv.ts';
import type { Hertz } from '../../base/units.ts';
import type { PrecisionName } from '../../workload/fusion/precision.ts';
import type { ImageSize } from '../../workload/onnx/bindings.ts';
import { findRuntime, findSoc, type MappingTables } from './llm-names.ts';
import { numberOf } from './llm-rows.ts';
import type { VisionRow } from './vision-rows.ts';

export interface MappedVisionRow {
  readonly row: VisionRow;
  readonly soc: string;
  readonly runtime: string;
  readonly unit: 'cpu' | 'gpu' | 'npu';
  /** Name of the graph, without folder and extension. */
  readonly graph: string;
  /** As the file has it where absent. */
  readonly precision?: PrecisionName;
  readonly imageSize?: ImageSize;
  /** Overrides of the description, such as threads. */
  readonly set: readonly string[];
  readonly assumptions: readonly string[];
}

type Reason = { readonly reason: string };

/** Networks whose published input changed: from when, and to what. */
export interface NetworkChange extends ImageSize {
  readonly name: string;
  readonly since: string;
  readonly why: string;
}

export interface VisionTables
  extends Pick<MappingTables, 'socs' | 'chips' | 'standIns' | 'runtimes'> {
  readonly changes: readonly NetworkChange[];
  /** Whether there is a graph of this name. */
  readonly hasGraph: (name: string) => boolean;
  /** Of the CPU, from the slowest to the fastest. */
  readonly clustersOf: (soc: string) => readonly Cluster[];
}

/** Cores of a CPU that are alike. */
export interface Cluster {
  readonly name: string;
  readonly clock: Hertz;
  readonly cores: number;
}

/** Reads `workloads/models/networks.csv`. */
export function parseNetworkChanges(text: string, file: string): NetworkChange[] {
  const { rows } = parseCsv(text, file, ['name', 'since', 'height', 'width', 'why']);
  return rows.map(({ values }) => ({
    name: values['name'] ?? '',
    since: values['since'] ?? '',
    height: numberOf(values['height']) ?? 0,
    width: numberOf(values['width']) ?? 0,
    why: values['why'] ?? '',
  }));
}

export function mapVisionRow(row: VisionRow, tables: VisionTables): MappedVisionRow | Reason {
  if (row.milliseconds === undefined) {
    return {
      reason:
        row.throughput === undefined
          ? 'no latency that could be compared'
          : 'a throughput of many inputs at once is no latency',
    };
  }
  const soc = findSoc(row, tables);
  if ('reason' in soc) return soc;
  const unit = unitOf(row);
  if ('reason' in unit) return unit;
  const { vendor } = tables.chips[soc.id] ?? {};
  const engine = findRuntime(row, { kind: unit.kind, vendor }, tables);
  if ('reason' in engine) return engine;
  const part = row.component === '' ? row.model : `${row.model}_${row.component}`;
  // Tables give some networks that have one part the name of that part.
  const graph = [part, row.model].find(tables.hasGraph);
  if (graph === undefined) return { reason: `no graph ${part}.onnx (--graphs DIR)` };
  const precision = precisionOf(row.precision, unit.kind);
  if ('reason' in precision) return precision;
  const set = unit.kind === 'cpu' ? threadsOf(row, tables.clustersOf(soc.id), vendor) : [];
  const change = tables.changes.find(
    ({ name, since }) => name === graph && row.measuredOn >= since,
  );
  return {
    row,
    soc: soc.id,
    runtime: engine.runtime.name,
    unit: unit.kind,
    graph,
    ...(precision.name ? { precision: precision.name } : {}),
    ...imageSizeOf(row, change),
    set,
    assumptions: [
      ...soc.assumptions,
      ...engine.assumptions,
      ...unit.assumptions,
      ...precision.assumptions,
      ...(graph === part ? [] : [`${row.component} is the whole of ${graph}`]),
      ...(change ? [`input of ${change.height} x ${change.width}: ${change.why}`] : []),
    ],
  };
}

/** `227x227`, unless it is known to have been another. */
function imageSizeOf({ columns }: VisionRow, change: ImageSize | undefined) {
  if (change) return { imageSize: { height: change.height, width: change.width } };
  const [, height, width] = /^(\d+)x(\d+)$/.exec(columns['input_shape'] ?? '') ?? [];
  return height && width ? { imageSize: { height: Number(height), width: Number(width) } } : {};
}

function unitOf({
  unit,
}: VisionRow):
  | { readonly kind: MappedVisionRow['unit']; readonly assumptions: readonly string[] }
  | Reason {
  const [kind = '', mixed] = unit.split('+');
  if (kind !== 'cpu' && kind !== 'gpu' && kind !== 'npu') {
    return { reason: unit === '' ? 'the unit is not given' : `unit "${unit}" is not one unit` };
  }
  const assumptions = mixed
    ? [`all of it on the ${kind}: the row does not say which layers ran elsewhere`]
    : [];
  return { kind, assumptions };
}

const PRECISION_OF: Readonly<Record<string, PrecisionName>> = {
  fp16: 'fp16',
  int8: 'w8a8',
  w8a8: 'w8a8',
  w8a16: 'w8a16',
  w4a16: 'w4a16',
};

/** Of a mixture, what most layers run in: the name before `_mixed_`. */
function precisionOf(
  text: string,
  unit: string,
): { readonly name?: PrecisionName; readonly assumptions: readonly string[] } | Reason {
  if (text === 'fp32') return { assumptions: [] };
  const pure = PRECISION_OF[text];
  if (pure) return { name: pure, assumptions: [] };
  if (text === '') {
    if (unit === 'cpu') return { assumptions: ['fp32 assumed'] };
    return { name: 'fp16', assumptions: ['fp16 assumed'] };
  }
  const main =
    text === 'int8_mixed_int16'
      ? 'w8a16'
      : PRECISION_OF[/^(?:mixed_)?([a-z0-9]+)_/.exec(text)?.[1] ?? ''];
  if (!main) return { reason: `precision "${text}" is not known` };
  return { name: main, assumptions: [`all layers at ${main}: the row does not say which differ`] };
}

/** `ncnn (CPU, 4 threads, big cores)`. */
function threadsOf(
  { runtime }: VisionRow,
  clusters: readonly Cluster[],
  vendor: string | undefined,
): string[] {
  const threads = /\b(\d+) threads?\b/.exec(runtime)?.[1];
  const allowed = heldOn(runtime, clusters);
  const held = vendor === 'Qualcomm' ? spared(allowed, Number(threads)) : allowed;
  return [
    ...(threads ? [`cpu.threads=${threads}`] : []),
    ...(held.length > 0 ? [`cpu.affinity=${held.map(({ name }) => name).join(' ')}`] : []),
  ];
}

/**
 * Snapdragons leave the prime core out where the slower of the cores that threads are held on are enough of them: four
 * threads of an 8 Gen 2 are 2.5 to 3.2 times as fast as one, whatever the network, where equal parts of three cores of
 * 2.8 GHz and two pipes beside one of 3.2 GHz and four would be 2.3 times as fast as that one at most.
 */
function spared(held: readonly Cluster[], threads: number): readonly Cluster[] {
  const slower = held.slice(0, -1);
  const cores = slower.reduce((sum, one) => sum + one.cores, 0);
  return threads <= cores ? slower : held;
}

/**
 * ncnn calls those cores big whose highest clock is above the middle of the slowest's and the fastest's, and the rest
 * little (ncnn, src/cpu.cpp, masks of `set_cpu_powersave`): eight threads "on big cores" share the four of an 888.
 */
function heldOn(runtime: string, clusters: readonly Cluster[]): readonly Cluster[] {
  const kind = /\b(big|little)[ -]core/.exec(runtime)?.[1];
  const clocks = clusters.map(({ clock }) => clock);
  const middle = (Math.min(...clocks) + Math.max(...clocks)) / 2;
  const held = clusters.filter(({ clock }) => clock >= middle === (kind === 'big'));
  return kind === undefined || held.length === clusters.length ? [] : held;
}
