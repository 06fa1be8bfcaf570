/**
 * Power-down and self-refresh of one channel's ranks.
 *
 * Model    a rank without work closes its rows after a while and powers down; a burst or a refresh that comes wakes it,
 *          and its commands wait tXP. After a longer while it refreshes itself: no REF until it wakes, which takes tXSR
 * Ignores  active power-down, deep sleep (tens of microseconds and more), the energy of entry and exit beyond standby
 *          at full power while they last, the least time in power-down (a few cycles)
 * Valid    times from the preset; the delays are the controller's choice
 * Source   JESD209-5 (tXP, tSR, tXSR)
 * Checked  test/unit/hardware/dram/low-power.test.ts, test/property/dram-power.test.ts
 */
import type { ChannelState } from './channel-state.ts';
import { type ControllerConfig, NEVER } from './controller-config.ts';
import type { DeviceTiming } from './device.ts';

const UP = 0;
const DOWN = 1;
const SELF_REFRESH = 2;

export class LowPower {
  /** Next cycle in which a rank may change its state without being asked for. */
  due: number;
  /** Times that ranks have powered down, and refreshed themselves. */
  powerDowns = 0;
  selfRefreshes = 0;
  private readonly state: ChannelState;
  private readonly timing: DeviceTiming;
  private readonly downAfter: number;
  private readonly selfAfter: number;
  /** By rank. */
  private readonly mode: Uint8Array;
  private readonly bursts: Int32Array;
  private readonly since: Int32Array;
  /** End of the last burst, and of the last burst, refresh or exit. */
  private readonly idleFrom: Int32Array;
  private readonly quietFrom: Int32Array;
  private readonly downCycles: Float64Array;
  private readonly selfCycles: Float64Array;

  constructor(
    state: ChannelState,
    timing: DeviceTiming,
    delays: { readonly downAfter: number; readonly selfAfter: number },
  ) {
    const ranks = state.banks / state.banksPerRank;
    this.state = state;
    this.timing = timing;
    this.downAfter = delays.downAfter;
    this.selfAfter = delays.selfAfter;
    this.mode = new Uint8Array(ranks);
    this.bursts = new Int32Array(ranks);
    this.since = new Int32Array(ranks);
    this.idleFrom = new Int32Array(ranks);
    this.quietFrom = new Int32Array(ranks);
    this.downCycles = new Float64Array(ranks);
    this.selfCycles = new Float64Array(ranks);
    this.due = Math.min(this.downAfter, this.selfAfter);
  }

  /** A burst for the rank has come. */
  arrive(rank: number, now: number): void {
    this.bursts[rank] = (this.bursts[rank] as number) + 1;
    this.wake(rank, now);
  }

  /** Its column command has gone; its data end at `end`. */
  leave(rank: number, end: number): void {
    const left = (this.bursts[rank] as number) - 1;
    this.bursts[rank] = left;
    this.idleFrom[rank] = Math.max(this.idleFrom[rank] as number, end);
    this.quietFrom[rank] = Math.max(this.quietFrom[rank] as number, end);
    if (left === 0) this.plan(rank);
  }

  refreshed(rank: number, end: number): void {
    this.quietFrom[rank] = Math.max(this.quietFrom[rank] as number, end);
    this.plan(rank);
  }

  refreshesItself(rank: number): boolean {
    return this.mode[rank] === SELF_REFRESH;
  }

  /** Starts the exit of a rank that is down: no command before it is over. */
  wake(rank: number, now: number): void {
    const mode = this.mode[rank] as number;
    if (mode === UP) return;
    const { nXP, nSR, nXSR } = this.timing;
    const since = this.since[rank] as number;
    const itself = mode === SELF_REFRESH;
    const from = itself ? Math.max(now, since + nSR) : now;
    this.book(rank, from - since);
    this.mode[rank] = UP;
    const ready = from + (itself ? nXSR : nXP);
    this.state.holdRank(rank, ready);
    this.quietFrom[rank] = ready;
    this.plan(rank);
  }

  /**
   * Takes idle ranks one step further down; ranks named by a bit of `wanted` have a refresh to do first.
   * @returns whether that took a command.
   */
  step(now: number, wanted: number): boolean {
    this.due = NEVER;
    let commands = false;
    for (let rank = 0; rank < this.mode.length; rank++) {
      const busy = commands || (this.bursts[rank] as number) > 0 || (wanted & (1 << rank)) !== 0;
      if (!busy) commands = this.lower(rank, now);
      else if (commands) this.plan(rank);
    }
    return commands;
  }

  /** Rank-cycles in power-down and in self-refresh until `now`. */
  cyclesUntil(now: number): { readonly down: number; readonly selfRefresh: number } {
    let [down, selfRefresh] = [0, 0];
    for (let rank = 0; rank < this.mode.length; rank++) {
      const open = Math.max(0, now - (this.since[rank] as number));
      const mode = this.mode[rank];
      down += (this.downCycles[rank] as number) + (mode === DOWN ? open : 0);
      selfRefresh += (this.selfCycles[rank] as number) + (mode === SELF_REFRESH ? open : 0);
    }
    return { down, selfRefresh };
  }

  private lower(rank: number, now: number): boolean {
    const { state } = this;
    const mode = this.mode[rank] as number;
    const selfDue = now >= (this.idleFrom[rank] as number) + this.selfAfter;
    const downDue = now >= (this.quietFrom[rank] as number) + this.downAfter;
    if (mode === SELF_REFRESH || !(selfDue || (downDue && mode === UP))) {
      this.plan(rank);
      return false;
    }
    // From power-down into self-refresh a rank first comes up.
    if (mode === DOWN) {
      this.wake(rank, now);
      return true;
    }
    const idle = state.idle(rank);
    const at = idle ? state.refreshReady(rank) : state.prechargeAllReady(rank);
    if (at > now) {
      this.due = Math.min(this.due, at);
      return false;
    }
    if (!idle) {
      state.ready.advance(now);
      state.prechargeAll(rank, now);
      this.due = Math.min(this.due, state.refreshReady(rank));
      return true;
    }
    this.mode[rank] = selfDue ? SELF_REFRESH : DOWN;
    if (selfDue) this.selfRefreshes++;
    else this.powerDowns++;
    this.since[rank] = now;
    this.plan(rank);
    return true;
  }

  private book(rank: number, cycles: number): void {
    const times = this.mode[rank] === DOWN ? this.downCycles : this.selfCycles;
    times[rank] = (times[rank] as number) + cycles;
  }

  /** Looks at the rank again once it has idled long enough for its next state. */
  private plan(rank: number): void {
    const mode = this.mode[rank] as number;
    if (mode === SELF_REFRESH) return;
    let at = this.selfAfter === NEVER ? NEVER : (this.idleFrom[rank] as number) + this.selfAfter;
    if (mode === UP && this.downAfter !== NEVER) {
      at = Math.min(at, (this.quietFrom[rank] as number) + this.downAfter);
    }
    if (mode === UP) at = Math.max(at, this.quietFrom[rank] as number);
    if (at < this.due) this.due = at;
  }
}

/** The states a configuration asks for, if any. */
export function buildLowPower(
  state: ChannelState,
  timing: DeviceTiming,
  { powerDownAfter: downAfter, selfRefreshAfter: selfAfter }: ControllerConfig,
): LowPower | undefined {
  const wanted = downAfter !== NEVER || selfAfter !== NEVER;
  return wanted ? new LowPower(state, timing, { downAfter, selfAfter }) : undefined;
}
