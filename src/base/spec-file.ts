/** The yaml door: text to plain data, with the line and column of every path, refusing duplicate keys. */
import {
  type Document,
  isMap,
  isNode,
  isPair,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import { type Fault, SpecError } from './errors.ts';
import { frozen } from './frozen.ts';

export type SpecPath = readonly (string | number)[];

export interface SpecFile {
  readonly file: string;
  /** Plain objects, arrays, strings, numbers, booleans. */
  readonly data: unknown;
  /** Faults that do not hide the rest of the file, such as a key given twice; `checkSpec` reports them with its own. */
  readonly faults?: readonly Fault[];
  /**
   * Line and column (from 1) of the value at `path`, or of its nearest existing parent.
   * `file` is there where the value came from elsewhere, such as a `--set`.
   */
  locate(path: SpecPath): Place;
}

interface Place {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/**
 * Parses one YAML document.
 * @throws SpecError with every syntax fault of the file; keys given twice are left to `checkSpec`,
 * so that they come in one go with what else is wrong.
 */
export function parseSpecFile(text: string, file: string): SpecFile {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    prettyErrors: false,
  });
  const faults: Fault[] = document.errors.map((error) => {
    const { line, col } = lines.linePos(error.pos[0]);
    return { file, line, column: col, message: plainMessage(error.code, error.message) };
  });
  if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY')) throw new SpecError(faults);
  const root = document.contents as Node | null;
  return {
    file,
    data: plainData(document, file, lines),
    faults,
    locate: (path) => {
      const { line, col } = lines.linePos(nodeAt(root, path)?.range?.[0] ?? 0);
      return { line, column: col };
    },
  };
}

const parsed = new Map<string, { readonly text: string; readonly spec: SpecFile }>();
/** More than all bundled files: only who makes up names without end has one parsed again. */
const MOST_PARSED = 1000;

/** As `parseSpecFile`; a file that several runs of one program read is parsed once, for as long as its text is the same, and frozen. */
export function parseOnce({ file, text }: { readonly file: string; readonly text: string }) {
  const known = parsed.get(file);
  if (known?.text === text) return known.spec;
  const spec = parseSpecFile(text, file);
  frozen(spec.data);
  if (parsed.size >= MOST_PARSED) parsed.clear();
  parsed.set(file, { text, spec });
  return spec;
}

/** What `work` returns; its faults that name no file are in `spec`, at their own paths or at `path`. @throws SpecError */
export function placed<T>(spec: SpecFile, path: SpecPath, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    const found = error.faults.map((fault) => {
      if (fault.file !== undefined) return fault;
      return { file: spec.file, ...spec.locate(fault.path?.split('.') ?? path), ...fault };
    });
    throw new SpecError(found);
  }
}

/**
 * The map that a description of kind `what` must be.
 * @param keys top-level keys of the kind; a file that has none of them is of another kind.
 * @throws SpecError where the file is empty, a list or plain text, or describes something else.
 */
export function requireMap(
  spec: SpecFile,
  what: string,
  keys: readonly string[],
): Readonly<Record<string, unknown>> {
  const { data, file } = spec;
  const isMap = typeof data === 'object' && data !== null && !Array.isArray(data);
  if (isMap && keys.some((key) => Object.hasOwn(data, key))) {
    return data as Readonly<Record<string, unknown>>;
  }
  const got = isMap ? `the keys ${Object.keys(data).slice(0, 6).join(', ')}` : kindOfData(data);
  throw new SpecError([
    {
      file,
      line: 1,
      column: 1,
      message: `not a ${what} description`,
      expected: `the keys ${keys.join(', ')}`,
      got: got === 'the keys ' ? 'an empty map' : got,
    },
  ]);
}

function kindOfData(data: unknown): string {
  if (data === null || data === undefined) return 'an empty file';
  return Array.isArray(data) ? 'a list' : 'plain text';
}

/** One value as YAML would read it: `"1.5 GHz"` stays text, `4` is a number, `[1, 2]` a list. */
export function parseSpecValue(text: string, file: string): unknown {
  return parseSpecFile(text, file).data;
}

/** Aliases without an anchor, or that expand without bound, come to light only here. */
function plainData(document: Document, file: string, lines: LineCounter): unknown {
  try {
    return document.toJS() as unknown;
  } catch (error) {
    const faults: Fault[] = [];
    visit(document, {
      Alias: (_, node) => {
        if (node.resolve(document) !== undefined) return;
        const { line, col } = lines.linePos(node.range?.[0] ?? 0);
        faults.push({ file, line, column: col, message: `there is no anchor &${node.source}` });
      },
    });
    const whole = { file, line: 1, column: 1, message: (error as Error).message };
    throw new SpecError(faults.length > 0 ? faults : [whole]);
  }
}

/**
 * Where to point for `path`: a scalar itself, a map or list by its key, and where the path
 * breaks off by the deepest part that is there.
 */
function nodeAt(root: Node | null, path: SpecPath): Node | null {
  let node = root;
  let shown = root;
  for (const step of path) {
    const next = childOf(node, step);
    if (!next) return shown;
    node = next.value;
    shown = next.key !== null && (isMap(node) || isSeq(node) || node === null) ? next.key : node;
  }
  return shown;
}

function childOf(node: Node | null, step: string | number) {
  if (isMap(node)) {
    // Of a key given twice the last value counts, as in the data.
    const pair = node.items.findLast((item) => isPair(item) && String(item.key) === String(step));
    if (!pair) return undefined;
    return { key: nodeOrNull(pair.key), value: nodeOrNull(pair.value) };
  }
  const item = isSeq(node) ? nodeOrNull(node.items[Number(step)]) : null;
  return item ? { key: null, value: item } : undefined;
}

function nodeOrNull(value: unknown): Node | null {
  return isNode(value) ? value : null;
}

function plainMessage(code: string, message: string): string {
  return code === 'DUPLICATE_KEY'
    ? 'this key is given twice in the same map'
    : (message.split('\n')[0] as string);
}
