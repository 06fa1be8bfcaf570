/**
 * What the units are doing at this moment, and what it costs as time passes.
 *
 * Model    an operator waits for transfer and launch, then computes (cycles at the unit's clock) and streams
 *          (bytes at the granted bandwidth) side by side; it ends when both have ended. It sleeps while the drive reads
 *          for it, drawing no more than idle power, and what comes is written by the drive: no part of its stream
 *          power = f·V²·(stalled + matrix + vector coefficients, each while busy); energy per byte for traffic
 * Ignores  the pipeline fill of the first tile, which `launchSeconds` may carry
 * Valid    one operator at a time per unit
 * Source   compute–memory overlap by double buffering: roofline (Williams et al., CACM 2009)
 * Checked  test/unit/engine/simulation.test.ts, test/property/engine.test.ts
 */
import type { Seconds } from '../base/units.ts';
import { TICK } from '../kernel/clock.ts';
import { sharedRates, streamPort } from './bandwidth.ts';
import { Beside } from './beside.ts';
import { DriveReads } from './drive-reads.ts';
import { CAUSE, type Ledger } from './ledger.ts';
import type { Machine } from './machine.ts';
import type { Radio } from './offload/radio.ts';
import { OperatorCycles } from './operator-cycles.ts';
import { OperatorTraffic } from './operator-traffic.ts';
import { largestCause } from './recorder.ts';
import { CAUSES } from './run.ts';
import { SharedStreams } from './shared-streams.ts';
import type { StreamPort } from './stream.ts';
import type { TaskTable } from './task-table.ts';

const [IDLE, LAUNCHING, RUNNING] = [0, 1, 2] as const;

export class Execution {
  /** As it is now: its memory follows the memory clock. */
  machine: Machine;
  private readonly ledger: Ledger;
  private readonly state: Uint8Array;
  private readonly last: Float64Array;
  private readonly launchEnd: Float64Array;
  private readonly transferLeft: Float64Array;
  readonly reads: DriveReads;
  private readonly secureLeft: Float64Array; // before launch, for protection
  private readonly cyclesLeft: Float64Array;
  private readonly bytesLeft: Float64Array;
  private readonly perCycle: OperatorCycles;
  private readonly traffic: OperatorTraffic;
  private readonly soloRate: Float64Array;
  private readonly rate: Float64Array;
  private readonly row: Int32Array;
  private readonly shared = new SharedStreams();
  private readonly causeSeconds: Float64Array;
  /** Cycles per second now, and if no thermal cap held. */
  readonly speed: Float64Array;
  readonly wantedSpeed: Float64Array;
  /** Watts at the present clocks: with work open, and added while the matrix engine or vector lanes are busy. */
  readonly stalledWatts: Float64Array;
  readonly matrixWatts: Float64Array;
  readonly vectorWatts: Float64Array;
  /** Of `stalledWatts`, what the thread draws that feeds the unit from the CPU. */
  readonly hostWatts: Float64Array;
  /** Since the last `collect`: seconds with work, joules and bytes by unit. */
  readonly busySeconds: Float64Array;
  /** Of them, those in phases that also have operators on the CPU. */
  readonly pooledSeconds: Float64Array;
  private readonly withCpu: Uint8Array;
  /** Of them, since they were last taken, those in which memory held the unit. */
  private readonly waitingSeconds: Float64Array;
  private readonly workSeconds: Float64Array;
  readonly unitJoules: Float64Array;
  readonly unitBytes: Float64Array;
  memoryJoules = 0;
  fabricJoules = 0;
  /** Served by the system cache since the start. */
  cacheBytes = 0;
  activeCount = 0;
  readonly beside = new Beside();
  radio: Radio | undefined;

  constructor(machine: Machine, ledger: Ledger) {
    const count = machine.units.length;
    const column = () => new Float64Array(count);
    this.machine = machine;
    this.ledger = ledger;
    this.state = new Uint8Array(count);
    this.row = new Int32Array(count);
    this.withCpu = new Uint8Array(count);
    this.traffic = new OperatorTraffic(count);
    this.perCycle = new OperatorCycles(count);
    this.causeSeconds = new Float64Array(count * CAUSES.length);
    this.last = column();
    this.launchEnd = column();
    this.transferLeft = column();
    this.reads = new DriveReads(count);
    this.secureLeft = column();
    this.cyclesLeft = column();
    this.bytesLeft = column();
    this.soloRate = column();
    this.rate = column();
    this.speed = column();
    this.wantedSpeed = column();
    this.stalledWatts = column();
    this.matrixWatts = column();
    this.vectorWatts = column();
    this.hostWatts = column();
    this.busySeconds = column();
    this.pooledSeconds = column();
    this.waitingSeconds = column();
    this.workSeconds = column();
    this.unitJoules = column();
    this.unitBytes = column();
  }

  isIdle(u: number): boolean {
    return this.state[u] === IDLE;
  }

  isRunning(u: number): boolean {
    return this.state[u] === RUNNING;
  }

  /** Share of a unit's working time in which memory held it, since the last call. */
  takeWaitingShare(u: number): number {
    const share = this.workSeconds[u]! > 0 ? this.waitingSeconds[u]! / this.workSeconds[u]! : 0;
    this.waitingSeconds[u] = 0;
    this.workSeconds[u] = 0;
    return share;
  }

  /** Memory runs at another clock: what streams alone now streams at the rate it gives. Call with accounts up to date. */
  changeMemory(machine: Machine): void {
    this.machine = machine;
    this.shared.forget();
    for (let u = 0; u < this.state.length; u++) {
      if (this.state[u] === IDLE || this.bytesLeft[u]! <= 0) continue;
      const port = streamPort(machine.units[u]!, this.traffic.splitOf(u));
      this.soloRate[u] = sharedRates(machine, [port])[0]!;
    }
  }

  /** What held the present (or last) operator of a unit longest, by index into `CAUSES`; seconds are by `unit × causes`. */
  causeOf(u: number): number {
    return largestCause(this.causeSeconds, u * CAUSES.length);
  }

  /**
   * Puts operator `operator` of a table on an idle unit; its time and energy go to ledger row `row`.
   * @param again seconds to submit its graph once more, after another request had the unit.
   * @param secure seconds that it waits for protection before its launch.
   */
  start(
    u: number,
    now: Seconds,
    table: TaskTable,
    operator: number,
    row: number,
    again: Seconds = 0,
    secure: Seconds = 0,
  ): void {
    const cell = table.cell[operator]!;
    const stored = table.storageSeconds[cell]!;
    const transfer = table.transferSeconds[operator]! + stored;
    const own = table.launchSeconds[cell]! + table.callSeconds[operator]! + transfer + again;
    const launch = own + secure;
    this.activeCount++;
    this.causeSeconds.fill(0, u * CAUSES.length, (u + 1) * CAUSES.length);
    this.state[u] = launch > 0 ? LAUNCHING : RUNNING;
    this.last[u] = now;
    this.launchEnd[u] = now + launch;
    this.transferLeft[u] = transfer;
    this.secureLeft[u] = secure;
    this.cyclesLeft[u] = table.cycles[cell]!;
    this.bytesLeft[u] = this.traffic.begin(u, table, operator);
    this.soloRate[u] = table.aheadStreams[operator]?.soloRate ?? table.soloRate[cell]!;
    this.row[u] = row;
    this.withCpu[u] = Number(table.usesCpu);
    const { sramPerByte } = this.machine.units[u]!;
    this.spend(u, row, this.perCycle.begin(u, table, cell, sramPerByte));
    if (stored > 0) {
      const { energyPerByte } = this.machine.storage!.storage;
      const brought = table.storageBytes[cell]!;
      this.reads.begin(u, stored, brought * energyPerByte, brought);
    }
    this.ledger.counts[row]!++;
    this.ledger.macs[row]! += table.macs[cell]!;
  }

  /** What a unit waits for before its launch takes so much longer, or shorter where negative. */
  delay(u: number, seconds: Seconds): void {
    this.launchEnd[u]! += seconds;
    this.secureLeft[u] = Math.max(0, this.secureLeft[u]! + seconds);
  }

  /** Takes bytes off the operator that has just begun, and off what the drive `brings`: what a gate refused moves nothing. */
  withhold(u: number, bytes: number, brings: number): void {
    this.bytesLeft[u] = Math.max(0, this.bytesLeft[u]! - bytes);
    this.reads.withhold(u, brings);
  }

  /** Brings one unit's accounts up to `now`, which must not pass what `due` says. */
  progress(u: number, now: Seconds): void {
    const dt = now - this.last[u]!;
    if (dt <= 0 || this.state[u] === IDLE) return;
    this.last[u] = now;
    this.busySeconds[u]! += dt;
    if (this.withCpu[u]) this.pooledSeconds[u]! += dt;
    if (this.state[u] === LAUNCHING) this.passLaunch(u, dt);
    else this.passWork(u, dt);
  }

  /** When the present operator ends if its unit stays alone, launch included. */
  dueAlone(u: number, now: Seconds): Seconds {
    const begin = this.state[u] === LAUNCHING ? this.launchEnd[u]! : now;
    const stream = this.bytesLeft[u]! > 0 ? this.bytesLeft[u]! / this.soloRate[u]! : 0;
    return begin + Math.max(this.cyclesLeft[u]! / this.paceOf(u), stream);
  }

  /** Passes launch and work of an operator in one go: same accounts as two calls of `fire`, one event instead of two. */
  finishAlone(u: number, now: Seconds): void {
    if (this.state[u] === LAUNCHING) {
      this.progress(u, this.launchEnd[u]!);
      this.state[u] = RUNNING;
      this.rate[u] = this.soloRate[u]!;
    }
    this.progress(u, now);
    this.retire(u);
  }

  progressAll(now: Seconds): void {
    for (let u = 0; u < this.state.length; u++) this.progress(u, now);
    if (!this.beside.usesStorage) return;
    const { memory, fabric } = this.beside.progress(now);
    this.memoryJoules += memory;
    this.fabricJoules += fabric;
  }

  /** Cycles per second that operators get of it. */
  private paceOf(u: number): number {
    return this.speed[u]! * this.beside.shareOf(u);
  }

  /** When something happens next on this unit: a read or the launch over, its stream over (only others care), or operator over. */
  due(u: number, now: Seconds): Seconds {
    if (this.state[u] === LAUNCHING)
      return this.reads.isShared(u) ? now + this.reads.endsIn(u) : this.launchEnd[u]!;
    const compute = this.cyclesLeft[u]! / this.paceOf(u);
    const stream = this.bytesLeft[u]! > 0 ? this.bytesLeft[u]! / this.rate[u]! : 0;
    const streamMatters =
      (this.activeCount > 1 || this.beside.isBusy) && stream > TICK && stream < compute;
    return now + (streamMatters ? stream : Math.max(compute, stream));
  }

  /** Acts on what `due` announced. @returns true when the operator is complete and the unit idle. */
  fire(u: number, now: Seconds): boolean {
    this.progress(u, now);
    if (this.state[u] === LAUNCHING) {
      if (this.launchEnd[u]! > now + TICK) return false;
      this.state[u] = RUNNING;
      this.rate[u] = this.soloRate[u]!;
      return false;
    }
    if (this.cyclesLeft[u]! / this.paceOf(u) > TICK) {
      this.moveBytes(u, this.bytesLeft[u]!);
      return false;
    }
    this.retire(u);
    return true;
  }

  /** Less than a tick of work may be left by rounding; its bytes are counted all the same. */
  private retire(u: number): void {
    this.moveBytes(u, this.bytesLeft[u]!);
    this.state[u] = IDLE;
    this.activeCount--;
  }

  /** Grants bandwidth anew after an operator began or ended to stream. Call with every unit's accounts up to date. */
  rerate(): void {
    const more = this.beside.streams(this.reads.count);
    if (this.reads.count > 0) this.shareDrive();
    let [streams, only] = [0, -1];
    for (let u = 0; u < this.state.length; u++) {
      if (this.state[u] === RUNNING && this.bytesLeft[u]! > 0) {
        streams++;
        only = u;
      }
    }
    if (more.length > 0 || streams > 1) this.shareMemory(more);
    else if (streams === 1) this.rate[only] = this.soloRate[only]!;
  }

  /** Those who read get the drive alike; what they wait for comes the later. */
  private shareDrive(): void {
    const { readerShare } = this.beside;
    for (let u = 0; u < this.state.length; u++) {
      const longer = this.reads.grant(u, readerShare);
      if (longer === 0) continue;
      this.transferLeft[u]! += longer;
      this.launchEnd[u]! += longer;
      this.beside.openings?.delay(u, longer);
    }
  }

  private shareMemory(more: readonly StreamPort[]): void {
    const { machine, rate, state, bytesLeft } = this;
    const streams = (u: number) => state[u] === RUNNING && bytesLeft[u]! > 0;
    const streaming = machine.units.flatMap((_, u) => (streams(u) ? [u] : []));
    const splits = streaming.map((u) => this.traffic.splitOf(u));
    this.beside.grant(this.shared.share(machine, streaming, splits, rate, more));
  }

  private passLaunch(u: number, dt: Seconds): void {
    const row = this.row[u]!;
    const transfer = Math.min(dt, this.transferLeft[u]!);
    this.transferLeft[u]! -= transfer;
    const asleep = this.reads.count > 0 ? this.passRead(u, row, transfer) : 0;
    const secure = Math.min(dt - transfer, this.secureLeft[u]!);
    this.secureLeft[u]! -= secure;
    this.beside.openings?.pass(u, row, transfer + secure);
    this.attribute(u, row, CAUSE.transfer, transfer);
    if (secure > 0) this.attribute(u, row, CAUSE.secure, secure);
    this.attribute(u, row, CAUSE.launch, dt - transfer - secure);
    this.spend(u, row, this.stalledWatts[u]! * (dt - asleep));
  }

  /** @returns seconds in which the unit slept. */
  private passRead(u: number, row: number, seconds: Seconds): Seconds {
    const { asleep, joules, bytes } = this.reads.pass(u, seconds, this.transferLeft[u]! <= 0);
    const { memory, fabricPerByte: fabric } = this.machine;
    if (this.withCpu[u]) this.pooledSeconds[u]! -= asleep;
    this.beside.read(asleep, joules);
    this.ledger.joules[row]! += joules;
    this.bookTraffic(u, bytes, bytes * memory.energyPerWriteByte, bytes * fabric);
    return asleep;
  }

  private passWork(u: number, dt: Seconds): void {
    const speed = this.paceOf(u);
    const row = this.row[u]!;
    const compute = this.cyclesLeft[u]! / speed;
    const stream = this.bytesLeft[u]! > 0 ? this.bytesLeft[u]! / this.rate[u]! : 0;
    this.workSeconds[u]! += dt;
    this.blame(u, row, dt, compute, stream);
    const cycles = Math.min(this.cyclesLeft[u]!, speed * dt);
    this.cyclesLeft[u]! -= cycles;
    const { matrixWatts, vectorWatts } = this;
    const perCycle = this.perCycle.joules(u, this.speed[u]!, matrixWatts[u]!, vectorWatts[u]!);
    this.spend(u, row, this.stalledWatts[u]! * dt + perCycle * cycles);
    this.moveBytes(u, Math.min(this.bytesLeft[u]!, this.rate[u]! * dt));
  }

  /** Time goes to whichever side ends last; of compute, the part that a thermal cap added goes to heat. */
  private blame(u: number, row: number, dt: Seconds, compute: Seconds, stream: Seconds): void {
    if (compute < stream) {
      this.waitingSeconds[u]! += dt;
      this.attribute(u, row, CAUSE.bandwidth, dt);
      return;
    }
    const uncapped = Math.max((compute * this.speed[u]!) / this.wantedSpeed[u]!, stream);
    const heat = compute > 0 ? dt * (1 - uncapped / compute) : 0;
    this.attribute(u, row, CAUSE.thermal, heat);
    this.attribute(u, row, CAUSE.compute, dt - heat);
    this.beside.hold(u, dt);
  }

  private attribute(u: number, row: number, cause: number, seconds: Seconds): void {
    this.ledger.addSeconds(row, cause, seconds);
    this.causeSeconds[u * CAUSES.length + cause]! += seconds;
  }

  private spend(u: number, row: number, joules: number): void {
    this.unitJoules[u]! += joules;
    this.ledger.joules[row]! += joules;
  }

  private moveBytes(u: number, bytes: number): void {
    if (bytes <= 0) return;
    const { memory, fabricPerByte, systemCache } = this.machine;
    const { dramReads, dramWrites, hitShare, guards } = this.traffic;
    const row = this.row[u]!;
    const reads = bytes * dramReads[u]!;
    const writes = bytes * dramWrites[u]!;
    const hits = bytes * hitShare[u]!;
    const cipher = bytes * (guards[u]?.cipherEnergy ?? 0);
    this.spend(u, row, bytes * (guards[u]?.decipherEnergy ?? 0));
    const memoryJoules =
      reads * memory.energyPerReadByte + writes * memory.energyPerWriteByte + cipher;
    const fabricJoules = bytes * fabricPerByte + hits * (systemCache?.energyPerByte ?? 0);
    this.bytesLeft[u]! -= bytes;
    this.cacheBytes += hits;
    this.bookTraffic(u, reads + writes, memoryJoules, fabricJoules);
  }

  private bookTraffic(u: number, bytes: number, memoryJoules: number, fabricJoules: number): void {
    const row = this.row[u]!;
    this.unitBytes[u]! += bytes;
    this.memoryJoules += memoryJoules;
    this.fabricJoules += fabricJoules;
    this.ledger.bytes[row]! += bytes;
    this.ledger.joules[row]! += memoryJoules + fabricJoules;
  }
}
