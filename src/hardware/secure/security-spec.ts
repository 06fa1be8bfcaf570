/** The `security:` section of socs/<soc>.yaml: what a SoC has to protect data with, each number with its source. */

import { LABELS, secrecyOf } from '../../base/labels.ts';
import { nearestHint } from '../../base/registry.ts';
import { type CrossFault, type Infer, sourced, sourcedValue, z } from '../../base/schema.ts';
import { INITIATORS, type OwnInitiator } from './initiators.ts';
import { REGION_KINDS, type Region, regionFaults } from './regions.ts';

const right = z.enum(['read', 'write', 'read-write']).optional();
/** By kind of region (`REGION_KINDS`). */
const rights = z.strictObject({
  normal: right,
  secure: right,
  'protected-vm': right,
  'npu-only': right,
  drm: right,
});

const worldSwitch = {
  /** Into the other world and back. */
  call: sourced('time', { min: 0 }),
  /** Waking the thread that serves the call. */
  schedule: sourced('time', { min: 0 }),
  /** Content of caches and TLBs that comes from memory again. */
  refill: sourced('size', { min: 0 }),
};

const accelerator = z.strictObject({
  /** `coarse`: the whole NPU changes hands; `fine`: requests and local memory carry the world. */
  sharing: sourcedValue(z.enum(['coarse', 'fine'])),
  drain: sourced('time', { min: 0 }),
  /** Change of address tables, with the flush of what was cached of them. */
  tables: sourced('time', { min: 0 }),
  /** Detaching from one driver and attaching to the other. */
  setUp: sourced('time', { min: 0 }),
  localMemory: sourced('size'),
  /** At which local memory is overwritten. */
  clean: sourced('bandwidth'),
  /** Translation page by page where protection needs it; left out where rates were measured with it in place. */
  pages: z
    .strictObject({
      entries: sourced('count', { min: 1 }),
      page: sourced('size'),
      /** Reads of memory per walk. */
      reads: sourced('count', { min: 1 }),
      walksAtOnce: sourced('count', { min: 1 }),
      /** Pages that a tile in transfer touches in turn. */
      inTurn: sourced('count', { min: 1 }),
      /** Consecutive bytes of one visit. */
      run: sourced('size'),
    })
    .optional(),
});

export const securitySpec = z.strictObject({
  /** Secure memory set aside at boot, and where it starts. */
  carveout: sourced('size', { min: 0 }),
  base: sourced('size', { min: 0 }),
  /** On which the firewall's regions start and end. */
  granule: sourced('size'),
  /** Further fixed regions: `secure` and `protected-vm` ones hold protected data before memory has to grow. */
  regions: z
    .record(
      z.string(),
      z.strictObject({
        kind: sourcedValue(z.enum(REGION_KINDS)),
        base: sourced('size', { min: 0 }),
        size: sourced('size'),
      }),
    )
    .optional(),
  /** Masters of its own on the bus beside the built-in ones, such as an image signal processor. */
  initiators: z
    .record(
      z.string(),
      z.strictObject({
        /** Units whose jobs come under its name. */
        units: sourcedValue(z.array(z.string())).optional(),
        /** By kind of region; what is not named is refused. */
        rights: sourcedValue(rights),
        /** Labels that it may see beside what is public. */
        cleared: sourcedValue(z.array(z.enum(LABELS))),
      }),
    )
    .optional(),
  world: z.strictObject(worldSwitch),
  /** Protected virtual machines. */
  vm: z.strictObject(worldSwitch).optional(),
  accelerator: accelerator.optional(),
  /** Memory that can be taken from the system when it is needed. */
  growth: z
    .strictObject({
      page: sourced('size'),
      perPage: sourced('time', { min: 0 }),
      perFreePage: sourced('time', { min: 0 }),
      copy: sourced('bandwidth'),
      threads: sourced('count', { min: 1 }),
      /** Share of the range that other data fill when it is asked for. */
      occupied: sourced('ratio', { min: 0, max: 1 }),
    })
    .optional(),
  /** In line between fabric and DRAM controller. */
  encryption: z
    .strictObject({
      latency: sourced('time', { min: 0 }),
      throughput: sourced('bandwidth'),
      energy: sourced('energy-per-byte', { min: 0 }),
    })
    .optional(),
  integrity: z
    .strictObject({
      kinds: sourcedValue(z.array(z.enum(['counter-tree', 'hash-tree', 'tree-less'])).min(1)),
      block: sourced('size'),
      mac: sourced('size'),
      countersPerLine: sourced('count', { min: 1 }),
      arity: sourced('count', { min: 2 }),
      cache: sourced('size', { min: 0 }),
      run: sourced('size'),
    })
    .optional(),
  /** Cipher instructions of the CPU clusters named; of all but the slowest where none is. */
  cpuCrypto: z
    .strictObject({
      clusters: sourcedValue(z.array(z.string()).min(1)).optional(),
      keyBits: sourced('count'),
      /** Share of one AES round a clock. */
      efficiency: sourced('ratio', { max: 1 }),
    })
    .optional(),
  engine: cipherUnit().optional(),
  /** In the NPU's own transfer path. */
  dmaCrypto: cipherUnit().optional(),
  /** Of the trusted inference runtime: from nothing, or from a checkpoint of this size. */
  runtime: z.strictObject({
    initialise: sourced('time', { min: 0 }),
    checkpoint: sourced('size'),
  }),
  attestation: z.strictObject({
    /** Signature of the model file's hash tree and report of the device. */
    fixed: sourced('time', { min: 0 }),
    /** Hash of the bytes as they come. */
    hash: sourced('bandwidth'),
  }),
});

function cipherUnit() {
  return z.strictObject({
    throughput: sourced('bandwidth'),
    energy: sourced('energy-per-byte', { min: 0 }),
  });
}

export type SecuritySpec = Infer<typeof securitySpec>;

/** Fixed regions of a SoC, as the firewall is set up at boot. */
export function fixedRegions(spec: SecuritySpec): Region[] {
  const own = Object.entries(spec.regions ?? {}).map(([name, region]) => ({
    name,
    kind: region.kind.is,
    base: region.base.is,
    size: region.size.is,
  }));
  const { carveout, base } = spec;
  return [{ name: 'carveout', kind: 'secure' as const, base: base.is, size: carveout.is }, ...own];
}

/** Faults of a checked section, by path below `security`. */
export function regionPlaces(spec: SecuritySpec): CrossFault[] {
  return regionFaults(fixedRegions(spec), spec.granule.is).map(({ region, message }) => ({
    path: region === 'carveout' ? ['security', 'carveout'] : ['security', 'regions', region],
    message: `region "${region}" ${message}`,
    hint: 'regions start and end on the granule and keep clear of each other',
  }));
}

export function ownInitiators({ initiators }: SecuritySpec): OwnInitiator[] {
  return Object.entries(initiators ?? {}).map(([name, { units, rights: own, cleared }]) => ({
    name,
    units: units?.is ?? [],
    rights: own.is,
    cleared: secrecyOf(...cleared.is),
  }));
}

/** Initiators that are built in already, or come with units that are not there. @param units of the SoC. */
export function initiatorPlaces(spec: SecuritySpec, units: readonly string[]): CrossFault[] {
  return ownInitiators(spec).flatMap((own): CrossFault[] => {
    const path = ['security', 'initiators', own.name];
    const known = (INITIATORS as readonly string[]).includes(own.name);
    return [
      ...(known
        ? [{ path, message: `initiator "${own.name}" is built in`, hint: 'give it another name' }]
        : []),
      ...own.units
        .filter((unit) => !units.includes(unit))
        .map((unit) => ({
          path: [...path, 'units'],
          message: `no unit "${unit}"`,
          hint: nearestHint(unit, units),
        })),
    ];
  });
}
