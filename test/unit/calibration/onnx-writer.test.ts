import onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import {
  constant,
  encodeModel,
  integers,
  patternBytes,
} from '../../../src/calibration/onnx-writer.ts';

const { onnx } = onnxProto;

describe('encodeModel', () => {
  const bytes = encodeModel({
    name: 'two-nodes',
    inputs: [{ name: 'x', type: 'float32', dims: [1, 4] }],
    outputs: [{ name: 'y', type: 'float32', dims: [1, 2] }],
    constants: [constant('w', 'float32', [4, 2], 0.5), integers('axes', 'int64', [1], [1])],
    nodes: [
      { op: 'MatMul', inputs: ['x', 'w'], outputs: ['v'] },
      {
        op: 'Softmax',
        inputs: ['v'],
        outputs: ['y'],
        attributes: { axis: -1, note: 'text', list: [1, 2], factor: { float: 0.25 } },
      },
    ],
  });
  const model = onnx.ModelProto.decode(bytes);
  const graph = model.graph;

  it('writes names, shapes and element types that a protobuf reader finds again', () => {
    expect(graph?.name).toBe('two-nodes');
    expect(graph?.node?.map((node) => node.opType)).toEqual(['MatMul', 'Softmax']);
    const shape = graph?.input?.[0]?.type?.tensorType?.shape?.dim?.map((dim) =>
      Number(dim.dimValue),
    );
    expect(shape).toEqual([1, 4]);
    // TensorProto.DataType in onnx.proto: FLOAT is 1, INT64 is 7.
    expect(graph?.initializer?.map((tensor) => tensor.dataType)).toEqual([1, 7]);
  });

  it('writes raw data of exactly the size that the shape asks for', () => {
    expect(graph?.initializer?.[0]?.rawData?.length).toBe(4 * 2 * 4);
    const axes = graph?.initializer?.[1]?.rawData as Uint8Array;
    expect([...axes]).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('gives every attribute the type that its value has', () => {
    const attributes = graph?.node?.[1]?.attribute ?? [];
    // AttributeProto.AttributeType in onnx.proto: FLOAT 1, INT 2, STRING 3, INTS 7.
    expect(attributes.map(({ name, type }) => [name, type])).toEqual([
      ['axis', 2],
      ['note', 3],
      ['list', 7],
      ['factor', 1],
    ]);
  });

  it('names both operator sets', () => {
    expect(model.opsetImport?.map(({ domain }) => domain)).toEqual(['', 'com.microsoft']);
  });
});

describe('patternBytes', () => {
  it('fills tensors longer than the pattern to the end', () => {
    const values = new Float32Array(patternBytes('float32', [10_007]).buffer);
    expect(values).toHaveLength(10_007);
    expect([...values.slice(-3)].every((value) => Math.abs(value) >= 0.1)).toBe(true);
  });

  it('stays clear of zero, where denormal numbers begin', () => {
    const values = new Float32Array(patternBytes('float32', [5000], { scale: 0.01 }).buffer);
    const smallest = Math.min(...values.map(Math.abs));
    expect(smallest).toBeGreaterThanOrEqual(0.001 * 0.999);
    expect(Math.max(...values)).toBeLessThanOrEqual(0.01);
  });

  it('gives the same bytes every time', () => {
    expect(patternBytes('int8', [100])).toEqual(patternBytes('int8', [100]));
  });

  it('gives every name contents of its own, because ONNX Runtime keeps equal packed weights once', () => {
    const bytes = (name: string) => constant(name, 'float32', [64, 64]).bytes;
    expect(bytes('w0')).toEqual(bytes('w0'));
    expect(bytes('w0')).not.toEqual(bytes('w1'));
  });
});
