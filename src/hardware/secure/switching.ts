/**
 * Changing worlds: a CPU that calls into another one, and an NPU that is handed from one to the other.
 *
 * Model    CPU: call and return + waking a thread there + refilling what its caches and TLBs lost at memory bandwidth;
 *          NPU: drain of the operator under way + clean of its local memory at its own width + change of its address tables
 *          + set-up of its driver where the whole device changes hands
 * Ignores  interrupts that arrive meanwhile
 * Valid    switches at operator boundaries
 * Source   Amacher and Schiavoni, DAIS 2019 (OP-TEE calls); Feng et al., sNPU, ISCA 2024 (clean against tags);
 *          Wang et al., TZ-LLM, arXiv 2511.13717 (a data-plane driver needs no set-up)
 * Checked  test/unit/hardware/secure/costs.test.ts
 */
import type { Bytes, BytesPerSecond, Seconds } from '../../base/units.ts';

export interface WorldSwitch {
  readonly call: Seconds;
  readonly schedule: Seconds;
  /** Cache and TLB content that comes from memory again. */
  readonly refill: Bytes;
}

export function callSeconds(world: WorldSwitch, bandwidth: BytesPerSecond): Seconds {
  return world.call + world.schedule + world.refill / bandwidth;
}

/** `coarse`: the whole NPU belongs to one world at a time; `fine`: local memory and requests carry a world's tag. */
export const NPU_SHARING = ['none', 'coarse', 'fine'] as const;
export type NpuSharing = (typeof NPU_SHARING)[number];

export interface NpuSwitch {
  readonly drain: Seconds;
  readonly tables: Seconds;
  readonly setUp: Seconds;
  readonly localMemory: Bytes;
  readonly cleanBandwidth: BytesPerSecond;
}

/** @param clean whether local memory is overwritten; tags make that needless. */
export function npuSwitchSeconds(npu: NpuSwitch, sharing: NpuSharing, clean: boolean): Seconds {
  const wiped = clean ? npu.localMemory / npu.cleanBandwidth : 0;
  return npu.drain + npu.tables + wiped + (sharing === 'coarse' ? npu.setUp : 0);
}
