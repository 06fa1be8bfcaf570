/** Walks a model's nodes in order of execution: shapes, folded constants, and the work of every operator. */
import { type Fault, SpecError } from '../../base/errors.ts';
import { sizeOf } from './bindings.ts';
import { walkControlFlow } from './control-flow.ts';
import type { CostView } from './cost/coster.ts';
import { estimateWork, isView } from './cost/index.ts';
import { dtypeOf, tensorBytes } from './element-type.ts';
import { foldConstants } from './fold/index.ts';
import { expandFunction } from './functions.ts';
import { pushGap } from './gap.ts';
import { RANDOM } from './infer/generators.ts';
import { inferers, operatorKey } from './infer/index.ts';
import type { OnnxGraph, OnnxNode, TensorConstant, ValueDeclaration } from './model.ts';
import { type Inferred, type NodeView, numbersOf, UnknownShape, type Value } from './node-view.ts';
import { orderNodes } from './order.ts';
import { noteConstants } from './parameters.ts';
import {
  bindTensor,
  bindUnknown,
  bindView,
  type Entry,
  lookUp,
  nodeName,
  pushOperator,
  type Scope,
  type Sink,
  uniqueName,
  type WalkState,
} from './walk-state.ts';

/** Everything a step needs to know of the node at hand. */
interface Step {
  readonly state: WalkState;
  readonly scope: Scope;
  readonly sink: Sink;
  readonly node: OnnxNode;
  readonly key: string;
  readonly entries: readonly (Entry | undefined)[];
  readonly declared: ReadonlyMap<string, ValueDeclaration>;
}

/** A contradiction in a node upstream, already reported; what follows from it is not. */
const REPORTED = 'a fault upstream';

/** @returns what the graph's outputs stand for. */
export function walkGraph(state: WalkState, graph: OnnxGraph, scope: Scope, sink: Sink): Entry[] {
  for (const tensor of graph.constants) bindConstant(state, scope, tensor);
  const declared = new Map(
    [...graph.declared, ...graph.outputs].map((value) => [value.name, value]),
  );
  walkNodes(state, graph.nodes, scope, sink, declared);
  return graph.outputs.map(
    ({ name }) => lookUp(scope, name) ?? { tensor: name, unknown: 'no node makes it' },
  );
}

function bindConstant(state: WalkState, scope: Scope, tensor: TensorConstant): void {
  const { dims, type, values, external } = tensor;
  scope.entries.set(tensor.name, {
    tensor: uniqueName(state, `${scope.prefix}${tensor.name}`),
    value: {
      dims,
      type,
      constant: true,
      ...(values ? { data: values } : {}),
      ...(external ? { external } : {}),
    },
    leaf: tensor,
  });
}

function walkNodes(
  state: WalkState,
  nodes: readonly OnnxNode[],
  scope: Scope,
  sink: Sink,
  declared: ReadonlyMap<string, ValueDeclaration>,
): void {
  for (const node of orderNodes(nodes)) {
    const key = operatorKey(node);
    const entries = node.inputs.map((name) => entryOf(state, scope, node, name));
    sink.nodes++;
    walkNode({ state, scope, sink, node, key, entries, declared });
  }
}

function entryOf(state: WalkState, scope: Scope, node: OnnxNode, name: string): Entry | undefined {
  if (name === '') return undefined;
  const entry = lookUp(scope, name);
  if (entry) return entry;
  state.faults.push({
    file: state.model.file,
    path: nodePath(node),
    message: `input "${name}" is made by no node and is no input of the model`,
  });
  return { tensor: name, unknown: REPORTED };
}

function walkNode(step: Step): void {
  const { state, scope, sink, node, key, entries } = step;
  noteConstants(state, key, node, entries);
  if (walkControlFlow(state, scope, sink, node, entries)) return;
  const inferer = inferers[key];
  const local = state.functions.get(key);
  if (!inferer && local) {
    const body = expandFunction(state, scope, node, local, entries);
    walkNodes(state, body.nodes, body.scope, sink, new Map());
    body.finish();
    return;
  }
  const unknown = entries.find((entry) => entry && !entry.value);
  if (!inferer) leaveOut(step, 'no cost model for this operator');
  else if (unknown) leaveOut(step, `the shape of an input is not known: ${unknown.unknown}`);
  else inferNode(step);
}

function viewOf({ state, node, entries }: Step): NodeView {
  const opset = state.model.opsets.get(node.domain) ?? 1;
  return { node, opset, inputs: entries.map((entry) => entry?.value) };
}

function inferNode(step: Step): void {
  const view = viewOf(step);
  try {
    const inferred = foldConstants(step.key, view, inferers[step.key]?.(view) ?? []);
    placeResults(step, view, inferred);
  } catch (error) {
    if (error instanceof UnknownShape) {
      const declared = declaredResults(step);
      if (declared) placeResults(step, view, declared);
      else leaveOut(step, error.message);
    } else if (error instanceof SpecError) {
      step.state.faults.push(...error.faults.map((fault) => located(step, fault)));
      for (const name of step.node.outputs) bindUnknown(step.state, step.scope, name, REPORTED);
    } else throw error;
  }
}

/** Results by name, with the node's constancy; then a view, a folded node, or a launch. */
function placeResults(step: Step, view: NodeView, inferred: readonly Inferred[]): void {
  const { state, scope, sink, node, key } = step;
  const constant = isConstant(step, view);
  const steered = constant && isSteered(step, view);
  const results = node.outputs.flatMap((name, i): [string, Value][] => {
    const result = inferred[i];
    return name !== '' && result
      ? [[name, { ...result, constant, ...(steered && { steered }) }]]
      : [];
  });
  for (const name of node.outputs.slice(inferred.length)) {
    bindUnknown(state, scope, name, `${key} has no such output`);
  }
  if (constant) {
    sink.folded++;
    if (steered) sink.steering++;
    for (const [name, value] of results) bindFolded(step, name, value);
    return;
  }
  const costView: CostView = { ...view, key, outputs: results.map(([, value]) => value) };
  if (isView(costView)) {
    sink.views++;
    const source = step.entries[0]?.tensor ?? '';
    for (const [name, value] of results) bindView(state, scope, name, source, value);
    return;
  }
  launch(step, costView, results);
}

/** A Constant node is the file's own constant; other folded nodes are computed from such. */
function bindFolded({ state, scope, node }: Step, name: string, value: Value): void {
  const entry = bindTensor(state, scope, name, value);
  const tensor = node.attributes.get('value');
  if (node.operator === 'Constant' && typeof tensor === 'object' && 'type' in tensor) {
    const external = tensor.external === undefined ? {} : { external: tensor.external };
    scope.entries.set(name, { ...entry, value: { ...value, ...external }, leaf: tensor });
  }
}

/** Dequantised weights stay operators here; the `qdq` pass folds them into their consumer. */
function isConstant({ key }: Step, view: NodeView): boolean {
  if (key === 'Shape' || key === 'Size' || key === 'Constant') return true;
  if (RANDOM.has(key) || key.endsWith('DequantizeLinear')) return false;
  return view.inputs.every((value) => value === undefined || value.constant || value.data);
}

/** Computed from the sizes or scalars of a run, which a file that leaves them open does not know. */
function isSteered({ state, key }: Step, { inputs }: NodeView): boolean {
  const measures = key === 'Shape' || key === 'Size';
  if (measures && state.openSizes && inputs[0]?.constant === false) return true;
  if (measures) return false;
  return inputs.some((value) => value?.steered || (value?.data && !value.constant));
}

function launch(step: Step, view: CostView, results: readonly (readonly [string, Value])[]): void {
  const { state, scope, sink, node } = step;
  const work = estimateWork(view);
  if (!work) {
    leaveOut(step, 'no cost model for this operator', results);
    return;
  }
  const outputs = results.map(([name, value]) => bindTensor(state, scope, name, value).tensor);
  const perm = numbersOf(view, 'perm');
  const traits = { operands: operandsOf(step), constants: constantsOf(view) };
  pushOperator(state, sink, `${scope.prefix}${nodeName(node)}`, {
    outputs,
    work,
    traits: perm ? { ...traits, perm } : traits,
  });
}

function operandsOf({ entries }: Step): string[] {
  return entries.map((entry) => (entry && !entry.value?.constant ? entry.tensor : ''));
}

function constantsOf(view: NodeView) {
  return view.inputs.flatMap((value, position) =>
    value?.constant
      ? [
          {
            position,
            dims: value.dims,
            dtype: dtypeOf(value.type),
            bytes: tensorBytes(value.dims, value.type),
          },
        ]
      : [],
  );
}

/** A node that is not understood keeps its place and its bytes, and is reported. */
function leaveOut(
  step: Step,
  reason: string,
  results: readonly (readonly [string, Value])[] = [],
): void {
  const { state, scope, sink, node, key, entries } = step;
  const known = new Map(results.length > 0 ? results : namedResults(step));
  const outputs = node.outputs
    .filter((name) => name !== '')
    .map((name) => {
      const value = known.get(name);
      if (value) return bindTensor(state, scope, name, value).tensor;
      bindUnknown(state, scope, name, `${key} "${nodeName(node)}": ${reason}`);
      return lookUp(scope, name)?.tensor ?? name;
    });
  // What follows from a contradiction is not worth a line of its own.
  if (entries.some((entry) => entry?.unknown === REPORTED)) return;
  const gap = {
    operator: key,
    node: `${scope.prefix}${nodeName(node)}`,
    reason,
    operators: 1,
    macs: 0,
  };
  pushGap(state, sink, gap, {
    operands: operandsOf(step),
    outputs,
    constants: constantsOf(viewOf(step)),
  });
}

/** Shapes that the file itself states, for operators whose own rule needs run-time values. */
function declaredResults(step: Step): readonly Inferred[] | undefined {
  const named = namedResults(step);
  const wanted = step.node.outputs.filter((name) => name !== '');
  return named.length === wanted.length ? named.map(([, value]) => value) : undefined;
}

function namedResults({ state, node, declared }: Step): [string, Value][] {
  return node.outputs.flatMap((name): [string, Value][] => {
    const declaration = declared.get(name);
    const dims = declaration?.dims?.map((dim) =>
      dim === undefined ? undefined : sizeOf(dim, '', state.dims),
    );
    if (!declaration || !dims?.every((dim) => dim !== undefined)) return [];
    return [[name, { dims, type: declaration.type, constant: false }]];
  });
}

function located({ state, node, entries }: Step, fault: Fault): Fault {
  const shapes = entries
    .flatMap((entry, i) =>
      entry?.value ? [`${node.inputs[i]}[${entry.value.dims.join(', ')}]`] : [],
    )
    .join(' ');
  const message = shapes ? `${fault.message}; inputs ${shapes}` : fault.message;
  return { ...fault, file: state.model.file, path: nodePath(node), message };
}

function nodePath(node: OnnxNode): string {
  return `node "${nodeName(node)}" (${operatorKey(node)})`;
}
