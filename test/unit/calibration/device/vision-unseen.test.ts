/** Fits without a network or a chip, on rows whose truth is known. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { visionFitting } from '../../../../src/calibration/device/predict-file.ts';
import { fitVision } from '../../../../src/calibration/device/vision-calibrate.ts';
import type { MappedVisionRow } from '../../../../src/calibration/device/vision-mapping.ts';
import { leaveOut } from '../../../../src/calibration/device/vision-unseen.ts';
import { openModelFile } from '../../../../src/load.ts';
import { sources } from '../../../support/sources.ts';

const folder = fileURLToPath(new URL('../../../validation/data/graphs/', import.meta.url));
const NETWORKS = ['squeezenet1_1', 'resnet50', 'wideresnet50'];
const CHIPS = ['Snapdragon 8 Gen 2', 'Snapdragon 8 Gen 3', 'QCS8550'];
const graphs = (name: string) =>
  NETWORKS.includes(name) ? openModelFile(`${folder}${name}.onnx`) : undefined;
const lines = CHIPS.flatMap((chip) =>
  NETWORKS.map((name) => `${chip} ${name},${name},${chip},npu,qnn_dlc,int8,1,A`),
);
const { rows, written, sketchOf } = visionFitting(
  ['id,model,soc,unit,runtime,precision,latency_ms,quality', ...lines, ''].join('\n'),
  'rows.csv',
  sources,
  graphs,
);
/** What the shipped descriptions would measure, each row slower by a factor. */
const asMeasured = (factor: (row: MappedVisionRow) => number): MappedVisionRow[] => {
  const truth = fitVision([], written, sketchOf).predict(rows);
  return rows.map((one, i) => ({
    ...one,
    row: { ...one.row, milliseconds: (truth[i] as number) * factor(one) },
  }));
};
const mean = (errors: Iterable<number>) => {
  const list = [...errors].map(Math.abs);
  return list.reduce((a, b) => a + b, 0) / list.length;
};

describe('leaving out', () => {
  it('gives every row one error, whatever the groups', () => {
    for (const groupOf of [
      ({ graph }: MappedVisionRow) => graph,
      (row: MappedVisionRow) => row.soc,
    ])
      expect(
        leaveOut(
          asMeasured(() => 1),
          written,
          sketchOf,
          groupOf,
        ).size,
      ).toBe(rows.length);
  });

  it('knows nothing of what was left out: other latencies there change no prediction of them', () => {
    for (const groupOf of [
      ({ graph }: MappedVisionRow) => graph,
      (row: MappedVisionRow) => row.soc,
    ]) {
      const group = groupOf(rows[0] as MappedVisionRow);
      const predicted = (factor: number) => {
        const measured = asMeasured((row) => (groupOf(row) === group ? factor : 1));
        return [...leaveOut(measured, written, sketchOf, groupOf)].flatMap(([row, error]) =>
          groupOf(row) === group ? [(1 + error) * row.row.milliseconds!] : [],
        );
      };
      const [same, slower] = [predicted(1), predicted(3)];
      expect(same.length).toBeGreaterThan(0);
      for (const [i, value] of same.entries()) expect(slower[i]! / value).toBeCloseTo(1, 9);
    }
  });

  it('learns of a chip from its other networks', () => {
    const slower = asMeasured(({ soc }) => (soc === 'qcs8550' ? 1.3 : 1));
    const ofChip = (errors: ReadonlyMap<MappedVisionRow, number>) =>
      mean([...errors].flatMap(([row, error]) => (row.soc === 'qcs8550' ? [error] : [])));
    const network = ofChip(leaveOut(slower, written, sketchOf, ({ graph }) => graph));
    const chip = ofChip(leaveOut(slower, written, sketchOf, ({ soc }) => soc));
    expect(network).toBeLessThan(0.9 * chip);
  });

  it('does not depend on the order of the rows', () => {
    const measured = asMeasured(({ graph }) => (graph === 'resnet50' ? 1.2 : 1));
    const groupOf = ({ graph }: MappedVisionRow) => graph;
    const plain = leaveOut(measured, written, sketchOf, groupOf);
    const turned = leaveOut([...measured].reverse(), written, sketchOf, groupOf);
    for (const [row, error] of plain) expect(turned.get(row)).toBeCloseTo(error, 6);
  });
});
