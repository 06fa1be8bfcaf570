/** Nodes in an order of execution; the standard demands it, not every exporter keeps to it. */
import type { OnnxNode } from './model.ts';

/** The nodes as they are when every one follows its inputs, otherwise sorted, ties in file order. */
export function orderNodes(nodes: readonly OnnxNode[]): readonly OnnxNode[] {
  const producer = new Map<string, number>();
  for (const [i, node] of nodes.entries()) for (const name of node.outputs) producer.set(name, i);
  const inOrder = nodes.every((node, i) =>
    node.inputs.every((name) => name === '' || (producer.get(name) ?? -1) < i),
  );
  return inOrder ? nodes : sortNodes(nodes, producer);
}

/** Depth first from every node in turn; a cycle keeps file order and shows up as an input nobody makes. */
function sortNodes(
  nodes: readonly OnnxNode[],
  producer: ReadonlyMap<string, number>,
): readonly OnnxNode[] {
  const sorted: OnnxNode[] = [];
  const entered = new Set<number>();
  const stack: { readonly index: number; next: number }[] = [];
  for (const start of nodes.keys()) {
    if (entered.has(start)) continue;
    entered.add(start);
    stack.push({ index: start, next: 0 });
    while (stack.length > 0) {
      const top = stack.at(-1) as { readonly index: number; next: number };
      const node = nodes[top.index] as OnnxNode;
      const name = node.inputs[top.next++];
      const source = name === undefined ? undefined : producer.get(name);
      if (name === undefined) {
        sorted.push(node);
        stack.pop();
      } else if (source !== undefined && !entered.has(source)) {
        entered.add(source);
        stack.push({ index: source, next: 0 });
      }
    }
  }
  return sorted;
}
