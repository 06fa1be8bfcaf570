/** Parts under socs/parts: what several SoCs share, such as an NPU generation, a core, a process; taken by `like`. */
import { checkReferences } from '../../base/provenance.ts';
import { checkParts, z } from '../../base/schema.ts';
import type { SpecFile } from '../../base/spec-file.ts';
import { socSpec } from '../soc-spec.ts';
import { clusterSpec } from '../units/unit-spec.ts';

const { memory, systemCache, fabric, background, limits, security } = socSpec.shape;

/** Each section may leave out what differs from SoC to SoC. */
export const partSpec = z.strictObject({
  version: z.literal(1),
  /** What it is in a word or two: NPU, GPU, CPU core, process. */
  part: z.string(),
  summary: z.string(),
  references: socSpec.shape.references,
  /** Taken in `units.NAME`. */
  unit: socSpec.shape.units.valueType.optional(),
  /** Taken in `domains.NAME`. */
  domain: socSpec.shape.domains.valueType.optional(),
  /** Taken in an entry of a CPU's `clusters`. */
  cluster: clusterSpec.optional(),
  memory: memory.optional(),
  systemCache,
  fabric: fabric.optional(),
  background,
  limits: limits.optional(),
  security,
});

/** @throws SpecError with every fault of what the part says; what it leaves out is for SoCs to say. */
export function checkPart(spec: SpecFile): void {
  checkParts(spec, partSpec, [checkReferences]);
}
