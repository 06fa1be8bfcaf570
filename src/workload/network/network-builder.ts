/** Builds graphs of networks whose weights are each used by one operator, and counts those weights on the way. */
import type { Bytes } from '../../base/units.ts';
import type { DType, Work } from '../../base/work.ts';
import type { Graph, StepWork } from '../graph.ts';
import { openGraph } from '../graph-builder.ts';

import type { WeightFormat } from '../models/weight-format.ts';
import { storedBytes } from '../models/weight-format.ts';
import {
  type Activation,
  type AttentionShape,
  activationWork,
  addWork,
  attentionWork,
  type ConvShape,
  convWork,
  gatherWork,
  matmulWork,
  moveWork,
  normWork,
  OPS_PER_ELEMENT,
  plainBytes,
  vectorWork,
} from '../operator-cost.ts';
import { fuseElementwise } from './fuse.ts';

export interface NetworkSettings {
  readonly weights: WeightFormat;
  readonly activation: DType;
  /** Independent inputs that one step computes with the same weights. */
  readonly batch: number;
  /** Run sums and activations inside the operators they follow; on unless false. */
  readonly fuse?: boolean;
  /** Attention is exported head by head. */
  readonly headwise?: boolean;
}

export interface Network {
  readonly graph: Graph;
  readonly parameters: number;
  /** All weights as stored, looked-up tables included. */
  readonly weightBytes: Bytes;
}

type Inputs = number | readonly number[];

/** Each method appends one operator and returns its index; sizes are for one of the batch. */
export interface NetworkBuilder {
  readonly settings: NetworkSettings;
  linear(name: string, input: Inputs, shape: LinearShape): number;
  conv(name: string, input: Inputs, shape: Omit<ConvShape, 'batch'>): number;
  norm(name: string, input: Inputs, shape: NormShape): number;
  groupNorm(name: string, input: Inputs, shape: { pixels: number; channels: number }): number;
  activation(
    name: string,
    input: Inputs,
    elements: number,
    kind: Activation,
    gated?: boolean,
  ): number;
  /** Element-wise sum; `table` elements of it are weights, such as positions. */
  add(name: string, inputs: Inputs, elements: number, table?: number): number;
  attention(name: string, inputs: Inputs, shape: Omit<AttentionShape, 'batch'>): number;
  gather(name: string, rows: number, width: number, tableRows: number): number;
  move(name: string, operator: string, input: Inputs, from: number, to?: number): number;
  /** Element by element, with smaller inputs (such as a row of factors) left out of the bytes. */
  vector(
    name: string,
    operator: string,
    inputs: Inputs,
    elements: number,
    opsPerElement: number,
  ): number;
  /** Any other work; `weights` counts what it holds. */
  other(name: string, work: StepWork, input: Inputs, weights?: PlainWeights): number;
  build(): Network;
}

interface LinearShape {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly bias?: boolean;
}

interface NormShape {
  readonly rows: number;
  readonly width: number;
  readonly kind?: 'layer' | 'rms';
  /** Without weights. */
  readonly plain?: boolean;
}

interface PlainWeights {
  readonly elements: number;
  readonly bytes: Bytes;
}

export function openNetwork(name: string, settings: NetworkSettings): NetworkBuilder {
  const graph = openGraph(name);
  let parameters = 0;
  let weightBytes = 0;
  const append: Append = (operator, work, input, elements = 0, bytes) => {
    parameters += elements;
    weightBytes += bytes ?? (typeof work === 'function' ? 0 : work.weightBytes);
    return graph.add(operator, work, typeof input === 'number' ? [input] : input);
  };
  return {
    settings,
    ...weightedOperators(append, settings),
    ...plainOperators(append, settings),
    build: () => {
      const built = graph.build();
      const fused = settings.fuse === false ? built : fuseElementwise(built);
      return { graph: fused, parameters, weightBytes };
    },
  };
}

/** Adds an operator with `elements` weights, `bytes` as stored; by default those that its work reads. */
type Append = (
  operator: string,
  work: StepWork,
  input: Inputs,
  elements?: number,
  bytes?: Bytes,
) => number;

type Weighted = 'linear' | 'conv' | 'norm' | 'groupNorm' | 'gather' | 'add';

function weightedOperators(
  append: Append,
  settings: NetworkSettings,
): Pick<NetworkBuilder, Weighted> {
  const { weights: format, activation, batch } = settings;
  return {
    linear: (operator, input, { rows, inputs, outputs, bias = true }) =>
      append(
        operator,
        matmulWork({ m: batch * rows, n: outputs, k: inputs, bias }, format, activation),
        input,
        inputs * outputs + (bias ? outputs : 0),
      ),
    conv: (operator, input, shape) =>
      append(
        operator,
        convWork({ ...shape, batch }, format, activation),
        input,
        convParameters(shape),
      ),
    norm: (operator, input, { rows, width, kind = 'layer', plain = false }) =>
      append(
        operator,
        normWork({ rows: batch * rows, width, kind, plain }, format, activation),
        input,
        plain ? 0 : kind === 'rms' ? width : 2 * width,
      ),
    groupNorm: (operator, input, { pixels, channels }) =>
      append(
        operator,
        groupNormWork(batch * pixels * channels, channels, settings),
        input,
        2 * channels,
      ),
    add: (operator, inputs, elements, table = 0) =>
      append(operator, sumWork(batch * elements, table, settings), inputs, table),
    gather: (operator, rows, width, tableRows) =>
      append(
        operator,
        gatherWork(batch * rows, width, format, activation),
        [],
        tableRows * width,
        storedBytes(format, tableRows * width, width),
      ),
  };
}

function plainOperators(
  append: Append,
  { activation, batch, headwise = false }: NetworkSettings,
): Omit<NetworkBuilder, Weighted | 'settings' | 'build'> {
  return {
    activation: (operator, input, elements, kind, gated = false) =>
      append(operator, activationWork(batch * elements, kind, gated, activation), input),
    attention: (operator, inputs, shape) =>
      append(
        operator,
        attentionWork({ operator: 'MultiHeadAttention', headwise, ...shape, batch }, activation),
        inputs,
      ),
    move: (operator, kind, input, from, to = from) =>
      append(operator, moveWork(kind, batch * from, batch * to, activation), input),
    vector: (operator, kind, inputs, elements, opsPerElement) =>
      append(
        operator,
        vectorWork({ operator: kind, elements: batch * elements, opsPerElement }, activation),
        inputs,
      ),
    other: (operator, work, input, weights) =>
      append(operator, work, input, weights?.elements, weights?.bytes),
  };
}

function convParameters(shape: Omit<ConvShape, 'batch'>): number {
  const { inChannels, outChannels, kernelHeight, kernelWidth, groups = 1, bias = true } = shape;
  return (
    (inChannels / groups) * kernelHeight * kernelWidth * outChannels + (bias ? outChannels : 0)
  );
}

function groupNormWork(elements: number, channels: number, settings: NetworkSettings): Work {
  return vectorWork(
    {
      operator: 'GroupNormalization',
      elements,
      passes: 2,
      opsPerElement: OPS_PER_ELEMENT.layerNorm,
      weightBytes: plainBytes(2 * channels, settings.weights),
    },
    settings.activation,
  );
}

function sumWork(elements: number, table: number, settings: NetworkSettings): Work {
  if (table === 0) return addWork(elements, settings.activation);
  return vectorWork(
    {
      operator: 'Add',
      elements,
      opsPerElement: 1,
      weightBytes: plainBytes(table, settings.weights),
    },
    settings.activation,
  );
}
