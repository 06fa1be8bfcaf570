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

/** How one exchange goes by chance: seconds beside its bytes, and how often they are sent. @param draw uniform in [0, 1) */
export function drawExchange(
  it: Link,
  draw: () => number,
): { readonly seconds: number; readonly times: number } {
  let seconds = it.roundTrip.is - Math.log1p(-draw()) * it.jitter.is;
  let times = 1;
  for (; times <= MOST_REPEATS && draw() < it.lost.is; times++) {
    seconds += TIME_OUT * it.roundTrip.is;
  }
  return { seconds, times };
}

/** Seconds until the first byte of an answer could be back, server time aside. */
export function exchangeSeconds(it: Link, upBytes: number, draw: () => number): number {
  const { seconds, times } = drawExchange(it, draw);
  return seconds + (times * upBytes) / it.uplink.is;
}

/** Joules of the radio for an exchange that keeps it connected for `seconds`, tail included. */
export function radioJoules(it: Link, seconds: number): number {
  return it.activePower.is * seconds + it.tailPower.is * it.tail.is;
}
