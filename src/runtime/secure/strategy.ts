/** How a scenario protects its data: a named preset of choices under socs/security, each of which a scenario may change. */
import { checkSpec, type Infer, z } from '../../base/schema.ts';
import type { SpecFile } from '../../base/spec-file.ts';
import { WORLDS } from '../../hardware/secure/initiators.ts';
import { INTEGRITY_KINDS } from '../../hardware/secure/integrity.ts';
import type { RegionKind } from '../../hardware/secure/regions.ts';
import { NPU_SHARING } from '../../hardware/secure/switching.ts';

/** What a workload's data are, for placement: each class lies in one region. */
export const TENSOR_CLASSES = ['weights', 'kv', 'activations', 'prompt', 'output'] as const;
export type TensorClass = (typeof TENSOR_CLASSES)[number];

const SECRETS = ['model-secret', 'user-secret'] as const;

const choices = {
  /** World that the inference runtime and its jobs belong to. */
  world: z.enum(WORLDS),
  /** Classes that lie in the world's own memory; the others in normal memory. */
  protects: z.array(z.enum(TENSOR_CLASSES)),
  /** Secrets that must not come below their clearance. */
  promises: z.array(z.enum(SECRETS)),
  /** Declared steps that give secrets up, each with its reason. */
  releases: z.array(
    z.strictObject({
      tensor: z.enum(TENSOR_CLASSES),
      drops: z.array(z.enum(SECRETS)),
      because: z.string(),
    }),
  ),
  /** How protected jobs get the NPU; `none` leaves them to the CPU. */
  npu: z.enum(NPU_SHARING),
  /** Whether the model is there already, is restored first, or while the first layers run. */
  restore: z.enum(['resident', 'sequential', 'pipelined']),
  /** Whether a restored model stays when no request needs it, or its memory is given back and the next one waits again. */
  afterUse: z.enum(['keep', 'release']),
  /** Whether protected memory may grow beyond the carve-out. */
  growth: z.enum(['fixed', 'elastic']),
  /** How the trusted runtime comes up. */
  runtimeStart: z.enum(['initialise', 'checkpoint']),
  /** Inline encryption of protected regions. */
  encryption: z.enum(['none', 'inline']),
  integrity: z.enum(INTEGRITY_KINDS),
  /** How the model lies on storage. */
  modelFile: z.enum(['encrypted', 'plain']),
  /** Who decrypts the model file, the fastest that there is under `fastest`; `npu-dma` does so whenever it reads weights. */
  decryption: z.enum(['fastest', 'cpu', 'engine', 'npu-dma']),
  /** What keeps one world's data in local memory from the next. */
  clean: z.enum(['on-switch', 'tagged', 'never']),
  firewall: z.boolean(),
  /** Who writes the address tables of protected masters. */
  tablesOwner: z.enum(['secure', 'normal']),
  /** What may leave for the cloud. */
  cloud: z.enum(['raw', 'redact', 'block']),
};

export const strategySchema = z.strictObject({
  version: z.literal(1),
  summary: z.string(),
  ...choices,
});

export type Strategy = Infer<typeof strategySchema>;

/** Choices that a scenario makes otherwise than its preset. */
export const choicesSchema = z.strictObject(choices).partial().shape;

/** Attacks that can be tried on a run. */
export const ATTACK_NAMES = [
  'gpu-reads-carveout',
  'stale-local-memory',
  'dma-into-secure',
  'wrong-smmu-tables',
  'replay-kv-page',
  'raw-cloud-upload',
  'bus-snoop',
  'read-model-file',
  'decrypt-into-normal',
  'initiator-reads-region',
] as const;
export type AttackName = (typeof ATTACK_NAMES)[number];

/** @throws SpecError with every fault of the file. */
export function parseStrategy(spec: SpecFile): Strategy {
  return checkSpec(spec, strategySchema);
}

/** Kind of region that protected data lie in. */
export function protectedKind({ world }: Strategy): RegionKind {
  return world === 'protected-vm' ? 'protected-vm' : 'secure';
}

/** Where a class of data lies. */
export function kindOfClass(strategy: Strategy, tensor: TensorClass): RegionKind {
  return strategy.protects.includes(tensor) ? protectedKind(strategy) : 'normal';
}
