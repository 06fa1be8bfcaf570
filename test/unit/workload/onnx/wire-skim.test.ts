import protobuf from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../../src/base/errors.ts';
import { GIBI } from '../../../../src/base/units.ts';
import { importOnnx } from '../../../../src/workload/onnx/import.ts';
import { type ByteSource, skimModel, sourceOf } from '../../../../src/workload/onnx/wire-skim.ts';
import { buildModel, FLOAT } from '../../../support/onnx-builder.ts';

const { onnx } = protobuf;

function varint(value: number): number[] {
  const out: number[] = [];
  while (value >= 128) {
    out.push((value % 128) + 128);
    value = Math.floor(value / 128);
  }
  return [...out, value];
}

const field = (number: number, length: number) => [...varint(number * 8 + 2), ...varint(length)];

/** A file that exists as a few written pieces with a hole of zeros in one place. */
function holed(head: Uint8Array, hole: number, tail: Uint8Array): ByteSource & { reads: number[] } {
  const reads: number[] = [];
  const size = head.length + hole + tail.length;
  const byteAt = (at: number) =>
    at < head.length ? head[at] : at < head.length + hole ? 0 : tail[at - head.length - hole];
  return {
    size,
    reads,
    read: (offset, length) => {
      reads.push(length);
      const count = Math.min(length, size - offset);
      return Uint8Array.from({ length: count }, (_, i) => byteAt(offset + i) ?? 0);
    },
  };
}

describe('skimming', () => {
  it('reads a model with a weight of 12 GiB without touching the weight', () => {
    const payload = 12 * GIBI;
    const graph = onnx.GraphProto.encode({
      name: 'big',
      node: [{ opType: 'MatMul', input: ['x', 'w'], output: ['y'] }],
      input: [
        {
          name: 'x',
          type: {
            tensorType: { elemType: FLOAT, shape: { dim: [{ dimValue: 1 }, { dimValue: 49152 }] } },
          },
        },
      ],
      output: [{ name: 'y' }],
    }).finish();
    const tensor = onnx.TensorProto.encode({
      name: 'w',
      dims: [49152, 65536],
      dataType: FLOAT,
    }).finish();
    const rawHead = field(9, payload);
    const tensorSize = tensor.length + rawHead.length + payload;
    const tensorHead = field(5, tensorSize);
    const graphHead = field(7, graph.length + tensorHead.length + tensorSize);
    const head = Uint8Array.from([
      8,
      8,
      ...graphHead,
      ...graph,
      ...tensorHead,
      ...tensor,
      ...rawHead,
    ]);
    const opset = onnx.OperatorSetIdProto.encode({ domain: '', version: 17 }).finish();
    const source = holed(head, payload, Uint8Array.from([...field(8, opset.length), ...opset]));

    const model = importOnnx(source, 'big.onnx');
    expect(model.parameters).toBe(49152 * 65536);
    expect(model.weightBytes).toBe(payload);
    expect(model.opset).toBe(17);
    expect(source.reads.reduce((sum, length) => sum + length, 0)).toBeLessThan(2 ** 20);
  });

  it('keeps small constants and drops large ones, in initializers and in Constant nodes', () => {
    const bytes = buildModel({
      nodes: [
        {
          op: 'Constant',
          inputs: [],
          outputs: ['c'],
          attributes: { value: { tensor: { type: FLOAT, dims: [100, 100] } } },
        },
        {
          op: 'Constant',
          inputs: [],
          outputs: ['s'],
          attributes: { value: { tensor: { dims: [2], values: [3, -1] } } },
        },
      ],
      constants: {
        w: { type: FLOAT, dims: [64, 128] },
        b: { type: FLOAT, dims: [3], values: [1, 2, 3] },
      },
      outputs: ['c', 's'],
    });
    const skimmed = onnx.ModelProto.decode(skimModel(sourceOf(bytes), 'm.onnx'));
    const [large, small] =
      skimmed.graph?.node?.map((node) => node.attribute?.[0]?.t?.rawData?.length) ?? [];
    expect([large, small]).toEqual([0, 16]);
    expect(skimmed.graph?.initializer?.map((tensor) => tensor.rawData?.length)).toEqual([0, 12]);
    expect(skimmed.graph?.initializer?.map((tensor) => tensor.dims?.map(Number))).toEqual([
      [64, 128],
      [3],
    ]);
  });

  it('gives back a model without weights byte for byte', () => {
    const bytes = buildModel({
      nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['y'] }],
      inputs: { x: [FLOAT, [1]] },
      outputs: ['y'],
    });
    expect(Buffer.from(skimModel(sourceOf(bytes), 'm.onnx')).equals(Buffer.from(bytes))).toBe(true);
  });
});

describe('files that are something else', () => {
  const fault = (bytes: Uint8Array) => {
    try {
      importOnnx(bytes, 'f.onnx');
    } catch (error) {
      if (error instanceof SpecError) return error.faults[0];
    }
    return undefined;
  };
  const text = (content: string) => new TextEncoder().encode(content);

  it.each([
    ['nothing', text(''), 'the file is empty'],
    ['a Git LFS pointer', text('version https://git-lfs.github.com/spec/v1\n'), 'git lfs pull'],
    ['a zip archive', text('PK\u0003\u0004 and so on'), 'zip archive'],
    [
      'a TensorFlow Lite model',
      text('\u001c\u0000\u0000\u0000TFL3\u0000\u0000'),
      'TensorFlow Lite',
    ],
  ])('%s', (_, bytes, hint) => {
    expect(fault(bytes)).toMatchObject({ file: 'f.onnx', message: 'not an ONNX model' });
    expect(fault(bytes)?.hint).toContain(hint);
  });

  it('JSON, and protobuf messages of another kind', () => {
    expect(fault(text('{"model": 1}'))?.message).toBe('not an ONNX model');
    expect(fault(Uint8Array.from([0x52, 2, 1, 1]))?.message).toBe('not an ONNX model');
  });

  it('a download that stopped says how many bytes are missing', () => {
    const whole = buildModel({
      nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['y'] }],
      inputs: { x: [FLOAT, [1]] },
      outputs: ['y'],
    });
    const cut = fault(whole.subarray(0, whole.length - 60));
    expect(cut).toMatchObject({
      message: 'truncated ONNX file',
      got: `${whole.length - 60} bytes`,
    });
  });
});
