/** Everything that can start an access to memory, and the worlds that it can act for. */

import type { Secrecy } from '../../base/labels.ts';

/** Worlds of a phone: the rich system, the trusted one, and virtual machines that the rich system cannot look into. */
export const WORLDS = ['normal', 'secure', 'protected-vm'] as const;
export type World = (typeof WORLDS)[number];

/** Bus masters by the identity that the interconnect sees: one for each world where a master can change it. */
export const INITIATORS = [
  'cpu-normal',
  'cpu-secure',
  'cpu-protected-vm',
  'gpu',
  'npu-normal',
  'npu-secure',
  'npu-protected-vm',
  'dma',
  'display',
  'camera',
  'modem',
  'storage',
  'crypto',
] as const;
type BuiltIn = (typeof INITIATORS)[number];
/** A description may name masters of its own beside the built-in ones. */
export type Initiator = BuiltIn | (string & {});

/** One that a description names: what it may do by kind of region, and which secrets it may see. */
export interface OwnInitiator {
  readonly name: string;
  /** Units whose jobs come under its name. */
  readonly units: readonly string[];
  readonly rights: Readonly<Record<string, 'read' | 'write' | 'read-write' | undefined>>;
  readonly cleared: Secrecy;
}

/** What a unit of `kind` is on the bus while it works for `world`; GPUs have no secure identity on phones. */
export function initiatorOf(kind: string, world: World): BuiltIn {
  if (kind === 'cpu' || kind === 'npu') return `${kind}-${world}`;
  return kind === 'gpu' ? 'gpu' : 'dma';
}
