/** `--gemm` and `--conv` of `probe npu`: numbers on the command line to a shape. */
import { SpecError } from '../base/errors.ts';
import { convGemm } from '../hardware/npu/gemm-view.ts';
import type { BenchShape } from '../hardware/npu/testbench.ts';

/** `M,N,K`. */
export function parseGemm(text: string): BenchShape {
  const [m, n, k] = parseNumbers('--gemm', text, 3, 3, 'M,N,K');
  return { products: 1, m: m as number, n: n as number, k: k as number };
}

/** `H,W,C,F,K[,S[,P[,G]]]`: input height and width, channels, filters, kernel, stride, padding, groups. */
export function parseConv(text: string): BenchShape {
  const usage = 'H,W,C,F,K[,S[,P[,G]]]';
  const numbers = parseNumbers('--conv', text, 5, 8, usage);
  const [height, width, channels, filters, kernel] = numbers as [
    number,
    number,
    number,
    number,
    number,
  ];
  const [stride = 1, padding = 0, groups = 1] = numbers.slice(5);
  const inputHeight = height + 2 * padding;
  const inputWidth = width + 2 * padding;
  const fits = kernel <= inputHeight && kernel <= inputWidth && stride > 0 && groups > 0;
  if (!fits || channels % groups !== 0 || filters % groups !== 0) {
    const message = fits
      ? 'channels and filters must be multiples of groups'
      : 'kernel does not fit';
    throw new SpecError([{ path: '--conv', message, expected: usage, got: `"${text}"` }]);
  }
  // Frameworks take a ring of zeros around a 1×1 kernel too; anything wider is a slip of the pen.
  if (padding > kernel) {
    const message = 'padding wider than the kernel multiplies zeros alone';
    const expected = `padding of at most ${kernel}`;
    throw new SpecError([{ path: '--conv', message, expected, got: String(padding) }]);
  }
  const form = {
    kind: 'conv' as const,
    batch: 1,
    outHeight: Math.floor((inputHeight - kernel) / stride) + 1,
    outWidth: Math.floor((inputWidth - kernel) / stride) + 1,
    outChannels: filters,
    inChannels: channels,
    kernelHeight: kernel,
    kernelWidth: kernel,
    strideHeight: stride,
    strideWidth: stride,
    groups,
  };
  return { ...convGemm(form), conv: { form, inputHeight, inputWidth, padding } };
}

function parseNumbers(
  path: string,
  text: string,
  least: number,
  most: number,
  usage: string,
): number[] {
  const words = text.split(',').map((word) => word.trim());
  const numbers = words.map((word) => (/^\d+$/.test(word) ? Number(word) : Number.NaN));
  // Only padding may be zero.
  const bad = numbers.some((value, i) => Number.isNaN(value) || (value === 0 && i !== 6));
  if (!bad && numbers.length >= least && numbers.length <= most) return numbers;
  throw new SpecError([{ path, message: 'not a shape', expected: usage, got: `"${text}"` }]);
}
