/**
 * Weights on their way from memory into an array: read packed, unpacked by a decompressor, expanded to the format of the multipliers.
 *
 * Model    read = fetched bytes × compressed share; unpacking = fetched bytes ÷ decompressor width;
 *          expansion = fetched elements ÷ rate of the vector lanes. The three run beside the array: the slowest counts
 * Ignores  differences of the compressed share between tensors, look-up tables that must be loaded first
 * Valid    tensors large against the buffers between the steps
 * Source   derivation
 * Checked  test/unit/hardware/npu/testbench.test.ts, test/property/npu-formats.test.ts, test/unit/hardware/units/npu.test.ts
 */
import type { Bytes, Cycles } from '../../base/units.ts';

export interface WeightPath {
  /** Weights per clock that become the format of the multipliers; absent where those take them as they come. */
  readonly expandPerClock?: number | undefined;
  /** Compressed over plain bytes, and plain bytes per clock; absent where weights come plain. */
  readonly compression?: { readonly ratio: number; readonly bytesPerClock: number } | undefined;
}

interface WeightCost {
  readonly readBytes: Bytes;
  readonly expandCycles: Cycles;
  readonly unpackCycles: Cycles;
}

/** @param fetches elements, each as often as it is fetched; `bytes` are theirs before compression. */
export function weightCost(path: WeightPath, fetches: number, bytes: Bytes): WeightCost {
  const { expandPerClock, compression } = path;
  return {
    readBytes: bytes * (compression?.ratio ?? 1),
    expandCycles: expandPerClock === undefined ? 0 : fetches / expandPerClock,
    unpackCycles: compression === undefined ? 0 : bytes / compression.bytesPerClock,
  };
}
