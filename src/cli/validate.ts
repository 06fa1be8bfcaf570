/** `socsim validate`: every fault of every file given, and JSON Schemas for editors. */
import { type Fault, SpecError } from '../base/errors.ts';
import { withLike } from '../base/like-schema.ts';
import { parseSpecFile } from '../base/spec-file.ts';
import { readUserFile } from '../load.ts';
import type { Command } from './command.ts';
import {
  completeSpec,
  KIND_NAMES,
  kindOf,
  type SpecKind,
  type SpecKindName,
  specKinds,
} from './spec-kinds.ts';

export const validate: Command = {
  name: 'validate',
  summary: 'check description files: every fault with line and column',
  examples: [
    'socsim validate my-soc.yaml',
    'socsim validate socs/*.yaml workloads/*.yaml',
    'socsim validate --schema soc > soc.schema.json',
  ],
  positionals: {
    files: {
      usage: '[FILE..]',
      summary: 'SoC, phone, memory, runtime, workload, scenario or sweep files',
    },
  },
  options: {
    schema: {
      type: 'string',
      summary: 'print the JSON Schema of a kind of file, for editors',
      value: 'KIND',
      choices: KIND_NAMES,
    },
    json: { type: 'boolean', summary: 'print the result per file as JSON' },
  },
  run: async (args) => {
    const kind = args['schema'];
    if (kind !== undefined) return printSchema(kind as SpecKindName);
    const files = (args['files'] as readonly string[] | undefined) ?? [];
    if (files.length === 0) {
      throw new SpecError([{ message: 'no file is given', hint: 'usage: socsim validate FILE..' }]);
    }
    const results = [];
    for (const file of files) results.push(await checkFile(file));
    const faults = results.flatMap((result) => result.faults);
    if (args['json'] === true) {
      console.log(JSON.stringify(results, undefined, 2));
      return faults.length > 0 ? 2 : undefined;
    }
    for (const { file, kind: found, faults: own } of results) {
      if (own.length === 0) console.log(`${file}: valid ${found}`);
    }
    if (faults.length > 0) throw new SpecError(faults);
    return undefined;
  },
};

interface FileResult {
  readonly file: string;
  readonly kind: string | undefined;
  readonly faults: readonly Fault[];
}

async function checkFile(path: string): Promise<FileResult> {
  let kind: SpecKindName | undefined;
  try {
    const { file, text } = readUserFile(path);
    const spec = parseSpecFile(text, file);
    kind = kindOf(spec);
    const { check } = await specKinds[kind].load();
    check(completeSpec(kind, spec));
    return { file: path, kind, faults: [] };
  } catch (error) {
    if (error instanceof SpecError) return { file: path, kind, faults: error.faults };
    throw error;
  }
}

async function printSchema(kind: SpecKindName): Promise<undefined> {
  const { toJsonSchema } = await import('../base/schema.ts');
  const { likeAt, load, title }: SpecKind = specKinds[kind];
  const { schema } = await load();
  const plain = toJsonSchema(schema as Parameters<typeof toJsonSchema>[0], title);
  const json = likeAt ? withLike(plain, likeAt) : plain;
  console.log(JSON.stringify(json, undefined, 2));
  return undefined;
}
