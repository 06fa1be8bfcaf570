/** Workload files: checked against the schema of their family and against the model tables, then built. */
import { SpecError } from '../base/errors.ts';
import { nearestHint } from '../base/registry.ts';
import { checkSpec, z } from '../base/schema.ts';
import type { SpecFile } from '../base/spec-file.ts';
import { valueAt, type WorkloadFamily, type WorkloadSpec } from './family.ts';
import type { RequestPlan } from './graph.ts';
import { workloadFamilies } from './index.ts';
import type { ModelTables } from './models/tables.ts';

const families: Readonly<Record<string, WorkloadFamily>> = workloadFamilies;

/** What a workload file may hold, for editors. */
export const workloadSchema = z.union(
  Object.values(families).map(({ schema }) => schema) as [z.ZodType, ...z.ZodType[]],
);

/** Schema of one file: that of its family, or of all families when it names none. */
export function schemaOfWorkload(data: unknown): z.ZodType {
  const name = valueAt(data, 'family');
  return typeof name === 'string' && Object.hasOwn(families, name)
    ? (families[name] as WorkloadFamily).schema
    : workloadSchema;
}

/**
 * Checks one workload file.
 * @throws SpecError with every fault: keys, values, and names that the model tables do not hold.
 */
export function parseWorkload(spec: SpecFile, tables: ModelTables): WorkloadSpec {
  const name = valueAt(spec.data, 'family');
  if (typeof name !== 'string' || !Object.hasOwn(families, name)) {
    const known = Object.keys(families);
    throw new SpecError([
      {
        file: spec.file,
        ...spec.locate(['family']),
        path: 'family',
        ...(name === undefined
          ? { message: 'missing', expected: known.join(', ') }
          : {
              message: `unknown family ${JSON.stringify(name)}`,
              hint: nearestHint(String(name), known),
            }),
      },
    ]);
  }
  const family = families[name] as WorkloadFamily;
  const check = (data: unknown) => family.check(data, tables);
  return checkSpec(spec, family.schema, [check]) as WorkloadSpec;
}

/** The request that a checked workload stands for; `name` is how reports call it. */
export function buildWorkload(spec: WorkloadSpec, tables: ModelTables, name: string): RequestPlan {
  return (families[spec.family] as WorkloadFamily).build(spec, tables, name);
}

/**
 * The same workload with other lengths, as a request trace asks.
 * @throws SpecError for families that have no prompt and answer.
 */
export function withLengths(
  spec: WorkloadSpec,
  lengths: { readonly promptTokens: number; readonly generatedTokens: number },
): WorkloadSpec {
  if ('promptTokens' in spec && 'generatedTokens' in spec) return { ...spec, ...lengths };
  throw new SpecError([
    {
      message: `workload family "${spec.family}" has no prompt and answer lengths`,
      hint: 'choose a language model (socsim list workloads)',
    },
  ]);
}

/** Tokens of prompt and answer together that the workload's language model takes; Infinity where it has none. */
export function contextLimit(spec: WorkloadSpec, { llm }: ModelTables): number {
  const name = 'model' in spec ? String(spec.model) : '';
  const shape = Object.hasOwn(llm.standIns, name) ? String(llm.standIns[name]) : name;
  return llm.models[shape]?.maxContext ?? Number.POSITIVE_INFINITY;
}
