/** Address maps as text: which address bits select channel, rank, bank group, bank, row and column. */
import { type Fault, SpecError } from '../../base/errors.ts';
import { nearestHint } from '../../base/registry.ts';
import { GIBI } from '../../base/units.ts';
import type { DramDevice } from './device.ts';

/**
 * Maps by name, fields from the least significant end above the offset inside a burst.
 * A field with a number takes that many bits; one without takes what is left of its kind.
 * `bg^ro0` folds the row's bits, from bit 0 on, into the bank group.
 */
export const ADDRESS_MAPS: Readonly<Record<string, string>> = {
  A: 'co1,bg,ch,co,ba,ra,ro',
  B: 'co3,ch,co,bg,ba,ra,ro',
  X: 'co1,bg,ch,co,ba,ra,ro,bg^ro0,ba^ro2',
  R: 'co1,bg,ch,co,ba,ra,ro',
  L: 'co1,bg,ch,ra,co,ba,ro',
  'row:bank:column:channel': 'co1,ch,co,bg,ba,ra,ro',
  'row:column:bank:channel': 'co1,ch,bg,ba,ra,co,ro',
  'row:rank:bank:channel:column': 'co,ch,bg,ba,ra,ro',
  'bank:row:column:channel': 'co1,ch,co,ro,bg,ba,ra',
};

const FIELDS = ['co', 'bg', 'ba', 'ra', 'ch', 'ro'] as const;
type Field = (typeof FIELDS)[number];
/** Burst numbers are whole numbers of 31 bits. */
const MOST_BURSTS = 2 ** 31;

/** `count` bits of the burst number from `from` on become bits `to…` of a field. */
interface Slice {
  readonly from: number;
  readonly mask: number;
  readonly to: number;
}

interface Fold {
  readonly field: Field;
  readonly rowBit: number;
}

export interface AddressMap {
  readonly text: string;
  /** Bytes that the map covers; addresses beyond are the user's fault. */
  readonly capacity: number;
  /** Consecutive bursts that share channel, bank and row, at least one. */
  readonly run: number;
  channel(burst: number): number;
  /** Flat bank of the channel: rank, group, bank. */
  bank(burst: number): number;
  row(burst: number): number;
}

/**
 * Builds a map for `channels` channels of `device` from a name of `ADDRESS_MAPS` or its own text.
 * @throws SpecError when fields are unknown, missing, twice too long, or a count is no power of two.
 */
export function buildAddressMap(name: string, device: DramDevice, channels: number): AddressMap {
  const text = Object.hasOwn(ADDRESS_MAPS, name) ? (ADDRESS_MAPS[name] as string) : name;
  const bursts = (device.capacity * channels) / device.burstBytes;
  if (bursts > MOST_BURSTS) {
    const gibibytes = (count: number) => `${(count * device.burstBytes) / GIBI} GiB`;
    const expected = `at most ${gibibytes(MOST_BURSTS)}: fewer channels or ranks, or a lower density`;
    const message = `${channels} channels hold more than an address map counts`;
    throw new SpecError([{ message, expected, got: gibibytes(bursts) }]);
  }
  const sizes = fieldBits(device, channels);
  const { slices, folds } = parseFields(text, name, sizes);
  const { ch, ra, bg, ba, ro } = slices;
  const groupFrom = Math.log2(device.banksPerGroup);
  const rankFrom = Math.log2(device.banks);
  const upTo = (slice: Slice, bits: number): Slice => ({ ...slice, to: slice.to + bits });
  const row = reader(ro);
  const flat = reader([
    ...ba,
    ...bg.map((slice) => upTo(slice, groupFrom)),
    ...ra.map((slice) => upTo(slice, rankFrom)),
  ]);
  const folded = (burst: number) => {
    let bank = flat(burst);
    for (const { field, rowBit } of folds) {
      const part = row(burst) >>> rowBit;
      if (field === 'bg') bank ^= (part & (device.bankGroups - 1)) << groupFrom;
      else bank ^= part & (device.banksPerGroup - 1);
    }
    return bank;
  };
  const lowest = slices.co[0];
  return {
    text,
    capacity: device.capacity * channels,
    run: lowest?.from === 0 ? lowest.mask + 1 : 1,
    channel: reader(ch),
    bank: folds.length > 0 ? folded : flat,
    row,
  };
}

/** Bits of each field; every size must be a power of two. */
function fieldBits(device: DramDevice, channels: number): Record<Field, number> {
  const counts: Record<Field, number> = {
    co: device.columns,
    bg: device.bankGroups,
    ba: device.banksPerGroup,
    ra: device.ranks,
    ch: channels,
    ro: device.rows,
  };
  const names: Record<Field, string> = {
    co: 'bursts of a row',
    bg: 'bank groups',
    ba: 'banks of a group',
    ra: 'ranks',
    ch: 'channels',
    ro: 'rows',
  };
  const faults: Fault[] = FIELDS.filter((field) => !Number.isInteger(Math.log2(counts[field]))).map(
    (field) => ({
      message: `an address map needs a power of two of ${names[field]}`,
      got: `${counts[field]}`,
    }),
  );
  if (faults.length > 0) throw new SpecError(faults);
  return Object.fromEntries(FIELDS.map((field) => [field, Math.log2(counts[field])])) as Record<
    Field,
    number
  >;
}

type Slices = Record<Field, Slice[]>;

interface ParsedMap {
  readonly slices: Slices;
  readonly folds: Fold[];
  readonly used: Record<Field, number>;
}

function parseFields(text: string, name: string, sizes: Record<Field, number>): ParsedMap {
  const parsed: ParsedMap = {
    slices: { co: [], bg: [], ba: [], ra: [], ch: [], ro: [] },
    folds: [],
    used: { co: 0, bg: 0, ba: 0, ra: 0, ch: 0, ro: 0 },
  };
  const faults: Fault[] = [];
  let from = 0;
  for (const part of text.split(',').map((piece) => piece.trim())) {
    const bits = addPart(part, from, sizes, parsed);
    if (bits === undefined) {
      const hint = nearestHint(name, Object.keys(ADDRESS_MAPS));
      faults.push({ message: `"${part}" is no field of an address map`, got: text, hint });
    } else from += bits;
  }
  if (faults.length === 0) faults.push(...sizeFaults(text, parsed.used, sizes));
  if (faults.length > 0) throw new SpecError(faults);
  return parsed;
}

/** @returns the bits that the part takes, or nothing when it is no part of a map. */
function addPart(
  part: string,
  from: number,
  sizes: Record<Field, number>,
  { slices, folds, used }: ParsedMap,
): number | undefined {
  const fold = /^(bg|ba)\^ro(\d+)$/.exec(part);
  if (fold) {
    folds.push({ field: fold[1] as Field, rowBit: Number(fold[2]) });
    return 0;
  }
  const match = /^([a-z]{2})(\d*)(\^x)?$/.exec(part);
  if (!match || !FIELDS.includes(match[1] as Field)) return undefined;
  const field = match[1] as Field;
  const bits = match[2] === '' ? sizes[field] - used[field] : Number(match[2]);
  if (bits > 0) slices[field].push({ from, mask: (1 << bits) - 1, to: used[field] });
  if (match[3]) folds.push({ field: 'bg', rowBit: 0 }, { field: 'ba', rowBit: 2 });
  used[field] += bits;
  return bits;
}

function sizeFaults(
  text: string,
  used: Record<Field, number>,
  sizes: Record<Field, number>,
): Fault[] {
  // The row field may be longer than the device: its upper bits are then always zero.
  return FIELDS.filter(
    (field) => used[field] < sizes[field] || (used[field] > sizes[field] && field !== 'ro'),
  ).map((field) => ({
    message: `address map "${text}" does not fit the memory`,
    expected: `${sizes[field]} bits of ${field}`,
    got: `${used[field]}`,
  }));
}

/** A function from burst number to field value; most fields are one slice. */
function reader(slices: readonly Slice[]): (burst: number) => number {
  const [first, second, ...rest] = slices;
  if (!first) return () => 0;
  if (!second) {
    const { from, mask } = first;
    return (burst) => (burst >>> from) & mask;
  }
  if (rest.length === 0) {
    return (burst) =>
      ((burst >>> first.from) & first.mask) |
      (((burst >>> second.from) & second.mask) << second.to);
  }
  return (burst) =>
    slices.reduce((value, { from, mask, to }) => value | (((burst >>> from) & mask) << to), 0);
}
