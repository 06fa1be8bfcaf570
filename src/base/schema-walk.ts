/** Walks a schema beside the data it checks: which keys and paths a file may hold, for hints and overrides. */
import type { SpecPath } from './spec-file.ts';

/** Enough of a zod schema to walk it; the package itself is imported by `schema.ts` alone. */
export interface SchemaNode {
  readonly def: object;
}

interface Def {
  readonly type: string;
  readonly shape?: Readonly<Record<string, SchemaNode>>;
  readonly element?: SchemaNode;
  readonly valueType?: SchemaNode;
  readonly innerType?: SchemaNode;
  readonly in?: SchemaNode;
  readonly options?: readonly SchemaNode[];
  readonly values?: readonly unknown[];
}

/** A place in a file that holds one value: a plain one, or one with its source. */
export interface LeafPath {
  readonly path: SpecPath;
  /** Whether the value sits under `is`, beside `from` and `trust`. */
  readonly sourced: boolean;
}

/** The keys the schema allows at `path`; a union is narrowed to the branch that `data` picks by its literal fields. */
export function keysAt(schema: SchemaNode, path: SpecPath, data: unknown): string[] {
  const found = branchesAt(schema, path, data).flatMap((node) =>
    Object.keys(defOf(node).shape ?? {}),
  );
  return [...new Set(found)];
}

/** The values of `key` by which the union at `path` tells its branches apart. */
export function branchNamesAt(
  schema: SchemaNode,
  path: SpecPath,
  data: unknown,
  key: string,
): string[] {
  return branchesAt(schema, path, data)
    .map((node) => defOf(node).shape?.[key])
    .flatMap((child) => (child === undefined ? [] : (defOf(child).values ?? []).map(String)));
}

function branchesAt(schema: SchemaNode, path: SpecPath, data: unknown): SchemaNode[] {
  let nodes: SchemaNode[] = [schema];
  let value = data;
  for (const step of path) {
    nodes = nodes
      .flatMap((node) => branches(node, value))
      .flatMap((node) => childSchemas(node, step));
    value = childOf(value, step);
  }
  return nodes.flatMap((node) => branches(node, value));
}

/** Every value the schema lets a file hold, given the entries that `data` already has in its maps and lists. */
export function leafPaths(schema: SchemaNode, data: unknown): LeafPath[] {
  const found = new Map<string, LeafPath>();
  collect(schema, data, [], found);
  return [...found.values()];
}

function collect(
  schema: SchemaNode,
  data: unknown,
  path: SpecPath,
  found: Map<string, LeafPath>,
): void {
  for (const node of branches(schema, data)) {
    const children = childrenOf(node, data);
    if (children === undefined || isSourced(node)) {
      found.set(path.join('.'), { path, sourced: children !== undefined });
      continue;
    }
    for (const [key, child] of children) collect(child, childOf(data, key), [...path, key], found);
  }
}

/** Named parts of a node, or undefined where it is one value. */
function childrenOf(node: SchemaNode, data: unknown): [string | number, SchemaNode][] | undefined {
  const { type, shape, element, valueType } = defOf(node);
  if (type === 'object') return Object.entries(shape ?? {});
  if (type === 'record' && valueType)
    return Object.keys(asRecord(data)).map((key) => [key, valueType]);
  if (type === 'array' && element && Array.isArray(data) && data.length > 0)
    return data.map((_, index) => [index, element]);
  return undefined;
}

function isSourced(node: SchemaNode): boolean {
  const { shape } = defOf(node);
  return shape !== undefined && ['is', 'trust'].every((key) => Object.hasOwn(shape, key));
}

/** The schemas that may apply to `value`: wrappers removed, unions narrowed. */
function branches(node: SchemaNode, value: unknown): SchemaNode[] {
  const { type, innerType, in: input, options } = defOf(node);
  if (innerType) return branches(innerType, value);
  if (type === 'pipe' && input) return branches(input, value);
  if (!options) return [node];
  const all = options.flatMap((option) => branches(option, value));
  const matching = all.filter((option) => literalsMatch(option, value));
  return matching.length > 0 ? matching : all;
}

function literalsMatch(node: SchemaNode, value: unknown): boolean {
  const literals = Object.entries(defOf(node).shape ?? {}).filter(
    ([, child]) => defOf(child).type === 'literal',
  );
  return (
    literals.length > 0 &&
    literals.every(([key, child]) => defOf(child).values?.includes(asRecord(value)[key]))
  );
}

function childSchemas(node: SchemaNode, step: string | number): SchemaNode[] {
  const { type, shape, element, valueType } = defOf(node);
  const child = type === 'object' ? shape?.[String(step)] : type === 'array' ? element : valueType;
  return child ? [child] : [];
}

function childOf(data: unknown, step: string | number): unknown {
  return (data as Record<string | number, unknown> | null | undefined)?.[step];
}

function asRecord(data: unknown): Record<string, unknown> {
  return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
}

function defOf(node: SchemaNode): Def {
  return node.def as Def;
}
