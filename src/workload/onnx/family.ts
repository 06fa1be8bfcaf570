/** Workload files of family `onnx`: a model file, its dimensions, and what an import found in it. */
import { SpecError } from '../../base/errors.ts';
import { type CrossFault, z } from '../../base/schema.ts';
import { defineFamily, valueAt, type WorkloadFamily } from '../family.ts';
import { FUSION_NAMES } from '../fusion/index.ts';
import { PRECISIONS, type PrecisionName } from '../fusion/precision.ts';
import type { ModelTables } from '../models/tables.ts';
import { checkPacking, packingSpec, packPlan } from '../packing.ts';
import { importOnnx } from './import.ts';
import { buildOnnxRequest } from './request.ts';

const onnxSpec = z.strictObject({
  version: z.literal(1),
  family: z.literal('onnx'),
  summary: z.string(),
  /** Path of the model, relative to the folder of the workload file. */
  model: z.string(),
  /** Symbolic dimensions by name; a scalar input's value by the input's name. */
  dims: z.record(z.string(), z.int().nonnegative()).default({}),
  /** Runs of the model, one after another. */
  inferences: z.int().positive().default(1),
  /** Runs a floating-point model narrower than its file says; as it is when left out. */
  precision: z.enum(Object.keys(PRECISIONS) as [PrecisionName, ...PrecisionName[]]).optional(),
  /** Passes to apply; all when left out. */
  fusions: z.array(z.enum(FUSION_NAMES as [string, ...string[]])).optional(),
  /** Compressed and pruned weights. */
  techniques: packingSpec.optional(),
  /** What `socsim import` found; for readers, not read back. */
  found: z.record(z.string(), z.unknown()).optional(),
});

export const onnxFamily: WorkloadFamily = defineFamily({
  summary: 'any ONNX model: so many inferences with given dimensions',
  schema: onnxSpec,
  check: (data, tables) => [...checkFusions(data), ...checkPacking(data), ...checkOpener(tables)],
  build: (spec, tables, name) => {
    const source = tables.openModel?.(spec.model);
    if (!source) throw new SpecError([{ file: spec.model, message: 'cannot be opened here' }]);
    const model = importOnnx(source, spec.model, { dims: spec.dims });
    const { fusions, precision } = spec;
    const { plan } = buildOnnxRequest(name, model, {
      inferences: spec.inferences,
      ...(fusions ? { fusions } : {}),
      ...(precision ? { precision } : {}),
    });
    return packPlan(plan, spec.techniques);
  },
});

/** A pass that is named twice is a slip of the pen. */
function checkFusions(data: unknown): CrossFault[] {
  const list = valueAt(data, 'fusions');
  if (!Array.isArray(list)) return [];
  return list.flatMap((name, i) =>
    list.indexOf(name) < i
      ? [{ path: ['fusions', i], message: `"${name}" is named twice` } satisfies CrossFault]
      : [],
  );
}

function checkOpener(tables: ModelTables): CrossFault[] {
  if (tables.openModel) return [];
  return [{ path: ['model'], message: 'model files cannot be opened in this setting' }];
}
