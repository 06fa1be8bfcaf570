/** The zod door: quantities and provenance as schemas, faults with line and column, JSON Schema out. */
import { z } from 'zod';
import { type Fault, SpecError } from './errors.ts';
import { type Dimension, parseQuantity, unitsOf } from './quantity.ts';
import { nearestHint } from './registry.ts';
import type { SpecFile, SpecPath } from './spec-file.ts';

export { z };
export type Infer<S extends z.ZodType> = z.output<S>;

/** How far a number may be trusted; reports print the shares. */
export const TRUST_LEVELS = ['measured', 'datasheet', 'paper', 'fitted', 'estimated'] as const;
export type Trust = (typeof TRUST_LEVELS)[number];

/** A value with its provenance: `{ is: "9600 MT/s", from: mediatek, trust: datasheet, note: … }`. */
export interface Sourced<T = number> {
  readonly is: T;
  /** Key of the file's `references`. */
  readonly from: string;
  readonly trust: Trust;
  readonly note?: string | undefined;
}

export interface Range {
  /** Inclusive lower bound in base units; defaults to strictly above zero. */
  readonly min?: number;
  readonly max?: number;
}

/** Text with a unit (`"8533 MT/s"`), read as a plain number in base units; positive unless `range` says otherwise. */
export function quantity(dimension: Dimension, range: Range = {}) {
  const plain = unitsOf(dimension).length === 0 || dimension === 'ratio';
  const input = plain ? z.union([z.number(), z.string()]) : z.string();
  return input
    .transform((text, context): number => {
      const parsed = parseQuantity(text, dimension);
      const fault = 'fault' in parsed ? parsed.fault : outOfRange(parsed.value, range);
      if (fault === undefined) return (parsed as { value: number }).value;
      context.addIssue({ code: 'custom', message: fault, input: text });
      return z.NEVER;
    })
    .meta({
      description: plain ? dimension : `${dimension}: ${unitsOf(dimension).join(', ')}`,
    });
}

/** A quantity with its source and trust level. */
export function sourced(dimension: Dimension, range: Range = {}) {
  return sourcedValue(quantity(dimension, range));
}

/** Any value with its source and trust level. */
export function sourcedValue<S extends z.ZodType>(is: S) {
  return z.strictObject({
    is,
    from: z.string(),
    trust: z.enum(TRUST_LEVELS),
    note: z.string().optional(),
  });
}

/**
 * Checks `spec.data` against `schema`.
 * @returns the parsed value: quantities are numbers in base units.
 * @throws SpecError with every fault, each with file, line, column, path, expectation and the nearest valid name.
 */
export function checkSpec<S extends z.ZodType>(spec: SpecFile, schema: S): z.output<S> {
  const result = schema.safeParse(spec.data, { reportInput: true });
  if (result.success) return result.data;
  throw new SpecError(result.error.issues.flatMap((issue) => faultsOf(issue, [], schema, spec)));
}

/** JSON Schema of what a user may write, for editors. */
export function toJsonSchema(schema: z.ZodType, title: string): unknown {
  return {
    title,
    ...z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }),
  };
}

type Issue = z.core.$ZodIssue;

function faultsOf(issue: Issue, base: SpecPath, schema: z.ZodType, spec: SpecFile): Fault[] {
  const path = [...base, ...issue.path] as (string | number)[];
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, path, spec.data);
    return issue.keys.map((key) => ({
      ...place(spec, [...path, key]),
      message: `unknown key "${key}"`,
      hint: nearestHint(key, known),
    }));
  }
  if (issue.code === 'invalid_union') {
    // The branch that got furthest tells the author most.
    const branches = [...issue.errors].sort((a, b) => depth(b) - depth(a) || a.length - b.length);
    const best = branches[0] ?? [];
    if (best.length > 0 && depth(best) > 0)
      return best.flatMap((inner) => faultsOf(inner, path, schema, spec));
  }
  return [{ ...place(spec, path), ...explain(issue) }];
}

function explain(issue: Issue): Omit<Fault, 'file'> {
  const got = 'input' in issue ? show(issue.input) : undefined;
  const shown = got === undefined ? {} : { got };
  if (issue.code === 'invalid_type') {
    if (issue.input === undefined) return { message: 'missing', expected: issue.expected };
    return { message: 'wrong type', expected: issue.expected, ...shown };
  }
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    return {
      message: 'not one of the allowed values',
      ...shown,
      hint: nearestHint(String(issue.input), values),
    };
  }
  return { message: issue.message, ...shown };
}

function place(spec: SpecFile, path: SpecPath) {
  return { file: spec.file, ...spec.locate(path), path: path.join('.') };
}

function depth(issues: readonly Issue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length));
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function outOfRange(value: number, range: Range): string | undefined {
  if (range.min === undefined && value <= 0) return 'must be above zero';
  if (range.min !== undefined && value < range.min) return `must be at least ${range.min}`;
  if (range.max !== undefined && value > range.max) return `must be at most ${range.max}`;
  return undefined;
}

/** The keys the schema allows at `path`, to suggest the nearest; picks the union branch by its literal fields. */
function keysAt(schema: z.ZodType, path: SpecPath, data: unknown): string[] {
  let nodes: z.ZodType[] = [schema];
  let value = data;
  for (const step of path) {
    nodes = nodes
      .flatMap((node) => branches(node, value))
      .flatMap((node) => childSchemas(node, step));
    value = (value as Record<string | number, unknown> | undefined)?.[step];
  }
  const final = nodes.flatMap((node) => branches(node, value));
  return [
    ...new Set(
      final.flatMap((node) => (node instanceof z.ZodObject ? Object.keys(node.shape) : [])),
    ),
  ];
}

function branches(node: z.ZodType, value: unknown): z.ZodType[] {
  if (
    node instanceof z.ZodOptional ||
    node instanceof z.ZodDefault ||
    node instanceof z.ZodNullable
  ) {
    return branches(node.unwrap() as z.ZodType, value);
  }
  if (node instanceof z.ZodPipe) return branches(node.in as z.ZodType, value);
  if (node instanceof z.ZodUnion) {
    const options = (node.options as z.ZodType[]).flatMap((option) => branches(option, value));
    const matching = options.filter((option) => literalsMatch(option, value));
    return matching.length > 0 ? matching : options;
  }
  return [node];
}

function literalsMatch(node: z.ZodType, value: unknown): boolean {
  if (!(node instanceof z.ZodObject) || typeof value !== 'object' || value === null) return false;
  const literals = Object.entries(node.shape).filter(([, child]) => child instanceof z.ZodLiteral);
  return (
    literals.length > 0 &&
    literals.every(
      ([key, child]) =>
        (child as z.ZodType).safeParse((value as Record<string, unknown>)[key]).success,
    )
  );
}

function childSchemas(node: z.ZodType, step: string | number): z.ZodType[] {
  if (node instanceof z.ZodObject) {
    const child = node.shape[String(step)] as z.ZodType | undefined;
    return child ? [child] : [];
  }
  if (node instanceof z.ZodArray) return [node.element as z.ZodType];
  if (node instanceof z.ZodRecord) return [node.valueType as z.ZodType];
  return [];
}
