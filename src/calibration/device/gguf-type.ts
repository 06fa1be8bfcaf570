/** Types of GGUF files as people write them, and the format that is known of them or comes next to it. */
import type { MappingTables } from './llm-names.ts';

const TYPE = /(?<![a-z0-9])(?:[it]?q\d(?:_[a-z0-9]+)+|(?:mx|nv)fp4)(?![a-z0-9])/i;
/** Ends of names in the order in which they come next to one that is not known: XL lies above L, repacked types are plain ones. */
const ENDS = ['_l', '_m', '', '_0'];

interface GgufType {
  /** As written. */
  readonly named?: string;
  /** Format of the whole file where there is one. */
  readonly file?: string;
}

/** The type that a text names first. */
export function ggufType(text: string, known: MappingTables['models']['formats']): GgufType {
  const named = TYPE.exec(text)?.[0];
  if (named === undefined) return {};
  const format = (name: string) => [`${name}-file`, name].find((one) => Object.hasOwn(known, one));
  const parts = named.toLowerCase().split('_');
  const whole = format(parts.join('_'));
  if (whole) return { named, file: whole };
  for (let left = parts.length - 1; left > 0; left--) {
    const start = parts.slice(0, left).join('_');
    const near = ENDS.map((end) => format(`${start}${end}`)).find(Boolean);
    if (near) return { named, file: near };
  }
  return { named };
}

/** Whether a format is the type that was written, not one that is near. */
export function isType(format: string, named = ''): boolean {
  return format.replace(/-file$/, '') === named.toLowerCase();
}
