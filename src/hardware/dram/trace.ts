/** Request traces as plain text: one access per line, `address R|W [cycle]`. */
import { type Fault, SpecError } from '../../base/errors.ts';
import { ACCESS_BYTES, type AccessStream } from './requester.ts';

export interface AccessTrace {
  readonly file: string;
  readonly address: Float64Array;
  readonly write: Uint8Array;
  /** Cycles of CK at which accesses arrive; absent when the trace has none and is replayed against a window. */
  readonly cycle?: Float64Array | undefined;
}

const LINE = /^(0x[0-9a-f]+|\d+)\s+(R|W|READ|WRITE)(?:\s+(\d+))?$/i;
const NEGATIVE = /^-(0x[0-9a-f]+|\d+)\s/i;
/** More of the same does not help. */
const MOST_FAULTS = 20;

/**
 * Reads a trace; `#` starts a comment. Addresses are bytes, decimal or 0x-hexadecimal.
 * @throws SpecError for lines that cannot be read, addresses at or beyond `capacity`, cycles that go back.
 */
export function parseTrace(text: string, file: string, capacity: number): AccessTrace {
  const faults: Fault[] = [];
  const lines = text
    .split('\n')
    .map((raw, index) => ({ line: index + 1, text: raw.replace(/#.*/, '').trim() }))
    .filter((line) => line.text !== '');
  const read = lines.map((line) => parseLine(line, file, faults));
  const accesses = read.filter((access) => access !== undefined);
  const timed = accesses.filter((access) => access.cycle !== undefined);
  if (timed.length > 0 && timed.length < accesses.length) {
    const first = accesses[0]?.cycle === undefined;
    const odd = accesses.find(({ cycle }) => (cycle === undefined) !== first);
    const message = `has ${first ? 'a' : 'no'} cycle, unlike the accesses before it`;
    faults.push({ file, ...(odd && { line: odd.line }), message });
  }
  faults.push(...orderFaults(accesses, file, capacity));
  if (lines.length === 0) faults.push({ file, message: 'the trace holds no access' });
  if (faults.length > 0) {
    faults.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
    throw new SpecError(faults.slice(0, MOST_FAULTS));
  }
  return {
    file,
    address: Float64Array.from(accesses, ({ address }) => alignDown(address)),
    write: Uint8Array.from(accesses, ({ write }) => (write ? 1 : 0)),
    cycle: timed.length > 0 ? Float64Array.from(timed, ({ cycle }) => cycle as number) : undefined,
  };
}

interface TraceLine {
  readonly line: number;
  readonly address: number;
  /** As the file writes it. */
  readonly addressText: string;
  readonly write: boolean;
  readonly cycle: number | undefined;
}

function parseLine(
  { line, text }: { readonly line: number; readonly text: string },
  file: string,
  faults: Fault[],
): TraceLine | undefined {
  const match = LINE.exec(text);
  if (!match) {
    const message = NEGATIVE.test(text) ? 'negative address' : 'not an access';
    faults.push({ file, line, message, expected: 'address R|W [cycle]', got: text });
    return undefined;
  }
  const cycle = match[3] === undefined ? undefined : Number(match[3]);
  const addressText = match[1] as string;
  const write = /^w/i.test(match[2] as string);
  return { line, address: Number(addressText), addressText, write, cycle };
}

function orderFaults(accesses: readonly TraceLine[], file: string, capacity: number): Fault[] {
  const faults: Fault[] = [];
  let last = 0;
  for (const { line, address, addressText, cycle } of accesses) {
    if (address >= capacity) {
      const expected = `below ${capacity}, which is 0x${capacity.toString(16)}`;
      const message = 'address beyond the memory';
      faults.push({ file, line, message, expected, got: addressText });
    }
    if (cycle !== undefined && cycle < last) {
      faults.push({ file, line, message: 'cycles must not go back', got: `${cycle}` });
    }
    last = cycle ?? last;
  }
  return faults;
}

function alignDown(address: number): number {
  return Math.floor(address / ACCESS_BYTES) * ACCESS_BYTES;
}

/** The accesses of a trace. */
export class TraceStream implements AccessStream {
  address = 0;
  write = false;
  following = 0;
  outstanding = 0;
  readonly window = Number.MAX_SAFE_INTEGER;
  private readonly trace: AccessTrace;
  private index = 0;

  constructor(trace: AccessTrace) {
    this.trace = trace;
  }

  advance(): void {
    const { address, write, cycle } = this.trace;
    this.address = address[this.index] as number;
    this.write = write[this.index] === 1;
    this.index++;
    this.following = cycle?.[this.index] ?? 0;
  }
}
