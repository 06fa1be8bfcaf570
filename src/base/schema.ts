/** The zod door: quantities and provenance as schemas, faults with line and column, JSON Schema out. */
import { z } from 'zod';
import { type Fault, SpecError } from './errors.ts';
import { frozen } from './frozen.ts';
import { type Dimension, formatQuantity, parseQuantity, unitsOf } from './quantity.ts';
import { nearestHint } from './registry.ts';
import { branchNamesAt, keysAt } from './schema-walk.ts';
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
  /** Why the bounds are there, where they are not plain: `the battery model holds from 0 °C to 60 °C`. */
  readonly because?: string;
}

export interface ListRange extends Range {
  /** Whether neighbours may be equal; they must rise otherwise. */
  readonly level?: boolean;
}

/** Text with a unit (`"8533 MT/s"`), read as a plain number in base units; positive unless `range` says otherwise. */
export function quantity(dimension: Dimension, range: Range = {}) {
  const plain = unitsOf(dimension).length === 0 || dimension === 'ratio';
  const unitDue = `expected text with a unit: ${unitsOf(dimension).join(', ')}`;
  const input = plain
    ? z.union([z.number(), z.string()])
    : z.string({ error: ({ input }) => (input === undefined ? undefined : unitDue) });
  return input
    .transform((text, context): number => {
      const parsed = parseQuantity(text, dimension);
      const fault = 'fault' in parsed ? parsed.fault : outOfRange(parsed.value, range, dimension);
      if (fault === undefined) return (parsed as { value: number }).value;
      context.addIssue({ code: 'custom', message: fault, input: text });
      return z.NEVER;
    })
    .meta({
      description: plain ? dimension : `${dimension}: ${unitsOf(dimension).join(', ')}`,
    });
}

/**
 * Several quantities of one dimension, rising: a list of texts, or one text with a common unit
 * (`"307.2 364.8 460.8 MHz"`), which is how tables of operating points are best read.
 */
export function risingQuantities(dimension: Dimension, range: ListRange = {}) {
  return z
    .union([z.string(), z.number(), z.array(z.union([z.string(), z.number()]))])
    .transform((input, context): readonly number[] => {
      const parsed = parseList(input, dimension, range);
      if ('values' in parsed) return parsed.values;
      context.addIssue({ code: 'custom', message: parsed.fault, input });
      return z.NEVER;
    })
    .meta({ description: `rising list of ${dimension}: ${unitsOf(dimension).join(', ')}` });
}

/** A quantity with its source and trust level. */
export function sourced(dimension: Dimension, range: Range = {}) {
  return sourcedValue(quantity(dimension, range));
}

/** A quantity of which there are no parts. */
export function whole(dimension: Dimension, range: Range = {}) {
  return quantity(dimension, range).refine(Number.isInteger, 'must be a whole number');
}

/** A number of things, one or more, with its source and trust level. */
export function count(range: Range = {}) {
  return sourcedValue(whole('count', { min: 1, ...range }));
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

/** A fault found by comparing parts of a file with each other. */
export interface CrossFault extends Omit<Fault, 'file' | 'line' | 'column' | 'path'> {
  readonly path: SpecPath;
}

/** Compares parts of a file as written; it runs beside the schema and must put up with missing or misshapen parts. */
export type CrossCheck = (data: unknown) => readonly CrossFault[];

interface Checked {
  readonly crossChecks: readonly CrossCheck[];
  readonly value: unknown;
}
/** What passed, by the description itself: the runs of a sweep read most of theirs again as they are. */
const passed = new WeakMap<SpecFile, Map<z.ZodType, Checked>>();

/**
 * Checks `spec.data` against `schema` and `crossChecks`; what passed once is not checked again.
 * @returns the parsed value: quantities are numbers in base units.
 * @throws SpecError with every fault, each with file, line, column, path, expectation and the nearest valid name.
 */
export function checkSpec<S extends z.ZodType>(
  spec: SpecFile,
  schema: S,
  crossChecks: readonly CrossCheck[] = [],
): z.output<S> {
  const known = passed.get(spec) ?? new Map<z.ZodType, Checked>();
  const before = known.get(schema);
  if (before && sameItems(before.crossChecks, crossChecks)) return before.value as z.output<S>;
  const result = schema.safeParse(spec.data, { reportInput: true });
  throwFaults(spec, schema, result.error?.issues ?? [], crossChecks);
  const value = frozen(result.data) as z.output<S>;
  passed.set(spec, known.set(schema, { crossChecks, value }));
  return value;
}

function sameItems<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((item, i) => item === other[i]);
}

/**
 * Checks a description that others complete: as `checkSpec`, but below the top what is missing is no fault.
 * @throws SpecError with every fault of what is there.
 */
export function checkParts(
  spec: SpecFile,
  schema: z.ZodType,
  crossChecks: readonly CrossCheck[],
): void {
  const { error } = schema.safeParse(spec.data, { reportInput: true });
  const wrong = (error?.issues ?? []).filter((issue) => issue.path.length < 2 || !isGap(issue));
  throwFaults(spec, schema, wrong, crossChecks);
}

/** Whether an issue says only that something is missing, by at least one of the shapes that a value may have. */
function isGap(issue: Issue): boolean {
  if (issue.code === 'invalid_union') return issue.errors.some((branch) => branch.every(isGap));
  return issue.code === 'invalid_type' && issue.input === undefined;
}

function throwFaults(
  spec: SpecFile,
  schema: z.ZodType,
  issues: readonly Issue[],
  crossChecks: readonly CrossCheck[],
): void {
  const found = issues.flatMap((issue) => faultsOf(issue, [], schema, spec));
  const crossed = crossChecks
    .flatMap((check) => check(spec.data))
    .map(({ path, ...fault }) => ({ ...place(spec, path), ...fault }));
  const faults = [...(spec.faults ?? []), ...found, ...crossed].sort(byPlace);
  if (faults.length > 0) throw new SpecError(faults);
}

/** JSON Schema of what a user may write, for editors. */
export function toJsonSchema(schema: z.ZodType, title: string): Readonly<Record<string, unknown>> {
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
      hint: strayHint(issue.input, key) ?? nearestHint(key, known),
    }));
  }
  if (issue.code === 'invalid_union') {
    if (issue.discriminator !== undefined) {
      const key = issue.discriminator;
      const parent = path.at(-1) === key ? path.slice(0, -1) : path;
      const names = branchNamesAt(schema, parent, spec.data, key);
      return [{ ...place(spec, [...parent, key]), ...explainChoice(issue.input, key, names) }];
    }
    // The branch that got furthest tells the author most.
    const branches = [...issue.errors].sort((a, b) => depth(b) - depth(a) || a.length - b.length);
    const best = branches[0] ?? [];
    if (best.length > 0 && depth(best) > 0)
      return best.flatMap((inner) => faultsOf(inner, path, schema, spec));
    return [{ ...place(spec, path), ...explainUnion(issue) }];
  }
  return [{ ...place(spec, path), ...explain(issue) }];
}

/** `{ note: first, second }` makes a key of the second part. */
function strayHint(input: unknown, key: string): string | undefined {
  const stray = (input as Record<string, unknown> | undefined)?.[key] === null && key.includes(' ');
  return stray ? 'a comma ends a value inside { }: put the text in quotes' : undefined;
}

function byPlace(a: Fault, b: Fault): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}

function explain(issue: Issue): Omit<Fault, 'file'> {
  const got = 'input' in issue ? show(issue.input) : undefined;
  const shown = got === undefined ? {} : { got };
  if (issue.code === 'invalid_type') {
    if (issue.input === undefined)
      return { message: 'missing', expected: plainType(issue.expected) };
    // zod's own wording starts so; anything else was written for the author of the file.
    return issue.message.startsWith('Invalid input')
      ? { message: 'wrong type', expected: plainType(issue.expected), ...shown }
      : { message: issue.message, ...shown };
  }
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    return {
      message: 'not one of the allowed values',
      ...shown,
      hint: nearestHint(String(issue.input), values),
    };
  }
  if (issue.code === 'invalid_key') {
    return { message: issue.issues[0]?.message ?? issue.message, ...shown };
  }
  return { message: issue.message, ...shown };
}

/** A map whose `key` says which of several shapes it has. */
function explainChoice(input: unknown, key: string, names: readonly string[]) {
  const given = (input as Record<string, unknown> | null | undefined)?.[key] ?? undefined;
  const known = names.join(', ');
  return given === undefined
    ? { message: 'missing', expected: known }
    : {
        message: 'not one of the allowed values',
        got: show(given),
        hint: nearestHint(String(given), names),
      };
}

/** None of the shapes a value may have. */
function explainUnion(issue: Extract<Issue, { code: 'invalid_union' }>): Omit<Fault, 'file'> {
  const firsts = issue.errors.flatMap(([first]) => first ?? []);
  const types = firsts.flatMap((first) => {
    return first.code === 'invalid_type' ? plainType(first.expected) : [];
  });
  const written = firsts.find(({ message }) => !message.startsWith('Invalid input'));
  const message =
    issue.input === undefined ? 'missing' : (written?.message ?? 'not a value that fits here');
  const expected = types.length > 0 ? { expected: [...new Set(types)].join(' or ') } : {};
  const got = issue.input === undefined ? {} : { got: show(issue.input) };
  return { message, ...expected, ...got };
}

/** What the author should have written, in the words of the file: a map where zod says object. */
function plainType(expected: string): string {
  return (
    { object: 'a map', record: 'a map', array: 'a list', string: 'text' }[expected] ?? expected
  );
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

function outOfRange(value: number, range: Range, dimension: Dimension): string | undefined {
  const { min, max, because } = range;
  const bound = (limit: number) =>
    `${formatQuantity(limit, dimension)}${because === undefined ? '' : `: ${because}`}`;
  if (min === undefined && value <= 0) return 'must be above zero';
  if (min !== undefined && value < min) return `must be at least ${bound(min)}`;
  if (max !== undefined && value > max) return `must be at most ${bound(max)}`;
  return undefined;
}

type ParsedList = { readonly values: readonly number[] } | { readonly fault: string };

function parseList(
  input: string | number | readonly (string | number)[],
  dimension: Dimension,
  range: ListRange,
): ParsedList {
  const texts = typeof input === 'object' ? input : splitList(String(input));
  if (texts.length === 0) return { fault: 'the list is empty' };
  const values: number[] = [];
  for (const text of texts) {
    const parsed = parseQuantity(text, dimension);
    const fault = 'fault' in parsed ? parsed.fault : outOfRange(parsed.value, range, dimension);
    if (fault !== undefined) return { fault };
    const { value } = parsed as { value: number };
    const previous = values.at(-1) ?? Number.NEGATIVE_INFINITY;
    if (value < previous || (value === previous && !range.level)) {
      return { fault: `must rise: ${text} does not follow ${texts[values.length - 1]}` };
    }
    values.push(value);
  }
  return { values };
}

/** `"1 2 3 MHz"` → `["1 MHz", "2 MHz", "3 MHz"]`; commas may separate too. */
function splitList(text: string): string[] {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  const last = words.at(-1) ?? '';
  const unit = /^[\d.+-]/.test(last) ? last.replace(/^[\d.+-]+(e[+-]?\d+)?/i, '') : last;
  const numbers = unit === last ? words.slice(0, -1) : words;
  return numbers.map((word) => (/[^\d.e+-]/i.test(word) ? word : `${word} ${unit}`.trim()));
}
