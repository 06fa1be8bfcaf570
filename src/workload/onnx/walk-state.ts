/** What the walk over a model's nodes carries along: values in scope, operators found, faults. */
import type { Fault } from '../../base/errors.ts';
import type { Work } from '../../base/work.ts';
import type { ListedOperator, ListedTensor } from '../fusion/operator-list.ts';
import type { DimBindings } from './bindings.ts';
import { dtypeOf, tensorBytes } from './element-type.ts';
import type { OnnxFunction, OnnxGraph, OnnxModel, OnnxNode, TensorConstant } from './model.ts';
import type { Value } from './node-view.ts';
import type { Gap } from './report.ts';

/** A value name as the walk knows it. */
export interface Entry {
  /** Name of the tensor behind it, unique in the whole import; a view has the tensor of its source. */
  readonly tensor: string;
  /** Absent while the shape is not known. */
  readonly value?: Value;
  /** Why the shape is not known. */
  readonly unknown?: string;
  /** The constant of the file, before anything was computed from it. */
  readonly leaf?: TensorConstant;
}

export interface Scope {
  readonly entries: Map<string, Entry>;
  readonly parent?: Scope;
  /** Put before the names of a function's operators and tensors, so that two calls stay apart. */
  readonly prefix: string;
}

/** Where operators go; a body that is only measured gets one of its own. */
export interface Sink {
  readonly operators: ListedOperator[];
  readonly gaps: Gap[];
  nodes: number;
  folded: number;
  /** Of these, those that an engine works out in every run. */
  steering: number;
  views: number;
}

export interface WalkState {
  readonly model: OnnxModel;
  /** Some input has a size that a run decides. */
  readonly openSizes: boolean;
  readonly functions: ReadonlyMap<string, OnnxFunction>;
  readonly dims: DimBindings;
  readonly faults: Fault[];
  readonly notes: string[];
  readonly shapes: Map<string, readonly number[]>;
  readonly tensors: Map<string, ListedTensor>;
  /** Constants that operators read, by tensor name, with the elements that count as parameters. */
  readonly constants: Map<string, { readonly parameters: number; readonly bytes: number }>;
  /** How often a name has been given, to tensors and to operators apart. */
  readonly names: Map<string, number>;
  readonly operatorNames: Map<string, number>;
  /** Walks a body; here to keep control flow free of a cycle of imports. */
  readonly walkBody: (state: WalkState, body: OnnxGraph, scope: Scope, sink: Sink) => Entry[];
}

export function emptySink(): Sink {
  return { operators: [], gaps: [], nodes: 0, folded: 0, steering: 0, views: 0 };
}

/** A body sees what is around it. Names are unique over a graph and its bodies, so they get no prefix. */
export function childScope(parent: Scope): Scope {
  return { entries: new Map(), prefix: parent.prefix, parent };
}

/** A scope that sees nothing: the model itself, or a function called under `prefix`. */
export function closedScope(prefix: string): Scope {
  return { entries: new Map(), prefix };
}

export function lookUp(scope: Scope, name: string): Entry | undefined {
  for (let at: Scope | undefined = scope; at; at = at.parent) {
    const entry = at.entries.get(name);
    if (entry) return entry;
  }
  return undefined;
}

/** A tensor's `name`, or `name~2` the second time. */
export function uniqueName(state: WalkState, name: string): string {
  return countedName(state.names, name);
}

function countedName(names: Map<string, number>, name: string): string {
  const count = (names.get(name) ?? 0) + 1;
  names.set(name, count);
  return count === 1 ? name : `${name}~${count}`;
}

/** A new tensor under a value's name, with its shape recorded. */
export function bindTensor(state: WalkState, scope: Scope, name: string, value: Value): Entry {
  const tensor = uniqueName(state, `${scope.prefix}${name}`);
  const entry = { tensor, value };
  scope.entries.set(name, entry);
  state.shapes.set(tensor, value.dims);
  if (!value.constant) {
    const bytes = tensorBytes(value.dims, value.type);
    state.tensors.set(tensor, { dims: value.dims, dtype: dtypeOf(value.type), bytes });
  }
  return entry;
}

/** Another name (and shape) for a tensor that exists. */
export function bindView(
  state: WalkState,
  scope: Scope,
  name: string,
  tensor: string,
  value: Value,
): void {
  scope.entries.set(name, { tensor, value });
  state.shapes.set(uniqueName(state, `${scope.prefix}${name}`), value.dims);
}

export function bindUnknown(state: WalkState, scope: Scope, name: string, unknown: string): void {
  const tensor = uniqueName(state, `${scope.prefix}${name}`);
  scope.entries.set(name, { tensor, unknown });
  state.tensors.set(tensor, { dims: [], dtype: 'fp32', bytes: 0 });
}

/** Adds a launch; operands by node position, empty for constants and inputs left out. */
export function pushOperator(
  state: WalkState,
  sink: Sink,
  name: string,
  operator: Omit<ListedOperator, 'name' | 'inputs' | 'parts'> & { readonly work: Work },
): void {
  const inputs = [...new Set(operator.traits.operands.filter((operand) => operand !== ''))];
  sink.operators.push({
    ...operator,
    name: countedName(state.operatorNames, name),
    parts: [operator.work.operator],
    inputs,
  });
}

/** A node is called by its name, or by its operator and first result where it has none. */
export function nodeName(node: OnnxNode): string {
  return node.name || `${node.operator}:${node.outputs[0] ?? ''}`;
}
