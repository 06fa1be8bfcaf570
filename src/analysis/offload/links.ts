/**
 * The way from a phone to a cloud and back.
 *
 * Model    an exchange takes round trip + jitter (exponential, seeded) + bytes ÷ rate, and once more after a time-out for
 *          each loss; energy = active power while bytes move and while an answer streams, then the tail
 * Ignores  handovers between cells, setup of encrypted connections (one is kept open)
 * Valid    exchanges of bytes to megabytes
 * Source   workloads/cloud/links.yaml
 * Checked  test/unit/analysis/offload.test.ts
 */
import { checkReferences } from '../../base/provenance.ts';
import { checkSpec, type Infer, sourced, z } from '../../base/schema.ts';
import type { SpecFile } from '../../base/spec-file.ts';

const link = z.strictObject({
  summary: z.string(),
  uplink: sourced('bandwidth'),
  downlink: sourced('bandwidth'),
  roundTrip: sourced('time'),
  /** Mean of what comes on top by chance. */
  jitter: sourced('time', { min: 0 }),
  /** Share of exchanges that have to be repeated. */
  lost: sourced('ratio', { min: 0, max: 0.9 }),
  activePower: sourced('power'),
  tailPower: sourced('power', { min: 0 }),
  tail: sourced('time', { min: 0 }),
});
export type Link = Infer<typeof link>;

const linksSpec = z.strictObject({
  version: z.literal(1),
  references: z.record(
    z.string(),
    z.strictObject({ title: z.string(), url: z.string().optional() }),
  ),
  links: z.record(z.string(), link),
});

/** @throws SpecError with every fault of the file in one go. */
export function parseLinks(spec: SpecFile): Readonly<Record<string, Link>> {
  return checkSpec(spec, linksSpec, [checkReferences]).links;
}

/** A lost exchange is noticed after twice the usual round trip. */
const TIME_OUT = 2;
const MOST_REPEATS = 8;

/** Seconds until the first byte of an answer could be back, server time aside. @param draw uniform in [0, 1) */
export function exchangeSeconds(it: Link, upBytes: number, draw: () => number): number {
  let seconds = it.roundTrip.is - Math.log1p(-draw()) * it.jitter.is + upBytes / it.uplink.is;
  for (let repeat = 0; repeat < MOST_REPEATS && draw() < it.lost.is; repeat++) {
    seconds += TIME_OUT * it.roundTrip.is + upBytes / it.uplink.is;
  }
  return seconds;
}

/** Joules of the radio for an exchange that keeps it connected for `seconds`, tail included. */
export function radioJoules(it: Link, seconds: number): number {
  return it.activePower.is * seconds + it.tailPower.is * it.tail.is;
}
