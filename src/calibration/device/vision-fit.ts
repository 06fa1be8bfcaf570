/** Which numbers of a runtime class latencies of networks determine, and the prediction of rows with trial values of them. */
import { MILLI } from '../../base/units.ts';
import type { Work } from '../../base/work.ts';
import { compiledCall } from '../../engine/build-machine.ts';
import { compilePhase } from '../../engine/compile.ts';
import { fetchAhead } from '../../engine/fetch-ahead.ts';
import type { Machine, MachineUnit } from '../../engine/machine.ts';
import type { Sources } from '../../engine/prepare.ts';
import type { TaskTable } from '../../engine/task-table.ts';
import { parseSoc, type SocSpec, type SocUnitSpec } from '../../hardware/soc-spec.ts';
import { buildUnit } from '../../hardware/units/index.ts';
import { policies } from '../../runtime/policies/index.ts';
import { kernelsOf, type RuntimeSpec } from '../../runtime/runtime-spec.ts';
import { type RequestPlan, workAt } from '../../workload/graph.ts';
import type { ClassParameter, FitProblem } from './class-fit.ts';
import type { MappedVisionRow, VisionTables } from './vision-mapping.ts';

/** Bounds of a number of a kind, and its spread around `centre`, in units of ln. */
const KINDS = {
  share: { min: 0.01, max: 3, prior: 0.5 },
  bandwidth: { min: 0.1, max: 1.4, prior: 0.3 },
  time: { min: 5e-8, max: 5e-3, prior: 0.7 },
  wide: { min: 0.02, max: 3, prior: 0.5 },
  /** What chips differ by under one engine: five under ncnn spread by 0.65 (rates of CPUs) and 0.7 (launches on GPUs). */
  chip: { min: 0.2, max: 4, prior: 0.6 },
  rate: { min: 1e8, max: 1e11, prior: 0.7 },
} as const;

/**
 * Where a fit starts and what a number without rows stays at, by its name: the middle of ten chips and of three engines in an
 * earlier fit. What is written in a description is no part of it, so that fitting again gives the same.
 */
const CENTRES: Readonly<Record<string, number>> = {
  'matrix.fp16': 0.85,
  'matrix.int8': 0.7,
  lanes: 1,
  operator: 1.8e-6,
  call: 130e-6,
  bandwidthShare: 1.3,
  'attentionShare.fp16': 0.4,
  'attentionShare.int8': 0.15,
  'attentionShare.int16': 0.2,
  'volumeShare.fp16': 0.3,
  'volumeShare.int8': 0.15,
  copy: 3.5e9,
  compute: 1,
  launch: 1,
  bandwidth: 1,
};

/** The same of engines that compile nothing, on their own units: near what their kernels reach of plain products. */
const OWN_CENTRES: Readonly<Record<string, number>> = {
  'kernels.cpu.matrixShare.fp16': 1,
  'kernels.cpu.matrixShare.int8': 0.8,
  'kernels.cpu.bandwidthShare': 0.4,
  'kernels.cpu.dispatch': 50e-6,
  'kernels.cpu.stemShare': 0.6,
  'kernels.gpu.matrixShare.fp16': 0.5,
  'kernels.gpu.bandwidthShare': 0.35,
  'kernels.gpu.dispatch': 150e-6,
};

/** A number of a description that rows decide. */
export interface WrittenNumber extends ClassParameter {
  /** What the description says now. */
  readonly written: number;
}

function numberAt(
  path: readonly string[],
  written: number,
  kind: keyof typeof KINDS,
): WrittenNumber {
  const own = OWN_CENTRES[path.join('.')];
  const centre = CENTRES[path.slice(-2).join('.')] ?? CENTRES[path.at(-1) ?? ''];
  const start = own ?? centre ?? written;
  return { path: path.join('.'), start, written, ...KINDS[kind] };
}

type Node = Readonly<Record<string, unknown>>;

/** The fitted numbers that a class gives for one kind of unit. */
export function parametersOf(runtime: RuntimeSpec, unit: string): WrittenNumber[] {
  return [
    ...fittedNumbers(['kernels', unit], (runtime.kernels as Node)[unit]),
    ...fittedNumbers(['host', 'copy'], runtime.host?.copy),
  ];
}

/** What it says of single chips on top. */
export function factorsOf(runtime: RuntimeSpec, unit: string): WrittenNumber[] {
  return Object.entries(runtime.chips).flatMap(([soc, units]) =>
    fittedNumbers(['chips', soc, unit], (units as Node)[unit]),
  );
}

function fittedNumbers(at: readonly string[], inside: unknown): WrittenNumber[] {
  const found: WrittenNumber[] = [];
  const add = (path: readonly string[], node: unknown) => {
    if (typeof node !== 'object' || node === null) return;
    const { is, trust } = node as { readonly is?: unknown; readonly trust?: string };
    if (is === undefined) {
      for (const [key, inner] of Object.entries(node)) add([...path, key], inner);
    } else if (typeof is === 'number' && trust === 'fitted') {
      found.push(numberAt(path, is, kindOf(path)));
    }
  };
  add(at, inside);
  return found;
}

function kindOf(path: readonly string[]): keyof typeof KINDS {
  if (path[0] === 'chips') return 'chip';
  const name = path.at(-1) ?? '';
  if (name === 'copy') return 'rate';
  if (name === 'bandwidthShare') return 'bandwidth';
  return name === 'call' || name === 'dispatch' ? 'time' : 'share';
}

/** A description with other numbers at `paths`. */
export function withValues<Spec extends object>(
  spec: Spec,
  paths: readonly string[],
  values: readonly number[],
): Spec {
  const copy = structuredClone(spec) as unknown as Record<string, unknown>;
  for (const [i, path] of paths.entries()) {
    const node = path.split('.').reduce((at, key) => at[key] as typeof copy, copy);
    node['is'] = values[i];
  }
  return copy as unknown as Spec;
}

/** What trial values make of a row's unit and engine. */
interface Trial {
  readonly spec: SocUnitSpec;
  readonly runtime: RuntimeSpec;
}

/** Numbers to find, and what values of them make of any row. */
export interface Trials {
  readonly parameters: readonly WrittenNumber[];
  readonly trial: (values: readonly number[]) => (row: MappedVisionRow) => Trial;
}

/** The descriptions as they are written. */
export interface Written {
  readonly units: (row: MappedVisionRow) => SocUnitSpec;
  readonly runtimes: Readonly<Record<string, RuntimeSpec>>;
}

/** Descriptions of units, each read once. @throws SpecError */
export function writtenUnits(sources: Sources): Written['units'] {
  const cache = new Map<string, SocSpec>();
  return ({ soc, unit }) => {
    const spec = cache.get(soc) ?? parseSoc(sources.soc(soc));
    cache.set(soc, spec);
    return spec.units[unit] as SocUnitSpec;
  };
}

/** Clusters of CPUs with the highest clock of each. @throws SpecError */
export function clusterClocks(sources: Sources): VisionTables['clustersOf'] {
  return (name) => {
    const { units, domains } = parseSoc(sources.soc(name));
    const cpu = Object.values(units).find(({ kind }) => kind === 'cpu');
    if (cpu?.kind !== 'cpu') return [];
    return cpu.clusters.map(({ name: cluster, clock, count }) => ({
      name: cluster,
      clock: domains[clock]?.clock.is ?? 0,
      cores: count.is,
    }));
  };
}

/**
 * Numbers of a runtime class on one kind of unit, as a chip that nothing was measured of has them: what is known of
 * single ones is left aside.
 */
export function classTrials(runtime: RuntimeSpec, unit: VisionUnit, written: Written): Trials {
  return runtimeTrials({ ...runtime, chips: {} }, parametersOf(runtime, unit), written);
}

/** What chips differ by from the class, which stays as it is. */
export function chipTrials(runtime: RuntimeSpec, unit: VisionUnit, written: Written): Trials {
  return runtimeTrials(runtime, factorsOf(runtime, unit), written);
}

function runtimeTrials(
  runtime: RuntimeSpec,
  parameters: readonly WrittenNumber[],
  { units }: Written,
): Trials {
  const paths = parameters.map(({ path }) => path);
  return {
    parameters,
    trial: (values) => {
      const changed = withValues(runtime, paths, values);
      return (row) => ({ spec: units(row), runtime: changed });
    },
  };
}

/** What a unit's description says of compiled networks. */
export function unitTrials(spec: SocUnitSpec, { runtimes }: Written): Trials {
  const parameters: WrittenNumber[] = [];
  const add = (path: readonly string[], node: unknown) => {
    if (typeof node !== 'object' || node === null) return;
    const { is } = node as { readonly is?: unknown };
    if (typeof is === 'number') {
      const kind = path.at(-1) === 'operator' || path.at(-1) === 'call' ? 'time' : 'wide';
      parameters.push(numberAt(path, is, kind));
    } else for (const [key, inner] of Object.entries(node)) add([...path, key], inner);
  };
  add(['compiled'], (spec as { readonly compiled?: unknown }).compiled);
  const paths = parameters.map(({ path }) => path);
  return {
    parameters,
    trial: (values) => {
      const changed = withValues(spec, paths, values);
      return (row) => ({ spec: changed, runtime: runtimes[row.runtime] as RuntimeSpec });
    },
  };
}

/**
 * Trial values against measured rows.
 *
 * Traffic does not depend on the numbers, so every network is compiled once per chip; trial values then cost
 * one estimate per distinct operator. A changed share of the bandwidth changes stream times in proportion, which is
 * exact while latency holds the port; `predictVisionRows` with the found values says what is true.
 */
export function visionProblem(
  { parameters, trial }: Trials,
  rows: readonly MappedVisionRow[],
  sketchOf: (row: MappedVisionRow) => Sketch,
): FitProblem<MappedVisionRow> {
  return {
    parameters,
    rows,
    measured: ({ row }) => row.milliseconds as number,
    predict: (values, some) => {
      const trialOf = trial(values);
      const known = new Map<string, number>();
      return some.map((row) => {
        const one = sketchOf(row);
        const seconds = known.get(one.key) ?? trialSeconds(one, trialOf(row));
        known.set(one.key, seconds);
        return seconds / MILLI;
      });
    },
  };
}

/** Compiled networks, each made once. */
export function sketches(
  plans: (row: MappedVisionRow) => RequestPlan,
  written: (row: MappedVisionRow) => Machine,
): (row: MappedVisionRow) => Sketch {
  const cache = new Map<string, Sketch>();
  return (row) => {
    const { soc, runtime, unit, graph, precision, imageSize, set } = row;
    const key = JSON.stringify([soc, runtime, unit, graph, precision, imageSize, set]);
    const known = cache.get(key) ?? sketch(key, plans(row), written(row), row);
    cache.set(key, known);
    return known;
  };
}

type VisionUnit = MappedVisionRow['unit'];

/** A compiled network: every distinct operator on its unit with how often it runs and how long its bytes take. */
export interface Sketch {
  readonly key: string;
  readonly soc: string;
  readonly home: MachineUnit;
  /** Of a CPU, where the row says. */
  readonly threads?: number;
  readonly affinity?: string;
  /** Cycles per second of it. */
  readonly speed: number;
  readonly calls: number;
  /** Of operators elsewhere, and between units. */
  readonly fixedSeconds: number;
  readonly hostBytes: number;
  readonly cells: readonly {
    readonly work: Work;
    readonly count: number;
    readonly bytes: number;
    readonly weights: number;
    readonly rate: number;
  }[];
  /** By operator of the home unit, in order: its cell. */
  readonly order: readonly number[];
}

function sketch(
  key: string,
  plan: RequestPlan,
  machine: Machine,
  { soc, unit, set }: MappedVisionRow,
): Sketch {
  const policy = policies['single-unit'].create({ unit, decodeUnit: unit });
  const [phase] = plan.phases as [RequestPlan['phases'][0]];
  const table = compilePhase(phase, machine, policy);
  const u = machine.units.findIndex((one) => one.unit.name === unit);
  const home = machine.units[u] as MachineUnit;
  const speedOf = ({ unit: one, domains }: MachineUnit) =>
    one.speed(domains.map((d) => machine.domains[d]!.clock.points.at(-1)!.frequency));
  const counts = new Map<number, number>();
  for (const cell of table.cell) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  const { calls, seconds } = waitsOf(table, machine, u);
  let fixedSeconds = seconds;
  const cells: Sketch['cells'][number][] = [];
  const places = new Map<number, number>();
  for (const [cell, count] of counts) {
    const bytes = table.readBytes[cell]! + table.writeBytes[cell]!;
    const stream = bytes > 0 ? bytes / table.soloRate[cell]! : 0;
    const on = cell % table.unitCount;
    const work = workAt(phase.graph, Math.floor(cell / table.unitCount), phase.contextStart);
    if (on === u) {
      const rate = table.soloRate[cell]!;
      places.set(cell, cells.length);
      cells.push({ work, count, bytes, weights: table.weightReads[cell]!, rate });
    } else {
      const compute = table.cycles[cell]! / speedOf(machine.units[on] as MachineUnit);
      fixedSeconds += count * (table.launchSeconds[cell]! + Math.max(compute, stream));
    }
  }
  const hostBytes = phase.hostBytes ?? 0;
  const threads = valueIn(set, 'cpu.threads');
  const affinity = valueIn(set, 'cpu.affinity');
  return {
    key,
    soc,
    home,
    ...(threads !== undefined && { threads: Number(threads) }),
    ...(affinity !== undefined && { affinity }),
    speed: speedOf(home),
    calls,
    fixedSeconds,
    hostBytes,
    cells,
    order: [...table.cell].flatMap((cell) => places.get(cell) ?? []),
  };
}

/** Of overrides, each `path=value`. */
function valueIn(set: readonly string[], path: string): string | undefined {
  const found = set.find((one) => one.startsWith(`${path}=`));
  return found?.slice(path.length + 1);
}

/** Calls into the home unit, and seconds of all other calls and transfers. */
function waitsOf(table: TaskTable, machine: Machine, home: number) {
  const copied = (table.phase.hostBytes ?? 0) / (machine.hostCopyRate ?? Number.POSITIVE_INFINITY);
  let calls = 0;
  let seconds = 0;
  for (let i = 0; i < table.operatorCount; i++) {
    const call = table.callSeconds[i]! - (i === 0 ? copied : 0);
    seconds += table.transferSeconds[i]!;
    if (call > 0 && table.unit[i] === home) calls++;
    else seconds += call;
  }
  return { calls, seconds };
}

function trialSeconds(one: Sketch, { spec: described, runtime }: Trial): number {
  const { unit } = one.home;
  const { affinity } = one;
  const spec = affinity && described.kind === 'cpu' ? { ...described, affinity } : described;
  const kernels = kernelsOf(runtime, spec.kind, one.soc);
  const tried = buildUnit(
    spec,
    { name: unit.name, domains: unit.domains, port: portOf(spec) },
    { kernels, ...(one.threads !== undefined && { threads: one.threads }) },
  );
  const call = kernels.callSeconds ?? compiledCall(spec, kernels) ?? spec.launch.graph?.is ?? 0;
  const slower = unit.port.outstandingBytes / tried.port.outstandingBytes;
  const copy = one.hostBytes / (runtime.host?.copy?.is ?? Number.POSITIVE_INFINITY);
  let total = one.fixedSeconds + one.calls * call + copy;
  const steps = one.cells.map(({ work, bytes, weights, rate }) => {
    const { cycles, launchSeconds } = tried.estimate(work);
    return { launchSeconds, compute: cycles / one.speed, bytes, weights, rate: rate / slower };
  });
  const inOrder = one.order.map((cell) => steps[cell]!);
  const ahead = one.home.aheadBytes ? fetchAhead(inOrder, one.home.aheadBytes) : undefined;
  for (const [i, { launchSeconds, compute, bytes, rate }] of inOrder.entries())
    total += launchSeconds + Math.max(compute, (bytes + (ahead?.[i] ?? 0)) / rate);
  return total;
}

function portOf({ port }: SocUnitSpec) {
  return { bandwidth: port.bandwidth.is, outstandingBytes: port.outstanding.is };
}
