/**
 * Requests answered by a cloud: the way up, the wait, the answer that streams down.
 *
 * Model    up: bytes share the uplink evenly, once more for each loss; then round trip + jitter (exponential) + a time-out
 *          for each loss; endpoint: so many answers of this phone at a time, the others wait in order, then a queue of
 *          other users (exponential) and the time to first token; down: tokens at the endpoint's rate, within a max–min
 *          fair share of the downlink. Without a signal nothing moves until it is back
 * Ignores  handovers, setup of encrypted connections (one is kept open), answers given up
 * Valid    exchanges of bytes to megabytes; the closed form of analysis/offload for one request at a time
 * Source   workloads/cloud/links.yaml; labels: base/labels.ts
 * Checked  test/unit/engine/cloud.test.ts, test/unit/analysis/offload-engine.test.ts
 */
import { InfeasibleError } from '../../base/errors.ts';
import { LABELS, type Label } from '../../base/labels.ts';
import { randomStream } from '../../base/random.ts';
import type { Bytes, BytesPerSecond, Seconds } from '../../base/units.ts';
import { TICK } from '../../kernel/clock.ts';
import { type EventHandle, NO_EVENT } from '../../kernel/event-queue.ts';
import { type Kernel, PRECEDENCE } from '../../kernel/kernel.ts';
import type { RemoteWork } from '../../workload/graph.ts';
import { CAUSE, type Ledger } from '../ledger.ts';
import { type Active, type Job, requestLabel } from '../request.ts';
import type { CloudReport } from '../run.ts';
import { fairShares } from '../shared-streams.ts';
import { drawExchange, exchangeSeconds, type Link } from './links.ts';
import { BYTES_PER_TOKEN, type Endpoint } from './plans.ts';
import { Radio } from './radio.ts';

/** The link from an instant on; none without a signal. */
export interface Signal {
  readonly from: Seconds;
  readonly link: Link | undefined;
}

export interface CloudSpec {
  readonly endpoint: Endpoint;
  /** That the endpoint gives to this phone at the same time. */
  readonly answers: number;
  /** In order of time, the first from the start. */
  readonly signal: readonly Signal[];
  readonly seed: number;
}

/** Stands before the modem. */
export interface ModemGate {
  /** Asked before anything leaves: how a prompt may, if at all. */
  route(job: Job, where: Way, now: Seconds): 'local' | Way;
  /** Its first byte leaves. @throws SecurityFault where it must not. */
  begin(job: Job, where: Way, now: Seconds): void;
  /** Its last byte has left. */
  end(job: Job, where: Way, start: Seconds, now: Seconds): void;
}
type Way = 'cloud' | 'hybrid';

type Stage = 'up' | 'travel' | 'line' | 'serve' | 'down';

interface Exchange {
  readonly request: Active;
  readonly work: RemoteWork;
  readonly row: number;
  stage: Stage;
  bytesLeft: Bytes;
  /** When its first byte went up. */
  left: Seconds | undefined;
  rate: BytesPerSecond;
  /** Of the way that follows the bytes: round trip, chance and time-outs. */
  travelSeconds: Seconds;
  /** End of stages that take their time whatever the link. */
  due: Seconds;
  since: Seconds;
}

export interface CloudParts {
  readonly kernel: Kernel;
  readonly ledger: Ledger;
  readonly event: number;
  readonly spec: CloudSpec;
}

export class Cloud {
  readonly radio: Radio;
  /** The part of a request that the cloud does has ended. */
  done: (request: Active) => void = () => undefined;
  /** Where data are protected. */
  gate: ModemGate | undefined;
  /** Share of a full battery now. */
  charge: () => number = () => 1;
  private readonly parts: CloudParts;
  private readonly draw: () => number;
  private readonly open: Exchange[] = [];
  private readonly left: Record<Label, Bytes>;
  private readonly counts = { local: 0, cloud: 0, hybrid: 0 };
  private link: Link | undefined;
  private place = 0;
  private last: Seconds = 0;
  private event: EventHandle = NO_EVENT;
  private silentSeconds: Seconds = 0;

  constructor(parts: CloudParts) {
    this.parts = parts;
    this.draw = randomStream(parts.spec.seed, 'link');
    this.radio = new Radio(parts.ledger);
    this.left = Object.fromEntries(LABELS.map((label) => [label, 0])) as Record<Label, Bytes>;
    this.switchLink(0);
  }

  /** Who answers a request that arrives now. */
  route(job: Job): Job {
    const { lane, plan } = job;
    if (!lane?.offload) return job;
    const { policy, options, routes } = lane.offload;
    const { link, draw } = this;
    const pingSeconds = link ? exchangeSeconds(link, 0, draw) : Number.POSITIVE_INFINITY;
    const view = { promptTokens: plan.promptTokens, charge: this.charge(), pingSeconds };
    const chosen = policy.choose(view, options);
    const wanted = !link && policy.staysHere ? 'local' : chosen;
    const where =
      wanted === 'local'
        ? wanted
        : (this.gate?.route(job, wanted, this.parts.kernel.now) ?? wanted);
    this.counts[where]++;
    if (where === 'local') return { ...job, answeredBy: where };
    const { name } = plan;
    return { ...job, answeredBy: where, plan: { ...routes[where], name } };
  }

  begin(request: Active, work: RemoteWork, now: Seconds): void {
    this.advance(now);
    const row = this.parts.ledger.row(
      requestLabel(request.job),
      request.labels[request.phase] as string,
      work.kind === 'exchange' ? 'Exchange' : 'Answer',
      'radio',
    );
    this.parts.ledger.counts[row]!++;
    this.radio.begin(row, now);
    const entry: Exchange = {
      request,
      work,
      row,
      stage: work.kind === 'exchange' ? 'up' : 'down',
      bytesLeft: work.kind === 'exchange' ? 0 : work.tokens * BYTES_PER_TOKEN,
      left: undefined,
      rate: 0,
      travelSeconds: 0,
      due: Number.POSITIVE_INFINITY,
      since: now,
    };
    this.open.push(entry);
    if (work.kind === 'exchange') this.send(entry);
    this.reshare(now);
  }

  /** Its event: something has ended, or the signal changes. */
  handle(now: Seconds): void {
    this.event = NO_EVENT;
    this.advance(now);
    const next = this.parts.spec.signal[this.place];
    if (next && next.from <= now + TICK) this.switchLink(now);
    for (const entry of [...this.open]) this.step(entry, now);
    const line = this.open.filter(({ stage }) => stage === 'line');
    for (const entry of line.toSorted((a, b) => a.since - b.since)) this.serveIfFree(entry, now);
    this.reshare(now);
  }

  /** Nothing that could still happen would end what is under way. */
  get isStuck(): boolean {
    return this.open.length > 0 && this.event === NO_EVENT;
  }

  noSignal(): InfeasibleError {
    const who = requestLabel(this.open[0]!.request.job);
    const since = this.parts.spec.signal.at(-1)!.from;
    return new InfeasibleError(`${who} waits for ever: no signal from ${since} s on`, {
      demand: this.open.length,
      bound: 0,
      unit: 'exchanges',
      breakdown: { 'under way': this.open.length },
      levers: [
        'a signal that comes back (cloud.signal)',
        'a policy that stays on the phone without one (answeredBy: fallback)',
      ],
    });
  }

  report(): CloudReport {
    return {
      answers: this.counts,
      bytesLeft: this.left,
      radioSeconds: this.radio.activeSeconds,
      radioJoules: this.radio.joules,
      tailJoulesAfter: this.radio.tailLeft,
      silentSeconds: this.silentSeconds,
    };
  }

  /** Losses are known when sending begins: what was lost is sent again, after a time-out. */
  private send(entry: Exchange): void {
    const { work } = entry;
    if (work.kind !== 'exchange') return;
    for (const label of LABELS) this.left[label] += work.bytes[label];
    const bytes = LABELS.reduce((sum, label) => sum + work.bytes[label], 0);
    // Drawn with the link as it is; without a signal, as that of the last one.
    const { seconds, times } = drawExchange(this.lastLink(), this.draw);
    entry.bytesLeft = bytes * times;
    entry.travelSeconds = seconds;
  }

  private lastLink(): Link {
    const { signal } = this.parts.spec;
    const known = signal.slice(0, this.place).findLast(({ link }) => link !== undefined);
    return (known ?? signal.find(({ link }) => link !== undefined))!.link as Link;
  }

  /** Moves an exchange on where its stage has ended. */
  private step(entry: Exchange, now: Seconds): void {
    const moved = entry.bytesLeft <= 2 * TICK * entry.rate;
    const over = entry.due <= now + TICK;
    if (entry.stage === 'up' && moved) {
      const { job } = entry.request;
      this.gate?.end(job, wayOf(job), entry.left ?? now, now);
      this.enter(entry, 'travel', now, now + entry.travelSeconds);
    }
    if (entry.stage === 'travel' && over) this.enter(entry, 'line', now);
    if (entry.stage === 'serve' && over) this.finish(entry, now);
    else if (entry.stage === 'down' && moved) this.finish(entry, now);
  }

  private serveIfFree(entry: Exchange, now: Seconds): void {
    const { answers, endpoint } = this.parts.spec;
    const { queueSeconds, firstTokenSeconds } = endpoint;
    const served = this.open.filter(({ stage }) => stage === 'serve' || stage === 'down');
    if (served.length >= answers) return;
    const queue = -Math.log1p(-this.draw()) * queueSeconds;
    this.enter(entry, 'serve', now, now + queue + firstTokenSeconds);
  }

  private enter(
    entry: Exchange,
    stage: Stage,
    now: Seconds,
    due: Seconds = Number.POSITIVE_INFINITY,
  ): void {
    entry.stage = stage;
    entry.due = due;
    entry.since = now;
  }

  private finish(entry: Exchange, now: Seconds): void {
    this.open.splice(this.open.indexOf(entry), 1);
    this.radio.end(entry.row, now);
    this.done(entry.request);
  }

  private switchLink(now: Seconds): void {
    this.link = this.parts.spec.signal[this.place++]!.link;
    this.radio.follow(this.link, now);
  }

  /** Brings bytes and accounts up to `now`. */
  private advance(now: Seconds): void {
    const dt = now - this.last;
    if (dt <= 0) return;
    this.last = now;
    if (!this.link && this.open.length > 0) this.silentSeconds += dt;
    for (const entry of this.open) {
      entry.bytesLeft = Math.max(0, entry.bytesLeft - entry.rate * dt);
      const cause = entry.stage === 'line' ? CAUSE.queue : CAUSE.network;
      this.parts.ledger.addSeconds(entry.row, cause, dt);
    }
  }

  /** Shares both ways anew, and puts the next thing that happens on the queue. */
  private reshare(now: Seconds): void {
    const { kernel, event, spec } = this.parts;
    this.shareWay('up', this.link?.uplink.is ?? 0, Number.POSITIVE_INFINITY);
    const answer = spec.endpoint.tokensPerSecond * BYTES_PER_TOKEN;
    this.shareWay('down', this.link?.downlink.is ?? 0, answer);
    for (const entry of this.open) this.depart(entry, now);
    let next = spec.signal[this.place]?.from ?? Number.POSITIVE_INFINITY;
    if (this.open.length === 0 && next === Number.POSITIVE_INFINITY) return;
    for (const entry of this.open) next = Math.min(next, endOf(entry, now));
    kernel.cancel(this.event);
    this.event = NO_EVENT;
    if (next === Number.POSITIVE_INFINITY) return;
    this.event = kernel.at(Math.max(next, now), PRECEDENCE.completion, event, 0);
  }

  /** From the first instant at which the link takes its bytes. */
  private depart(entry: Exchange, now: Seconds): void {
    if (entry.stage !== 'up' || entry.left !== undefined || entry.rate === 0) return;
    entry.left = now;
    const { job } = entry.request;
    this.gate?.begin(job, wayOf(job), now);
  }

  private shareWay(stage: 'up' | 'down', capacity: BytesPerSecond, limit: BytesPerSecond): void {
    const flows = this.open.filter((entry) => entry.stage === stage);
    const rates = fairShares(
      capacity,
      flows.map(() => Math.min(limit, capacity)),
    );
    for (const [i, entry] of flows.entries()) entry.rate = rates[i]!;
    for (const entry of this.open)
      if (entry.stage !== 'up' && entry.stage !== 'down') entry.rate = 0;
  }
}

function wayOf({ answeredBy }: Job): Way {
  return answeredBy === 'hybrid' ? 'hybrid' : 'cloud';
}

function endOf(entry: Exchange, now: Seconds): Seconds {
  const { stage, bytesLeft, rate, due } = entry;
  if (stage === 'up' || stage === 'down')
    return rate > 0 ? now + bytesLeft / rate : Number.POSITIVE_INFINITY;
  return due;
}
