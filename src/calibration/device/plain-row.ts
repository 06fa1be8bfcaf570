/** What people write into the cells of a row, as the tables of formats and models name it. */
import { ggufType } from './gguf-type.ts';
import type { MappingTables } from './llm-names.ts';
import type { LlmRow } from './llm-rows.ts';

/** A row whose model is named without its file, and whose widths are written as runtime classes list them. */
export interface PlainRow extends LlmRow {
  /** Where a type of GGUF may stand, first the cells that are for it. */
  readonly typeText: string;
}

const WIDTH = /^(?:u?int|w|q)?(\d+(?:\.\d+)?)[ -]?(?:bits?)?$/i;
const FLOAT = /^(b?)f(?:p|loat)?(16|32)$/i;
/** Plain formats of GGUF: a name ends with them, or notes say that they are the file's. */
const PLAIN_NAME = /[-_. ](b?f(?:p?16|p?32))$/i;
const PLAIN_NOTE = /\bGGUF (b?f(?:p?16|p?32))\b/i;
/** Words before the type that say how a file was made. */
const MADE = '(?:[-_. ](?:UD|i1|imat))?';

export function plainRow(row: LlmRow, known: MappingTables['models']['formats']): PlainRow {
  const file = (row.columns['model'] || row.model).replace(/\.gguf$/i, '');
  const { named } = ggufType(file, known);
  const plain = PLAIN_NAME.exec(file)?.[1];
  const ofFile = named ?? plain;
  const width = widthOf(row.weightBits.trim());
  const stated = ggufType(width, known).named;
  const found = width || widthOf(plain ?? PLAIN_NOTE.exec(row.remarks)?.[1] ?? '');
  return {
    ...row,
    model: bareName(row.model, ofFile),
    weightBits: found,
    typeText: [stated, named, row.remarks].filter(Boolean).join('; '),
  };
}

/** `16`, `F16` → `fp16`; `int4`, `4-bit`, `w4` → `4`; others as they are. */
function widthOf(text: string): string {
  const [, brain = '', bits = ''] = FLOAT.exec(text) ?? [];
  if (bits) return brain ? `bf${bits}` : `fp${bits}`;
  const width = WIDTH.exec(text)?.[1];
  if (width === '16' || width === '32') return `fp${width}`;
  return width ?? text;
}

/** `Qwen3-4B-Q8_0.gguf` → `Qwen3-4B`. */
function bareName(name: string, type: string | undefined): string {
  const bare = name.replace(/\.gguf$/i, '');
  if (type === undefined) return bare;
  return bare.replace(new RegExp(`${MADE}[-_. ]+${type}$`, 'i'), '');
}
