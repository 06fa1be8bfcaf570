/**
 * Scaled dot-product attention on a matrix engine, one pass per key–value head.
 *
 * Model    two products, (rows × headDim)·(headDim × keys) and (rows × keys)·(keys × valueDim), rows = queries × heads per
 *          key–value head. Fused: scores stay on chip, keys and values are fetched once per block of query rows that fits.
 *          Not fused: scores are written and read back, before and after the softmax.
 *          Causality skips whole blocks of keys, at the granularity of the array.
 * Ignores  rescaling of running sums between blocks
 * Valid    head dimensions up to a few array widths
 * Source   derivation
 * Checked  test/unit/hardware/npu/attention.test.ts
 */
import { bytesOf, type Work } from '../../base/work.ts';
import { foldCycles, type MatrixArray } from './folds.ts';
import { type AttentionForm, attendedKeys, attentionRows } from './gemm-view.ts';
import { type MatrixLoad, streamCycles } from './matrix-load.ts';
import { ACCUMULATOR_BYTES, type LocalMemory } from './tiling.ts';

export function attentionLoad(
  array: MatrixArray,
  memory: LocalMemory,
  work: Work,
  form: AttentionForm,
  fused: boolean,
): MatrixLoad {
  const products = form.batch * form.kvHeads;
  const rows = attentionRows(form);
  const keys = Math.ceil(fused ? attendedKeys(form, memory.granule) : form.context);
  const scores = { products, m: rows, n: keys, k: form.headDim };
  const values = { products, m: rows, n: form.valueDim, k: keys };
  const traffic = attentionTraffic(memory, work, form, fused);
  // Every query row reads all keys and values from local memory once per array-high block.
  const blocks = Math.ceil(rows / memory.granule);
  return {
    arrayCycles: foldCycles(array, scores) + foldCycles(array, values),
    activeCycles: streamCycles(array, scores) + streamCycles(array, values),
    weightReadBytes: 0,
    otherReadBytes: traffic.readBytes,
    writeBytes: traffic.writeBytes,
    sramBytes: traffic.readBytes + traffic.writeBytes + blocks * traffic.keyValueBytes,
    weightFetches: 0,
  };
}

/** DRAM bytes; `keyValueBytes` counts keys and values once. */
export function attentionTraffic(
  memory: LocalMemory,
  work: Work,
  form: AttentionForm,
  fused: boolean,
) {
  const products = form.batch * form.kvHeads;
  const queryBytes = Math.min(
    work.inputBytes,
    bytesOf(form.batch * form.heads * form.queries * form.headDim, work.activationDType),
  );
  const keyValueBytes = work.inputBytes - queryBytes + work.kvReadBytes;
  const room = memory.bytes / 2;
  const rowBytes = bytesOf(form.headDim, work.activationDType) + ACCUMULATOR_BYTES * form.valueDim;
  const onChip = keyValueBytes / products <= room;
  const passes = onChip ? 1 : Math.ceil((attentionRows(form) * rowBytes) / room);
  const scoreBytes = fused
    ? 0
    : 2 * bytesOf(form.batch * form.heads * form.queries * form.context, work.activationDType);
  return {
    keyValueBytes,
    readBytes: queryBytes + passes * keyValueBytes + scoreBytes,
    kvReadBytes: passes * work.kvReadBytes,
    writeBytes: work.outputBytes + work.kvWriteBytes + scoreBytes,
  };
}
