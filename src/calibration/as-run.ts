/** Operators as ONNX Runtime's CPU provider performs them: what it fuses, and what it does besides. */
import type { Work } from '../base/work.ts';
import { fuse } from '../workload/fusion/index.ts';
import type { OperatorList } from '../workload/fusion/operator-list.ts';

/** Passes that ONNX Runtime's default optimisation also has for the CPU; it does not merge plain element-wise chains. */
const FUSIONS = ['qdq', 'written-norm', 'convolution'];

export interface RunOperator {
  /** Node name in the file; the profile speaks of it by this name, give or take a suffix. */
  readonly name: string;
  readonly parts: readonly string[];
  /** Tensors it writes: fused convolutions are named after these. */
  readonly outputs: readonly string[];
  /** Usually one. */
  readonly works: readonly Work[];
}

export function operatorsAsRun(list: OperatorList): RunOperator[] {
  const fused = fuse(list, FUSIONS).list;
  const last = lastReaders(fused);
  return fused.operators.map(({ name, parts, inputs, outputs, work }, index) => {
    const free = inputs.some(
      (tensor) =>
        last.get(tensor) === index && (fused.tensors.get(tensor)?.bytes ?? 0) >= work.outputBytes,
    );
    return { name, parts, outputs, works: asRun(free ? work : apart(work)) };
  });
}

/** Index of the last operator that reads each tensor which some operator has written: the model's own inputs stay. */
function lastReaders({ operators, results }: OperatorList): Map<string, number> {
  const written = new Set(operators.flatMap(({ outputs }) => outputs));
  const last = new Map<string, number>();
  for (const [index, { inputs }] of operators.entries()) {
    for (const name of inputs) if (written.has(name)) last.set(name, index);
  }
  for (const name of results) last.set(name, operators.length);
  return last;
}

/** ONNX Runtime writes an element-wise result over an operand that nobody reads any more, if there is one. */
function apart(work: Work): Work {
  const { form } = work;
  return form.kind === 'vector' ? { ...work, form: { ...form, apart: true } } : work;
}

/** A view that ONNX Runtime executes: nothing but a dispatch. */
const VIEW: Work = {
  operator: 'Reshape',
  form: { kind: 'move' },
  macs: 0,
  vectorOps: 0,
  weightDType: 'fp32',
  activationDType: 'fp32',
  weightBytes: 0,
  inputBytes: 0,
  outputBytes: 0,
  kvReadBytes: 0,
  kvWriteBytes: 0,
};

/** Everything one run of a model does. */
export function worksAsRun(model: { readonly list: OperatorList; readonly views: number }): Work[] {
  const works = operatorsAsRun(model.list).flatMap((operator) => operator.works);
  return [...works, ...Array.from({ length: model.views }, () => VIEW)];
}

/**
 * MultiHeadAttention goes block by block (github.com/microsoft/onnxruntime pull request 20805); other attention writes
 * its scores out. With a cache it copies that first: ONNX Runtime grows it in a new tensor, because the JavaScript
 * interface cannot share one buffer between input and output.
 */
function asRun(work: Work): Work[] {
  const { form } = work;
  if (form.kind !== 'attention') return [work];
  if (work.kvReadBytes === 0) {
    const blocked = work.operator === 'MultiHeadAttention';
    return [blocked ? { ...work, form: { ...form, blocked } } : work];
  }
  const grown = work.kvReadBytes + work.kvWriteBytes;
  const copy: Work = {
    ...work,
    operator: 'Concat',
    form: { kind: 'move' },
    macs: 0,
    vectorOps: 0,
    weightBytes: 0,
    inputBytes: 0,
    outputBytes: grown,
    kvWriteBytes: 0,
  };
  // What the copy has just written; heads that share keys find them in L2.
  return [copy, { ...work, inputBytes: work.inputBytes + grown, kvReadBytes: 0, kvWriteBytes: 0 }];
}
