/** Contract of a workload family: the keys of its files, what they may name, and how they become a request. */

import { nearestHint } from '../base/registry.ts';
import type { CrossFault, Infer, z } from '../base/schema.ts';
import type { DType } from '../base/work.ts';
import type { RequestPlan } from './graph.ts';
import type { ModelTables } from './models/tables.ts';

/** Keys that every workload file has. */
export interface WorkloadSpec {
  readonly version: 1;
  /** Key of `workloadFamilies`. */
  readonly family: string;
  /** One line for `socsim list workloads`. */
  readonly summary: string;
}

/**
 * One family. `check` sees a file as written, before or beside its schema, so it must put up with anything;
 * `build` sees what the schema and `check` let through. Both are pure.
 */
export interface WorkloadFamily {
  readonly summary: string;
  readonly schema: z.ZodType;
  check(data: unknown, tables: ModelTables): readonly CrossFault[];
  build(spec: WorkloadSpec, tables: ModelTables, name: string): RequestPlan;
}

/** Keeps the schema's own type inside one family's file and hides it outside. */
export function defineFamily<S extends z.ZodType<WorkloadSpec>>(entry: {
  readonly summary: string;
  readonly schema: S;
  check(data: unknown, tables: ModelTables): readonly CrossFault[];
  build(spec: Infer<S>, tables: ModelTables, name: string): RequestPlan;
}): WorkloadFamily {
  return {
    ...entry,
    build: (spec, tables, name) => entry.build(spec as Infer<S>, tables, name),
  };
}

/** Formats that activations can have. */
export const ACTIVATION_DTYPES = [
  'fp32',
  'fp16',
  'bf16',
  'int16',
  'int8',
  'fp8',
] as const satisfies readonly DType[];

/** Faults of format names: an average over a whole file says nothing about single tensors, so only weights may have it. */
export function checkFormatNames(
  data: unknown,
  { formats }: ModelTables,
  keys: { readonly weights: readonly string[]; readonly tensors?: readonly string[] },
): CrossFault[] {
  const all = Object.keys(formats);
  const tensors = all.filter((name) => formats[name]?.scope === 'tensor');
  return [
    ...keys.weights.flatMap((key) => checkName(data, key, all, 'weight format')),
    ...(keys.tensors ?? []).flatMap((key) => checkName(data, key, tensors, 'tensor format')),
  ];
}

/** A fault when the text at `key` is none of `known`; other types are the schema's business. */
export function checkName(
  data: unknown,
  key: string,
  known: readonly string[],
  what: string,
): CrossFault[] {
  const name = valueAt(data, key);
  if (typeof name !== 'string' || known.includes(name)) return [];
  return [{ path: [key], message: `unknown ${what} "${name}"`, hint: nearestHint(name, known) }];
}

/** The value of a top-level key, if there is one. */
export function valueAt(data: unknown, key: string): unknown {
  return typeof data === 'object' && data !== null
    ? (data as Readonly<Record<string, unknown>>)[key]
    : undefined;
}
