/** The convolutions of the calibration suite. */
import { chain, type OperatorCase, type Step } from './chain.ts';
import * as op from './operators.ts';

function convCase(
  family: string,
  dims: readonly [number, number, number],
  shape: { readonly kernel: number; readonly groups?: number; readonly out?: number },
  copies: number,
  quick = false,
): OperatorCase {
  const [channels, height, width] = dims;
  const out = shape.out ?? channels;
  const id = `${family}/${channels}x${height}x${width}-k${shape.kernel}-${out}`;
  const step: Step = (sketch, x, index) =>
    op.conv(sketch, x, { ...shape, out: index % 2 === 0 ? out : channels });
  return {
    id,
    family,
    quick,
    build: () => chain([1, channels, height, width], copies, step)(id),
  };
}

/** Every convolution halves height and width, as the stages of a backbone do. */
function pyramid(
  family: string,
  dims: readonly [number, number, number],
  kernel: number,
  channels: readonly number[],
  depthwise: boolean,
  quick = false,
): OperatorCase {
  const id = `${family}/pyramid-${dims.join('x')}-k${kernel}`;
  const step: Step = (sketch, x, index) => {
    const out = channels[index] as number;
    return op.conv(sketch, x, { out, kernel, stride: 2, ...(depthwise ? { groups: out } : {}) });
  };
  return { id, family, quick, build: () => chain([1, ...dims], channels.length, step)(id) };
}

/** The first convolution of a network, which sees an image of few channels. */
function stemCase(dims: readonly [number, number, number], out: number, quick = false) {
  const id = `conv-stem/${dims.join('x')}-k3-${out}`;
  const step: Step = (sketch, x) => op.conv(sketch, x, { out, kernel: 3, stride: 2 });
  return { id, family: 'conv-stem', quick, build: () => chain([1, ...dims], 1, step)(id) };
}

/** Along a sequence, such as speech: channels, positions. */
function lineCase(channels: number, positions: number, kernel: number, quick = false) {
  const id = `conv-line/${channels}x${positions}-k${kernel}`;
  const step: Step = (sketch, x) => op.lineConv(sketch, x, { out: channels, kernel });
  return {
    id,
    family: 'conv-line',
    quick,
    build: () => chain([1, channels, positions], 8, step)(id),
  };
}

export function convCases(): OperatorCase[] {
  return [
    stemCase([3, 160, 160], 16),
    stemCase([3, 224, 224], 32, true),
    stemCase([3, 320, 480], 16),
    stemCase([1, 64, 256], 16),
    lineCase(128, 4, 3, true),
    lineCase(128, 64, 3),
    lineCase(256, 16, 1),
    lineCase(64, 256, 7, true),
    convCase('conv', [16, 56, 56], { kernel: 3 }, 8),
    convCase('conv', [64, 56, 56], { kernel: 3 }, 4, true),
    convCase('conv', [128, 28, 28], { kernel: 3 }, 4),
    convCase('conv', [256, 14, 14], { kernel: 3 }, 4),
    convCase('conv', [320, 32, 32], { kernel: 3 }, 2),
    pyramid('conv', [3, 224, 224], 7, [64, 128, 256], false),
    pyramid('conv', [3, 160, 160], 3, [16, 32, 64, 128, 256], false, true),
    convCase('conv-pointwise', [24, 56, 56], { kernel: 1, out: 144 }, 4),
    convCase('conv-pointwise', [64, 56, 56], { kernel: 1 }, 8, true),
    convCase('conv-pointwise', [96, 28, 28], { kernel: 1, out: 384 }, 4),
    convCase('conv-pointwise', [256, 14, 14], { kernel: 1, out: 512 }, 4),
    convCase('conv-pointwise', [160, 7, 7], { kernel: 1, out: 960 }, 8, true),
    convCase('conv-depthwise', [32, 112, 112], { kernel: 3, groups: 32 }, 4),
    convCase('conv-depthwise', [144, 56, 56], { kernel: 3, groups: 144 }, 4, true),
    convCase('conv-depthwise', [384, 14, 14], { kernel: 3, groups: 384 }, 8),
    convCase('conv-depthwise', [240, 28, 28], { kernel: 5, groups: 240 }, 4),
    convCase('conv-depthwise', [960, 7, 7], { kernel: 5, groups: 960 }, 8, true),
    pyramid('conv-depthwise', [64, 112, 112], 3, [64, 64, 64, 64], true),
  ];
}
