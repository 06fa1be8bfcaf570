/** If, Loop and Scan: a decided If is its branch; everything else is measured and counted as unmodelled. */
import { formatFault } from '../../base/errors.ts';
import { pushGap, totalsOf } from './gap.ts';
import { isGraph, type OnnxGraph, type OnnxNode } from './model.ts';
import type { Value } from './node-view.ts';
import {
  bindTensor,
  bindUnknown,
  childScope,
  type Entry,
  emptySink,
  lookUp,
  nodeName,
  type Scope,
  type Sink,
  type WalkState,
} from './walk-state.ts';

interface Measured {
  readonly entries: readonly Entry[];
  readonly operators: number;
  readonly macs: number;
  /** Tensors from outside that the body reads. */
  readonly captured: readonly string[];
}

/** @returns false when `node` is no control flow. */
export function walkControlFlow(
  state: WalkState,
  scope: Scope,
  sink: Sink,
  node: OnnxNode,
  entries: readonly (Entry | undefined)[],
): boolean {
  if (node.domain !== '') return false;
  if (node.operator === 'If') walkIf(state, scope, sink, node, entries[0]);
  else if (node.operator === 'Loop') walkLoop(state, scope, sink, node, entries);
  else if (node.operator === 'Scan') walkScan(state, scope, sink, node, entries);
  else return false;
  return true;
}

function bodyOf(node: OnnxNode, name: string): OnnxGraph | undefined {
  const body = node.attributes.get(name);
  return isGraph(body) ? body : undefined;
}

function walkIf(
  state: WalkState,
  scope: Scope,
  sink: Sink,
  node: OnnxNode,
  condition: Entry | undefined,
): void {
  const decided = condition?.value?.data?.[0];
  if (decided === undefined) {
    leaveIfOpen(state, scope, sink, node);
    return;
  }
  const branch = bodyOf(node, decided ? 'then_branch' : 'else_branch');
  if (!branch) return;
  sink.folded++;
  if (condition?.value?.steered) sink.steering++;
  const results = state.walkBody(state, branch, childScope(scope), sink);
  for (const [i, name] of node.outputs.entries()) {
    const entry = results[i];
    if (!entry) continue;
    scope.entries.set(name, entry);
    if (entry.value) state.shapes.set(`${scope.prefix}${name}`, entry.value.dims);
  }
}

/** Which branch runs is known at run time: both are measured, the costlier one counts. */
function leaveIfOpen(state: WalkState, scope: Scope, sink: Sink, node: OnnxNode): void {
  const branches = ['then_branch', 'else_branch'].flatMap((name) => {
    const body = bodyOf(node, name);
    return body ? [measure(state, body, childScope(scope))] : [];
  });
  const costliest = branches.reduce((a, b) =>
    b.macs > a.macs || (b.macs === a.macs && b.operators > a.operators) ? b : a,
  );
  const results = costliest.entries.map((entry) => entry.value);
  const reason = 'which branch runs is decided at run time; the shares take the costlier one';
  leaveOut(state, scope, sink, node, { ...costliest, reason, results });
}

function walkLoop(
  state: WalkState,
  scope: Scope,
  sink: Sink,
  node: OnnxNode,
  entries: readonly (Entry | undefined)[],
): void {
  const body = bodyOf(node, 'body');
  if (!body) return;
  const inner = childScope(scope);
  const count: Value = { dims: [], type: 'int64', constant: false };
  const proceed: Value = { dims: [], type: 'bool', constant: false };
  const carried = entries.slice(2);
  bindArguments(state, inner, body, [count, proceed, ...carried.map(atRunTime)]);
  const once = measure(state, body, inner);
  const trips = entries[0]?.value?.data?.[0];
  const results = once.entries.slice(1).map((entry, i) => {
    if (i < carried.length) return entry.value && atRunTime(entry);
    return trips === undefined ? undefined : stacked(entry.value, trips, 0);
  });
  const reason =
    trips === undefined
      ? 'a loop whose count is known at run time only; the shares take one round'
      : `a loop of ${trips} rounds`;
  leaveOut(state, scope, sink, node, { ...repeated(once, trips ?? 1), reason, results });
}

function walkScan(
  state: WalkState,
  scope: Scope,
  sink: Sink,
  node: OnnxNode,
  entries: readonly (Entry | undefined)[],
): void {
  const body = bodyOf(node, 'body');
  const scanned = Number(node.attributes.get('num_scan_inputs') ?? 0);
  if (!body || entries.some((entry) => entry && !entry.value)) {
    leaveOut(state, scope, sink, node, {
      ...NOTHING,
      reason: 'the shape of an input is not known',
      results: [],
    });
    return;
  }
  const states = entries.length - scanned;
  const axes = axesOf(node, 'scan_input_axes');
  const inner = childScope(scope);
  const slices = entries.map((entry, i) => {
    const value = atRunTime(entry);
    if (i < states) return value;
    const axis = axes[i - states] ?? 0;
    return {
      ...value,
      dims: value.dims.filter((_, at) => at !== (axis < 0 ? axis + value.dims.length : axis)),
    };
  });
  const first = entries[states]?.value?.dims ?? [];
  const trips = first.at(axes[0] ?? 0) ?? 1;
  bindArguments(state, inner, body, slices);
  const once = measure(state, body, inner);
  const outAxes = axesOf(node, 'scan_output_axes');
  const results = once.entries.map((entry, i) =>
    i < states
      ? entry.value && atRunTime(entry)
      : stacked(entry.value, trips, outAxes[i - states] ?? 0),
  );
  leaveOut(state, scope, sink, node, {
    ...repeated(once, trips),
    reason: `a scan of ${trips} rounds`,
    results,
  });
}

const NOTHING: Measured = { entries: [], operators: 1, macs: 0, captured: [] };

function axesOf(node: OnnxNode, name: string): readonly number[] {
  const axes = node.attributes.get(name);
  return Array.isArray(axes) ? (axes as readonly number[]) : [];
}

/** The same shape without known elements: they change from round to round. */
function atRunTime(entry: Entry | undefined): Value {
  const { dims, type } = entry?.value ?? { dims: [], type: 'float' as const };
  return { dims, type, constant: false };
}

function stacked(value: Value | undefined, count: number, axis: number): Value | undefined {
  if (!value) return undefined;
  const at = axis < 0 ? axis + value.dims.length + 1 : axis;
  const dims = [...value.dims.slice(0, at), count, ...value.dims.slice(at)];
  return { dims, type: value.type, constant: false };
}

function bindArguments(
  state: WalkState,
  scope: Scope,
  body: OnnxGraph,
  values: readonly Value[],
): void {
  for (const [i, { name }] of body.inputs.entries()) {
    const value = values[i];
    if (value) bindTensor(state, scope, name, value);
  }
}

/** Walks a body for its cost alone. A contradiction in it is a note: it may be the branch that never runs. */
function measure(state: WalkState, body: OnnxGraph, scope: Scope): Measured {
  const sink = emptySink();
  const faultsBefore = state.faults.length;
  const entries = state.walkBody(state, body, scope, sink);
  state.notes.push(...state.faults.splice(faultsBefore).map(formatFault));
  const made = new Set(sink.operators.flatMap((operator) => operator.outputs));
  const own = new Set([...scope.entries.values()].map((entry) => entry.tensor));
  const read = new Set(sink.operators.flatMap((operator) => operator.inputs));
  const captured = [...read].filter((tensor) => !made.has(tensor) && !own.has(tensor));
  return { entries, captured, ...totalsOf(sink) };
}

function repeated(measured: Measured, times: number): Measured {
  return { ...measured, operators: measured.operators * times, macs: measured.macs * times };
}

function leaveOut(
  state: WalkState,
  scope: Scope,
  sink: Sink,
  node: OnnxNode,
  found: Measured & { readonly reason: string; readonly results: readonly (Value | undefined)[] },
): void {
  const name = `${scope.prefix}${nodeName(node)}`;
  const explicit = node.inputs.flatMap((input) => {
    const entry = input === '' ? undefined : lookUp(scope, input);
    return entry && !entry.value?.constant ? [entry.tensor] : [];
  });
  const operands = [...new Set([...explicit, ...found.captured])];
  const outputs = node.outputs.flatMap((output, i) => {
    if (output === '') return [];
    const value = found.results[i];
    if (value) return [bindTensor(state, scope, output, { ...value, constant: false }).tensor];
    bindUnknown(state, scope, output, `${node.operator} "${name}": ${found.reason}`);
    return [lookUp(scope, output)?.tensor ?? output];
  });
  const gap = {
    operator: node.operator,
    node: name,
    reason: found.reason,
    operators: Math.max(1, found.operators),
    macs: found.macs,
  };
  pushGap(state, sink, gap, { operands, outputs, constants: [] });
}
