/**
 * Drives the transaction model with requesters or a trace.
 *
 * Model    ticks of CK: accesses that are due, then closed-loop ones round robin while windows allow;
 *          each 64-byte access goes as bursts through an unbounded queue per channel, four offers per tick
 * Ignores  caches and interconnect in front of the controllers
 * Valid    measured between the 10 % and the 95 % mark of the accesses: completions as drivers of other tools count them,
 *          which take a write for done when the controller lets go of it, and what the data bus carried, never above peak
 * Source   the same driver as the third-party reference runs
 * Checked  test/validation/dram.test.ts, test/property/dram.test.ts
 */
import { type Fault, SpecError } from '../../base/errors.ts';
import type { AddressMap } from './address-map.ts';
import { ChannelPort } from './channel-port.ts';
import type { ChannelController, CompletionSink } from './controller.ts';
import { NEVER } from './controller-config.ts';
import type { DramDevice } from './device.ts';
import { TrafficMeter } from './meter.ts';
import { ACCESS_BYTES, type AccessStream, type Requester, RequestStream } from './requester.ts';
import { type AccessTrace, TraceStream } from './trace.ts';

export interface TrafficPlan {
  readonly requesters: readonly Requester[];
  /** Replayed instead of requesters: at its cycles, or against the window where it has none. */
  readonly trace?: AccessTrace | undefined;
  /** Accesses that may be under way, all closed-loop requesters together; unset for open issue. */
  readonly window?: number | undefined;
  /** Share of peak at which accesses arrive, whatever happens; unset for closed issue. */
  readonly openRate?: number | undefined;
  /** All requesters together; a trace has its own count. */
  readonly accesses: number;
}

export interface Memory {
  readonly device: DramDevice;
  readonly map: AddressMap;
  readonly controllers: readonly ChannelController[];
}

/** Builds the controllers of one run; each reports its completions to the sink it is given. */
export type MemoryBuilder = (sink: CompletionSink) => Memory;

/** Accesses that come at their own times: `stream` −1 stands for all requesters in turn. */
interface Pace {
  readonly stream: number;
  /** Cycles from one access to the next; unset where a trace tells. */
  readonly interval?: number;
}

interface BusMark {
  readonly cycle: number;
  readonly bursts: number;
}

/** One run of a plan against a memory; `run` may be called once. */
export class TrafficDriver {
  readonly meter: TrafficMeter;
  readonly memory: Memory;
  private readonly accesses: number;
  private readonly streams: readonly AccessStream[];
  private readonly ports: readonly ChannelPort[];
  private readonly closed: readonly number[];
  private readonly isClosed: Uint8Array;
  private readonly paced: readonly Pace[];
  private readonly due: Float64Array;
  private readonly burstsPerAccess: number;
  /** Bursts of an access that the map keeps in one row. */
  private readonly together: number;
  private readonly window: number;
  /** By channel: before this cycle nothing happens there unless a burst arrives. */
  private readonly quietUntil: Int32Array;
  private issued = 0;
  private outstanding = 0;
  private pointer = 0;
  /** Cycle of CK. */
  private now = 0;
  /** The same, or where an only channel has run ahead to. */
  private reached = 0;
  /** Cycles at the marks of the meter, and bursts that all buses had carried by then. */
  private readonly marks: BusMark[] = [];

  constructor(plan: TrafficPlan, build: MemoryBuilder) {
    checkPlan(plan);
    const { trace } = plan;
    this.accesses = trace ? trace.address.length : plan.accesses;
    this.streams = trace
      ? [new TraceStream(trace)]
      : plan.requesters.map((requester) => new RequestStream(requester));
    this.meter = new TrafficMeter(this.accesses, this.streams.length);
    this.memory = build((access, cycle) => this.complete(access, cycle));
    const { device, map, controllers } = this.memory;
    if (!trace) checkReach(plan.requesters, map);
    this.ports = controllers.map(() => new ChannelPort());
    this.quietUntil = new Int32Array(controllers.length);
    this.burstsPerAccess = Math.max(1, ACCESS_BYTES / device.burstBytes);
    this.together = Math.min(map.run, this.burstsPerAccess);
    this.paced = pacesOf(plan, device, controllers.length);
    this.due = new Float64Array(this.paced.length);
    const paced = new Set(this.paced.map(({ stream }) => stream));
    const indices = this.streams.map((_, index) => index);
    this.closed = paced.has(-1) ? [] : indices.filter((index) => !paced.has(index));
    this.isClosed = Uint8Array.from(indices, (index) => (this.closed.includes(index) ? 1 : 0));
    this.window = plan.window ?? 0;
    if (this.closed.length === 0) checkLength(this.accesses, this.paced, trace);
    if (trace?.cycle) this.due[0] = trace.cycle[0] as number;
  }

  /** Runs to the end; returns the cycle in which the last access was complete. */
  run(): number {
    const { controllers } = this.memory;
    for (this.now = 0; ; ) {
      const { now } = this;
      this.reached = now;
      for (let channel = 0; channel < controllers.length; channel++) {
        (controllers[channel] as ChannelController).collect(now);
      }
      if (this.ended()) return now;
      if (this.due.length > 0) this.issuePaced(now);
      if (this.outstanding < this.window) this.issueClosed(now);
      const next = controllers.length === 1 ? this.serveAlone() : this.serve(now);
      if (this.ended()) return this.now;
      this.now = next > this.now ? next : this.now + 1;
    }
  }

  /** Offers and one cycle of each channel; returns when something can happen next. */
  private serve(now: number): number {
    const { controllers } = this.memory;
    const { ports, quietUntil } = this;
    let next = NEVER;
    for (let channel = 0; channel < controllers.length; channel++) {
      const port = ports[channel] as ChannelPort;
      let at = quietUntil[channel] as number;
      if (port.count > 0 || at <= now) {
        at = serveChannel(controllers[channel] as ChannelController, port, now);
        quietUntil[channel] = at;
      }
      if (at < next) next = at;
    }
    if (this.mayIssueClosed()) return now + 1;
    return this.issued === this.accesses ? next : this.nextDue(next);
  }

  /** As `serve` for an only channel, on and on while nothing asks for a new access. */
  private serveAlone(): number {
    const controller = this.memory.controllers[0] as ChannelController;
    const port = this.ports[0] as ChannelPort;
    const due = this.issued === this.accesses ? NEVER : this.nextDue(NEVER);
    for (;;) {
      const { now } = this;
      const next = serveChannel(controller, port, now);
      if (this.ended() || this.mayIssueClosed()) return now + 1;
      const at = next > now ? next : now + 1;
      if (at >= due) return due;
      this.reached = at;
      controller.collect(at);
      const ended = this.ended();
      if (!ended && this.outstanding < this.window) return at;
      this.now = at;
      if (ended) return at;
    }
  }

  private ended(): boolean {
    return this.meter.completed === this.accesses;
  }

  private nextDue(next: number): number {
    for (let i = 0; i < this.due.length; i++) {
      // Cycles are whole numbers of 32 bits, or every comparison would be one of floating point.
      const due = Math.min(Math.ceil(this.due[i] as number), NEVER) | 0;
      if (due < next) next = due;
    }
    return next;
  }

  private issuePaced(now: number): void {
    for (let i = 0; i < this.paced.length; i++) {
      const { stream, interval } = this.paced[i] as Pace;
      while ((this.due[i] as number) <= now && this.issued < this.accesses) {
        const at = this.due[i] as number;
        const index = stream < 0 ? this.issued % this.streams.length : stream;
        this.issue(index, at);
        const following = (this.streams[index] as AccessStream).following;
        this.due[i] = interval === undefined ? following : at + interval;
      }
    }
  }

  private mayIssueClosed(): boolean {
    if (this.outstanding >= this.window || this.issued >= this.accesses) return false;
    for (const index of this.closed) {
      const stream = this.streams[index] as AccessStream;
      if (stream.outstanding < stream.window) return true;
    }
    return false;
  }

  /** Round robin, one access each, at most one per channel and tick. */
  private issueClosed(now: number): void {
    const { closed } = this;
    let left = this.memory.controllers.length;
    for (let refused = 0; left > 0 && refused < closed.length; ) {
      if (this.issued >= this.accesses || this.outstanding >= this.window) return;
      const index = closed[this.pointer] as number;
      this.pointer = this.pointer + 1 === closed.length ? 0 : this.pointer + 1;
      const stream = this.streams[index] as AccessStream;
      const free = stream.outstanding < stream.window;
      refused = free ? 0 : refused + 1;
      if (!free) continue;
      left--;
      this.issue(index, now);
    }
  }

  private issue(index: number, at: number): void {
    const stream = this.streams[index] as AccessStream;
    const { map } = this.memory;
    stream.advance();
    const access = this.issued++;
    this.meter.start(access, index, stream.write, at, this.burstsPerAccess);
    stream.outstanding++;
    if (this.isClosed[index] === 1) this.outstanding++;
    const first = Math.floor(stream.address / (ACCESS_BYTES / this.burstsPerAccess));
    for (let i = 0; i < this.burstsPerAccess; i += this.together) {
      const burst = first + i;
      const port = this.ports[map.channel(burst)] as ChannelPort;
      const bank = map.bank(burst);
      const row = map.row(burst);
      port.push(burst, this.together, access, stream.write, bank, row);
    }
  }

  /** Share of the time between the marks, or of the whole run where those fall together, that data buses carried bursts. */
  busShare(): number {
    const [from, to] = this.marks as [BusMark, BusMark];
    const apart = to.cycle > from.cycle;
    const bursts = apart ? to.bursts - from.bursts : this.markNow().bursts;
    const cycles = apart ? to.cycle - from.cycle : Math.max(1, this.reached);
    const { controllers } = this.memory;
    const { width } = (controllers[0] as ChannelController).state.bus;
    // Each bus alone cannot be above one; their sum could, by its last digit.
    return Math.min(1, (bursts * width) / (cycles * controllers.length));
  }

  private markNow(): BusMark {
    const { reached } = this;
    const bursts = this.memory.controllers.reduce(
      (sum, { state }) => sum + state.carriedBy(reached),
      0,
    );
    return { cycle: reached, bursts };
  }

  private complete(access: number, cycle: number): void {
    const { meter } = this;
    if (!meter.finishBurst(access, cycle)) return;
    if (meter.completed === meter.first || meter.completed === meter.last)
      this.marks.push(this.markNow());
    const index = meter.requesterOf(access);
    (this.streams[index] as AccessStream).outstanding--;
    if (this.isClosed[index] === 1) this.outstanding--;
  }
}

/** Offers and one cycle; returns when something can happen there next without another offer. */
function serveChannel(controller: ChannelController, port: ChannelPort, now: number): number {
  if (port.ready(controller)) port.offer(controller, now);
  controller.tick(now);
  // What the next cycle would offer is offered at once: nothing happens in between, and that cycle may be empty.
  if (port.ready(controller)) {
    port.offer(controller, now + 1);
    if (port.ready(controller)) return now + 1;
  }
  return controller.next();
}

/** Who issues at its own pace; open issue is one common pace in which the requesters take turns. */
function pacesOf(plan: TrafficPlan, device: DramDevice, channels: number): Pace[] {
  if (plan.trace) return plan.trace.cycle ? [{ stream: 0 }] : [];
  const perAccess = ACCESS_BYTES / device.tCK;
  if (plan.openRate !== undefined) {
    return [{ stream: -1, interval: perAccess / (plan.openRate * device.peak * channels) }];
  }
  return plan.requesters.flatMap(({ rate }, stream) =>
    rate === undefined ? [] : [{ stream, interval: perAccess / rate }],
  );
}

function checkPlan({ requesters, trace, window, openRate, accesses }: TrafficPlan): void {
  const faults: Fault[] = [];
  const demand = (ok: boolean, message: string, got: unknown) => {
    if (!ok) faults.push({ message, got: `${got}` });
  };
  demand(trace !== undefined || requesters.length > 0, 'traffic needs a requester', 'none');
  demand(trace !== undefined || accesses >= 20, 'a run needs at least 20 accesses', accesses);
  demand(openRate === undefined || openRate > 0, 'a rate must be above zero', openRate);
  const closed = trace ? !trace.cycle : requesters.some(({ rate }) => rate === undefined);
  const windowed = openRate !== undefined || !closed || (window ?? 0) >= 1;
  demand(windowed, 'closed issue needs a window of at least one access', window);
  if (faults.length > 0) throw new SpecError(faults);
}

/** Accesses that come at their own times must have come before the counter of cycles ends. */
function checkLength(accesses: number, paces: readonly Pace[], trace?: AccessTrace): void {
  const perCycle = paces.reduce((sum, { interval }) => sum + (interval ? 1 / interval : 0), 0);
  const cycles = trace?.cycle ? (trace.cycle.at(-1) as number) : accesses / perCycle;
  if (cycles < NEVER) return;
  const message = 'the accesses come too slowly: the last one after more cycles than are counted';
  throw new SpecError([
    { message, expected: `below ${NEVER} cycles`, got: `${cycles.toFixed(0)}` },
  ]);
}

/** @throws SpecError unless every address that a requester can make lies inside the memory. */
export function checkReach(requesters: readonly Requester[], map: AddressMap): void {
  const faults = requesters
    .filter(({ base, region }) => base + region > map.capacity)
    .map(({ base, region }) => ({
      message: 'a requester reaches beyond the memory',
      expected: `addresses below ${map.capacity}`,
      got: `${base + region}`,
    }));
  if (faults.length > 0) throw new SpecError(faults);
}
