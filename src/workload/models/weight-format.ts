/** How weights and key–value entries are stored: element bits plus the scales that go with them. */
import { BITS_PER_BYTE, type Bytes } from '../../base/units.ts';
import { DTYPE_BITS, type DType, type Packing } from '../../base/work.ts';
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
  /** Scales and widths that kernels take apart; absent where there are none, or only an average is known. */
  readonly packing: Packing | undefined;
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
    packing: packingOf(cells, formats),
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

/**
 * Of one format, or of the two that a file mixes in the proportion that its average width tells.
 * `scale_group` is given where blocks hold more than one scale.
 */
function packingOf(
  cells: RowCells,
  formats: Readonly<Record<string, WeightFormat>>,
): Packing | undefined {
  const names = cells.text('mix').split(' ').filter(Boolean);
  if (names.length > 0) return mixOf(cells, names, formats);
  const { kind, group } = { group: 0, ...readScales(cells) };
  if (kind !== 'group' && kind !== 'block') return undefined;
  const shared = cells.countOr('scale_group', group);
  const hasMinimum = cells.numberOr('zero_point_bits', 0) > 0;
  return {
    scales: 1 / shared,
    minima: hasMinimum ? 1 / shared : 0,
    widths: [{ bits: cells.numberOr('weight_bits', 0), share: 1 }],
  };
}

function mixOf(
  cells: RowCells,
  names: readonly string[],
  formats: Readonly<Record<string, WeightFormat>>,
): Packing | undefined {
  const parts = names.flatMap((name) =>
    Object.hasOwn(formats, name) ? [formats[name] as WeightFormat] : [],
  );
  const [low, high = low] = parts;
  if (!low?.packing || !high?.packing || parts.length !== names.length || names.length > 2) {
    cells.fail('mix', 'not one or two packed formats above this row', 'such as q4_k q6_k');
    return undefined;
  }
  const [from, to] = [bitsOf(low), bitsOf(high)];
  const average = cells.numberOr('effective_bits', from);
  const share = to > from ? Math.min(1, Math.max(0, (average - from) / (to - from))) : 0;
  const blend = (one: number, other: number) => (1 - share) * one + share * other;
  return {
    scales: blend(low.packing.scales, high.packing.scales),
    minima: blend(low.packing.minima, high.packing.minima),
    widths: [
      { bits: low.elementBits, share: 1 - share },
      { bits: high.elementBits, share },
    ],
  };
}

/** Bits per element in a tensor of many blocks. */
const bitsOf = (format: WeightFormat) => effectiveBits(format, Number.POSITIVE_INFINITY);

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
