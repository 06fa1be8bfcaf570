/** Shapes of matrix products, plain, quantised and packed. */
import {
  formatDims,
  type Inferred,
  inputAt,
  intOf,
  type NodeView,
  shapeFault,
  textOf,
} from '../node-view.ts';
import { broadcast } from './elementwise.ts';
import type { Inferer } from './inferer.ts';

/** NumPy's matmul: vectors gain an axis and lose it again, leading axes broadcast. */
function productDims(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a.length === 0 || b.length === 0) {
    throw shapeFault('a matrix product needs rank 1 or more', undefined, pair(a, b));
  }
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  if (left.at(-1) !== right.at(-2)) {
    throw shapeFault('inner dimensions differ', 'columns of A equal to rows of B', pair(a, b));
  }
  const batch = broadcast([left.slice(0, -2), right.slice(0, -2)]);
  const rows = a.length === 1 ? [] : [left.at(-2) as number];
  const columns = b.length === 1 ? [] : [right.at(-1) as number];
  return [...batch, ...rows, ...columns];
}

function pair(a: readonly number[], b: readonly number[]): string {
  return `A${formatDims(a)} and B${formatDims(b)}`;
}

function swapLast(dims: readonly number[], swap: boolean): readonly number[] {
  if (!swap || dims.length < 2) return dims;
  return [...dims.slice(0, -2), dims.at(-1) as number, dims.at(-2) as number];
}

function gemm(view: NodeView): Inferred[] {
  const a = inputAt(view, 0);
  const b = inputAt(view, 1).dims;
  if (a.dims.length !== 2 || b.length !== 2) {
    throw shapeFault('Gemm needs two matrices', undefined, pair(a.dims, b));
  }
  const left = swapLast(a.dims, intOf(view, 'transA', 0) === 1);
  const right = swapLast(b, intOf(view, 'transB', 0) === 1);
  return [{ dims: productDims(left, right), type: a.type }];
}

/** `com.microsoft.FusedMatMul` transposes either side. */
function fusedMatMul(view: NodeView): Inferred[] {
  const a = inputAt(view, 0);
  const left = swapLast(a.dims, intOf(view, 'transA', 0) === 1);
  const right = swapLast(inputAt(view, 1).dims, intOf(view, 'transB', 0) === 1);
  return [{ dims: productDims(left, right), type: a.type }];
}

/** Columns K and N are attributes, because B is packed in blocks. */
function matMulNBits(view: NodeView): Inferred[] {
  const a = inputAt(view, 0);
  const [k, n] = [intOf(view, 'K', 0), intOf(view, 'N', 0)];
  if (a.dims.at(-1) !== k) {
    throw shapeFault('inner dimensions differ', `K = ${k} columns`, `A${formatDims(a.dims)}`);
  }
  return [{ dims: [...a.dims.slice(0, -1), n], type: a.type }];
}

const integerProduct: Inferer = (view) => [
  { dims: productDims(inputAt(view, 0).dims, inputAt(view, 1).dims), type: 'int32' },
];

/** A, scale, zero point; B, scale, zero point; then the scale and zero point of the result. */
const quantisedProduct: Inferer = (view) => [
  { dims: productDims(inputAt(view, 0).dims, inputAt(view, 3).dims), type: inputAt(view, 7).type },
];

/** The second input is scaled; the result is floating point again. */
const dynamicProduct: Inferer = (view) => [
  {
    dims: productDims(inputAt(view, 0).dims, inputAt(view, 1).dims),
    type: view.node.operator === 'MatMulIntegerToFloat' ? inputAt(view, 2).type : 'float',
  },
];

function quantisedGemm(view: NodeView): Inferred[] {
  const a = inputAt(view, 0);
  const left = swapLast(a.dims, intOf(view, 'transA', 0) === 1);
  const right = swapLast(inputAt(view, 3).dims, intOf(view, 'transB', 0) === 1);
  return [{ dims: productDims(left, right), type: view.inputs[8] ? a.type : 'float' }];
}

export interface Einsum {
  readonly terms: readonly string[];
  readonly result: string;
  readonly sizes: ReadonlyMap<string, number>;
}

/** Letters and extents of an Einsum; an ellipsis is not supported and says so. */
export function parseEinsum(view: NodeView): Einsum {
  const equation = textOf(view, 'equation', '').replaceAll(' ', '');
  if (equation.includes('...'))
    throw shapeFault('Einsum with an ellipsis is not supported', undefined, equation);
  const [left = '', right] = equation.split('->');
  const terms = left.split(',');
  const sizes = new Map<string, number>();
  for (const [i, term] of terms.entries()) {
    const dims = inputAt(view, i).dims;
    if (dims.length !== term.length) {
      throw shapeFault(`Einsum term "${term}" does not fit its input`, undefined, formatDims(dims));
    }
    for (const [axis, letter] of [...term].entries()) sizes.set(letter, dims[axis] as number);
  }
  const once = [...sizes.keys()].filter((letter) => left.split(letter).length === 2).sort();
  return { terms, result: right ?? once.join(''), sizes };
}

function einsum(view: NodeView): Inferred[] {
  const { result, sizes } = parseEinsum(view);
  const dims = [...result].map((letter) => sizes.get(letter) ?? 1);
  return [{ dims, type: inputAt(view, 0).type }];
}

const plainProduct: Inferer = (view) => [
  { dims: productDims(inputAt(view, 0).dims, inputAt(view, 1).dims), type: inputAt(view, 0).type },
];

export const matrix: Readonly<Record<string, Inferer>> = {
  MatMul: plainProduct,
  'com.microsoft.GemmFastGelu': plainProduct,
  Gemm: gemm,
  Einsum: einsum,
  MatMulInteger: integerProduct,
  QLinearMatMul: quantisedProduct,
  'com.microsoft.FusedMatMul': fusedMatMul,
  'com.microsoft.TransposeMatMul': fusedMatMul,
  'com.microsoft.FusedGemm': gemm,
  'com.microsoft.MatMulNBits': matMulNBits,
  'com.microsoft.MatMulBnb4': matMulNBits,
  'com.microsoft.DynamicQuantizeMatMul': dynamicProduct,
  'com.microsoft.MatMulIntegerToFloat': dynamicProduct,
  'com.microsoft.QGemm': quantisedGemm,
};
