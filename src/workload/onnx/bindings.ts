/** Symbolic dimensions and scalar inputs of a model, bound to numbers by name. */
import { type Fault, SpecError } from '../../base/errors.ts';
import { nearestHint } from '../../base/registry.ts';
import type { OnnxGraph, ValueDeclaration, WrittenDim } from './model.ts';
import type { Value } from './node-view.ts';

/** `{ batch: 1, sequence: 128, sr: 16000 }`: dimension names, and names of scalar inputs. */
export type DimBindings = Readonly<Record<string, number>>;

/** Pixels of an image. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** One thing the user can bind: what it stands for and what it is bound to. */
export interface Bindable {
  readonly name: string;
  readonly kind: 'dimension' | 'scalar';
}

/** Inputs that are not initializers; older models list both. */
function modelInputs(graph: OnnxGraph): readonly ValueDeclaration[] {
  const constants = new Set(graph.constants.map((tensor) => tensor.name));
  return graph.inputs.filter((input) => !constants.has(input.name));
}

/** Every name `--dim` accepts for this graph. A dimension without a name is `input.axis`. */
export function bindablesOf(graph: OnnxGraph): readonly Bindable[] {
  const found = new Map<string, Bindable>();
  for (const input of modelInputs(graph)) {
    for (const [axis, dim] of (input.dims ?? []).entries()) {
      if (typeof dim === 'number') continue;
      const name = dim ?? `${input.name}.${axis}`;
      found.set(name, { name, kind: 'dimension' });
    }
    if (isScalar(input)) found.set(input.name, { name: input.name, kind: 'scalar' });
  }
  return [...found.values()];
}

/**
 * Shapes of all inputs under `dims`.
 * @throws SpecError listing every name that is not bound, with a flag to paste, and every name that binds nothing.
 */
export function bindInputs(
  graph: OnnxGraph,
  dims: DimBindings,
  file: string,
  imageSize?: ImageSize,
): ReadonlyMap<string, Value> {
  const bindables = bindablesOf(graph);
  const faults: Fault[] = unknownNames(bindables, dims, file);
  const unbound = new Set<string>();
  const values = new Map<string, Value>();
  for (const input of modelInputs(graph)) {
    const bound = (input.dims ?? []).map((dim, axis) => {
      const size = sizeOf(dim, `${input.name}.${axis}`, dims);
      const missing = size === undefined ? missingOf(dim ?? `${input.name}.${axis}`, dims) : [];
      for (const name of missing) unbound.add(name);
      return size ?? 1;
    });
    const scalar = isScalar(input) ? dims[input.name] : undefined;
    values.set(input.name, {
      dims: imageSize && bound.length === 4 ? atSize(bound, imageSize) : bound,
      type: input.type,
      constant: false,
      ...(scalar === undefined ? {} : { data: [scalar] }),
    });
  }
  if (unbound.size > 0) faults.push(unboundFault([...unbound], file));
  if (faults.length > 0) throw new SpecError(faults);
  return values;
}

function atSize([batch = 1, channels = 1]: readonly number[], { height, width }: ImageSize) {
  return [batch, channels, height, width];
}

/** Of an expression its unbound parts; of a name the name. */
function missingOf(name: WrittenDim, dims: DimBindings): readonly string[] {
  const parts = namesIn(String(name)).filter((part) => dims[part] === undefined);
  return /[+*/]|\s-\s/.test(String(name)) && parts.length > 0 ? parts : [String(name)];
}

function namesIn(expression: string): readonly string[] {
  return expression.match(/[A-Za-z_][\w.]*/g) ?? [];
}

function isScalar(input: ValueDeclaration): boolean {
  const dims = input.dims ?? [];
  return dims.length === 0 || (dims.length === 1 && dims[0] === 1);
}

function unknownNames(bindables: readonly Bindable[], dims: DimBindings, file: string): Fault[] {
  const names = bindables.map((bindable) => bindable.name);
  // Parts of expressions such as "past + sequence" may be bound on their own.
  const parts = names.flatMap(namesIn);
  const known = new Set([...names, ...parts]);
  return Object.keys(dims)
    .filter((name) => !known.has(name))
    .map((name) => ({
      file,
      message: `no dimension or scalar input is named "${name}"`,
      hint: nearestHint(name, names),
    }));
}

function unboundFault(names: readonly string[], file: string): Fault {
  const example = names.map((name) => `${name}=${exampleSize(name)}`).join(',');
  const quoted = /[^\w.,=-]/.test(example) ? `'${example}'` : example;
  return {
    file,
    message: `dimensions are not bound: ${names.map((name) => `"${name}"`).join(', ')}`,
    hint: `bind each of them, for example --dim ${quoted}`,
  };
}

/** A plausible value for the message only. */
function exampleSize(name: string): number {
  if (/batch|^n$|^b$/i.test(name)) return 1;
  if (/height|width|image/i.test(name)) return 224;
  return 128;
}

/** A number, a bound name, or a sum and product of such (`past_sequence_length + 1`). */
export function sizeOf(dim: WrittenDim, fallback: string, dims: DimBindings): number | undefined {
  if (typeof dim === 'number') return dim;
  const name = dim ?? fallback;
  const bound = dims[name];
  if (bound !== undefined) return bound;
  return dim === undefined ? undefined : evaluate(name, dims);
}

/** Exporters write sums, differences, products and whole quotients; nothing deeper. */
function evaluate(text: string, dims: DimBindings): number | undefined {
  if (!/[-+*/]/.test(text)) return undefined;
  const terms = text.replaceAll(/[()\s]/g, '').split(/(?=[-+])/);
  let sum = 0;
  for (const term of terms) {
    const sign = term.startsWith('-') ? -1 : 1;
    const value = productOf(term.replace(/^[-+]/, ''), dims);
    if (value === undefined) return undefined;
    sum += sign * value;
  }
  return sum;
}

function productOf(term: string, dims: DimBindings): number | undefined {
  let product = 1;
  for (const factor of term.split(/(?=[*/])/)) {
    const name = factor.replace(/^[*/]+/, '');
    if (name === '') continue;
    const value = /^\d+$/.test(name) ? Number(name) : dims[name];
    if (value === undefined) return undefined;
    product = factor.startsWith('/') ? Math.floor(product / value) : product * value;
  }
  return product;
}
