/** How weights and key–value entries are stored: element bits plus the scales that go with them. */
import { BITS_PER_BYTE, type Bytes } from '../../base/units.ts';
import { DTYPE_BITS, type DType } from '../../base/work.ts';
import { type RowCells, readTable } from './table-cells.ts';

/** One row of `workloads/models/weight-formats.csv`. */
export interface WeightFormat {
  readonly name: string;
  /** `tensor`: exact for each tensor. `model`: an average over a whole file, for that model or ones like it. */
  readonly scope: 'tensor' | 'model';
  /** The narrowest machine format that holds one element; arithmetic units look at this. */
  readonly dtype: DType;
  readonly elementBits: number;
  readonly scales: ScaleLayout;
  /** Scales of scales over a few hundred elements, as K-quants of GGUF have. */
  readonly superblocks: boolean;
  /** One scale for each output channel, also where widths are mixed and only their average is known. */
  readonly perChannel: boolean;
  /** Bits of one scale. */
  readonly scaleBits: number;
  /** What an exporter stores instead where the reduction is no multiple of the group. */
  readonly fallback: WeightFormat | undefined;
  readonly source: string;
}

/** Where the bits beyond the elements come from. */
type ScaleLayout =
  | { readonly kind: 'none' }
  /** One scale (and zero point) per `group` elements along the reduction. */
  | { readonly kind: 'group'; readonly group: number; readonly bits: number }
  /** One scale per output feature: the group is the whole reduction. */
  | { readonly kind: 'row'; readonly bits: number }
  /** Elements and scales packed in blocks of `group` elements. */
  | { readonly kind: 'block'; readonly group: number; readonly bytes: Bytes }
  /** A measured average that includes everything. */
  | { readonly kind: 'average'; readonly bits: number };

const COLUMNS = [
  'format',
  'scope',
  'dtype',
  'weight_bits',
  'group',
  'scale_bits',
  'source',
] as const;
/** Elements of a super-block of GGUF, QK_K of ggml; plain formats group 128 at most with one level of scales. */
const SUPERBLOCK = 256;
const DTYPES = Object.keys(DTYPE_BITS) as DType[];

/** Parses the table of formats; the result is keyed by name. */
export function parseWeightFormats(
  text: string,
  file: string,
): Readonly<Record<string, WeightFormat>> {
  return readTable(text, file, COLUMNS, (cells, name, formats) => ({
    name,
    scope: cells.oneOf('scope', ['tensor', 'model']),
    dtype: cells.oneOf('dtype', DTYPES),
    elementBits: cells.numberOr('weight_bits', 0),
    scales: readScales(cells),
    perChannel: cells.text('group') === 'row',
    scaleBits: cells.numberOr('scale_bits', DTYPE_BITS.fp16),
    superblocks: (Number(cells.text('group')) || 0) >= SUPERBLOCK,
    fallback: fallbackOf(cells, formats),
    source: cells.text('source'),
  }));
}

/** A row may fall back on a format above it. */
function fallbackOf(
  cells: RowCells,
  formats: Readonly<Record<string, WeightFormat>>,
): WeightFormat | undefined {
  const name = cells.text('fallback');
  if (name === '') return undefined;
  if (!Object.hasOwn(formats, name))
    cells.fail('fallback', 'no such format above this row', Object.keys(formats).join(', '));
  return formats[name];
}

/** The format in which a tensor whose reduction is `inputs` long is stored. */
export function formatFor(format: WeightFormat, inputs: number): WeightFormat {
  const { fallback, scales } = format;
  if (!fallback || scales.kind !== 'group' || inputs % scales.group === 0) return format;
  return fallback;
}

function readScales(cells: RowCells): ScaleLayout {
  const overhead = cells.numberOr('scale_bits', 0) + cells.numberOr('zero_point_bits', 0);
  const blockBytes = cells.numberOr('block_bytes', undefined);
  const average = cells.numberOr('effective_bits', undefined);
  if (average !== undefined) return { kind: 'average', bits: average };
  if (cells.text('group') === 'row') return { kind: 'row', bits: overhead };
  if (cells.text('group') === '') return { kind: 'none' };
  const group = cells.count('group');
  return blockBytes === undefined
    ? { kind: 'group', group, bits: overhead }
    : { kind: 'block', group, bytes: blockBytes };
}

/** Bits per element of a tensor whose reduction is `inputs` long, scales included. */
export function effectiveBits(format: WeightFormat, inputs: number): number {
  const { scales, elementBits } = format;
  switch (scales.kind) {
    case 'none':
      return elementBits;
    case 'row':
      return elementBits + scales.bits / inputs;
    case 'group':
      return elementBits + scales.bits / Math.min(scales.group, inputs);
    case 'block':
      return (scales.bytes * BITS_PER_BYTE) / scales.group;
    case 'average':
      return scales.bits;
  }
}

/** Bytes of `elements` weights whose reduction is `inputs` long. */
export function storedBytes(format: WeightFormat, elements: number, inputs: number): Bytes {
  return (elements * effectiveBits(formatFor(format, inputs), inputs)) / BITS_PER_BYTE;
}
