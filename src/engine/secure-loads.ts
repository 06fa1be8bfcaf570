/** The protected models of a run: each comes when a request needs it, all through the same memory. */
import type { Bytes, Joules, Seconds } from '../base/units.ts';
import { CAUSE } from './ledger.ts';
import { type Active, type Job, type Lane, requestLabel } from './request.ts';
import { RESTORE_PHASE, type RestoreFlow } from './secure-restore.ts';
import type { Loading, LoadReport } from './storage.ts';
import type { StreamPort } from './stream.ts';

export interface LoadedLane {
  readonly flow: RestoreFlow;
  /** Its memory is given back when no request needs it. */
  readonly release: boolean;
}

export class SecureLoads implements Loading {
  private readonly laneOf: (lane: Lane | undefined) => LoadedLane | undefined;
  private readonly flows: readonly RestoreFlow[];
  /** Requests that need a model, from their arrival to their end. */
  private readonly needed = new Map<RestoreFlow, number>();
  /** Restores that no request has been told of. */
  private readonly untold = new Set<RestoreFlow>();
  private granted: readonly RestoreFlow[] = [];
  private ports: readonly StreamPort[] = [];

  constructor(
    laneOf: (lane: Lane | undefined) => LoadedLane | undefined,
    flows: readonly RestoreFlow[],
  ) {
    this.laneOf = laneOf;
    this.flows = flows;
    for (const flow of flows) this.needed.set(flow, 0);
  }

  come(job: Job): void {
    const flow = this.neededBy(job)?.flow;
    if (flow) this.needed.set(flow, this.needed.get(flow)! + 1);
  }

  readyAt(job: Job, now: Seconds): Seconds {
    const flow = this.neededBy(job)?.flow;
    if (!flow) return now;
    if (flow.isAway) {
      flow.begin(now);
      this.untold.add(flow);
    }
    return now + flow.openIn(now);
  }

  leave(job: Job): void {
    const lane = this.neededBy(job);
    if (!lane) return;
    const left = this.needed.get(lane.flow)! - 1;
    this.needed.set(lane.flow, left);
    if (lane.release && left === 0) lane.flow.release();
  }

  opened({ job }: Active, now: Seconds): LoadReport | undefined {
    const flow = this.neededBy(job)?.flow;
    if (!flow || !this.untold.delete(flow)) return undefined;
    const request = requestLabel(job);
    return { request, phase: RESTORE_PHASE, start: flow.start, end: now, cause: CAUSE.secure };
  }

  /** What somebody else answers needs no model here; a redactor is none of those that are protected. */
  private neededBy({ lane, answeredBy = 'local' }: Job): LoadedLane | undefined {
    return answeredBy === 'local' ? this.laneOf(lane) : undefined;
  }

  progress(now: Seconds): { readonly memory: Joules; readonly fabric: Joules } {
    let memory = 0;
    let fabric = 0;
    for (const flow of this.flows) {
      const used = flow.progress(now);
      memory += used.memory;
      fabric += used.fabric;
    }
    return { memory, fabric };
  }

  takeJoules(): Joules {
    return this.flows.reduce((sum, flow) => sum + flow.takeJoules(), 0);
  }

  takeBytes(): Bytes {
    return this.flows.reduce((sum, flow) => sum + flow.takeBytes(), 0);
  }

  streams(): readonly StreamPort[] {
    const open = this.flows.flatMap((flow) => {
      const port = flow.stream();
      if (!port) flow.grant(1, 1);
      return port ? [{ flow, port }] : [];
    });
    this.granted = open.map(({ flow }) => flow);
    this.ports = open.map(({ port }) => port);
    return this.ports;
  }

  grant(rates: readonly number[]): void {
    for (const [i, flow] of this.granted.entries()) flow.grant(rates[i]!, this.ports[i]!.bandwidth);
  }

  nextChange(now: Seconds): Seconds {
    return this.flows.reduce(
      (next, flow) => Math.min(next, flow.nextChange(now)),
      Number.POSITIVE_INFINITY,
    );
  }
}
