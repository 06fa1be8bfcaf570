/** Random convolutions and poolings. */
import fc from 'fast-check';
import type { BuiltAttribute } from '../onnx-builder.ts';
import { type Trial, weight } from '../onnx-trial.ts';
import { flag, small } from './sizes.ts';

const autoPad = fc.constantFrom('NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID');
const window = fc.record({
  rank: fc.integer({ min: 1, max: 3 }),
  image: fc.array(fc.integer({ min: 4, max: 12 }), { minLength: 3, maxLength: 3 }),
  kernel: fc.array(small, { minLength: 3, maxLength: 3 }),
  strides: fc.array(small, { minLength: 3, maxLength: 3 }),
  dilations: fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 3, maxLength: 3 }),
  pads: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 6, maxLength: 6 }),
  autoPad,
  groups: fc.integer({ min: 1, max: 2 }),
  channels: small,
  ceil: flag,
});
type Window = typeof window extends fc.Arbitrary<infer T> ? T : never;

function windowAttributes(w: Window): Record<string, BuiltAttribute> {
  const plain = w.autoPad === 'NOTSET';
  return {
    kernel_shape: w.kernel.slice(0, w.rank),
    strides: w.strides.slice(0, w.rank),
    ...(plain ? { pads: w.pads.slice(0, 2 * w.rank) } : { auto_pad: w.autoPad }),
    ...(plain ? { dilations: w.dilations.slice(0, w.rank) } : {}),
  };
}

const conv = window.map((w): Trial => {
  const channels = w.channels * w.groups;
  return {
    op: 'Conv',
    inputs: [
      [2, channels, ...w.image.slice(0, w.rank)],
      weight([2 * w.groups, w.channels, ...w.kernel.slice(0, w.rank)]),
      weight([2 * w.groups]),
    ],
    attributes: { ...windowAttributes(w), group: w.groups },
  };
});
const convTranspose = window.map((w): Trial => {
  const channels = w.channels * w.groups;
  return {
    op: 'ConvTranspose',
    inputs: [
      [1, channels, ...w.image.slice(0, w.rank)],
      weight([channels, 2, ...w.kernel.slice(0, w.rank)]),
    ],
    attributes: {
      ...windowAttributes(w),
      group: w.groups,
      // Below stride and dilation, as the operator demands.
      output_padding: w.strides.slice(0, w.rank).map((s, i) => Math.min(w.pads[i] ?? 0, s - 1)),
    },
  };
});
const pool = fc.tuple(window, fc.constantFrom('MaxPool', 'AveragePool')).map(([w, op]): Trial => {
  const { dilations, ...attributes } = windowAttributes(w);
  const dilated = op === 'MaxPool' && dilations ? { dilations } : {};
  return {
    op,
    inputs: [[1, w.channels, ...w.image.slice(0, w.rank)]],
    attributes: { ...attributes, ...dilated, ceil_mode: w.ceil },
  };
});

export const WINDOWS: Readonly<Record<string, fc.Arbitrary<Trial>>> = { conv, convTranspose, pool };
