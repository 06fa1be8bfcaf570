/** Operators as ONNX Runtime's CPU provider performs them: what it fuses, and what it does besides. */
import type { Work } from '../base/work.ts';
import { fuse } from '../workload/fusion/index.ts';
import type { ListedOperator, OperatorList } from '../workload/fusion/operator-list.ts';

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
  return fused.operators.map((operator, index) => {
    const { name, parts, inputs, outputs, work } = operator;
    const free = inputs.some(
      (tensor) =>
        last.get(tensor) === index && (fused.tensors.get(tensor)?.bytes ?? 0) >= work.outputBytes,
    );
    return {
      name,
      parts,
      outputs,
      works: asRun(free ? work : apart(work), goesByBlocks(fused, operator)),
    };
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
 * What moves bytes on one thread: sizes by the nearest element, which unlike interpolation are handed no thread pool
 * (`UpsampleNearest` in onnxruntime/core/providers/cpu/tensor/upsample.cc).
 */
const ONE_THREAD = new Set(['Resize', 'Upsample']);

/** Optional inputs of MultiHeadAttention with which it writes its scores out: masks, biases, what was before. */
const WRITTEN_OUT_WITH = [4, 5, 6, 7];

/**
 * Whether attention goes block by block, so that scores stay in the nearest cache: MultiHeadAttention in single
 * precision without masks and caches (github.com/microsoft/onnxruntime pull request 20805; its conditions in
 * onnxruntime/contrib_ops/cpu/bert/multihead_attention.cc).
 */
function goesByBlocks({ tensors }: OperatorList, { work, traits }: ListedOperator): boolean {
  const { form } = work;
  if (form.kind !== 'attention' || work.operator !== 'MultiHeadAttention') return false;
  const flat = traits.operands
    .slice(0, 3)
    .every((name) => name === '' || tensors.get(name)?.dims.length === 3);
  const more = WRITTEN_OUT_WITH.some(
    (position) =>
      (traits.operands[position] ?? '') !== '' ||
      traits.constants.some((constant) => constant.position === position),
  );
  const kept = work.kvReadBytes + work.kvWriteBytes > 0;
  return flat && !more && !kept && !form.causal && work.activationDType === 'fp32';
}

/**
 * Attention with a cache copies that first: ONNX Runtime grows it in a new tensor, because the JavaScript interface
 * cannot share one buffer between input and output.
 */
function asRun(work: Work, blocked: boolean): Work[] {
  const { form } = work;
  if (form.kind === 'move' && ONE_THREAD.has(work.operator))
    return [{ ...work, form: { ...form, serial: true } }];
  if (form.kind !== 'attention') return [work];
  if (blocked) return [{ ...work, form: { ...form, blocked } }];
  if (work.kvReadBytes === 0) return [work];
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
