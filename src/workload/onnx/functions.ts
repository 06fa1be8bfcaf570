/** Composite operators that a model defines itself, expanded where they are called. */

import { operatorKey } from './infer/index.ts';
import {
  type Attribute,
  isGraph,
  isReference,
  type OnnxFunction,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
} from './model.ts';
import {
  closedScope,
  type Entry,
  lookUp,
  nodeName,
  type Scope,
  type WalkState,
} from './walk-state.ts';

export interface ExpandedFunction {
  readonly nodes: readonly OnnxNode[];
  readonly scope: Scope;
  /** Hands the results to the caller's scope; to be called when the nodes have been walked. */
  finish(): void;
}

export function functionTable(model: OnnxModel): ReadonlyMap<string, OnnxFunction> {
  return new Map(
    model.functions.map((each) => [
      operatorKey({ operator: each.name, domain: each.domain }),
      each,
    ]),
  );
}

/** A scope that sees the arguments only, and the body with the call's attributes put in. */
export function expandFunction(
  state: WalkState,
  scope: Scope,
  call: OnnxNode,
  definition: OnnxFunction,
  entries: readonly (Entry | undefined)[],
): ExpandedFunction {
  const inner = closedScope(`${scope.prefix}${nodeName(call)}/`);
  for (const [i, name] of definition.inputs.entries()) {
    const entry = entries[i];
    if (entry) inner.entries.set(name, entry);
  }
  const missing = new Set(definition.inputs.filter((name) => !inner.entries.has(name)));
  return {
    nodes: definition.nodes.map((node) =>
      withAttributes(withoutMissing(node, missing), call.attributes),
    ),
    scope: inner,
    finish: () => {
      for (const [i, name] of call.outputs.entries()) {
        const entry = lookUp(inner, definition.outputs[i] ?? '');
        scope.entries.set(
          name,
          entry ?? { tensor: name, unknown: 'the function does not make it' },
        );
        if (entry?.value) state.shapes.set(`${scope.prefix}${name}`, entry.value.dims);
      }
    },
  };
}

/** Replaces references by the call's values, in bodies of control flow too. */
function withAttributes(node: OnnxNode, given: ReadonlyMap<string, Attribute>): OnnxNode {
  const attributes = new Map<string, Attribute>();
  for (const [name, value] of node.attributes) {
    const actual = isReference(value) ? given.get(value.reference) : value;
    if (actual === undefined) continue;
    attributes.set(name, isGraph(actual) ? graphWithAttributes(actual, given) : actual);
  }
  return { ...node, attributes };
}

function graphWithAttributes(graph: OnnxGraph, given: ReadonlyMap<string, Attribute>): OnnxGraph {
  return { ...graph, nodes: graph.nodes.map((node) => withAttributes(node, given)) };
}

/** An argument the call leaves out is left out in the body. */
function withoutMissing(node: OnnxNode, missing: ReadonlySet<string>): OnnxNode {
  return { ...node, inputs: node.inputs.map((name) => (missing.has(name) ? '' : name)) };
}
