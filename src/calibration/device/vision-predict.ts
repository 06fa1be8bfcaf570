/**
 * Predicts measured latencies of networks with what is shipped: nothing is fitted, no row is dropped without a reason.
 *
 * Model    one inference of many in a row, operator after operator on the row's unit, clocks at their top
 * Ignores  heat (farm runs are short and cool), layers that a mixed row ran elsewhere
 * Valid    batch 1, weights resident
 * Source   src/engine/closed-form.ts
 * Checked  test/unit/calibration/device/vision-calibrate.test.ts, test/validation/vision.test.ts
 */

import { MILLI } from '../../base/units.ts';
import { compileRequest, phaseTimes } from '../../engine/closed-form.ts';
import type { Machine } from '../../engine/machine.ts';
import { machineWith, type Sources } from '../../engine/prepare.ts';
import { policies } from '../../runtime/policies/index.ts';
import type { RuntimeSpec } from '../../runtime/runtime-spec.ts';
import type { RequestPlan } from '../../workload/graph.ts';
import { importOnnx } from '../../workload/onnx/import.ts';
import { buildOnnxRequest } from '../../workload/onnx/request.ts';
import type { ByteSource } from '../../workload/onnx/wire-skim.ts';
import type { DevicePrediction, DevicePredictions } from './measured.ts';
import { reasonOf } from './row-fault.ts';
import { type MappedVisionRow, mapVisionRow, type VisionTables } from './vision-mapping.ts';
import type { VisionRow } from './vision-rows.ts';

/** Runs in a row, as benchmarks make them: the weights of small networks stay in the system cache. */
const RUNS = 10;

/** Graphs by name; undefined where there is none. */
export type OpenGraph = (name: string) => ByteSource | undefined;

export function predictVisionRows(
  rows: readonly VisionRow[],
  tables: Omit<VisionTables, 'hasGraph'>,
  openGraph: OpenGraph,
  sources: Sources,
): DevicePredictions {
  const plans = planCache(openGraph);
  const machines = machineCache(sources, tables.runtimes);
  const hasGraph = (name: string) => openGraph(name) !== undefined;
  const found: DevicePrediction[] = [];
  const unmapped: { id: string; reason: string }[] = [];
  for (const row of rows) {
    const mapped = mapVisionRow(row, { ...tables, hasGraph });
    if ('reason' in mapped) {
      unmapped.push({ id: row.id, reason: mapped.reason });
      continue;
    }
    try {
      const seconds = secondsOf(plans(mapped), machines(mapped), mapped.unit);
      found.push(compare(mapped, seconds));
    } catch (error) {
      unmapped.push({ id: row.id, reason: reasonOf(error) });
    }
  }
  return { rows: found, unmapped };
}

/** One inference of a plan that repeats it. */
export function secondsOf(plan: RequestPlan, machine: Machine, unit: string): number {
  const policy = policies['single-unit'].create({ unit, decodeUnit: unit });
  const times = phaseTimes(compileRequest(plan, machine, policy), machine);
  return times.reduce((sum, { seconds, steps }) => sum + seconds / steps, 0);
}

function compare(mapped: MappedVisionRow, seconds: number): DevicePrediction {
  const { row } = mapped;
  const predicted = seconds / MILLI;
  const reference = row.milliseconds as number;
  return {
    id: row.id,
    quantity: 'latency',
    predicted,
    reference,
    error: predicted / reference - 1,
    group: `${row.soc}, ${row.unit}, ${row.runtime}, ${row.precision}`,
    assumptions: mapped.assumptions,
    columns: row.columns,
  };
}

/** Requests by network, precision and input size. */
export function planCache(openGraph: OpenGraph): (mapped: MappedVisionRow) => RequestPlan {
  const cache = new Map<string, RequestPlan>();
  return ({ graph, precision, imageSize }) => {
    const key = JSON.stringify([graph, precision, imageSize]);
    const known = cache.get(key);
    if (known) return known;
    const model = importOnnx(openGraph(graph) as ByteSource, `${graph}.onnx`, {
      ...(imageSize ? { imageSize } : {}),
    });
    const { plan } = buildOnnxRequest(graph, model, {
      inferences: RUNS,
      ...(precision ? { precision } : {}),
    });
    cache.set(key, plan);
    return plan;
  };
}

/** Machines by chip, engine and overrides. */
export function machineCache(
  sources: Sources,
  runtimes: VisionTables['runtimes'],
): (row: Pick<MappedVisionRow, 'soc' | 'runtime' | 'set'>) => Machine {
  const cache = new Map<string, Machine>();
  return ({ soc, runtime, set }) => {
    const key = JSON.stringify([soc, runtime, set]);
    const known = cache.get(key);
    if (known) return known;
    const machine = machineWith(soc, sources, runtimes[runtime] as RuntimeSpec, set);
    cache.set(key, machine);
    return machine;
  };
}
