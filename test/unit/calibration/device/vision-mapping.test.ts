import { describe, expect, it } from 'vitest';
import { mappingTables } from '../../../../src/calibration/device/predict.ts';
import {
  mapVisionRow,
  parseNetworkChanges,
} from '../../../../src/calibration/device/vision-mapping.ts';
import { parseVisionRows } from '../../../../src/calibration/device/vision-rows.ts';
import { sources } from '../../../support/sources.ts';

const header =
  'id,model,component,soc,unit,runtime,precision,latency_ms,throughput_per_s,measured_on';
const changes = parseNetworkChanges(
  'name,since,height,width,why\nsegmenter,2024-03,512,512,larger\n',
  'changes.csv',
);
const tables = {
  ...mappingTables(sources),
  changes,
  clustersOf: (soc: string) =>
    soc === 'snapdragon-8-gen-3'
      ? [
          { name: 'little', clock: 2.3e9, cores: 2 },
          { name: 'middle', clock: 3e9, cores: 3 },
          { name: 'prime', clock: 3.3e9, cores: 1 },
        ]
      : [{ name: 'all', clock: 3e9, cores: 12 }],
  hasGraph: (name: string) => ['resnet50', 'segmenter', 'clip_text'].includes(name),
};
const map = (line: string) => {
  const [row] = parseVisionRows(`${header}\n${line}\n`, 'rows.csv');
  return mapVisionRow(row!, tables);
};
const base = 'a,resnet50,,Snapdragon 8 Gen 3,npu,qnn_dlc';

describe('a measured latency', () => {
  it('names its chip, engine, unit, graph and precision', () => {
    expect(map(`${base},w8a16,1.5,,2026-01-01`)).toMatchObject({
      soc: 'snapdragon-8-gen-3',
      runtime: 'qnn',
      unit: 'npu',
      graph: 'resnet50',
      precision: 'w8a16',
      assumptions: [],
    });
  });

  it.each([
    ['fp16', 'fp16'],
    ['int8', 'w8a8'],
    ['int8_mixed_fp16', 'w8a8'],
    ['mixed_int8_fp16', 'w8a8'],
    ['int8_mixed_int16', 'w8a16'],
    ['w8a16_mixed_int16', 'w8a16'],
  ])('in %s runs as %s', (precision, name) => {
    const mapped = map(`${base},${precision},1.5,,2026-01-01`);
    expect(mapped).toMatchObject({ precision: name });
    const mixed = precision.includes('mixed');
    expect('assumptions' in mapped && mapped.assumptions.length > 0).toBe(mixed);
  });

  it('of a network whose input changed takes the size of its date', () => {
    const at = (date: string) => map(`a,segmenter,,Snapdragon 8 Gen 3,npu,qnn_dlc,fp16,9,,${date}`);
    expect(at('2024-02-28')).not.toHaveProperty('imageSize');
    expect(at('2026-02-24')).toMatchObject({ imageSize: { height: 512, width: 512 } });
  });

  it('of a part of a model looks for the graph of the part', () => {
    expect(map('a,clip,text,Snapdragon 8 Gen 3,npu,qnn_dlc,fp16,9,,')).toMatchObject({
      graph: 'clip_text',
    });
  });

  it('of a network that a table also gives the name of its only part takes the graph of the network', () => {
    expect(map('a,resnet50,ResNet-50,Snapdragon 8 Gen 3,npu,qnn_dlc,fp16,9,,')).toMatchObject({
      graph: 'resnet50',
      assumptions: ['ResNet-50 is the whole of resnet50'],
    });
  });

  it.each([
    // The middle of 2.3 and 3.3 GHz is 2.8.
    ['Snapdragon 8 Gen 3', '4 threads, big cores', ['cpu.threads=4', 'cpu.affinity=middle prime']],
    // Three cores of the middle cluster hold three threads, and the prime core is left out.
    ['Snapdragon 8 Gen 3', '3 threads, big cores', ['cpu.threads=3', 'cpu.affinity=middle']],
    [
      'Snapdragon 8 Gen 3',
      '2 threads, little-core cluster',
      ['cpu.threads=2', 'cpu.affinity=little'],
    ],
    ['Snapdragon 8 Gen 3', '8 threads, all cores', ['cpu.threads=8']],
    ['Snapdragon X Elite', '4 threads, big cores', ['cpu.threads=4']],
  ])('of ncnn on a %s holds %s on clusters by their clocks', (soc, threads, set) => {
    expect(map(`a,resnet50,,${soc},cpu,"ncnn (CPU, ${threads})",fp16,9,,`)).toMatchObject({ set });
  });

  it('takes the input that its row gives', () => {
    const [row] = parseVisionRows(
      `${header},input_shape\n${base},fp16,1.5,,2026-01-01,227x229\n`,
      'rows.csv',
    );
    expect(mapVisionRow(row!, tables)).toMatchObject({ imageSize: { height: 227, width: 229 } });
  });

  it.each([
    ['a,resnet50,,Snapdragon 8 Gen 3,npu,qnn_dlc,fp16,,800,', /throughput/],
    ['a,resnet50,,Kirin 9000,npu,qnn_dlc,fp16,1,,', /no description of SoC "Kirin 9000"/],
    ['a,resnet50,,Snapdragon 8 Gen 3,npu,my engine,fp16,1,,', /"my engine" has no class/],
    [
      'a,resnet34,,Snapdragon 8 Gen 3,npu,qnn_dlc,fp16,1,,',
      /no graph resnet34.onnx \(--graphs DIR\)/,
    ],
    ['a,resnet50,,Snapdragon 8 Gen 3,,qnn_dlc,fp16,1,,', /unit is not given/],
    ['a,resnet50,,Snapdragon 8 Gen 3,hybrid,qnn_dlc,fp16,1,,', /not one unit/],
    ['a,resnet50,,Snapdragon 8 Gen 3,npu,qnn_dlc,ternary,1,,', /precision "ternary"/],
  ])('that cannot be mapped says why: %s', (line, reason) => {
    const mapped = map(line);
    expect('reason' in mapped ? mapped.reason : '').toMatch(reason);
  });
});
