/** The kinds of description files: how each is recognised, checked and put as a JSON Schema. */
import { dirname, isAbsolute, join } from 'node:path';
import { SpecError } from '../base/errors.ts';
import type { SchemaNode } from '../base/schema-walk.ts';
import { parseSpecFile, type SpecFile, type SpecPath } from '../base/spec-file.ts';
import { sectionAt } from '../hardware/spec/sections.ts';
import {
  type DescriptionKind,
  descriptions,
  FOLDERS,
  listBundled,
  openModelFile,
  readBundled,
  readUserFile,
  SHAPES,
} from '../load.ts';

/** Schema and check of one kind, loaded when a file of it turns up. */
export interface SpecKind {
  readonly title: string;
  /** Bundled files of the kind lie here. */
  readonly folder?: string;
  /** Keys that only this kind has at the top of a file; the schema of a workload depends on its family. */
  readonly signature: readonly string[];
  /** Maps in which a `like` may stand; absent where the kind knows none. */
  readonly likeAt?: (path: SpecPath) => boolean;
  readonly load: () => Promise<{
    readonly schema: SchemaNode;
    /** @throws SpecError with every fault. */
    readonly check: (spec: SpecFile) => void;
  }>;
}

const likeOnTop = (path: SpecPath) => path.length === 0;
const likeInSoc = (path: SpecPath) => path.length === 0 || sectionAt(path) !== undefined;

export const specKinds = {
  soc: {
    title: 'SoC description (socs/*.yaml)',
    folder: FOLDERS.soc,
    signature: SHAPES.soc.keys,
    likeAt: likeInSoc,
    load: async () => {
      const { parseSoc, socSpec } = await import('../hardware/soc-spec.ts');
      return { schema: socSpec, check: parseSoc };
    },
  },
  part: {
    title: 'part that SoCs share (socs/parts/*.yaml)',
    folder: FOLDERS.part,
    signature: SHAPES.part.keys,
    likeAt: likeInSoc,
    load: async () => {
      const { checkPart, partSpec } = await import('../hardware/spec/part-spec.ts');
      return { schema: partSpec, check: checkPart };
    },
  },
  phone: {
    title: 'phone description (socs/phones/*.yaml)',
    folder: FOLDERS.phone,
    signature: SHAPES.phone.keys,
    likeAt: likeOnTop,
    load: async () => {
      const { parsePhone, phoneSchema } = await import('../hardware/thermal/phone-spec.ts');
      const { checkVendorPolicy } = await import('../engine/thermal-policy.ts');
      return { schema: phoneSchema, check: (spec) => checkVendorPolicy(parsePhone(spec), spec) };
    },
  },
  preset: {
    title: 'LPDDR speed bin (socs/lpddr/*.yaml)',
    folder: FOLDERS.preset,
    signature: SHAPES.preset.keys,
    likeAt: likeOnTop,
    load: async () => {
      const { lpddrPresetSchema, parseLpddrPreset } = await import('../hardware/dram/preset.ts');
      return { schema: lpddrPresetSchema, check: parseLpddrPreset };
    },
  },
  runtime: {
    title: 'inference runtime (socs/runtimes/*.yaml)',
    folder: FOLDERS.runtime,
    signature: SHAPES.runtime.keys,
    likeAt: likeOnTop,
    load: async () => {
      const { parseRuntime, runtimeSpec } = await import('../runtime/runtime-spec.ts');
      return { schema: runtimeSpec, check: parseRuntime };
    },
  },
  security: {
    title: 'security preset (socs/security/*.yaml)',
    folder: FOLDERS.security,
    signature: SHAPES.security.keys,
    load: async () => {
      const { parseStrategy, strategySchema } = await import('../runtime/secure/strategy.ts');
      return { schema: strategySchema, check: parseStrategy };
    },
  },
  workload: {
    title: 'workload (workloads/*.yaml)',
    folder: FOLDERS.workload,
    signature: SHAPES.workload.keys,
    likeAt: likeOnTop,
    load: async () => {
      const { parseWorkload, workloadSchema } = await import('../workload/workload-spec.ts');
      const { parseModelTables } = await import('../workload/models/tables.ts');
      const check = (spec: SpecFile) =>
        parseWorkload(spec, parseModelTables(readBundled, openModelFile));
      return { schema: workloadSchema, check };
    },
  },
  scenario: {
    title: 'scenario of socsim run and compare',
    signature: ['soc', 'workload', 'policy', 'governor', 'thermalGovernor', 'environment', 'set'],
    load: async () => {
      const { parseScenario, scenarioSpec } = await import('../engine/scenario.ts');
      return { schema: scenarioSpec, check: parseScenario };
    },
  },
  sweep: {
    title: 'sweep of socsim sweep',
    signature: ['axes', 'objectives', 'scenario'],
    load: async () => {
      const { parseSweep, sweepSpec } = await import('../analysis/sweep-spec.ts');
      return { schema: sweepSpec, check: parseSweep };
    },
  },
} as const satisfies Readonly<Record<string, SpecKind>>;

export type SpecKindName = keyof typeof specKinds;
export const KIND_NAMES = Object.keys(specKinds) as SpecKindName[];

/**
 * What kind of description a file is: by what it is like, what it holds, else by the folder it lies in.
 * @throws SpecError where none tells.
 */
export function kindOf(spec: SpecFile): SpecKindName {
  const model = kindOfModel(spec);
  if (model) return model;
  const keys = Object.keys((spec.data as Record<string, unknown> | null) ?? {});
  const kinds = Object.entries<SpecKind>(specKinds).map(([kind, { signature, folder }]) => ({
    kind: kind as SpecKindName,
    folder,
    score: signature.filter((key) => keys.includes(key)).length,
  }));
  const [best, next] = kinds.toSorted((a, b) => b.score - a.score);
  if (best && best.score > (next?.score ?? 0)) return best.kind;
  // The deepest folder decides: socs/phones before socs.
  const path = `/${spec.file.replaceAll('\\', '/')}`;
  const [found] = kinds
    .filter(({ folder }) => folder !== undefined && path.includes(`/${folder}/`))
    .toSorted((a, b) => (b.folder?.length ?? 0) - (a.folder?.length ?? 0));
  if (found) return found.kind;
  throw new SpecError([
    {
      file: spec.file,
      message: 'cannot tell what this file describes',
      expected: KIND_NAMES.map((kind) => specKinds[kind].title).join(', '),
    },
  ]);
}

/** A file with every `like` followed, where its kind knows them. @throws SpecError */
export function completeSpec(kind: SpecKindName, spec: SpecFile): SpecFile {
  return kind in FOLDERS ? descriptions().complete(kind as DescriptionKind, spec) : spec;
}

/** The kind of what a file is like as a whole. */
function kindOfModel({ data, file }: SpecFile): SpecKindName | undefined {
  const like = (data as Readonly<Record<string, unknown>> | null)?.['like'];
  const name: unknown = Array.isArray(like) ? like[0] : like;
  if (typeof name !== 'string') return undefined;
  const kinds = Object.keys(FOLDERS) as DescriptionKind[];
  const known = kinds.find((kind) => listBundled(FOLDERS[kind], '.yaml').includes(name));
  if (known || !/[/\\]|\.ya?ml$/.test(name)) return known;
  const model = readUserFile(isAbsolute(name) ? name : join(dirname(file), name));
  return model.file === file ? undefined : kindOf(parseSpecFile(model.text, model.file));
}
