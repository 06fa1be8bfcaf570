/** The kinds of description files: how each is recognised, checked and put as a JSON Schema. */
import { SpecError } from '../base/errors.ts';
import type { SchemaNode } from '../base/schema-walk.ts';
import type { SpecFile } from '../base/spec-file.ts';
import { type DescriptionKind, FOLDERS, readBundled } from '../load.ts';

/** Schema and check of one kind, loaded when a file of it turns up. */
export interface SpecKind {
  readonly title: string;
  /** Keys that only this kind has at the top of a file; the schema of a workload depends on its family. */
  readonly signature: readonly string[];
  readonly load: () => Promise<{
    readonly schema: SchemaNode;
    /** @throws SpecError with every fault. */
    readonly check: (spec: SpecFile) => void;
  }>;
}

export const specKinds: Readonly<Record<DescriptionKind, SpecKind>> = {
  soc: {
    title: 'SoC description (socs/*.yaml)',
    signature: ['domains', 'units', 'fabric', 'floorplan'],
    load: async () => {
      const { parseSoc, socSpec } = await import('../hardware/soc-spec.ts');
      return { schema: socSpec, check: parseSoc };
    },
  },
  phone: {
    title: 'phone description (socs/phones/*.yaml)',
    signature: ['body', 'battery', 'screen', 'thermal'],
    load: async () => {
      const { parsePhone, phoneSchema } = await import('../hardware/thermal/phone-spec.ts');
      return { schema: phoneSchema, check: parsePhone };
    },
  },
  preset: {
    title: 'LPDDR speed bin (socs/lpddr/*.yaml)',
    signature: ['cycles', 'times', 'modes', 'densities'],
    load: async () => {
      const { lpddrPresetSchema, parseLpddrPreset } = await import('../hardware/dram/preset.ts');
      return { schema: lpddrPresetSchema, check: parseLpddrPreset };
    },
  },
  runtime: {
    title: 'inference runtime (socs/runtimes/*.yaml)',
    signature: ['kernels'],
    load: async () => {
      const { parseRuntime, runtimeSpec } = await import('../runtime/runtime-spec.ts');
      return { schema: runtimeSpec, check: parseRuntime };
    },
  },
  workload: {
    title: 'workload (workloads/*.yaml)',
    signature: ['family', 'model', 'promptTokens', 'weightFormat'],
    load: async () => {
      const { parseWorkload, workloadSchema } = await import('../workload/workload-spec.ts');
      const { parseModelTables } = await import('../workload/models/tables.ts');
      const check = (spec: SpecFile) => parseWorkload(spec, parseModelTables(readBundled));
      return { schema: workloadSchema, check };
    },
  },
};

export const KIND_NAMES = Object.keys(specKinds) as DescriptionKind[];

/**
 * What kind of description a file is: by what it holds, else by the folder it lies in.
 * @throws SpecError where neither tells.
 */
export function kindOf(spec: SpecFile): DescriptionKind {
  const keys = Object.keys((spec.data as Record<string, unknown> | null) ?? {});
  const scores = KIND_NAMES.map((kind) => ({
    kind,
    score: specKinds[kind].signature.filter((key) => keys.includes(key)).length,
  })).sort((a, b) => b.score - a.score);
  const [best, next] = scores;
  if (best && best.score > (next?.score ?? 0)) return best.kind;
  // The deepest folder decides: socs/phones before socs.
  const folders = Object.entries(FOLDERS).sort((a, b) => b[1].length - a[1].length);
  const path = `/${spec.file.replaceAll('\\', '/')}`;
  const found = folders.find(([, folder]) => path.includes(`/${folder}/`));
  if (found) return found[0] as DescriptionKind;
  throw new SpecError([
    {
      file: spec.file,
      message: 'cannot tell what this file describes',
      expected: KIND_NAMES.map((kind) => specKinds[kind].title).join(', '),
    },
  ]);
}
