/** Shapes of sliding-window operators: convolution, transposed convolution and pooling in any dimension. */
import {
  formatDims,
  type Inferred,
  inputAt,
  intOf,
  type NodeView,
  numbersOf,
  shapeFault,
  textOf,
} from '../node-view.ts';
import type { Inferer } from './inferer.ts';

export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begin of every axis, then end of every axis. */
  readonly pads: readonly number[];
  readonly autoPad: string;
}

export function windowOf(view: NodeView, kernel: readonly number[]): Window {
  const ones = kernel.map(() => 1);
  return {
    kernel,
    strides: numbersOf(view, 'strides') ?? ones,
    dilations: numbersOf(view, 'dilations') ?? ones,
    pads: numbersOf(view, 'pads') ?? [...kernel, ...kernel].map(() => 0),
    autoPad: textOf(view, 'auto_pad', 'NOTSET'),
  };
}

/** Output extent along every spatial axis; the formula of the ONNX operator document for Conv and MaxPool. */
function slide(spatial: readonly number[], window: Window, ceil: boolean): readonly number[] {
  return spatial.map((size, i) => {
    const stride = window.strides[i] ?? 1;
    if (window.autoPad.startsWith('SAME')) return Math.ceil(size / stride);
    const [begin, end] = padsAt(window, i, spatial.length);
    const room = size + begin + end - reachAt(window, i);
    if (room < 0) {
      throw shapeFault(
        'the window is larger than the padded input',
        `at most ${size + begin + end}`,
        String(reachAt(window, i)),
      );
    }
    if (!ceil) return Math.floor(room / stride) + 1;
    const out = Math.ceil(room / stride) + 1;
    // A window that would start in the end padding sees nothing and is left out, as ONNX Runtime does.
    return (out - 1) * stride >= size + begin ? out - 1 : out;
  });
}

/** Extent of a dilated kernel. */
function reachAt(window: Window, axis: number): number {
  return ((window.kernel[axis] ?? 1) - 1) * (window.dilations[axis] ?? 1) + 1;
}

function padsAt(window: Window, axis: number, rank: number): readonly [number, number] {
  if (window.autoPad === 'VALID') return [0, 0];
  return [window.pads[axis] ?? 0, window.pads[axis + rank] ?? 0];
}

function convolve(view: NodeView, input: number, weight: number): readonly number[] {
  const x = inputAt(view, input).dims;
  const w = inputAt(view, weight).dims;
  const groups = intOf(view, 'group', 1);
  const shown = `X${formatDims(x)} and W${formatDims(w)}`;
  if (x.length !== w.length || x.length < 3) {
    throw shapeFault('input and weight need the same rank, 3 or more', undefined, shown);
  }
  const channels = (w[1] as number) * groups;
  if (x[1] !== channels) {
    throw shapeFault(
      `channels of input and weight differ (group ${groups})`,
      `${channels} input channels`,
      shown,
    );
  }
  if ((w[0] as number) % groups !== 0) {
    throw shapeFault('output channels are not a multiple of the groups', undefined, shown);
  }
  const spatial = slide(x.slice(2), windowOf(view, w.slice(2)), false);
  return [x[0] as number, w[0] as number, ...spatial];
}

/** [batch, spatial…, channels] as [batch, channels, spatial…]. */
export function channelsFirst(dims: readonly number[]): readonly number[] {
  return [...dims.slice(0, 1), ...dims.slice(-1), ...dims.slice(1, -1)];
}

/** The same operator on channels that lie innermost. */
function channelsLast(inner: Inferer): Inferer {
  return (view) => {
    const [x, ...others] = view.inputs;
    const first = { ...view, inputs: [x && { ...x, dims: channelsFirst(x.dims) }, ...others] };
    return inner(first).map(({ dims = [], ...rest }) => ({
      ...rest,
      dims: [...dims.slice(0, 1), ...dims.slice(2), ...dims.slice(1, 2)],
    }));
  };
}

/** Extents of a transposed convolution; `output_shape` overrides the padding. */
function convolveTransposed(view: NodeView): Inferred[] {
  const x = inputAt(view, 0);
  const w = inputAt(view, 1).dims;
  const groups = intOf(view, 'group', 1);
  if (x.dims[1] !== w[0]) {
    throw shapeFault(
      'channels of input and weight differ',
      `${w[0]} input channels`,
      `X${formatDims(x.dims)} and W${formatDims(w)}`,
    );
  }
  const window = windowOf(view, w.slice(2));
  const extra = numbersOf(view, 'output_padding') ?? [];
  const forced = numbersOf(view, 'output_shape');
  const rank = x.dims.length - 2;
  const spatial = x.dims.slice(2).map((size, i) => {
    const stride = window.strides[i] ?? 1;
    const full = stride * (size - 1) + (extra[i] ?? 0) + reachAt(window, i);
    // Padding is never negative: a kernel smaller than its stride does not reach the full extent.
    if (window.autoPad.startsWith('SAME')) return Math.min(full, size * stride);
    const [begin, end] = padsAt(window, i, rank);
    return full - begin - end;
  });
  const out = forced ? forced.slice(-spatial.length) : spatial;
  return [{ dims: [x.dims[0] as number, (w[1] as number) * groups, ...out], type: x.type }];
}

function pool(view: NodeView): Inferred[] {
  const x = inputAt(view, 0);
  const kernel = numbersOf(view, 'kernel_shape');
  if (!kernel || kernel.length !== x.dims.length - 2) {
    throw shapeFault(
      'kernel_shape must have one entry per spatial axis',
      undefined,
      formatDims(x.dims),
    );
  }
  const spatial = slide(x.dims.slice(2), windowOf(view, kernel), intOf(view, 'ceil_mode', 0) === 1);
  const dims = [...x.dims.slice(0, 2), ...spatial];
  return [
    { dims, type: x.type },
    { dims, type: 'int64' },
  ];
}

const globalPool: Inferer = (view) => {
  const { dims, type } = inputAt(view, 0);
  return [{ dims: dims.map((dim, i) => (i < 2 ? dim : 1)), type }];
};

/** `com.microsoft.QLinearGlobalAveragePool` may be channels last. */
const quantisedGlobalPool: Inferer = (view) => {
  const { dims, type } = inputAt(view, 0);
  const channel = intOf(view, 'channels_last', 0) === 1 ? dims.length - 1 : 1;
  return [{ dims: dims.map((dim, i) => (i === 0 || i === channel ? dim : 1)), type }];
};

const unpool: Inferer = (view) => {
  const x = inputAt(view, 0);
  const forced = view.inputs[2]?.data;
  if (forced) return [{ dims: forced, type: x.type }];
  const window = windowOf(view, numbersOf(view, 'kernel_shape') ?? []);
  const rank = x.dims.length - 2;
  const spatial = x.dims.slice(2).map((size, i) => {
    const pads = (window.pads[i] ?? 0) + (window.pads[i + rank] ?? 0);
    return (size - 1) * (window.strides[i] ?? 1) - pads + (window.kernel[i] ?? 1);
  });
  return [{ dims: [...x.dims.slice(0, 2), ...spatial], type: x.type }];
};

const convolution: Inferer = (view) => [
  { dims: convolve(view, 0, 1), type: inputAt(view, 0).type },
];

/** Offsets are two per tap and group of channels, for every place of the result. */
const deformable: Inferer = (view) => {
  const [result] = convolution(view) as [Inferred];
  const taps = inputAt(view, 1)
    .dims.slice(2)
    .reduce((product, dim) => product * dim, 1);
  const [batch, , ...spatial] = result.dims as readonly number[];
  const channels = 2 * intOf(view, 'offset_group', 1) * taps;
  const offset = inputAt(view, 2).dims;
  const expected = [batch as number, channels, ...spatial];
  if (offset.length !== expected.length || offset.some((dim, i) => dim !== expected[i])) {
    throw shapeFault('offsets do not fit', formatDims(expected), formatDims(offset));
  }
  return [result];
};

export const windows: Readonly<Record<string, Inferer>> = {
  Conv: convolution,
  'com.microsoft.FusedConv': convolution,
  'com.microsoft.NhwcConv': channelsLast(convolution),
  'com.microsoft.NhwcFusedConv': channelsLast(convolution),
  DeformConv: deformable,
  ConvInteger: (view) => [{ dims: convolve(view, 0, 1), type: 'int32' }],
  QLinearConv: (view) => [{ dims: convolve(view, 0, 3), type: inputAt(view, 7).type }],
  ConvTranspose: convolveTransposed,
  AveragePool: pool,
  MaxPool: pool,
  LpPool: pool,
  'com.microsoft.QLinearAveragePool': pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GlobalLpPool: globalPool,
  'com.microsoft.QLinearGlobalAveragePool': quantisedGlobalPool,
  MaxUnpool: unpool,
};
