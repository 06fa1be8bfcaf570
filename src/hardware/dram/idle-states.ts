/**
 * In which state a rank of a phone's memory is, by how often it is accessed.
 *
 * Model    accesses come to a rank at random. It is up for as long as one takes and for a while after it, and around each
 *          refresh of a bank; it is down where no access came within that time, and refreshes itself where none came within
 *          a longer one: shares e^(−rate·time), those in power-down less the refreshes
 * Ignores  that traffic comes in bursts, which leave longer pauses; deeper states, which take longer than tokens do; the
 *          exit from self-refresh
 * Valid    any rate; at most a rank per channel is woken by a refresh at once
 * Source   Poisson arrivals; the idle times of low-power.ts as one published device tree sets them (below)
 * Checked  test/unit/hardware/dram/idle-states.test.ts: shares and watts against the transaction model
 */
import type { Seconds } from '../../base/units.ts';
import type { DramDevice } from './device.ts';

/** Idle times after which a rank powers down and refreshes itself: pd-idle-ns, sr-idle-ns of Linux rk3399-gru.dtsi (LPDDR4). */
export const IDLE_AFTER = { powerDown: 160e-9, selfRefresh: 10.24e-6 } as const;

/** Of a rank's time; the rest is up. */
interface IdleShares {
  readonly powerDown: number;
  readonly selfRefresh: number;
}

/** @returns the shares as a function of accesses per second and rank. */
export function idleStates(device: DramDevice): (accessesPerSecond: number) => IdleShares {
  const { timing: t, tCK } = device;
  // Out of power-down, both bursts of a closed row, and PREab before the rank goes down again.
  const served = (t.nXP + t.nRCD + t.nCCDL + t.nRL + t.nBLmax) * tCK;
  const downAfter: Seconds = served + IDLE_AFTER.powerDown + t.nRPab * tCK;
  const selfAfter: Seconds = served + IDLE_AFTER.selfRefresh;
  const refreshing = (t.nXP + t.nRFCpb) * tCK + IDLE_AFTER.powerDown;
  const unrefreshed = Math.max(0, 1 - refreshing / (t.nREFIpb * tCK));
  return (rate) => {
    const selfRefresh = Math.exp(-rate * selfAfter);
    return { powerDown: (Math.exp(-rate * downAfter) - selfRefresh) * unrefreshed, selfRefresh };
  };
}
