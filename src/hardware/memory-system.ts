/** The contract of main memory as the fluid engine sees it. */
import type {
  Bytes,
  BytesPerSecond,
  Celsius,
  JoulesPerByte,
  Seconds,
  Watts,
} from '../base/units.ts';

/** What the open flows look like together. */
export interface TrafficMix {
  /** Share of bytes that are reads, 0…1. */
  readonly readShare: number;
  /** Concurrent sequential streams, all units together. */
  readonly streams: number;
  /** Contiguous bytes per visit to a page: 64 for random lines, thousands for streams. */
  readonly granularityBytes: Bytes;
  readonly temperature: Celsius;
}

/**
 * Built once per run; pure. `efficiency` is called whenever a flow opens or closes, so it must be cheap.
 */
export interface MemorySystem {
  readonly name: string;
  readonly capacity: Bytes;
  /** Channels × width × transfer rate. */
  readonly peak: BytesPerSecond;
  /** Achievable share of `peak` for a mix, 0…1. */
  efficiency(mix: TrafficMix): number;
  /**
   * Mean load-to-use latency of accesses that come by themselves, at a share `load` of what they can achieve, interconnect
   * included; `clock` is the share of its rate at which the memory runs.
   */
  latency(load: number, clock?: number): Seconds;
  /** The same for reads of ports that keep their windows full; `latency` where absent. */
  streamLatency?(load: number, readShare: number): Seconds;
  /** Mean wait of a read for a bank that is being refreshed, at the nominal rate; part of the latencies. */
  readonly refreshWait?: Seconds;
  readonly energyPerReadByte: JoulesPerByte;
  readonly energyPerWriteByte: JoulesPerByte;
  /** Power beside that of bytes moved: refresh and standby, less of it in the pauses of light traffic. */
  backgroundPower(temperature: Celsius, traffic: BytesPerSecond): Watts;
}
