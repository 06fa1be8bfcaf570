/** What DRAM tests share: bundled presets, a device under test, and an independent watch over every command. */
import { readFileSync } from 'node:fs';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { ChannelState } from '../../src/hardware/dram/channel-state.ts';
import type { ChannelController } from '../../src/hardware/dram/controller.ts';
import { CONTROLLERS } from '../../src/hardware/dram/controllers.ts';
import {
  buildDevice,
  type DeviceOptions,
  type DramDevice,
} from '../../src/hardware/dram/device.ts';
import { type LpddrPreset, parseLpddrPreset } from '../../src/hardware/dram/preset.ts';
import { parseRequesters } from '../../src/hardware/dram/requester.ts';
import type { TrafficOptions } from '../../src/hardware/dram/simulate.ts';

const folder = new URL('../../socs/lpddr/', import.meta.url);

export function presetText(name: string): string {
  return readFileSync(new URL(`${name}.yaml`, folder), 'utf8');
}

export function loadPreset(name: string): LpddrPreset {
  return parseLpddrPreset(parseSpecFile(presetText(name), `${name}.yaml`));
}

export function deviceOf(name: string, options: DeviceOptions = {}): DramDevice {
  return buildDevice(loadPreset(name), options);
}

export type CommandName = 'ACT' | 'PRE' | 'PREab' | 'RD' | 'WR' | 'RDA' | 'WRA' | 'REFab' | 'REFpb';

/** A device that is probed and told, and refuses what comes too early. */
export class DeviceUnderTest {
  readonly state: ChannelState;

  constructor(device: DramDevice) {
    this.state = new ChannelState(device);
  }

  /** Read-only: the first cycle at which the command is legal. */
  probe(command: CommandName, bank: number): number {
    const { state } = this;
    const rank = state.rankOf[bank] as number;
    const earliest: Record<CommandName, () => number> = {
      ACT: () => state.activateReady(bank),
      PRE: () => state.prechargeReady(bank),
      PREab: () => state.prechargeAllReady(rank),
      RD: () => state.readReady(bank),
      WR: () => state.writeReady(bank),
      RDA: () => state.readReady(bank),
      WRA: () => state.writeReady(bank),
      REFab: () => state.refreshReady(rank),
      REFpb: () => state.refreshBankReady(bank),
    };
    return earliest[command]();
  }

  issue(command: CommandName, bank: number, now: number, row = 0): void {
    const { state } = this;
    if (now < this.probe(command, bank)) throw new Error(`${command} is too early at ${now}`);
    const rank = state.rankOf[bank] as number;
    const act: Record<CommandName, () => void> = {
      ACT: () => {
        state.activate(bank, row, now);
        state.activated(bank);
      },
      PRE: () => state.precharge(bank, now),
      PREab: () => state.prechargeAll(rank, now),
      RD: () => state.read(bank, now),
      WR: () => state.write(bank, now),
      RDA: () => state.read(bank, now, true),
      WRA: () => state.write(bank, now, true),
      REFab: () => state.refreshAll(rank, now),
      REFpb: () => state.refreshBank(bank, now),
    };
    act[command]();
  }
}

export interface Watched {
  readonly command: CommandName;
  readonly bank: number;
  readonly row: number;
  readonly cycle: number;
}

/** Records every command that a controller gives its device. */
export function watch(controller: ChannelController): Watched[] {
  const seen: Watched[] = [];
  const { state } = controller;
  const note = (command: CommandName, bank: number, cycle: number, row = -1) =>
    seen.push({ command, bank, row, cycle });
  const activate = state.activate.bind(state);
  state.activate = (bank, row, now) => {
    note('ACT', bank, now, row);
    activate(bank, row, now);
  };
  const precharge = state.precharge.bind(state);
  state.precharge = (bank, now) => {
    note('PRE', bank, now);
    precharge(bank, now);
  };
  const prechargeAll = state.prechargeAll.bind(state);
  state.prechargeAll = (rank, now) => {
    note('PREab', rank * state.banksPerRank, now);
    prechargeAll(rank, now);
  };
  const read = state.read.bind(state);
  state.read = (bank, now, close = false) => {
    note(close ? 'RDA' : 'RD', bank, now, state.openRow[bank] as number);
    read(bank, now, close);
  };
  const write = state.write.bind(state);
  state.write = (bank, now, close = false) => {
    note(close ? 'WRA' : 'WR', bank, now, state.openRow[bank] as number);
    write(bank, now, close);
  };
  const refreshAll = state.refreshAll.bind(state);
  state.refreshAll = (rank, now) => {
    note('REFab', rank * state.banksPerRank, now);
    refreshAll(rank, now);
  };
  const refreshBank = state.refreshBank.bind(state);
  state.refreshBank = (bank, now) => {
    note('REFpb', bank, now);
    refreshBank(bank, now);
  };
  return seen;
}

/** Traffic on one channel of LPDDR5-6400 with Ramulator's controller, unless told otherwise. */
export function trafficOptions(
  requesters: string,
  more: Partial<TrafficOptions> & { readonly accesses?: number; readonly window?: number } = {},
): TrafficOptions {
  const { accesses = 3000, window = 64, ...options } = more;
  return {
    preset: loadPreset('lpddr5-6400'),
    channels: 1,
    map: 'A',
    controller: CONTROLLERS['ramulator2.1'].config,
    plan: { requesters: parseRequesters(requesters), window, accesses },
    ...options,
  };
}
