/** The yaml door: text to plain data, with the line and column of every path, refusing duplicate keys. */
import { isMap, isNode, isPair, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { type Fault, SpecError } from './errors.ts';

export type SpecPath = readonly (string | number)[];

export interface SpecFile {
  readonly file: string;
  /** Plain objects, arrays, strings, numbers, booleans. */
  readonly data: unknown;
  /** Line and column (from 1) of the value at `path`, or of its nearest existing parent. */
  locate(path: SpecPath): { readonly line: number; readonly column: number };
}

/**
 * Parses one YAML document.
 * @throws SpecError with every syntax fault and duplicate key of the file.
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
    return {
      file,
      line,
      column: col,
      message: plainMessage(error.code, error.message),
    };
  });
  if (faults.length > 0) throw new SpecError(faults);
  const root = document.contents as Node | null;
  return {
    file,
    data: document.toJS() as unknown,
    locate: (path) => {
      const { line, col } = lines.linePos(nodeAt(root, path)?.range?.[0] ?? 0);
      return { line, column: col };
    },
  };
}

/** The deepest node on `path`: for a key that is there its value, otherwise the map that lacks it. */
function nodeAt(root: Node | null, path: SpecPath): Node | null {
  let node = root;
  for (const step of path) {
    const next = childOf(node, step);
    if (!next) return node;
    node = next;
  }
  return node;
}

function childOf(node: Node | null, step: string | number): Node | null {
  if (isMap(node)) {
    const pair = node.items.find((item) => isPair(item) && String(item.key) === String(step));
    const value = pair?.value ?? pair?.key;
    return isNode(value) ? value : null;
  }
  const item = isSeq(node) ? node.items[Number(step)] : null;
  return isNode(item) ? item : null;
}

function plainMessage(code: string, message: string): string {
  return code === 'DUPLICATE_KEY'
    ? 'this key is given twice in the same map'
    : (message.split('\n')[0] as string);
}
