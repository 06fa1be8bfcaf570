/** Registry: kinds of compute unit. */
import type { Entry } from '../../base/registry.ts';
import type { ComputeUnit } from '../compute-unit.ts';
import { buildCpu } from './cpu.ts';
import { buildGpu } from './gpu.ts';
import { buildNpu } from './npu.ts';
import type { KernelClass, UnitCommon, UnitOptions } from './unit-options.ts';
import { cpuShape, gpuShape, npuShape, type UnitSpec } from './unit-spec.ts';

interface UnitKind<Spec extends UnitSpec> extends Entry {
  /** Fields of the description that only this kind has. */
  readonly shape: Readonly<Record<string, unknown>>;
  build(spec: Spec, common: UnitCommon, options?: UnitOptions): ComputeUnit;
}

type KindOf<K extends UnitSpec['kind']> = UnitKind<Extract<UnitSpec, { kind: K }>>;

export const unitKinds = {
  npu: {
    summary: 'systolic matrix engines and vector contexts around local memory',
    shape: npuShape,
    build: buildNpu,
  },
  gpu: {
    summary: 'shader cores that run tiled kernels in waves',
    shape: gpuShape,
    build: buildGpu,
  },
  cpu: {
    summary: 'clusters of cores with SIMD pipes, one thread per core',
    shape: cpuShape,
    build: buildCpu,
  },
} as const satisfies { [K in UnitSpec['kind']]: KindOf<K> };

export type UnitKindName = keyof typeof unitKinds;

/** Builds whichever kind `spec` is. */
export function buildUnit(
  spec: UnitSpec,
  common: UnitCommon,
  options: UnitOptions = {},
): ComputeUnit {
  return withAttention(buildKind(spec, common, options), options.kernels ?? {});
}

function buildKind(spec: UnitSpec, common: UnitCommon, options: UnitOptions): ComputeUnit {
  switch (spec.kind) {
    case 'npu':
      return buildNpu(spec, common, options);
    case 'gpu':
      return buildGpu(spec, common, options);
    case 'cpu':
      return buildCpu(spec, common, options);
  }
}

/** How an engine's kernels of attention differ from what the unit would do at its common rates. */
function withAttention(
  unit: ComputeUnit,
  { attentionScale = 1, cachePasses = 1 }: KernelClass,
): ComputeUnit {
  if (attentionScale === 1 && cachePasses === 1) return unit;
  return {
    ...unit,
    estimate: (work) => {
      const cost = unit.estimate(work);
      if (work.form.kind !== 'attention') return cost;
      const again = (cachePasses - 1) * work.kvReadBytes;
      return {
        ...cost,
        cycles: cost.cycles / attentionScale,
        // Half of what comes on top is written, half read back.
        readBytes: cost.readBytes + again / 2,
        writeBytes: cost.writeBytes + again / 2,
        kvReadBytes: cost.kvReadBytes + again / 2,
        kvWriteBytes: cost.kvWriteBytes + again / 2,
      };
    },
  };
}
