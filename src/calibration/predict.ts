/**
 * Predicted time of a whole graph on the host, operator by operator.
 *
 * Model    Σ max(cycles ÷ clock, DRAM bytes ÷ bandwidth) + launch, plus one call: the engine's analytic closed form
 * Ignores  overlap between operators, which ONNX Runtime's sequential executor does not have either
 * Valid    one model at a time, run again and again
 * Source   src/hardware/units/cpu.ts gives cycles and bytes
 * Checked  test/unit/calibration/fit.test.ts, test/validation/host.test.ts
 */
import type { Bytes, BytesPerSecond, Hertz, Seconds } from '../base/units.ts';
import type { Work } from '../base/work.ts';
import type { ComputeUnit } from '../hardware/compute-unit.ts';
import { buildCpu } from '../hardware/units/cpu.ts';
import { heldShare } from '../hardware/units/cpu-kernels.ts';
import { type HostShape, hostCpu } from './host-soc.ts';
import type { ParameterValues } from './parameters.ts';

/** The host at one number of threads. */
export interface HostModel {
  /** The CPU for a model of whose weights and key–value caches this share stays in cache from run to run. */
  unit(cachedShare: number): ComputeUnit;
  readonly clock: Hertz;
  readonly callSeconds: Seconds;
  readonly lastLevelBytes: Bytes;
}

export function buildHostModel(
  values: ParameterValues,
  shape: HostShape,
  threads: number,
): HostModel {
  const spec = hostCpu(values, shape);
  // All cores together draw at least what one can.
  const all = Math.max(values.bandwidth, values.coreBandwidth);
  const bandwidth: BytesPerSecond = threads === 1 ? values.coreBandwidth : all;
  const port = { bandwidth, outstandingBytes: Number.POSITIVE_INFINITY };
  const common = { name: 'cpu', domains: ['host'], port };
  // Most chains share one share, and a fit asks for each of them thousands of times.
  const built = new Map<number, ComputeUnit>();
  return {
    unit: (cachedShare) => {
      const unit = built.get(cachedShare) ?? buildCpu(spec, common, { threads, cachedShare });
      built.set(cachedShare, unit);
      return unit;
    },
    clock: values.clock,
    callSeconds: values.call,
    lastLevelBytes: values.lastLevel,
  };
}

/** Each run walks over all weights and key–value caches, with activations in between; a cache too small for the walk loses what comes next. */
export function unitFor(host: HostModel, works: readonly Work[]): ComputeUnit {
  const left = works.reduce((sum, work) => sum + work.weightBytes + work.kvReadBytes, 0);
  const beside = Math.max(0, ...works.map((work) => work.inputBytes + work.outputBytes));
  return host.unit(heldShare(left + beside, host.lastLevelBytes));
}

export function operatorSeconds(host: HostModel, unit: ComputeUnit, work: Work): Seconds {
  const cost = unit.estimate(work);
  const memory = (cost.readBytes + cost.writeBytes) / unit.port.bandwidth;
  return cost.launchSeconds + Math.max(cost.cycles / host.clock, memory);
}

/** Works that are equal are costed once. */
export interface CountedWork {
  readonly work: Work;
  readonly count: number;
}

export function countWorks(works: readonly Work[]): CountedWork[] {
  const counts = new Map<string, { work: Work; count: number }>();
  for (const work of works) {
    const key = JSON.stringify(work);
    const entry = counts.get(key);
    if (entry) entry.count += 1;
    else counts.set(key, { work, count: 1 });
  }
  return [...counts.values()];
}

export function graphSeconds(
  host: HostModel,
  unit: ComputeUnit,
  works: readonly CountedWork[],
): Seconds {
  let total = host.callSeconds;
  for (const { work, count } of works) total += count * operatorSeconds(host, unit, work);
  return total;
}
