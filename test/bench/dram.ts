/** 64-byte accesses per second of the LPDDR transaction model on one core, by kind of traffic. */
import { CONTROLLERS } from '../../src/hardware/dram/controllers.ts';
import { buildFluidMemory } from '../../src/hardware/dram/fluid-memory.ts';
import { simulateMix } from '../../src/hardware/dram/mix-traffic.ts';
import { parseRequesters } from '../../src/hardware/dram/requester.ts';
import { simulateTraffic } from '../../src/hardware/dram/simulate.ts';
import { loadPreset } from '../support/dram.ts';
import { type BenchLine, medianSeconds } from './line.ts';

const ACCESSES = 200_000;
const TRAFFIC = {
  'read stream': 'seq;region=256M',
  'stream with a third of writes': 'seq;region=256M;wpct=33',
  'random reads': 'rand;region=1G',
  'random with a third of writes': 'rand;region=1G;wpct=33',
};

/** Peers on the same traffic: Ramulator 2.1, DRAMsim3 and gem5 reach 0.07 to 0.25 million per second. */
export function benchDram(): BenchLine[] {
  const preset = loadPreset('lpddr5-6400');
  const lines = Object.entries(TRAFFIC).map(([what, text]) => {
    const seconds = medianSeconds(() => {
      simulateTraffic({
        preset,
        channels: 1,
        map: 'A',
        controller: CONTROLLERS['ramulator2.1'].config,
        plan: { requesters: parseRequesters(text), window: 64, accesses: ACCESSES },
      });
    }, 3);
    const rate = ACCESSES / seconds / 1e6;
    return { what, value: `${rate.toFixed(2)} M/s`, note: '64-byte accesses, one channel' };
  });
  return [...lines, fluidLine()];
}

/** The same phase both ways: 20,000 accesses command by command against one look into the table. */
function fluidLine(): BenchLine {
  const preset = loadPreset('lpddr5x-8533');
  const memory = buildFluidMemory({ preset, channels: 4, interconnectLatency: 0 });
  const mix = { streams: 4, granularityBytes: 512, temperature: 45 };
  const transaction = medianSeconds(() => {
    const options = { channels: 4, accesses: 20_000, seed: 1 };
    simulateMix(preset, { ...mix, readShare: 0.75 }, options);
  }, 3);
  const evaluations = 200_000;
  const seconds = medianSeconds(() => {
    for (let i = 0; i < evaluations; i++) memory.efficiency({ ...mix, readShare: (i % 100) / 100 });
  }, 3);
  const rate = evaluations / seconds / 1e6;
  const ratio = transaction / (seconds / evaluations);
  return {
    what: 'fluid evaluations',
    value: `${rate.toFixed(1)} M/s`,
    note: `${Math.round(ratio / 1000)} thousand times as fast as the same phase by transactions`,
  };
}
