/** Runs traffic through the transaction model and says what came out, in SI units. */
import type {
  Bytes,
  BytesPerSecond,
  Celsius,
  Joules,
  JoulesPerByte,
  Seconds,
} from '../../base/units.ts';
import { buildAddressMap } from './address-map.ts';
import type { ControllerConfig } from './controller-config.ts';
import { buildController } from './controllers.ts';
import { buildDevice, type DramDevice } from './device.ts';
import { type DramActivity, dramEnergy, type EnergyPart, type PowerCorner } from './energy.ts';
import type { LatencyCycles } from './meter.ts';
import type { LpddrPreset } from './preset.ts';
import { ACCESS_BYTES } from './requester.ts';
import { TrafficDriver, type TrafficPlan } from './traffic.ts';

export interface TrafficOptions {
  readonly preset: LpddrPreset;
  readonly channels: number;
  readonly controller: ControllerConfig;
  /** Name or text of an address map. */
  readonly map: string;
  readonly plan: TrafficPlan;
  readonly mode?: string | undefined;
  readonly density?: string | undefined;
  readonly ranks?: number | undefined;
  readonly temperature?: Celsius | undefined;
  readonly corner?: PowerCorner | undefined;
}

interface Latency {
  readonly mean: Seconds;
  readonly p50: Seconds;
  readonly p95: Seconds;
  readonly p99: Seconds;
  readonly max: Seconds;
}

export interface TrafficRun {
  readonly peak: BytesPerSecond;
  /** What the data bus carried over the measured part; never above peak. */
  readonly bandwidth: BytesPerSecond;
  /**
   * Accesses completed over the measured part, as drivers of other tools count them: also writes that have been taken but
   * not sent, and what was answered or replaced in the queues without the bus.
   */
  readonly completed: BytesPerSecond;
  readonly readLatency: Latency;
  readonly requesters: readonly { readonly share: number; readonly readLatency: Latency }[];
  /** Bursts by what they found at their first command. */
  readonly hits: number;
  readonly misses: number;
  readonly conflicts: number;
  readonly activates: number;
  /** Share of the time that banks spend in refresh. */
  readonly refreshShare: number;
  /** Shares of the ranks' time, and how often they went there. */
  readonly lowPower: {
    readonly powerDownShare: number;
    readonly selfRefreshShare: number;
    readonly powerDowns: number;
    readonly selfRefreshes: number;
  };
  readonly energy: Readonly<Record<EnergyPart, Joules>>;
  readonly energyPerByte: JoulesPerByte;
  readonly bytes: Bytes;
  readonly accesses: number;
  /** From the first cycle to the last. */
  readonly seconds: Seconds;
  readonly cycles: number;
}

/** Runs one plan; the same options give the same result to the last bit. */
export function simulateTraffic(options: TrafficOptions): TrafficRun {
  const { preset, channels, plan } = options;
  const device = buildDevice(preset, options);
  const map = buildAddressMap(options.map, device, channels);
  const driver = new TrafficDriver(plan, (sink) => ({
    device,
    map,
    controllers: Array.from({ length: channels }, () =>
      buildController(device, options.controller, sink),
    ),
  }));
  const cycles = driver.run();
  const { meter } = driver;
  const { tCK } = device;
  const seconds = (latency: LatencyCycles): Latency => ({
    mean: latency.mean * tCK,
    p50: latency.p50 * tCK,
    p95: latency.p95 * tCK,
    p99: latency.p99 * tCK,
    max: latency.max * tCK,
  });
  const readLatency = seconds(meter.latencyCycles());
  const measured = Math.max(1, meter.toCycle - meter.fromCycle) * tCK;
  const activity = activityOf(driver, device, cycles, options.temperature);
  const energy = dramEnergy(preset, options.density, activity, options.corner);
  const bytes = ACCESS_BYTES * meter.completed;
  const sum = Object.values(energy).reduce((total, part) => total + part, 0);
  return {
    peak: device.peak * channels,
    bandwidth: driver.busShare() * device.peak * channels,
    completed: (ACCESS_BYTES * meter.measuredAccesses) / measured,
    readLatency,
    requesters: plan.requesters.map((_, index, all) => ({
      share: meter.shareOf(index),
      readLatency: all.length === 1 ? readLatency : seconds(meter.latencyCycles(index)),
    })),
    ...foundRows(driver),
    activates: activity.activates,
    refreshShare: refreshShare(driver, device, cycles),
    lowPower: lowPowerOf(driver, device, cycles),
    energy,
    energyPerByte: sum / bytes,
    bytes,
    accesses: meter.completed,
    seconds: cycles * tCK,
    cycles,
  };
}

function foundRows({ memory }: TrafficDriver) {
  const total = { hits: 0, misses: 0, conflicts: 0 };
  for (const { counts } of memory.controllers) {
    total.hits += counts.hits;
    total.misses += counts.misses;
    total.conflicts += counts.conflicts;
  }
  return total;
}

function activityOf(
  driver: TrafficDriver,
  device: DramDevice,
  cycles: number,
  temperature?: Celsius,
): DramActivity {
  const states = driver.memory.controllers.map(({ state }) => state);
  const sum = (pick: (state: (typeof states)[number]) => number) =>
    states.reduce((total, state) => total + pick(state), 0);
  const open = sum((state) => state.openCyclesUntil(cycles)) * device.tCK;
  const all = cycles * device.tCK * device.ranks * states.length;
  const { powerDownShare, selfRefreshShare } = lowPowerOf(driver, device, cycles);
  const powerDownSeconds = powerDownShare * all;
  const selfRefreshSeconds = selfRefreshShare * all;
  return {
    seconds: cycles * device.tCK,
    activates: sum((state) => state.activates),
    readBytes: sum((state) => state.reads) * device.burstBytes,
    writeBytes: sum((state) => state.writes) * device.burstBytes,
    refreshes: sum((state) => state.refreshes + state.bankRefreshes / device.banks),
    openSeconds: Math.min(open, all),
    closedSeconds: Math.max(0, all - open - powerDownSeconds - selfRefreshSeconds),
    powerDownSeconds,
    selfRefreshSeconds,
    temperature,
  };
}

function lowPowerOf({ memory }: TrafficDriver, device: DramDevice, cycles: number) {
  const total = { down: 0, selfRefresh: 0, powerDowns: 0, selfRefreshes: 0 };
  for (const { power } of memory.controllers) {
    if (!power) continue;
    const { down, selfRefresh } = power.cyclesUntil(cycles);
    total.down += down;
    total.selfRefresh += selfRefresh;
    total.powerDowns += power.powerDowns;
    total.selfRefreshes += power.selfRefreshes;
  }
  const all = Math.max(1, cycles * device.ranks * memory.controllers.length);
  return {
    powerDownShare: total.down / all,
    selfRefreshShare: total.selfRefresh / all,
    powerDowns: total.powerDowns,
    selfRefreshes: total.selfRefreshes,
  };
}

function refreshShare({ memory }: TrafficDriver, device: DramDevice, cycles: number): number {
  const { nRFCab, nRFCpb } = device.timing;
  const busy = memory.controllers.reduce(
    (sum, { state }) =>
      sum + state.refreshes * nRFCab + (state.bankRefreshes * nRFCpb) / device.banks,
    0,
  );
  return busy / (cycles * device.ranks * memory.controllers.length);
}
