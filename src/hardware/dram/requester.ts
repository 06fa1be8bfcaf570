/** Traffic patterns as text, and the streams of addresses they stand for. */
import { type Fault, SpecError } from '../../base/errors.ts';
import { nearestHint } from '../../base/registry.ts';
import { type Bytes, type BytesPerSecond, GIBI, GIGA, KIBI, MEBI } from '../../base/units.ts';

const REQUESTER_KINDS = ['seq', 'stride', 'rand', 'chunk'] as const;
type RequesterKind = (typeof REQUESTER_KINDS)[number];

/** The unit of traffic. */
export const ACCESS_BYTES: Bytes = 64;

/** One source of accesses; `kind;key=value;…` as text. */
export interface Requester {
  readonly kind: RequesterKind;
  readonly base: Bytes;
  readonly region: Bytes;
  readonly stride: Bytes;
  /** Of accesses, 0…100. */
  readonly writePercent: number;
  readonly seed: number;
  /** Own limit of outstanding accesses. */
  readonly window?: number | undefined;
  /** Paced at this rate, independent of every limit. */
  readonly rate?: BytesPerSecond | undefined;
}

const SUFFIX: Readonly<Record<string, number>> = { '': 1, K: KIBI, M: MEBI, G: GIBI };
const KEYS = ['base', 'region', 'stride', 'wpct', 'seed', 'w', 'rate'];

/** Reads `seq;base=0;region=256M;wpct=33 | rand;…`; all faults at once. */
export function parseRequesters(text: string): Requester[] {
  const faults: Fault[] = [];
  const requesters = text.split('|').map((part) => parseRequester(part.trim(), faults));
  if (faults.length > 0) throw new SpecError(faults);
  return requesters;
}

function parseRequester(text: string, faults: Fault[]): Requester {
  const [kind = '', ...pairs] = text.split(';');
  if (!REQUESTER_KINDS.includes(kind as RequesterKind)) {
    faults.push({
      message: `unknown traffic pattern "${kind}"`,
      got: text,
      hint: nearestHint(kind, REQUESTER_KINDS),
    });
  }
  const values: Record<string, number> = {};
  for (const pair of pairs) {
    const match = /^(\w+)=(\d+(?:\.\d+)?)([KMG]?)$/.exec(pair);
    const key = match?.[1] ?? pair;
    if (match && KEYS.includes(key)) values[key] = Number(match[2]) * (SUFFIX[match[3] ?? ''] ?? 1);
    else
      faults.push({
        message: `"${pair}" says nothing of a requester`,
        hint: nearestHint(key, KEYS),
      });
  }
  const requester: Requester = {
    kind: kind as RequesterKind,
    base: values['base'] ?? 0,
    region: values['region'] ?? 256 * MEBI,
    stride: values['stride'] ?? ACCESS_BYTES,
    writePercent: values['wpct'] ?? 0,
    seed: values['seed'] ?? 1,
    window: values['w'],
    rate: values['rate'] === undefined ? undefined : values['rate'] * GIGA,
  };
  faults.push(...requesterFaults(requester, text));
  return requester;
}

function requesterFaults(requester: Requester, text: string): Fault[] {
  const { region, stride, rate, writePercent, window, seed } = requester;
  const faults: Fault[] = [];
  const demand = (ok: boolean, message: string) => {
    if (!ok) faults.push({ message, got: text });
  };
  demand(region >= ACCESS_BYTES, 'a region holds at least one access of 64 bytes');
  demand(
    stride >= ACCESS_BYTES && stride % ACCESS_BYTES === 0,
    'a stride is a multiple of 64 bytes',
  );
  demand(stride <= region, 'the stride is longer than the region');
  demand(rate === undefined || rate > 0, 'a rate must be above zero');
  demand(writePercent <= 100, 'wpct is at most 100');
  demand(window === undefined || window >= 1, 'a window holds at least one access');
  demand(window === undefined || rate === undefined, 'w has no effect beside rate');
  demand(seed > 0 && Number.isInteger(seed), 'a seed is a whole number above zero');
  return faults;
}

/** 32-bit xorshift, small enough to be rebuilt in any other simulator's driver. */
class XorShift {
  private x: number;
  constructor(seed: number) {
    this.x = seed | 0;
  }
  next(): number {
    let x = this.x;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.x = x;
    return x >>> 0;
  }
}

/** Separates the choice of writes from the choice of addresses. */
const WRITE_SEED = 0x9e3779b9;

/** Accesses one after the other, from a requester or a trace. */
export interface AccessStream {
  /** Of the access that `advance` has moved to. */
  readonly address: number;
  readonly write: boolean;
  /** Cycle at which the access after it is due; only of a trace with cycles. */
  readonly following: number;
  /** Own limit of accesses under way. */
  readonly window: number;
  outstanding: number;
  advance(): void;
}

/** The accesses of one requester. */
export class RequestStream implements AccessStream {
  address = 0;
  write = false;
  outstanding = 0;
  readonly following = 0;
  readonly window: number;
  private readonly requester: Requester;
  private index = 0;
  private chunkBase = 0;
  /** Accesses that the region holds. */
  private readonly lines: number;
  private readonly addresses: XorShift;
  private readonly writes: XorShift;

  constructor(requester: Requester) {
    this.requester = requester;
    this.window = requester.window ?? Number.MAX_SAFE_INTEGER;
    this.lines = Math.floor(requester.region / ACCESS_BYTES);
    this.addresses = new XorShift(requester.seed);
    this.writes = new XorShift(requester.seed ^ WRITE_SEED);
  }

  advance(): void {
    const { requester } = this;
    this.address = requester.base + this.offset(requester);
    this.index++;
    const percent = requester.writePercent;
    this.write = percent > 0 && this.writes.next() % 100 < percent;
  }

  private offset({ kind, region, stride }: Requester): number {
    const i = this.index;
    if (kind === 'seq') return (ACCESS_BYTES * i) % region;
    if (kind === 'rand') return ACCESS_BYTES * (this.addresses.next() % this.lines);
    if (kind === 'stride') {
      const t = i * stride;
      return (t % region) + ACCESS_BYTES * Math.floor(t / region);
    }
    const perChunk = stride / ACCESS_BYTES;
    const within = i % perChunk;
    if (within === 0) {
      this.chunkBase = (this.addresses.next() % Math.floor(region / stride)) * stride;
    }
    return this.chunkBase + ACCESS_BYTES * within;
  }
}
