/**
 * Closed-form work of matrix products, convolutions and recurrent layers.
 *
 * Model    MACs = every output element times the length of its inner product; no Winograd or FFT
 * Ignores  zero skipping, padding that a kernel could leave out
 * Valid    any rank; a third spatial axis joins the batch (position) and the input channels (kernel)
 * Source   formulas of the ONNX operator documents
 * Checked  test/validation/onnx-import.test.ts (published MACs)
 */
import type { WorkForm } from '../../../base/work.ts';
import { OPS_PER_ELEMENT } from '../../operator-cost.ts';
import { elementsOf } from '../element-type.ts';
import { parseEinsum } from '../infer/matrix.ts';
import { recurrentShape } from '../infer/recurrent.ts';
import { channelsFirst, windowOf } from '../infer/windows.ts';
import { inputAt, intOf } from '../node-view.ts';
import { bytesOfValue, type Cost, type Coster, type CostView } from './coster.ts';

const at = (dims: readonly number[], index: number): number => dims[index] ?? 1;

function outputDims(view: CostView): readonly number[] {
  return view.outputs[0]?.dims ?? [];
}

/** Rows may be spread over leading axes of A; B is one matrix, or one per batch entry. */
function product(
  a: readonly number[],
  b: readonly number[],
  out: readonly number[],
): WorkForm & { kind: 'matmul' } {
  const k = a.at(-1) ?? 1;
  const n = b.length === 1 ? 1 : (b.at(-1) ?? 1);
  const shared = b.length <= 2 || elementsOf(b.slice(0, -2)) === 1;
  const rows = a.length === 1 ? 1 : (a.at(-2) ?? 1);
  const results = elementsOf(out) / n;
  const batch = shared ? 1 : results / rows;
  return { kind: 'matmul', batch, m: results / batch, n, k };
}

function macsOf(form: WorkForm & { kind: 'matmul' }): number {
  return form.batch * form.m * form.n * form.k;
}

function matMul(a: number, b: number): Coster {
  return (view) => {
    const left = transposed(inputAt(view, a).dims, intOf(view, 'transA', 0));
    const right = transposed(inputAt(view, b).dims, intOf(view, 'transB', 0));
    const form = product(left, right, outputDims(view));
    return { form, macs: macsOf(form) };
  };
}

/** A product, its bias, and the approximation of GELU by a hyperbolic tangent. */
const gemmFastGelu: Coster = (view) => {
  const elements = elementsOf(outputDims(view));
  const bias = view.inputs[2] ? elements : 0;
  return { ...matMul(0, 1)(view), vectorOps: elements * OPS_PER_ELEMENT.gelu + bias };
};

function transposed(dims: readonly number[], swap: number): readonly number[] {
  if (swap !== 1 || dims.length < 2) return dims;
  return [...dims.slice(0, -2), at(dims, dims.length - 1), at(dims, dims.length - 2)];
}

/** The bias is one addition per result. */
function gemm(a: number, b: number, bias: number): Coster {
  const bare = matMul(a, b);
  return (view) => ({
    ...bare(view),
    vectorOps: view.inputs[bias] ? elementsOf(outputDims(view)) : 0,
  });
}

/** Quantised results are scaled back: multiply, round, add the zero point, clip. */
const REQUANTISE_STEPS = 4;

function requantised(inner: Coster): Coster {
  return (view) => {
    const cost = inner(view);
    const steps = REQUANTISE_STEPS * elementsOf(outputDims(view));
    return { ...cost, vectorOps: (cost.vectorOps ?? 0) + steps };
  };
}

const NBIT_TYPES = { 2: 'int2', 3: 'int3', 4: 'int4', 8: 'int8' } as const;

/** Weights are packed in blocks of `bits` with a scale each; unpacking belongs to the machine. */
const matMulNBits: Coster = (view) => {
  const k = intOf(view, 'K', 1);
  const n = intOf(view, 'N', 1);
  const m = elementsOf(outputDims(view)) / n;
  const bits = intOf(view, 'bits', 4) as keyof typeof NBIT_TYPES;
  const block = intOf(view, 'block_size', k);
  return {
    form: { kind: 'matmul', batch: 1, m, n, k },
    macs: m * n * k,
    vectorOps: view.inputs[5] ? m * n : 0,
    weightDType: NBIT_TYPES[bits] ?? 'int4',
    packing: {
      scales: 1 / block,
      minima: view.inputs[3] ? 1 / block : 0,
      widths: [{ bits, share: 1 }],
    },
  };
};

/** Letters in both inputs and the result are batch; those in both but not the result are summed over. */
const einsum: Coster = (view) => {
  const { terms, result, sizes } = parseEinsum(view);
  const macs = [...sizes.values()].reduce((total, size) => total * size, 1);
  const extent = (keep: (letter: string) => boolean) =>
    [...sizes].reduce((total, [letter, size]) => (keep(letter) ? total * size : total), 1);
  if (terms.length !== 2) {
    return {
      form: { kind: 'vector', elements: macs, passes: terms.length },
      vectorOps: macs * terms.length,
    };
  }
  const [left = '', right = ''] = terms;
  const form: WorkForm = {
    kind: 'matmul',
    batch: extent((x) => left.includes(x) && right.includes(x) && result.includes(x)),
    m: extent((x) => left.includes(x) && !right.includes(x)),
    n: extent((x) => right.includes(x) && !left.includes(x)),
    k: extent((x) => left.includes(x) && right.includes(x) && !result.includes(x)),
  };
  return { form, macs: macsOf(form) };
};

function conv(weight: number, bias: number, scattered = false): Coster {
  return (view) => {
    const w = inputAt(view, weight).dims;
    const out = outputDims(view);
    const plain = convForm(view, w, out);
    const form = scattered ? { ...plain, scattered } : plain;
    const macs = elementsOf(out) * at(w, 1) * elementsOf(w.slice(2));
    return { form, macs, vectorOps: view.inputs[bias] ? elementsOf(out) : 0 };
  };
}

/** With a sum of another tensor and an activation behind it, a step per result each. */
const fusedConv: Coster = (view) => {
  const cost = conv(1, 2)(view);
  const steps = (view.inputs[3] ? 1 : 0) + (view.node.attributes.has('activation') ? 1 : 0);
  return { ...cost, vectorOps: (cost.vectorOps ?? 0) + steps * elementsOf(outputDims(view)) };
};

/** The same work on channels that lie innermost; weights lie as ever. */
function channelsLast(inner: Coster): Coster {
  return (view) =>
    inner({ ...view, outputs: view.outputs.map((y) => ({ ...y, dims: channelsFirst(y.dims) })) });
}

/** Four products and three sums between neighbours of a place that is no pixel; one more product under a mask. */
const SAMPLE_STEPS = 7;

/** Every tap of the kernel looks where its offset says, in every input channel. */
const deformConv: Coster = (view) => {
  const cost = conv(1, 3, true)(view);
  const w = inputAt(view, 1).dims;
  const out = outputDims(view);
  const places = at(out, 0) * elementsOf(out.slice(2)) * elementsOf(w.slice(2));
  const samples = places * at(inputAt(view, 0).dims, 1);
  const steps = SAMPLE_STEPS + (view.inputs[4] ? 1 : 0);
  return { ...cost, vectorOps: (cost.vectorOps ?? 0) + steps * samples };
};

/** Spatial axes right-aligned into height and width; a depth axis multiplies batch and input channels. */
function convForm(view: CostView, w: readonly number[], out: readonly number[]): ConvForm {
  const spatial = out.slice(2);
  const window = windowOf(view, w.slice(2));
  const groups = intOf(view, 'group', 1);
  const [depth, height, width] = [-3, -2, -1].map((i) => spatial.at(i) ?? 1) as Triple;
  const kernel = [-3, -2, -1].map((i) =>
    spatial.length >= -i ? (window.kernel.at(i) ?? 1) : 1,
  ) as Triple;
  const stride = [-2, -1].map((i) => (spatial.length >= -i ? (window.strides.at(i) ?? 1) : 1));
  return {
    kind: 'conv',
    batch: at(out, 0) * depth,
    outHeight: height,
    outWidth: width,
    outChannels: at(out, 1),
    inChannels: at(w, 1) * groups * kernel[0],
    kernelHeight: kernel[1],
    kernelWidth: kernel[2],
    strideHeight: stride[0] ?? 1,
    strideWidth: stride[1] ?? 1,
    groups,
    ...(spatial.length === 1 ? { line: true } : {}),
    ...(spatial.length === 3 ? { volume: true } : {}),
    ...(kernel[0] > 1 || isDilated(window) ? { scattered: true } : {}),
  };
}

/** A single tap along an axis has no distance to the next. */
function isDilated({ kernel, dilations }: ReturnType<typeof windowOf>): boolean {
  return dilations.some((step, axis) => step > 1 && (kernel[axis] ?? 1) > 1);
}
type Triple = [number, number, number];
type ConvForm = WorkForm & { kind: 'conv' };

/** Every input pixel is multiplied into a patch of the output, and the patches are added up. */
const convTranspose: Coster = (view) => {
  const x = inputAt(view, 0).dims;
  const w = inputAt(view, 1).dims;
  const groups = intOf(view, 'group', 1);
  const pixels = elementsOf(x.slice(2));
  const patch = at(w, 1) * elementsOf(w.slice(2));
  const form: WorkForm & { kind: 'matmul' } = {
    kind: 'matmul',
    batch: at(x, 0) * groups,
    m: pixels,
    n: patch,
    k: at(x, 1) / groups,
  };
  const bias = view.inputs[2] ? elementsOf(outputDims(view)) : 0;
  return { form, macs: macsOf(form), vectorOps: form.batch * form.m * form.n + bias };
};

/** Gate activations and state updates, per hidden element and step: sigmoids and tanh as their formulas write them. */
const GATE_STEPS: Readonly<Record<string, number>> = { RNN: 3, GRU: 16, LSTM: 20 };

/** One product per step and direction over the joined input and hidden vector; the weights are the same in each. */
const recurrent: Coster = (view) => {
  const { steps, batch, inputs, hidden, directions, gates } = recurrentShape(view);
  const form: WorkForm & { kind: 'matmul' } = {
    kind: 'matmul',
    batch: steps * directions,
    m: batch,
    n: gates * hidden,
    k: inputs + hidden,
  };
  const perElement = GATE_STEPS[view.node.operator] ?? 1;
  return { form, macs: macsOf(form), vectorOps: steps * directions * batch * hidden * perElement };
};

/** `k` experts per token, each two or three projections; the weights of the experts hit come from memory. */
const mixtureOfExperts: Coster = (view) => {
  const x = inputAt(view, 0).dims;
  const tokens = elementsOf(x.slice(0, -1));
  const packing = view.node.operator === 'QMoE' ? 8 / intOf(view, 'expert_weight_bits', 4) : 1;
  const stride = view.node.operator === 'QMoE' ? 3 : 2;
  const weights = [2, 2 + stride, 2 + 2 * stride]
    .map((i) => view.inputs[i])
    .filter((v) => v !== undefined && v.dims.length === 3);
  const experts = at(weights[0]?.dims ?? [1], 0);
  const perExpert = weights.reduce(
    (sum, v) => sum + (elementsOf(v?.dims ?? []) / experts) * packing,
    0,
  );
  const used = Math.min(experts, tokens * intOf(view, 'k', 1));
  const hidden = at(x, x.length - 1);
  const bytes = weights.reduce((sum, value) => sum + bytesOfValue(value), 0);
  const rows = tokens * intOf(view, 'k', 1);
  return {
    form: { kind: 'matmul', batch: used, m: rows / used, n: perExpert / hidden, k: hidden },
    macs: rows * perExpert,
    weightBytes: (bytes / experts) * used,
    ...(view.node.operator === 'QMoE'
      ? { weightDType: intOf(view, 'expert_weight_bits', 4) === 8 ? 'int8' : 'int4' }
      : {}),
  } satisfies Cost;
};

export const products: Readonly<Record<string, Coster>> = {
  MatMul: matMul(0, 1),
  'com.microsoft.FusedMatMul': matMul(0, 1),
  'com.microsoft.TransposeMatMul': matMul(0, 1),
  MatMulInteger: matMul(0, 1),
  QLinearMatMul: requantised(matMul(0, 3)),
  'com.microsoft.DynamicQuantizeMatMul': requantised(matMul(0, 1)),
  'com.microsoft.MatMulIntegerToFloat': requantised(matMul(0, 1)),
  Gemm: gemm(0, 1, 2),
  'com.microsoft.FusedGemm': gemm(0, 1, 2),
  'com.microsoft.GemmFastGelu': gemmFastGelu,
  'com.microsoft.QGemm': requantised(gemm(0, 3, 6)),
  'com.microsoft.MatMulNBits': matMulNBits,
  'com.microsoft.MatMulBnb4': matMulNBits,
  Einsum: einsum,
  Conv: conv(1, 2),
  'com.microsoft.FusedConv': fusedConv,
  'com.microsoft.NhwcConv': channelsLast(conv(1, 2)),
  'com.microsoft.NhwcFusedConv': channelsLast(fusedConv),
  DeformConv: deformConv,
  ConvInteger: conv(1, -1),
  QLinearConv: requantised(conv(3, 8)),
  ConvTranspose: convTranspose,
  RNN: recurrent,
  GRU: recurrent,
  LSTM: recurrent,
  'com.microsoft.MoE': mixtureOfExperts,
  'com.microsoft.QMoE': mixtureOfExperts,
};
