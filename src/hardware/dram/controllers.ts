/** Controllers by name: our own, and the peers it is checked against, each with what makes it differ. */
import { type Fault, SpecError } from '../../base/errors.ts';
import type { Entry } from '../../base/registry.ts';
import { BankQueueController } from './bank-queue-controller.ts';
import { BurstController } from './burst-controller.ts';
import { CommandController } from './command-controller.ts';
import type { ChannelController, CompletionSink } from './controller.ts';
import { type ControllerConfig, NEVER } from './controller-config.ts';
import type { DramDevice } from './device.ts';

export interface ControllerEntry extends Entry {
  readonly config: ControllerConfig;
}

const mobile: ControllerConfig = {
  structure: 'command',
  readQueue: 64,
  writeQueue: 64,
  refresh: 'per-bank',
  refreshPairs: true,
  refreshHolds: 'bank',
  page: 'open',
  closeAfter: 16,
  protectHits: true,
  boundsWait: true,
  drainAbove: 0.8,
  drainBelow: 0.2,
  minimumWrites: 16,
  staticLatency: 0,
  wckSync: true,
  splitActivate: true,
  looseRanks: false,
  powerDownAfter: NEVER,
  selfRefreshAfter: NEVER,
  bankQueue: 8,
  hitCap: 4,
  idleDrain: 8,
};

export const CONTROLLERS = {
  mobile: {
    summary:
      'command arbitration, 64 + 64 bursts, open rows, REFpb on bank pairs while the others work',
    config: mobile,
  },
  'ramulator2.1': {
    summary: 'Ramulator 2.1: 32 + 32 bursts, FR-FCFS that keeps rows with older hits, REFab',
    config: {
      ...mobile,
      readQueue: 32,
      writeQueue: 32,
      refresh: 'all-bank',
      refreshPairs: false,
      refreshHolds: 'channel',
      boundsWait: false,
      looseRanks: true,
    },
  },
  dramsim3: {
    summary: 'DRAMsim3: 32 + 32 bursts before 16 bank queues of 8, row-hit cap 4, REFab',
    config: {
      ...mobile,
      structure: 'bank-queues',
      readQueue: 32,
      writeQueue: 32,
      refresh: 'all-bank',
      refreshHolds: 'channel',
      wckSync: false,
      splitActivate: false,
    },
  },
  gem5: {
    summary: 'gem5 24.0: picks bursts for the bus, 64 + 64, rows close without hits, REFab',
    config: {
      ...mobile,
      structure: 'burst',
      refresh: 'all-bank',
      refreshHolds: 'channel',
      page: 'close-adaptive',
      drainAbove: 0.85,
      drainBelow: 0.5,
      splitActivate: false,
    },
  },
} as const satisfies Record<string, ControllerEntry>;
export type ControllerName = keyof typeof CONTROLLERS;

/**
 * Builds one channel's controller.
 * @throws SpecError for what the peer it stands for cannot do, instead of doing something else in silence.
 */
export function buildController(
  device: DramDevice,
  config: ControllerConfig,
  sink: CompletionSink,
): ChannelController {
  refuseUnknown(device, config);
  if (config.structure === 'burst') return new BurstController(device, config, sink);
  const spaced = withoutHoles(device);
  if (config.structure === 'bank-queues') return new BankQueueController(spaced, config, sink);
  return new CommandController(config.looseRanks ? looseRanks(spaced) : spaced, config, sink);
}

/**
 * Column commands no closer than their data: BL32 of bank-group mode leaves a hole for a second burst and then needs as
 * long again. Who arbitrates commands takes the mean, one burst per four cycles, instead of pairs.
 */
function withoutHoles(device: DramDevice): DramDevice {
  const { timing, burstBytes, peak, tCK } = device;
  const cycles = Math.ceil(burstBytes / (peak * tCK) - 1e-6);
  if (cycles <= timing.nCCDS) return device;
  return { ...device, timing: { ...timing, nCCDS: cycles } };
}

function refuseUnknown({ ranks }: DramDevice, config: ControllerConfig): void {
  const { structure, refresh, page } = config;
  const faults: Fault[] = [];
  if (structure === 'burst' && ranks > 1) {
    const message =
      'the gem5 controller keeps time for one rank; no run to check two of them against is known';
    faults.push({ message, expected: '1 rank', got: `${ranks}` });
  }
  if (structure !== 'command' && refresh === 'per-bank') {
    const message = `the ${PEERS[structure]} controller refreshes all banks at once`;
    faults.push({ message, expected: 'all-bank or none', got: refresh });
  }
  if (structure === 'bank-queues' && page !== 'open') {
    const message = `the ${PEERS[structure]} controller leaves rows open`;
    faults.push({ message, expected: 'open', got: page });
  }
  if (faults.length > 0) throw new SpecError(faults);
}

/** Whose structure it is. */
const PEERS = { 'bank-queues': 'dramsim3', burst: 'gem5' } as const;

/**
 * The timing Ramulator 2.1 applies where it is looser than JESD209-5: between ranks only the gap on the bus after
 * reads and nothing between writes, and REFab tRPpb (not tRPab) after PREab.
 */
function looseRanks(device: DramDevice): DramDevice {
  const { timing } = device;
  const { nRTRO, nRL, nWL, nBLmin, nRPpb } = timing;
  const loose = { nRTWO: nRTRO, nWTRO: nRL + nRTRO - nWL, nWTWO: nBLmin, nRPREF: nRPpb };
  return { ...device, timing: { ...timing, ...loose } };
}
