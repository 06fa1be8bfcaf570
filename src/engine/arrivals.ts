/**
 * Requests of several workloads that share a phone: when each comes, and what follows when one has ended.
 *
 * Model    periodic: start + i × every; Poisson: exponential gaps from the seeded stream of the workload;
 *          closed loop: pause after the end of the last; after: delay after each end of another workload
 * Ignores  users who give up
 * Valid    arrivals before the scenario's duration; what has begun is finished
 * Source   arrival processes of queueing theory (Kleinrock, Queueing Systems I)
 * Checked  test/unit/engine/concurrency.test.ts, test/property/concurrency.test.ts
 */
import { randomStream } from '../base/random.ts';
import type { Seconds } from '../base/units.ts';
import type { RequestPlan } from '../workload/graph.ts';
import type { Job, JobSource, Lane } from './request.ts';
import type { Arrival } from './scenario.ts';

/** One workload, ready to ask. */
export interface Client {
  readonly plan: RequestPlan;
  /** The same where the cache that it counts on is lost. */
  readonly whole?: RequestPlan | undefined;
  /** What the phone keeps ready, where others may answer it. */
  readonly kept?: readonly RequestPlan[];
  readonly lane: Lane;
  readonly priority: number;
  readonly arrival: Arrival;
}

export interface ClientJobs {
  readonly jobs: readonly Job[];
  readonly follow: JobSource;
  /** One job of every workload, or of every model that it may need. */
  readonly expected: readonly Job[];
}

/** @param duration no request comes later. */
export function clientJobs(
  clients: readonly Client[],
  duration: Seconds = Number.POSITIVE_INFINITY,
  seed = 1,
): ClientJobs {
  const made = clients.map(() => 0);
  const make = (c: number, arrival: Seconds): Job[] => {
    const { repeat = Number.POSITIVE_INFINITY } = clients[c]!.arrival;
    if (arrival >= duration || made[c]! >= repeat) return [];
    made[c]!++;
    return [jobOf(clients[c]!, arrival, made[c]!)];
  };
  const jobs = clients.flatMap((client, c) =>
    firstArrivals(client, duration, seed).flatMap((arrival) => make(c, arrival)),
  );
  return {
    jobs: jobs.sort((a, b) => a.arrival - b.arrival),
    follow: (_, now, ended) =>
      clients.flatMap((client, c) => {
        const { pause, after, delay } = client.arrival;
        if (client.lane === ended.lane && pause !== undefined) return make(c, now + pause);
        return after !== undefined && after === ended.lane?.name ? make(c, now + delay) : [];
      }),
    expected: clients.flatMap((client) =>
      (client.kept ?? [client.plan]).map((plan) => jobOf({ ...client, plan }, 0, 1)),
    ),
  };
}

function jobOf({ plan, whole, lane, priority }: Client, arrival: Seconds, number: number): Job {
  const name = `${lane.name} ${number}`;
  const named = (own: RequestPlan) => ({ ...own, name, model: plan.model ?? plan.name });
  return { plan: named(plan), arrival, priority, lane, ...(whole && { whole: named(whole) }) };
}

/** Those that depend on nobody's end. */
function firstArrivals({ arrival, lane }: Client, duration: Seconds, seed: number): Seconds[] {
  const { start, every, poisson, after, repeat = Number.POSITIVE_INFINITY } = arrival;
  if (after !== undefined) return [];
  const draw = randomStream(seed, `arrivals of ${lane.name}`);
  const gap = (): Seconds =>
    poisson === undefined ? (every ?? 0) : -Math.log1p(-draw()) * poisson;
  if (every === undefined && poisson === undefined) return [start];
  const times: Seconds[] = [];
  let time = poisson === undefined ? start : start + gap();
  for (let i = 0; i < repeat && time < duration; i++) {
    times.push(time);
    // Multiples of the period, so that rounding does not add up over a long run.
    time = poisson === undefined ? start + (i + 1) * gap() : time + gap();
  }
  return times;
}
