/** Shapes of operators that resample images and spectra. */
import {
  dataAt,
  formatDims,
  type Inferred,
  inputAt,
  intOf,
  type NodeView,
  numbersOf,
  shapeFault,
  textOf,
  wrapAxis,
} from '../node-view.ts';
import type { Inferer } from './inferer.ts';

/** Opset 10 has (X, scales); later (X, roi, scales, sizes), where an empty scales tensor means sizes. */
function resize(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const old = view.opset < 11;
  const sizes = old ? undefined : filled(view, 3);
  const scales = sizes ? undefined : filled(view, old ? 1 : 2);
  const axes = numbersOf(view, 'axes')?.map((axis) => wrapAxis(axis, dims.length));
  const given = sizes ?? scales;
  if (!given || given.length !== (axes ?? dims).length) {
    throw shapeFault(
      'Resize needs one scale or size per axis',
      formatDims(dims),
      given && formatDims(given),
    );
  }
  const factors = sizes ? fittedSizes(view, dims, sizes, axes) : undefined;
  const out = [...dims];
  for (const [i, value] of given.entries()) {
    const axis = axes?.[i] ?? i;
    // ONNX Runtime multiplies in single precision, which decides the result when it lies next to an integer.
    out[axis] =
      factors?.[i] ?? Math.floor(Math.fround(Math.fround(value) * (dims[axis] as number)));
  }
  return [{ dims: out, type }];
}

function filled(view: NodeView, index: number): readonly number[] | undefined {
  const value = view.inputs[index];
  if (!value || value.dims[0] === 0) return undefined;
  return dataAt(view, index);
}

/** `keep_aspect_ratio_policy` turns sizes into one common scale. */
function fittedSizes(
  view: NodeView,
  dims: readonly number[],
  sizes: readonly number[],
  axes: readonly number[] | undefined,
): readonly number[] {
  const policy = textOf(view, 'keep_aspect_ratio_policy', 'stretch');
  if (policy === 'stretch') return sizes;
  const scales = sizes.map((size, i) => size / (dims[axes?.[i] ?? i] as number));
  const scale = policy === 'not_larger' ? Math.min(...scales) : Math.max(...scales);
  return sizes.map((_, i) => Math.round(scale * (dims[axes?.[i] ?? i] as number)));
}

function upsample(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const scales = numbersOf(view, 'scales') ?? dataAt(view, 1) ?? [];
  return [{ dims: dims.map((dim, i) => Math.floor(Math.fround(scales[i] ?? 1) * dim)), type }];
}

/** The grid gives the extents, the input the channels. */
function gridSample(view: NodeView): Inferred[] {
  const x = inputAt(view, 0);
  const grid = inputAt(view, 1).dims;
  return [{ dims: [...x.dims.slice(0, 2), ...grid.slice(1, -1)], type: x.type }];
}

const affineGrid: Inferer = (view) => {
  const theta = inputAt(view, 0);
  const size = dataAt(view, 1) ?? [];
  return [{ dims: [size[0] ?? 1, ...size.slice(2), size.length - 2], type: theta.type }];
};

function roiAlign(view: NodeView): Inferred[] {
  const x = inputAt(view, 0);
  const rois = inputAt(view, 1).dims[0] as number;
  const height = intOf(view, 'output_height', 1);
  const width = intOf(view, 'output_width', 1);
  return [{ dims: [rois, x.dims[1] as number, height, width], type: x.type }];
}

function maxRoiPool(view: NodeView): Inferred[] {
  const x = inputAt(view, 0);
  const rois = inputAt(view, 1).dims[0] as number;
  return [
    { dims: [rois, x.dims[1] as number, ...(numbersOf(view, 'pooled_shape') ?? [])], type: x.type },
  ];
}

/** Frames of a short-time Fourier transform; one-sided keeps half the bins and the middle. */
function stft(view: NodeView): Inferred[] {
  const signal = inputAt(view, 0);
  const step = dataAt(view, 1)?.[0] ?? 1;
  const length = view.inputs[2]?.dims[0] ?? dataAt(view, 3)?.[0] ?? 1;
  const frames = Math.floor(((signal.dims[1] as number) - length) / step) + 1;
  const bins = intOf(view, 'onesided', 1) === 1 ? Math.floor(length / 2) + 1 : length;
  return [{ dims: [signal.dims[0] as number, frames, bins, 2], type: signal.type }];
}

function dft(view: NodeView): Inferred[] {
  const { dims, type } = inputAt(view, 0);
  const given = view.opset >= 20 ? (dataAt(view, 2)?.[0] ?? -2) : intOf(view, 'axis', 1);
  const axis = wrapAxis(given, dims.length);
  const length = dataAt(view, 1)?.[0] ?? (dims[axis] as number);
  const bins = intOf(view, 'onesided', 0) === 1 ? Math.floor(length / 2) + 1 : length;
  const out = dims.map((dim, i) => (i === axis ? bins : dim));
  return [{ dims: [...out.slice(0, -1), 2], type }];
}

export const resampling: Readonly<Record<string, Inferer>> = {
  Resize: resize,
  Upsample: upsample,
  GridSample: gridSample,
  AffineGrid: affineGrid,
  RoiAlign: roiAlign,
  MaxRoiPool: maxRoiPool,
  STFT: stft,
  DFT: dft,
};
