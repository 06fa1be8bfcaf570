/** Values as descriptions give them, for tests that make a plan of protection by hand. */

/** A quantity with source and trust. */
export const is = <T>(value: T) => ({ is: value, from: 'test', trust: 'estimated' as const });

/** Page tables of an accelerator: a walk of one read every 4 KiB, runs of 512 bytes. */
export const PAGES = {
  entries: is(64),
  page: is(4096),
  reads: is(1),
  walksAtOnce: is(1),
  inTurn: is(6),
  run: is(512),
};
