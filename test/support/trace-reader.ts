/** Reads both trace formats back into one shape, apart from the code that writes them. */

export interface ReadSlice {
  readonly track: string;
  readonly name: string;
  /** Nanoseconds. */
  readonly start: number;
  readonly end: number;
}

export interface ReadTrace {
  readonly slices: readonly ReadSlice[];
  readonly counters: ReadonlyMap<string, readonly (readonly [number, number])[]>;
  readonly flows: readonly { readonly id: number; readonly ends: boolean }[];
  readonly instants: readonly string[];
  readonly tracks: readonly string[];
}

type Field = readonly [number: number, value: number | Uint8Array];

function readFields(bytes: Uint8Array): Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (tag % 8 === 0) fields.push([number, varint()]);
    else if (tag % 8 === 1) {
      fields.push([number, bytes.subarray(at, at + 8)]);
      at += 8;
    } else if (tag % 8 === 2) {
      const length = varint();
      if (at + length > view.byteLength) throw new Error('a message runs past the end');
      fields.push([number, bytes.subarray(at, at + length)]);
      at += length;
    } else throw new Error(`wire type ${tag % 8}`);
  }
  return fields;
}

const text = (value: number | Uint8Array | undefined): string =>
  Buffer.from((value ?? []) as Uint8Array).toString();
const only = (fields: readonly Field[], number: number) => fields.find(([n]) => n === number)?.[1];
const nested = (fields: readonly Field[], number: number): Field[][] =>
  fields.filter(([n]) => n === number).map(([, value]) => readFields(value as Uint8Array));
const float = (value: number | Uint8Array | undefined): number => {
  const bytes = value as Uint8Array;
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
};

/** @throws where slices of a track do not nest, an end has no begin, or a name is not interned. */
export function readTrackEvents(bytes: Uint8Array): ReadTrace {
  const names = new Map<number, string>();
  const tracks = new Map<number, string>();
  const slices: ReadSlice[] = [];
  const flows: { id: number; ends: boolean }[] = [];
  const instants: string[] = [];
  const counters = new Map<string, [number, number][]>();
  const open = new Map<string, { name: string; start: number }[]>();
  for (const packet of nested(readFields(bytes), 1)) {
    for (const interned of nested(packet, 12)) {
      for (const entry of nested(interned, 2))
        names.set(only(entry, 1) as number, text(only(entry, 2)));
    }
    for (const track of nested(packet, 60))
      tracks.set(only(track, 1) as number, text(only(track, 2)));
    const time = only(packet, 8) as number;
    for (const event of nested(packet, 11)) {
      const track = tracks.get(only(event, 11) as number);
      if (track === undefined) throw new Error('event on a track that was never described');
      const type = only(event, 9);
      const id = only(event, 10) as number | undefined;
      const name = id === undefined ? '' : names.get(id);
      if (name === undefined) throw new Error(`name ${id} was never interned`);
      for (const number of [47, 48]) {
        for (const [, value] of event.filter(([n]) => n === number)) {
          const word = value as Uint8Array;
          flows.push({
            id: new DataView(word.buffer, word.byteOffset, 8).getUint32(0, true),
            ends: number === 48,
          });
        }
      }
      const stack = open.get(track) ?? [];
      open.set(track, stack);
      if (type === 1) stack.push({ name, start: time });
      else if (type === 2) {
        const begun = stack.pop();
        if (!begun) throw new Error(`an end without a begin on ${track}`);
        slices.push({ track, ...begun, end: time });
      } else if (type === 3) instants.push(name);
      else counters.set(track, [...(counters.get(track) ?? []), [time, float(only(event, 44))]]);
    }
  }
  if ([...open.values()].some((stack) => stack.length > 0)) throw new Error('a slice never ends');
  return { slices, counters, flows, instants, tracks: [...tracks.values()] };
}

interface JsonEvent {
  readonly ph: string;
  readonly name: string;
  readonly pid: number;
  readonly tid?: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly id?: number;
  readonly args?: Readonly<Record<string, string | number>>;
}

/** Chrome Trace Event Format: `traceEvents` of the object form; times in microseconds. */
export function readChromeJson(
  bytes: Uint8Array,
): ReadTrace & { readonly other: Readonly<Record<string, unknown>> } {
  const file = JSON.parse(Buffer.from(bytes).toString()) as {
    traceEvents: JsonEvent[];
    otherData: Record<string, unknown>;
  };
  const events = file.traceEvents;
  const place = ({ pid, tid }: JsonEvent): string => `${pid}/${tid}`;
  const threads = new Map(
    events
      .filter(({ name }) => name === 'thread_name')
      .map((e) => [place(e), String(e.args?.['name'])]),
  );
  const slices = events
    .filter(({ ph }) => ph === 'X')
    .map((event): ReadSlice => {
      const track = threads.get(place(event));
      if (track === undefined) throw new Error(`slice on an unnamed thread ${place(event)}`);
      const start = Math.round(event.ts! * 1000);
      return { track, name: event.name, start, end: start + Math.round(event.dur! * 1000) };
    });
  const counters = new Map<string, [number, number][]>();
  for (const { name, ts, args } of events.filter(({ ph }) => ph === 'C')) {
    const sample: [number, number] = [Math.round(ts! * 1000), Number(Object.values(args!)[0])];
    counters.set(name, [...(counters.get(name) ?? []), sample]);
  }
  return {
    slices,
    counters,
    flows: events
      .filter(({ ph }) => 'stf'.includes(ph))
      .map(({ id, ph }) => ({ id: id!, ends: ph === 'f' })),
    instants: events.filter(({ ph }) => ph === 'i').map(({ name }) => name),
    tracks: [...threads.values()],
    other: file.otherData,
  };
}
