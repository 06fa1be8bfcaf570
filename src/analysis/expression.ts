/** The mathjs door: values of a sweep as expressions over other values of the descriptions. mathjs loads on first use: it takes over a second. */
import type { MathJsInstance, MathNode, SymbolNode } from 'mathjs';
import { SpecError } from '../base/errors.ts';
import { baseQuantity, type Dimension, dimensionOf, parseQuantity } from '../base/quantity.ts';

/** Gives the text that a description holds at a path, such as `"1465 MHz"` for `npu.clock`. */
export type ValueOf = (path: string) => string;

/** `npu.clock`: a path of a description, which stands for its value. */
const PATH = /^[a-z][\w-]*(\.[a-z][\w-]*)+$/i;

/** Whether `text` has to be computed: a path or a formula, neither a quantity nor a plain word, number or list. */
export function isExpression(text: string): boolean {
  if (dimensionOf(text) !== undefined || Number.isFinite(Number(text))) return false;
  return PATH.test(text) || (/[*+/^()]| - /.test(text) && !/^[[{"']/.test(text));
}

/** Loads mathjs. */
export async function loadMath(): Promise<MathJsInstance> {
  const { all, create } = await import('mathjs');
  return create(all as never);
}

/**
 * Evaluates `npu.clock * 1.5` for the value at `path`. Names are read in base units; quantities with a unit
 * are written in quotes or with a name of mathjs (`npu.clock + 100 MHz`).
 * @returns text that the description reads back, in the unit of `path`.
 * @throws SpecError for syntax, unknown names, and results that are no number.
 */
export function evaluateExpression(
  math: MathJsInstance,
  text: string,
  path: string,
  read: ValueOf,
): string {
  const fault = (message: string) => new SpecError([{ file: `${path}=${text}`, message }]);
  const own = read(path);
  const dimension = dimensionOf(own);
  let result: unknown;
  try {
    const tree = math.parse(text);
    result = tree.evaluate(scopeOf(math, tree, read));
  } catch (error) {
    if (error instanceof SpecError) throw error;
    throw fault(`cannot compute this expression: ${(error as Error).message}`);
  }
  const value = toNumber(result, dimension);
  if (value === undefined || !Number.isFinite(value)) throw fault('the result is not a number');
  return dimension === undefined ? String(value) : baseQuantity(value, dimension);
}

/** Every dotted name of the expression with its number; mathjs sees them as nested objects. */
function scopeOf(math: MathJsInstance, tree: MathNode, read: ValueOf): Record<string, unknown> {
  const scope: Record<string, unknown> = {};
  for (const name of dottedNames(math, tree)) {
    const steps = name.split('.');
    let place = scope;
    for (const step of steps.slice(0, -1)) {
      place[step] ??= {};
      place = place[step] as Record<string, unknown>;
    }
    place[steps.at(-1) as string] = numberOf(read(name), name);
  }
  return scope;
}

function dottedNames(math: MathJsInstance, tree: MathNode): string[] {
  const names: string[] = [];
  tree.traverse((node, _, parent) => {
    if (node.type === 'AccessorNode' && parent?.type !== 'AccessorNode')
      names.push(node.toString());
    const plain =
      node.type === 'SymbolNode' && !['AccessorNode', 'FunctionNode'].includes(parent?.type ?? '');
    if (plain && !isUnitName(math, (node as SymbolNode).name))
      names.push((node as SymbolNode).name);
  });
  return names.filter((name) => /^[\w.-]+$/.test(name) && !(name in math && !name.includes('.')));
}

function isUnitName(math: MathJsInstance, name: string): boolean {
  try {
    math.unit(1, name);
    return true;
  } catch {
    return false;
  }
}

function numberOf(text: string, name: string): number {
  const dimension = dimensionOf(text);
  const parsed = dimension === undefined ? { value: Number(text) } : parseQuantity(text, dimension);
  if ('value' in parsed && Number.isFinite(parsed.value)) return parsed.value;
  throw new SpecError([
    { path: name, message: 'not a number, so it cannot be computed with', got: text },
  ]);
}

function toNumber(result: unknown, dimension: Dimension | undefined): number | undefined {
  if (typeof result === 'number') return result;
  const isUnit = typeof result === 'object' && result !== null && 'toSI' in result;
  if (!isUnit || dimension === undefined) return undefined;
  const parsed = parseQuantity(String(result), dimension);
  return 'value' in parsed ? parsed.value : undefined;
}
