/**
 * Requests answered by phone or cloud: how long, how many joules, and what left the phone.
 *
 * Model    cloud: exchange + queue (exponential, seeded) + time to first token + tokens ÷ rate; the phone waits at its
 *          standing power and pays the radio; phone: as simulated, request by request; hybrid: a local pass over the
 *          prompt that redacts, then the cloud; bytes that leave are the prompt's, labelled user-secret, or public
 *          once redacted. Every upload passes the gate of the phone's protection: what it wants redacted is sent the
 *          hybrid way, what it refuses is answered on the phone
 * Ignores  prompts that redaction shortens, answers (they come in, they do not leave)
 * Valid    one user, one request at a time; engine/offload/cloud.ts runs several at once, and is checked against this
 * Source   labels as in base/labels.ts; links: workloads/cloud/links.yaml; endpoint as given
 * Checked  test/unit/analysis/offload.test.ts
 */
import type { Label } from '../../base/labels.ts';
import { randomStream } from '../../base/random.ts';
import { exchangeSeconds, type Link, radioJoules } from '../../engine/offload/links.ts';
import {
  BYTES_PER_TOKEN,
  bytesUp,
  type Endpoint,
  labelOfPrompt,
  OVERHEAD_BYTES,
} from '../../engine/offload/plans.ts';
import type { OffloadOptions, OffloadPolicy } from '../../engine/offload/policies.ts';
import { routeThrough, type UploadGate } from '../../engine/secure-upload.ts';

/** One request as the phone alone would serve it. */
export interface LocalAnswer {
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly firstTokenSeconds: number;
  readonly latencySeconds: number;
  readonly joules: number;
  /** Of a pass of the redacting model over the prompt. */
  readonly redactSeconds: number;
  readonly redactJoules: number;
}

export interface Answer {
  readonly where: 'local' | 'cloud' | 'hybrid';
  readonly firstTokenSeconds: number;
  readonly latencySeconds: number;
  readonly joules: number;
  readonly bytesLeft: Readonly<Record<Label, number>>;
}

const NOTHING: Readonly<Record<Label, number>> = { public: 0, 'model-secret': 0, 'user-secret': 0 };

export interface OffloadParts {
  readonly policy: OffloadPolicy;
  readonly link: Link | undefined;
  readonly endpoint: Endpoint;
  readonly options: OffloadOptions;
  /** Of the phone while it waits. */
  readonly standingWatts: number;
  readonly charge: number;
  readonly seed: number;
  /** Asked before anything leaves; `now` is seconds since the request came. Everything may where there is none. */
  readonly gate?: Pick<UploadGate, 'offer' | 'begin' | 'end'>;
}

export function evaluateOffload(requests: readonly LocalAnswer[], parts: OffloadParts): Answer[] {
  const draw = randomStream(parts.seed, 'link');
  return requests.map((request) => {
    const ping = parts.link ? exchangeSeconds(parts.link, 0, draw) : Number.POSITIVE_INFINITY;
    const view = { promptTokens: request.promptTokens, charge: parts.charge, pingSeconds: ping };
    const where = parts.policy.choose(view, parts.options);
    if (where === 'local' || !parts.link) return localAnswer(request);
    const passed = parts.gate ? routeThrough(parts.gate, where, 0) : where;
    return passed === 'local'
      ? localAnswer(request)
      : cloudAnswer(request, passed, parts.link, parts, draw);
  });
}

function localAnswer({ firstTokenSeconds, latencySeconds, joules }: LocalAnswer): Answer {
  return { where: 'local', firstTokenSeconds, latencySeconds, joules, bytesLeft: NOTHING };
}

function cloudAnswer(
  request: LocalAnswer,
  where: 'cloud' | 'hybrid',
  link: Link,
  { endpoint, standingWatts, gate }: OffloadParts,
  draw: () => number,
): Answer {
  const prompt = request.promptTokens * BYTES_PER_TOKEN;
  const exchange = exchangeSeconds(link, prompt + OVERHEAD_BYTES, draw);
  const queue = -Math.log1p(-draw()) * endpoint.queueSeconds;
  const redact = where === 'hybrid' ? request.redactSeconds : 0;
  const first = redact + exchange + queue + endpoint.firstTokenSeconds;
  const rate = Math.min(endpoint.tokensPerSecond, link.downlink.is / BYTES_PER_TOKEN);
  const latency = first + (request.generatedTokens - 1) / rate;
  const away = latency - redact;
  const radio = radioJoules(link, away);
  const joules = standingWatts * away + radio + (where === 'hybrid' ? request.redactJoules : 0);
  const label = labelOfPrompt(where);
  gate?.begin(label, redact);
  gate?.end(label, prompt, redact, redact + (prompt + OVERHEAD_BYTES) / link.uplink.is);
  return {
    where,
    firstTokenSeconds: first,
    latencySeconds: latency,
    joules,
    bytesLeft: bytesUp(request.promptTokens, label),
  };
}
