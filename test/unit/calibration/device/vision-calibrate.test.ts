import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { visionFitting } from '../../../../src/calibration/device/predict-file.ts';
import { fitVision } from '../../../../src/calibration/device/vision-calibrate.ts';
import { withValues } from '../../../../src/calibration/device/vision-fit.ts';
import { leaveOut } from '../../../../src/calibration/device/vision-unseen.ts';
import { openModelFile } from '../../../../src/load.ts';
import { sources } from '../../../support/sources.ts';

const folder = fileURLToPath(new URL('../../../validation/data/graphs/', import.meta.url));
const networks = ['squeezenet1_1', 'resnet50', 'wideresnet50'];
const graphs = (name: string) =>
  networks.includes(name) ? openModelFile(`${folder}${name}.onnx`) : undefined;

/** Rows that the shipped descriptions would measure, on a chip `slower` times slower. */
function rowsOf(slower: number): string {
  const header = 'id,model,soc,unit,runtime,precision,latency_ms,quality';
  const { rows, written, sketchOf } = visionFitting(
    `${header}\n${lines(() => 1).join('\n')}\n`,
    'rows.csv',
    sources,
    graphs,
  );
  const truth = fitVision([], written, sketchOf).predict(rows);
  return `${header}\n${lines((i) => (truth[i] as number) * slower).join('\n')}\n`;
}

const lines = (value: (i: number) => number) =>
  networks.flatMap((name, n) =>
    ['fp16', 'int8'].map(
      (precision, p) =>
        `${name}-${precision},${name},Snapdragon 8 Gen 3,npu,qnn_dlc,${precision},${value(2 * n + p)},A`,
    ),
  );

describe('calibrating an NPU by networks', () => {
  it('gives the same numbers, whatever descriptions say before', () => {
    const all = visionFitting(rowsOf(1), 'r.csv', sources, graphs);
    const { written, sketchOf } = all;
    const rows = all.rows.filter(({ graph }) => graph === 'squeezenet1_1');
    const fit = fitVision(rows, written, sketchOf);
    const spoilt: typeof written = {
      units: (row) =>
        withValues(written.units(row), ['compiled.lanes', 'compiled.call'], [0.1, 3e-3]),
      runtimes: {
        ...written.runtimes,
        qnn: withValues(written.runtimes['qnn']!, ['host.copy'], [2e8]),
      },
    };
    const again = fitVision(rows, spoilt, sketchOf);
    expect(again.numbers.map(({ fitted }) => fitted)).toEqual(
      fit.numbers.map(({ fitted }) => fitted),
    );
    expect(again.numbers.find(({ path }) => path === 'host.copy')?.written).toBe(2e8);
    for (const error of fit.errors.values()) expect(Math.abs(error)).toBeLessThan(0.15);
  });

  it('follows a chip that is slower, as far as priors let it, and predicts a network it has not seen', () => {
    const { rows, written, sketchOf } = visionFitting(rowsOf(1.25), 'r.csv', sources, graphs);
    const before = fitVision([], written, sketchOf).predict(rows);
    const start = rows.map(({ row }, i) => Math.abs((before[i] as number) / row.milliseconds! - 1));
    const unseen = [...leaveOut(rows, written, sketchOf, ({ graph }) => graph).values()];
    expect(unseen).toHaveLength(rows.length);
    const mean = (list: readonly number[]) =>
      list.reduce((a, b) => a + Math.abs(b), 0) / list.length;
    expect(mean(start)).toBeCloseTo(0.2, 2);
    expect(mean(unseen)).toBeLessThan(0.12);
  });

  it('passes over rows of mixed units, poor grades and broken runs', () => {
    const text = [
      'id,model,soc,unit,runtime,precision,latency_ms,quality',
      'a,resnet50,Snapdragon 8 Gen 3,npu,qnn_dlc,int8,0.7,A',
      'b,resnet50,Snapdragon 8 Gen 3,npu+mixed,onnx,int8,0.7,A',
      'c,resnet50,Snapdragon 8 Gen 3,npu,qnn_dlc,int8,0.7,C',
      'd,resnet50,Snapdragon 8 Gen 3,npu,qnn_dlc,int8,255996,A',
    ].join('\n');
    const { rows } = visionFitting(text, 'r.csv', sources, graphs);
    expect(rows.map(({ row }) => row.id)).toEqual(['a']);
  });
});

describe('calibrating an engine that brings its own kernels', () => {
  const lines = ['Snapdragon 888', 'Dimensity 9300'].flatMap((chip) =>
    ['fp16', 'int8'].map(
      (format) =>
        `${chip} ${format},squeezenet1_1,${chip},cpu,"ncnn (CPU, 4 threads, big cores)",${format},1,A`,
    ),
  );
  const text = ['id,model,soc,unit,runtime,precision,latency_ms,quality', ...lines, ''].join('\n');
  const { rows, written, sketchOf } = visionFitting(text, 'r.csv', sources, graphs);
  const ncnn = { ...written.runtimes['ncnn']!, chips: {} };
  const alike = { ...written, runtimes: { ...written.runtimes, ncnn } };
  /** What the class says, whatever the chip; rows of one chip twice as slow. */
  const truth = fitVision([], alike, sketchOf).predict(rows);
  const measured = rows.map((one, i) => {
    const slower = one.soc === 'dimensity-9300' ? 2 : 1;
    return { ...one, row: { ...one.row, milliseconds: (truth[i] as number) * slower } };
  });

  it('lays what one chip is slower by on that chip', () => {
    const fit = fitVision(measured, written, sketchOf);
    const slow = (soc: string) => {
      const of = (name: string) =>
        fit.numbers.find(({ path }) => path === `chips.${soc}.cpu.${name}`)!.fitted;
      return of('launch') / of('compute');
    };
    expect(slow('dimensity-9300')).toBeGreaterThan(1.5 * slow('snapdragon-888'));
    for (const error of fit.errors.values()) expect(Math.abs(error)).toBeLessThan(0.15);
  });

  it('knows nothing of it where the chip is left out', () => {
    const errors = leaveOut(measured, written, sketchOf, ({ soc }) => soc);
    for (const [{ soc }, error] of errors)
      if (soc === 'dimensity-9300') expect(error).toBeLessThan(-0.35);
  });
});
