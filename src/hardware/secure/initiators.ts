/** Everything that can start an access to memory, and the worlds that it can act for. */

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
export type Initiator = (typeof INITIATORS)[number];

/** What a unit of `kind` is on the bus while it works for `world`; GPUs have no secure identity on phones. */
export function initiatorOf(kind: string, world: World): Initiator {
  if (kind === 'cpu' || kind === 'npu') return `${kind}-${world}`;
  return kind === 'gpu' ? 'gpu' : 'dma';
}
