/**
 * The physical memory map: regions, who may do what in each, and up to which secrecy data may lie there.
 *
 * Model    an access passes two gates in a row: the stage-2 or SMMU tables of its initiator must map the region, and the
 *          firewall in front of memory must allow the initiator's identity to read or write it
 * Ignores  sizes of single pages: a region is mapped as a whole
 * Valid    firewalls with few regions (TZC-400 has eight and a default), tables walked per stream
 * Source   Arm TrustZone for AArch64 (NS bit of a transaction, TZC-400 identities), Arm SMMUv3 stream tables,
 *          Android protected KVM (stage-2 tables owned by the hypervisor)
 * Checked  test/unit/hardware/secure/regions.test.ts, test/property/secure.test.ts
 */
import { EVERY_SECRET, PUBLIC, type Secrecy, USER_SECRET } from '../../base/labels.ts';
import type { Bytes } from '../../base/units.ts';
import { INITIATORS, type Initiator, type OwnInitiator } from './initiators.ts';

export const REGION_KINDS = ['normal', 'secure', 'protected-vm', 'npu-only', 'drm'] as const;
export type RegionKind = (typeof REGION_KINDS)[number];
export type Access = 'read' | 'write';

export interface Region {
  readonly name: string;
  readonly kind: RegionKind;
  readonly base: Bytes;
  readonly size: Bytes;
}

const READ = 1;
const WRITE = 2;
type Rights = Partial<Record<Initiator, number>>;
const BOTH = READ | WRITE;

const everyone: Rights = Object.fromEntries(INITIATORS.map((name) => [name, BOTH]));

/** Identities that the firewall lets into each kind of region; anything not named is refused. */
const FIREWALL: Readonly<Record<RegionKind, Rights>> = {
  normal: everyone,
  // Secure masters, the cipher that fills it, and the flash controller's own secure queue.
  secure: { 'cpu-secure': BOTH, 'npu-secure': BOTH, crypto: BOTH, storage: WRITE },
  // Donated pages: the guest, the accelerator context passed through to it, and the cipher on its behalf.
  'protected-vm': { 'cpu-protected-vm': BOTH, 'npu-protected-vm': BOTH, crypto: BOTH },
  // Only the accelerator itself, whichever protected world it serves; the cipher fills it.
  'npu-only': { 'npu-secure': BOTH, 'npu-protected-vm': BOTH, crypto: WRITE },
  // Decoded frames: the decoder writes, the display reads, no CPU ever does.
  drm: { display: READ, crypto: WRITE },
};

/** Secrets that may lie in a region: in normal memory none, since every normal master can read it. */
const CLEARANCE: Readonly<Record<RegionKind, Secrecy>> = {
  normal: PUBLIC,
  secure: EVERY_SECRET,
  'protected-vm': EVERY_SECRET,
  'npu-only': EVERY_SECRET,
  drm: USER_SECRET,
};

export function clearanceOf(kind: RegionKind): Secrecy {
  return CLEARANCE[kind];
}

/** Whether the firewall lets `initiator` do `access` in a region of `kind`. */
export function permits(kind: RegionKind, initiator: Initiator, access: Access): boolean {
  const rights = FIREWALL[kind][initiator] ?? 0;
  return (rights & (access === 'read' ? READ : WRITE)) !== 0;
}

/** The same for one that a description names, by its own rights. */
export function permitsAs(
  own: OwnInitiator | undefined,
  kind: RegionKind,
  initiator: Initiator,
  access: Access,
): boolean {
  if (!own) return permits(kind, initiator, access);
  const right = own.rights[kind];
  return right === access || right === 'read-write';
}

/** Kinds that the tables of `initiator` map when whoever owns them keeps them right. */
export function mappedFor(initiator: Initiator): readonly RegionKind[] {
  return REGION_KINDS.filter(
    (kind) => permits(kind, initiator, 'read') || permits(kind, initiator, 'write'),
  );
}

/** One fault of a memory map. */
export interface RegionFault {
  readonly region: string;
  readonly message: string;
}

/** Regions must start and end on the firewall's granule, have a size, and not overlap. */
export function regionFaults(regions: readonly Region[], granule: Bytes): RegionFault[] {
  const faults: RegionFault[] = [];
  for (const { name, base, size } of regions) {
    if (base % granule !== 0 || size % granule !== 0) {
      faults.push({
        region: name,
        message: `is not aligned to the firewall's granule of ${granule} B`,
      });
    }
  }
  const sorted = regions.filter(({ size }) => size > 0).toSorted((a, b) => a.base - b.base);
  for (const [i, region] of sorted.entries()) {
    const before = sorted[i - 1];
    if (before && before.base + before.size > region.base) {
      faults.push({ region: region.name, message: `overlaps region "${before.name}"` });
    }
  }
  return faults;
}
