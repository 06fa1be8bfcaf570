/**
 * The gates between secrets and whoever asks for them, as a machine that attacks can be tried on.
 *
 * Model    an access passes address tables, then the firewall; what it carries is compared with what its reader, or the
 *          place it is written to, is cleared for. Local memory of the NPU keeps the secrecy of what passed through until it
 *          is cleaned: a world of lower rights that is given it uncleaned and untagged has it. What the DRAM bus shows depends on encryption; whether an old page is taken for a new one, on
 *          integrity; what leaves for the cloud, on the gate in front of the modem
 * Ignores  caches as places of their own: they are found by physical address, behind the same gates; side channels (timing, power), faults injected into the die, and bugs of trusted software
 * Valid    an attacker who controls the normal world with its drivers and devices, and can probe the DRAM bus
 * Source   design and threat models of TrustZone, protected KVM and NPU enclaves (hardware/secure/*.ts name them)
 * Checked  test/property/secure.test.ts (no breach with all defences, one with each taken away)
 */
import {
  EVERY_SECRET,
  MODEL_SECRET,
  PUBLIC,
  type Secrecy,
  USER_SECRET,
  within,
} from '../../base/labels.ts';
import { INITIATORS, type Initiator, type OwnInitiator, type World } from './initiators.ts';
import { type Access, clearanceOf, mappedFor, permitsAs, type RegionKind } from './regions.ts';

export interface Defences {
  /** The firewall compares the identity of each access with the region's rights. */
  readonly firewall: boolean;
  /** Tables of protected initiators are written by the secure world or the hypervisor only. */
  readonly trustedTables: boolean;
  /** Local memory of the NPU is overwritten when it changes worlds. */
  readonly cleanOnSwitch: boolean;
  /** Lines of local memory carry the world that wrote them. */
  readonly taggedLocalMemory: boolean;
  /** Protected regions are ciphertext on the DRAM bus. */
  readonly encryption: boolean;
  /** Versions and codes tell old or changed pages. */
  readonly integrity: boolean;
  /** What leaves for the cloud: as it is, without what the user keeps secret, or nothing. */
  readonly cloud: 'raw' | 'redact' | 'block';
}

export type Gate =
  | 'address tables'
  | 'firewall'
  | 'local memory tag'
  | 'integrity check'
  | 'cloud gate'
  | 'clearance';

export type Verdict =
  | { readonly kind: 'granted' }
  /** The access was made and carries no secret that is of use. */
  | { readonly kind: 'harmless'; readonly why: string }
  | { readonly kind: 'refused'; readonly gate: Gate }
  | { readonly kind: 'breach'; readonly what: 'disclosure' | 'replay'; readonly secrecy: Secrecy };

const GRANTED: Verdict = { kind: 'granted' };

/** Secrets that an initiator may see: masters of the normal world serve anybody. */
function clearanceOfInitiator(initiator: Initiator): Secrecy {
  if (initiator.endsWith('-secure') || initiator.endsWith('-protected-vm')) return EVERY_SECRET;
  if (initiator === 'crypto' || initiator === 'storage') return EVERY_SECRET;
  // The panel shows its owner what is his.
  return initiator === 'display' ? USER_SECRET : PUBLIC;
}

/** Initiators whose tables the normal world has no business with: those of protected worlds, and the cipher with the keys. */
function isProtected(initiator: Initiator): boolean {
  return (
    initiator === 'crypto' || initiator.endsWith('-secure') || initiator.endsWith('-protected-vm')
  );
}

interface Rights {
  readonly read: boolean;
  readonly write: boolean;
}

export class SecureSystem {
  readonly defences: Defences;
  /** Rises whenever verdicts may change. */
  epoch = 0;
  private readonly tables = new Map<string, Rights>();
  /** What jobs of each world left in local memory. */
  private readonly residues = new Map<World, Secrecy>();
  private owner: World = 'normal';

  private readonly own: ReadonlyMap<string, OwnInitiator>;

  /** @param shared whether protected masters work on buffers in normal memory, as strategies do that protect only a part. */
  constructor(defences: Defences, shared = false, own: readonly OwnInitiator[] = []) {
    this.defences = defences;
    this.own = new Map(own.map((one) => [one.name, one]));
    for (const { name, rights } of own) {
      for (const [kind, right] of Object.entries(rights)) {
        if (right === undefined) continue;
        this.tables.set(`${name} ${kind}`, {
          read: right !== 'write',
          write: right !== 'read',
        });
      }
    }
    for (const initiator of INITIATORS) {
      for (const kind of mappedFor(initiator)) {
        const works = shared && initiator !== 'crypto';
        const write = kind !== 'normal' || works || !isProtected(initiator);
        this.tables.set(`${initiator} ${kind}`, { read: true, write });
      }
    }
  }

  /** World that the NPU serves now. */
  get npuWorld(): World {
    return this.owner;
  }

  /** A read or write that carries data of `secrecy`. */
  access(initiator: Initiator, kind: RegionKind, access: Access, secrecy: Secrecy): Verdict {
    if (!this.tables.get(`${initiator} ${kind}`)?.[access]) {
      return { kind: 'refused', gate: 'address tables' };
    }
    if (this.defences.firewall && !this.permits(kind, initiator, access)) {
      return { kind: 'refused', gate: 'firewall' };
    }
    return disclose(
      secrecy,
      access === 'read' ? this.clearanceOfReader(initiator) : clearanceOf(kind),
    );
  }

  /** Secrets that an initiator may see, one that a description names included. */
  clearanceOfReader(initiator: Initiator): Secrecy {
    return this.own.get(initiator)?.cleared ?? clearanceOfInitiator(initiator);
  }

  private permits(kind: RegionKind, initiator: Initiator, access: Access): boolean {
    return permitsAs(this.own.get(initiator), kind, initiator, access);
  }

  /** `by` maps a region for an initiator. @returns whether the change took effect. */
  map(initiator: Initiator, kind: RegionKind, by: World): boolean {
    if (this.defences.trustedTables && isProtected(initiator) && by === 'normal') return false;
    this.tables.set(`${initiator} ${kind}`, { read: true, write: true });
    this.epoch++;
    return true;
  }

  /** The NPU is handed to `world`. @returns what of other worlds comes with its local memory. */
  switchNpu(world: World): Verdict {
    if (world === this.owner) return GRANTED;
    this.owner = world;
    if (this.defences.cleanOnSwitch) this.residues.clear();
    return this.inherit(this.residue(world), world);
  }

  /** Local memory with data of `secrecy` that another world left comes to `world`. */
  inherit(secrecy: Secrecy, world: World): Verdict {
    const { cleanOnSwitch, taggedLocalMemory } = this.defences;
    if (cleanOnSwitch || taggedLocalMemory) return GRANTED;
    return disclose(secrecy, clearanceOfWorld(world));
  }

  /** A job of the present world leaves what it worked on in local memory. */
  useLocalMemory(secrecy: Secrecy): void {
    const before = this.residues.get(this.owner) ?? PUBLIC;
    // Every operator on the NPU comes here, and nearly all leave what is there already.
    if ((before | secrecy) !== before) this.residues.set(this.owner, before | secrecy);
  }

  private residue(except?: World): Secrecy {
    let all = PUBLIC;
    for (const [world, secrecy] of this.residues) if (world !== except) all |= secrecy;
    return all;
  }

  /** A job of the present world reads local memory that it has not written. */
  readLocalMemory(): Verdict {
    const residue = this.residue();
    if (this.defences.taggedLocalMemory && residue !== PUBLIC && this.owner === 'normal') {
      return { kind: 'refused', gate: 'local memory tag' };
    }
    if (residue === PUBLIC) return { kind: 'harmless', why: 'local memory holds no secret' };
    return disclose(residue, clearanceOfWorld(this.owner));
  }

  /** A probe on the DRAM bus sees a transfer to or from a region. */
  snoop(kind: RegionKind, secrecy: Secrecy): Verdict {
    if (this.defences.encryption && kind !== 'normal') {
      return { kind: 'harmless', why: 'the bus shows ciphertext' };
    }
    return disclose(secrecy, PUBLIC);
  }

  /** An old page with valid contents is put back in place of a newer one. */
  replay(kind: RegionKind, secrecy: Secrecy): Verdict {
    if (this.defences.integrity && kind !== 'normal') {
      return { kind: 'refused', gate: 'integrity check' };
    }
    return { kind: 'breach', what: 'replay', secrecy };
  }

  /** Data are handed to the modem for the cloud. Model secrets never leave: the cloud has models of its own. */
  upload(secrecy: Secrecy, cloud: Defences['cloud'] = this.defences.cloud): Verdict {
    if (cloud === 'block') return { kind: 'refused', gate: 'cloud gate' };
    if (cloud === 'redact') {
      if ((secrecy & MODEL_SECRET) !== 0) return { kind: 'refused', gate: 'cloud gate' };
      return { kind: 'harmless', why: 'what the user keeps secret was taken out' };
    }
    return disclose(secrecy, PUBLIC);
  }
}

/** Secrets that jobs of a world may see. */
function clearanceOfWorld(world: World): Secrecy {
  return world === 'normal' ? PUBLIC : EVERY_SECRET;
}

function disclose(secrecy: Secrecy, clearance: Secrecy): Verdict {
  if (within(secrecy, clearance)) return GRANTED;
  return { kind: 'breach', what: 'disclosure', secrecy: secrecy & ~clearance };
}
