/** Operators with their tensors by name: the form that import produces and fusion passes rewrite. */
import { InvariantError } from '../../base/errors.ts';
import type { Bytes } from '../../base/units.ts';
import { type DType, totalBytes, type Work } from '../../base/work.ts';
import type { Graph, Operator } from '../graph.ts';

/** A tensor that passes from one operator to others, or in and out of the model. */
export interface ListedTensor {
  readonly dims: readonly number[];
  readonly dtype: DType;
  readonly bytes: Bytes;
}

export interface ListedOperator {
  /** Unique in the list. */
  readonly name: string;
  /** Operator types merged into this launch, in order of execution: `['Conv', 'Relu']`. */
  readonly parts: readonly string[];
  /** Tensors read, each once; constants are inside `work`. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly work: Work;
  /** Facts that passes need and a cost does not: which axes, which constants. */
  readonly traits: OperatorTraits;
}

interface OperatorTraits {
  /** By node position: the tensor read, or empty for constants and inputs left out. */
  readonly operands: readonly string[];
  readonly constants: readonly ConstantTrait[];
  /** Axes a Transpose permutes. */
  readonly perm?: readonly number[];
}

export interface ConstantTrait {
  readonly position: number;
  readonly dims: readonly number[];
  readonly dtype: DType;
  readonly bytes: Bytes;
}

export interface OperatorList {
  readonly name: string;
  /** In an order of execution. */
  readonly operators: readonly ListedOperator[];
  readonly tensors: ReadonlyMap<string, ListedTensor>;
  /** Tensors the model hands out; no pass may make them disappear. */
  readonly results: readonly string[];
}

/** Index of the operator that writes each tensor. */
export function producersOf(list: OperatorList): Map<string, number> {
  const producers = new Map<string, number>();
  for (const [index, operator] of list.operators.entries()) {
    for (const name of operator.outputs) producers.set(name, index);
  }
  return producers;
}

/** Indices of the operators that read each tensor. */
export function consumersOf(list: OperatorList): Map<string, number[]> {
  const consumers = new Map<string, number[]>();
  for (const [index, operator] of list.operators.entries()) {
    for (const name of new Set(operator.inputs)) {
      const readers = consumers.get(name);
      if (readers) readers.push(index);
      else consumers.set(name, [index]);
    }
  }
  return consumers;
}

/** The same operators as a graph; equal works are shared, so that a machine costs each shape once. */
export function graphOfList(list: OperatorList): Graph {
  const works: Work[] = [];
  const known = new Map<string, number>();
  const producers = producersOf(list);
  const operators = list.operators.map((operator, index): Operator => {
    const key = JSON.stringify(operator.work);
    const work = known.get(key) ?? works.push(operator.work) - 1;
    known.set(key, work);
    const inputs = [...new Set(operator.inputs.map((name) => producers.get(name) ?? -1))]
      .filter((input) => input >= 0)
      .sort((a, b) => a - b);
    if ((inputs.at(-1) ?? -1) >= index) {
      throw new InvariantError(`${operator.name} reads a tensor that is written after it`);
    }
    return { name: operator.name, work, inputs };
  });
  return { name: list.name, operators, works };
}

/** Largest sum of tensors that live at the same time when the operators run in order. */
export function peakActivationBytes(list: OperatorList): Bytes {
  const last = new Map<string, number>();
  for (const [index, operator] of list.operators.entries()) {
    for (const name of [...operator.inputs, ...operator.outputs]) last.set(name, index);
  }
  for (const name of list.results) last.set(name, list.operators.length);
  const producers = producersOf(list);
  const size = (name: string) => list.tensors.get(name)?.bytes ?? 0;
  // Inputs of the model are there from the start.
  let live = [...last.keys()].reduce(
    (sum, name) => sum + (producers.has(name) ? 0 : size(name)),
    0,
  );
  let peak = live;
  for (const [index, operator] of list.operators.entries()) {
    for (const name of operator.outputs) live += size(name);
    peak = Math.max(peak, live);
    for (const name of new Set([...operator.inputs, ...operator.outputs])) {
      if (last.get(name) === index) live -= size(name);
    }
  }
  return peak;
}

export function listTotals(list: OperatorList): { launches: number; bytes: Bytes; macs: number } {
  let bytes = 0;
  let macs = 0;
  for (const { work } of list.operators) {
    bytes += totalBytes(work);
    macs += work.macs;
  }
  return { launches: list.operators.length, bytes, macs };
}
